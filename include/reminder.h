/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When to say something again that lasts: at once, then at growing intervals, so that
 * the log of a day shows it without being made of it.
 */
#ifndef WCCPD_REMINDER_H
#define WCCPD_REMINDER_H

#include "mono.h"

#include <stdbool.h>

/* All zero: nothing has been said yet. */
struct reminder {
	unsigned said;
	struct mono next;
};

/* Is it time to say it?  If so, that counts as said: the next time is 10 minutes later,
 * then 30, then every 60. */
bool reminder_due(struct reminder *r, struct mono now);
/* It is over; should it come back, that is said at once. */
void reminder_reset(struct reminder *r);

#endif
