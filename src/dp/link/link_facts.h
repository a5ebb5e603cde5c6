/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads facts about the host: how routers and other web-caches are reached. */
#ifndef WCCPD_DP_LINK_LINK_FACTS_H
#define WCCPD_DP_LINK_LINK_FACTS_H

#include "dp/plan/facts.h"
#include "dp/plan/plan.h"
#include "err.h"

struct nl_sock;

/* By which interfaces what is sent to routers and other web-caches leaves. */
void link_facts_ways(struct nl_sock *sock, const struct plan *plan, struct facts *out);
/* MAC addresses of the routers that agreed on L2.  The kernel is made to ask for those
 * that it does not know, but this does not wait for the answers. */
int link_facts_macs(struct nl_sock *sock, const struct plan *plan, struct facts *out,
		    struct err *err);
/* Is an address on a link of these, with no gateway between? */
bool link_facts_is_near(struct nl_sock *sock, const struct facts *facts,
			const struct addr *a);

#endif
