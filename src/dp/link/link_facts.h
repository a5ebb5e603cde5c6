/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads facts about the host: interface, own prefixes, MAC addresses of routers. */
#ifndef WCCPD_DP_LINK_LINK_FACTS_H
#define WCCPD_DP_LINK_LINK_FACTS_H

#include "dp/plan/facts.h"
#include "dp/plan/plan.h"
#include "err.h"

struct nl_sock;

int link_facts_interface(struct nl_sock *sock, const char *name, struct facts *out,
			 struct err *err);
/* MAC addresses of the routers that agreed on L2.  The kernel is made to ask for those
 * that it does not know, but this does not wait for the answers. */
int link_facts_macs(struct nl_sock *sock, const struct plan *plan, struct facts *out,
		    struct err *err);

#endif
