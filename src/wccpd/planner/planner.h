/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From configuration, groups and health to the desired state of the kernel. */
#ifndef WCCPD_WCCPD_PLANNER_PLANNER_H
#define WCCPD_WCCPD_PLANNER_PLANNER_H

#include "cache.h"
#include "dp/plan/plan.h"
#include "wccpd/conf/conf.h"

/* Start a plan without services, pools and routers: fills in what does not come from
 * groups, such as interface, mark and table. */
void planner_begin(const struct conf *conf, struct plan *out);
/* One service, its routers and the other web-caches.  `earlier` is the plan of the process
 * before: what it says of a router counts until that router has been heard.  NULL: there
 * is none, or its time is over. */
void planner_add_service(const struct conf_service *conf,
			 const struct cache_status *status, const struct plan *earlier,
			 struct plan *out);
/* Last: routers of this service, the `service`-th of the plan, that have not answered yet;
 * what they send by GRE is taken if they use the address that is configured. */
void planner_add_guesses(const struct conf_service *conf, unsigned service,
			 struct plan *out);
/* An instance of `pool` that has not been looked at yet: it goes on taking connections if
 * it did in the earlier plan, by the same listener. */
void planner_keep_instance(const struct plan *earlier, unsigned instance,
			   struct plan_pool *pool);

#endif
