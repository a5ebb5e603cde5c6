/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks for a reconciliation (see reconcile.h), from wherever something changes. */
#ifndef WCCPD_WCCPD_REPLAN_H
#define WCCPD_WCCPD_REPLAN_H

#include "wccpd/daemon.h"

/* From the event loop, after the present callback; several requests are one. */
static inline void replan_soon(struct daemon *d)
{
	struct timeval soon = { 0, 0 };

	evtimer_add(d->replan, &soon);
}

#endif
