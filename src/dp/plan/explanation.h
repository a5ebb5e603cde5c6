/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What would become of a connection, as the data plane has it. */
#ifndef WCCPD_DP_PLAN_EXPLANATION_H
#define WCCPD_DP_PLAN_EXPLANATION_H

#include "dp/plan/plan.h"

enum { DP_RANKS_MAX = 8 };

/* The first packet of a TCP connection, IPv4.  Ports in host order; source port 0: not
 * known. */
struct dp_connection {
	struct addr src, dst;
	uint16_t sport, dport;
};

/* A listener that may take it. */
struct dp_rank {
	char instance[32];
	bool listens;
};

struct dp_share {
	char instance[32];
	unsigned buckets; /* that it takes now */
};

/* Services are positions in the newest plan. */
struct dp_explanation {
	/* Why no such packet is taken, whatever the service; NULL: nothing is against it.
	 * Static text. */
	const char *against;
	/* All that it fits; the first one has it. */
	unsigned n_fitting, fitting[PLAN_MAX_SERVICES];
	/* Of that service.  Slots are hash buckets, or values of the mask. */
	unsigned slot, alternate;
	struct addr former; /* the web-cache that had the slot before us; unset: none */
	/* Who takes a new one here; best first. */
	char pool[32]; /* empty: none */
	unsigned bucket, n_buckets; /* of the pool; these are not those of WCCP */
	unsigned n_ranks;
	struct dp_rank ranks[DP_RANKS_MAX];
	/* The same for all buckets: what holds whatever the source port. */
	unsigned n_shares;
	struct dp_share shares[PLAN_MAX_INSTANCES];
};

#endif
