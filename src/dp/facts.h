/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the drivers need to know of the host beside the plan.  link_stage() fills
 * it in; the rendering takes it as an argument and so stays pure.
 */
#ifndef WCCPD_DP_FACTS_H
#define WCCPD_DP_FACTS_H

#include "dp/plan.h"
#include "kernel/neighbours.h"

enum { FACTS_MAX_PREFIXES = 1024 };

/* A prefix of the kernel's local table: addresses that are the box's own. */
struct facts_prefix {
	struct addr addr;
	unsigned bits;
};

struct facts {
	unsigned ifindex, mtu; /* of plan.interface; MTU in octets of IP packet */
	/* Per plan.routers: the MAC address of `address` on that interface. */
	struct {
		enum neighbour_state state;
		uint8_t octets[6]; /* if NEIGHBOUR_KNOWN */
	} macs[PLAN_MAX_ROUTERS];
	unsigned n_own_prefixes;
	struct facts_prefix own_prefixes[FACTS_MAX_PREFIXES];
};

#endif
