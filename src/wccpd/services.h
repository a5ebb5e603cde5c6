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

/* One event for one service; what it asks for is done. */
void services_step(struct daemon *d, struct service *s, const struct cache_event *ev);
/* What the network says of datagrams to a router, whichever service they were of.  Static
 * text. */
void services_tell_unreachable(struct daemon *d, const struct addr *router,
			       const char *why);
/* After every batch of steps: whoever has said goodbye is freed, the timer follows the
 * deadlines, and a stop ends once nobody has anything left to say. */
void services_settle(struct daemon *d);
/* Has nobody anything left to say? */
bool services_are_quiet(const struct daemon *d);

/* What a configuration needs beyond what is there: by its position there, a new cache, or
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
/* Or give them up. */
void services_discard(struct services_next *next);

#endif
