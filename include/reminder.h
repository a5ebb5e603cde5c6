/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When to log a lasting problem again: at once, then at growing intervals, so that a
 * day's log shows it without being flooded.
 */
#ifndef WCCPD_REMINDER_H
#define WCCPD_REMINDER_H

#include "mono.h"

#include <stdbool.h>

/* All zero: nothing has been logged yet. */
struct reminder {
	unsigned said;
	struct mono next;
};

/* Is it time to log it?  If so, the caller must: the next time is 10 minutes later,
 * then 30, then every 60. */
bool reminder_due(struct reminder *r, struct mono now);
/* The problem is over; if it comes back, it is logged at once. */
void reminder_reset(struct reminder *r);

#endif
