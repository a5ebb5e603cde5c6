/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From configuration, groups and health to the desired state of the kernel. */
#ifndef WCCPD_WCCPD_PLANNER_H
#define WCCPD_WCCPD_PLANNER_H

#include "cache.h"
#include "dp/plan/plan.h"
#include "wccpd/conf/conf.h"

/* The parts that do not come from groups: interface, mark, table.  Starts a plan
 * without services, pools and routers. */
void planner_begin(const struct conf *conf, struct plan *out);
/* One service, its routers and the other web-caches. */
void planner_add_service(const struct conf_service *conf,
			 const struct cache_status *status, struct plan *out);

#endif
