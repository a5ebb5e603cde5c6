/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's services: feeding them, and following the configuration. */
#ifndef WCCPD_WCCPD_SERVICES_H
#define WCCPD_WCCPD_SERVICES_H

#include "cache.h"
#include "dp/plan/plan.h"
#include "err.h"

#include <stdbool.h>

struct conf;
struct daemon;
struct service;

/* Feed one event to one service and carry out the actions. */
void services_step(struct daemon *d, struct service *s, const struct cache_event *ev);
/* Pass on what the network reports about datagrams to a router, whichever service they
 * were for.  Static text. */
void services_tell_unreachable(struct daemon *d, const struct addr *router,
			       const char *why);
/* Routes have changed: what could not be sent may arrive now. */
void services_tell_reachable(struct daemon *d);
/* To be called after every batch of steps: frees services that have withdrawn, sets the
 * timer, and ends a stop once nothing is left to be sent. */
void services_settle(struct daemon *d);
/* Has every service sent all it had to send? */
bool services_are_quiet(const struct daemon *d);

/* What a configuration needs in addition to what exists: by position, a new cache, or
 * NULL for a service that stays. */
struct services_next {
	struct cache *fresh[PLAN_MAX_SERVICES];
};

/* Make it.  Changes nothing; fails only when memory is short. */
int services_prepare(struct daemon *d, const struct conf *conf,
		     struct services_next *next, struct err *err);
/* Follow the configuration, which must live on; takes the caches over. */
void services_commit(struct daemon *d, const struct conf *conf,
		     const struct services_next *next);
/* Or discard them. */
void services_discard(struct services_next *next);

#endif
