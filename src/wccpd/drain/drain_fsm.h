/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leaving a service group in order: draining a service.  Pure: takes what was seen and
 * the time, and says what to do.
 *
 *            wanted               no flow is left, or drain-time is over
 *   off ─────────────> draining ───────────────────────────────────────> left
 *    ^                     │                                              │
 *    └─────────────────────┴──────────── no longer wanted ────────────────┘
 *
 * While draining, the weight announced is 0: the designated web-cache gives our slots
 * to others, and packets of flows that have a socket here still come here.  New
 * connections are served until others have the slots.  From then on, or if there is
 * nobody to take over, they go back to the routers: otherwise it would never end.  Only
 * then can there be no flow any more, and the service is withdrawn.  A service without
 * flows waits for the slots to move, too: until they have, routers send the packets of a
 * web-cache that left to nobody, also those that it would hand over.
 */
#ifndef WCCPD_WCCPD_DRAIN_DRAIN_FSM_H
#define WCCPD_WCCPD_DRAIN_DRAIN_FSM_H

#include "mono.h"

#include <stdbool.h>
#include <stdint.h>

/* From when we learn that others have our slots until new connections go back. */
enum { DRAIN_SETTLE_MS = 1000 };

enum drain_state { DRAIN_OFF, DRAIN_DRAINING, DRAIN_LEFT };

struct drain {
	enum drain_state state;
	const char *why;       /* static storage; NULL while off */
	struct mono since;     /* in this state */
	struct mono until;     /* draining: when drain-time is over */
	struct mono moved_by;  /* draining: when others should have our slots */
	struct mono settled_at; /* draining: when they have had them for a while */
	unsigned flows;	       /* draining: as last counted */
	bool returns;	       /* new connections go back to the routers */
};

/* What is to be known for a step. */
struct drain_facts {
	const char *why; /* static storage; NULL: nobody wants the service to leave */
	bool stays;	 /* gives its share away, but never withdraws */
	bool at_once;	 /* without regard to flows */
	bool announced;	 /* routers know of us */
	bool gone;	 /* there is no process left that could serve a flow */
	bool may_return; /* new connections may go past the web-cache */
	bool others;	 /* some other web-cache can take over */
	bool moved;	 /* routers say that we have no slots */
	bool returning;	 /* the kernel does what `returns` says */
	unsigned flows;	 /* open ones; counted after all the above */
	int64_t time_ms; /* drain-time */
	int64_t move_ms; /* how long others may take to get our slots */
};

void drain_init(struct drain *d, struct mono now);
/* Returns true when the state or `returns` has changed. */
bool drain_step(struct drain *d, const struct drain_facts *f, struct mono now);

/* Time left to drain, in ms; -1: no limit. */
int64_t drain_left_ms(const struct drain *d, struct mono now);
const char *drain_state_name(enum drain_state s);

#endif
