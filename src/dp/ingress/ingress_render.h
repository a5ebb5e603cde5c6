/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the plan to the configuration of the ingress program.  Pure.
 */
#ifndef WCCPD_DP_INGRESS_INGRESS_RENDER_H
#define WCCPD_DP_INGRESS_INGRESS_RENDER_H

#include "bpf/ingress/ingress_maps.h"
#include "dp/plan/facts.h"
#include "dp/plan/plan.h"

/* `counters[i]` is the index of the counters of plan.services[i]. */
void ingress_render(const struct plan *plan, const struct facts *facts,
		    const uint32_t *counters, struct ingress_config *out);

#endif
