/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does the kernel really deliver what routers redirect to a service?  Pure: takes what
 * was seen and the time, and says what to do.
 *
 *   unproven --proof arrives--> good <--------------- proof arrives ---------------+
 *       |                        |  ^                                              |
 *       |                  proof fails  proof arrives                              |
 *       |                        v  |                                              |
 *       |                     doubtful --fails again, or clients are seen to fail--> failing
 *       |                                                                          |
 *       +--(never announced before good)              hold is over: withdrawn <----+
 *
 * While it is failing, new connections are returned to the routers, so that clients
 * reach the origin; when the hold is over, the service is withdrawn.  If clients fail
 * although proofs arrive (a packet filter that depends on their address), the clients
 * count, and are tried again after a pause that doubles each time.
 */
#ifndef WCCPD_WCCPD_DELIVERY_DELIVERY_FSM_H
#define WCCPD_WCCPD_DELIVERY_DELIVERY_FSM_H

#include "mono.h"

#include <stdbool.h>

enum delivery_state {
	DELIVERY_UNPROVEN,
	DELIVERY_GOOD,
	DELIVERY_DOUBTFUL,
	DELIVERY_FAILING,
	DELIVERY_WITHDRAWN,
};

enum {
	DELIVERY_HOLD_MS = 3000,   /* failing, until it is withdrawn */
	DELIVERY_PAUSE_MS = 10000, /* before clients are tried again; doubles */
	DELIVERY_PAUSE_MAX_MS = 300000,
	DELIVERY_CALM_MS = 60000, /* good for this long: reset the pause */
};

struct delivery {
	enum delivery_state state;
	struct mono since;
	char reason[256];	/* while not good */
	bool by_clients;	/* it was clients that failed, not a proof */
	struct mono hold_until; /* failing */
	struct mono retry_at;	/* by_clients: to be tried with clients then */
	unsigned pause_ms;
};

void delivery_init(struct delivery *d, struct mono now);

/* A proof arrived, or it did not (`reason` says why).  These and the next return true when
 * the state has changed. */
bool delivery_proven(struct delivery *d, struct mono now);
bool delivery_refuted(struct delivery *d, const char *reason, struct mono now);

/* Connections of clients were delivered but not answered. */
bool delivery_clients_fail(struct delivery *d, const char *reason, struct mono now);

/* Something has changed that may have helped: try clients again at once, not after the
 * pause. */
void delivery_retry(struct delivery *d, struct mono now);

/* Time passes. */
bool delivery_tick(struct delivery *d, struct mono now);
struct mono delivery_deadline(const struct delivery *d);

/* May routers be told that the service is here? */
bool delivery_may_announce(const struct delivery *d);
/* Should new connections be returned? */
bool delivery_holds(const struct delivery *d);
/* Should the next proof be sent at once? */
bool delivery_is_urgent(const struct delivery *d);

const char *delivery_state_name(enum delivery_state s);

#endif
