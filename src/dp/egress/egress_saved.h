/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the egress driver must know of its state in the kernel after a restart. */
#ifndef WCCPD_DP_EGRESS_EGRESS_SAVED_H
#define WCCPD_DP_EGRESS_EGRESS_SAVED_H

#include "dp/egress/egress_links.h"
#include "dp/plan/plan.h"
#include "kernel/tc.h"

#include <linux/types.h>

enum { EGRESS_PORTS = PLAN_MAX_SERVICES * WCCP_MAX_PORTS };

/* To which ports the MSS is limited, and to what. */
struct egress_limits {
	uint16_t mss; /* host order */
	__be16 ethertype;
	unsigned n;
	__be16 ports[EGRESS_PORTS];
};

struct egress_saved {
	struct egress_limits limits; /* as they are in the map */
	unsigned n;
	struct tc_filter filters[EGRESS_LINKS_MAX];
};

#endif
