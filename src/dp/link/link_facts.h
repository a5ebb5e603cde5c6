/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads facts about the host: how routers and other web-caches are reached. */
#ifndef WCCPD_DP_LINK_LINK_FACTS_H
#define WCCPD_DP_LINK_LINK_FACTS_H

#include "dp/plan/facts.h"
#include "dp/plan/plan.h"
#include "err.h"

struct nl_sock;

/* The interfaces by which packets to routers and other web-caches leave. */
void link_facts_ways(struct nl_sock *sock, const struct plan *plan, struct facts *out);
/* MAC addresses of the routers that agreed on L2.  Makes the kernel ask for those that
 * it does not know, but does not wait for the answers. */
int link_facts_macs(struct nl_sock *sock, const struct plan *plan, struct facts *out,
		    struct err *err);
/* Is an address on one of these links, without a gateway in between, and one on which
 * frames reach us whatever IP packet they carry? */
bool link_facts_is_near(struct nl_sock *sock, const struct facts *facts,
			const struct addr *a);

#endif
