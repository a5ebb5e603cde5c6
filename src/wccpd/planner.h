/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From configuration, groups and health to the desired state of the kernel. */
#ifndef WCCPD_WCCPD_PLANNER_H
#define WCCPD_WCCPD_PLANNER_H

#include "cache.h"
#include "dp/plan/plan.h"
#include "wccpd/conf/conf.h"

/* Start a plan without services, pools and routers: fills in what does not come from
 * groups, such as interface, mark and table. */
void planner_begin(const struct conf *conf, struct plan *out);
/* One service, its routers and the other web-caches. */
void planner_add_service(const struct conf_service *conf,
			 const struct cache_status *status, struct plan *out);

#endif
