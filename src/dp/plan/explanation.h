/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What would become of a connection, as the data plane has it. */
#ifndef WCCPD_DP_PLAN_EXPLANATION_H
#define WCCPD_DP_PLAN_EXPLANATION_H

#include "dp/plan/plan.h"

enum { DP_RANKS_MAX = 8, DP_PARTS = 4096 };

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
	unsigned parts; /* of all connections, that it takes now */
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
	char pool[32];	 /* empty: none */
	enum plan_spread spread;
	bool decided;	 /* by what is known of the connection; else there are no ranks */
	unsigned n_ranks;
	struct dp_rank ranks[DP_RANKS_MAX];
	/* The same for all connections; with STEER_BY_CPU, for all processors. */
	unsigned n_shares, n_parts;
	struct dp_share shares[PLAN_MAX_INSTANCES];
};

#endif
