/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data plane: the only door between the daemon and the kernel's packet path.
 */
#ifndef WCCPD_DP_DP_H
#define WCCPD_DP_DP_H

#include "dp/plan.h"
#include "err.h"

struct dp;

/* Load the programs and attach them to nothing yet. -1 when the kernel cannot
 * (err says what is missing). */
int dp_open(struct dp **out, struct err *err);

/*
 * Make the kernel equal to the plan.  Idempotent: applying the same plan again
 * changes nothing.  On failure what was there before stays in force, and the
 * caller tries again later.  The plan is not kept.
 */
int dp_apply(struct dp *dp, const struct plan *plan, struct err *err);

/*
 * What the newest dp_apply() could not do although it succeeded: an instance whose
 * port is not transparent, an L2 router that does not answer ARP.  Empty when there
 * is nothing; the last one when there are several.  Applying again later may help.
 */
const char *dp_trouble(const struct dp *dp);

/*
 * Has the kernel been asked for something that it does not know yet, as the MAC address
 * of an L2 router?  dp_apply() never waits: apply again when a neighbour has changed
 * (kernel/rtnl_monitor.h), which takes up to three seconds when nobody answers.
 */
bool dp_is_waiting(const struct dp *dp);

/* Remove everything that dp_apply() made, and free. */
void dp_close(struct dp *dp);

enum {
	DP_REASONS_MAX = 32,
	DP_NO_SERVICE = 0xffff, /* in place of a service: packets that fit none */
};

/*
 * Packets since dp_open(), per plan service (by position in the newest plan).  What was
 * redirected or came from another web-cache is counted under exactly one reason.
 */
struct dp_counters {
	uint64_t redirected; /* arrived from a router, by GRE or L2 */
	uint64_t redirected_octets;
	uint64_t other_caches; /* handed over to us by another web-cache */
	uint64_t delivered;    /* to a local instance: known flow or new one */
	uint64_t new_flows;    /* of these: SYNs */
	uint64_t completed;    /* handshakes */
	uint64_t returned;     /* to the router */
	uint64_t handed_over;  /* to another web-cache */
	uint64_t dropped;
	uint64_t odd_header; /* the redirect header did not name that service */
	uint64_t by_reason[DP_REASONS_MAX];
};
int dp_get_counters(struct dp *dp, unsigned service, struct dp_counters *out);
/* The name of an entry of by_reason: "returned-pool-down" and so on; NULL: unused. */
const char *dp_reason_name(unsigned reason);

/* New connections of each instance of a pool since dp_open(). */
int dp_get_new_connections(struct dp *dp, const struct plan *plan, unsigned pool,
			   uint64_t out[PLAN_MAX_INSTANCES]);

#endif
