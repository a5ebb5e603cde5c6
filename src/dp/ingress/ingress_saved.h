/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the ingress driver must know of its state in the kernel after a restart. */
#ifndef WCCPD_DP_INGRESS_INGRESS_SAVED_H
#define WCCPD_DP_INGRESS_INGRESS_SAVED_H

#include "bpf/ingress/ingress_maps.h"
#include "dp/plan/plan.h"
#include "kernel/tc.h"

/* A service keeps its counters for as long as it is planned, whatever its position. */
struct ingress_counters_owner {
	bool used;
	uint8_t type, id;
};

/* Which counters the services of a plan have, by position. */
struct ingress_counters_owners {
	unsigned n_services;
	uint32_t of_service[INGRESS_SERVICES];
	struct ingress_counters_owner list[INGRESS_SERVICES];
};

struct ingress_saved {
	struct ingress_counters_owners owners;
	struct tc_filter filters[2 * PLAN_MAX_INTERFACES];
};

#endif
