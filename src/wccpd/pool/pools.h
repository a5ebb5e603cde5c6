/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All pools of local instances at run time, and the scan that finds sockets. */
#ifndef WCCPD_WCCPD_POOL_POOLS_H
#define WCCPD_WCCPD_POOL_POOLS_H

#include "dp/plan/plan.h"
#include "wccpd/conf/conf.h"
#include "wccpd/pool/instance.h"

#include <event2/event.h>

struct pool {
	const struct conf_pool *conf;
	unsigned n_instances;
	struct instance *instances[PLAN_MAX_INSTANCES];
};

struct pools;
typedef void pools_changed(void *arg);

/* `changed` is called when a plan made before may be out of date. */
struct pools *pools_new(struct event_base *base, pools_changed *changed, void *arg);
void pools_free(struct pools *ps);

/* What a configuration needs in addition to what exists. */
struct pools_next;
/* Make it.  Changes nothing; NULL when memory is short. */
struct pools_next *pools_prepare(struct pools *ps, const struct conf *conf,
				 struct err *err);
/* Follow that configuration (not owned; must live until the next one is followed).
 * Instances known by pool, name and port, or by port and check, keep their health and
 * sockets. */
void pools_commit(struct pools *ps, struct pools_next *next);
/* Or discard it. */
void pools_discard(struct pools_next *next);

unsigned pools_count(const struct pools *ps);
const struct pool *pools_get(const struct pools *ps, unsigned i);

struct pools_strength {
	unsigned up, all;		/* instances */
	uint32_t up_weight, all_weight; /* of these */
};
struct pools_strength pools_strength(const struct pool *p);
bool pools_may_be_up(const struct pool *p);
/* Since when has the oldest process of those that count been running?  -1: not known. */
int64_t pools_age_ms(const struct pool *p);
/* Is there no process left that may have connections? */
bool pools_are_gone(const struct pool *p);
void pools_fill_plan(const struct pool *p, struct plan_pool *out);

/* What an operator wants of POOL/INSTANCE.  -1: there is none of that name. */
int pools_want(struct pools *ps, const char *name, enum instance_wanted wanted,
	       struct err *err);

#endif
