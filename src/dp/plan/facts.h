/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the drivers need to know of the host beside the plan.  link_stage() fills
 * it in; the rendering takes it as an argument and so stays pure.
 */
#ifndef WCCPD_DP_PLAN_FACTS_H
#define WCCPD_DP_PLAN_FACTS_H

#include "dp/plan/plan.h"
#include "kernel/neighbours.h"

enum { FACTS_MAX_PREFIXES = 1024 };

/* Addresses of which redirected packets are not to be expected. */
struct facts_prefix {
	struct addr addr;
	unsigned bits;
	uint8_t place; /* enum ingress_place */
};

struct facts {
	unsigned ifindex, mtu; /* of plan.interface; MTU in octets of IP packet */
	uint8_t own_mac[6];    /* of plan.interface */
	bool forwards;	       /* sends on what it receives for others */
	/* A made-up MAC address, from which proofs of delivery come. */
	uint8_t proof_mac[6];
	/* Per plan.routers: the MAC address of `address` on that interface. */
	struct {
		enum neighbour_state state;
		uint8_t octets[6]; /* if NEIGHBOUR_KNOWN */
	} macs[PLAN_MAX_ROUTERS];
	unsigned n_own_prefixes;
	struct facts_prefix own_prefixes[FACTS_MAX_PREFIXES];
};

/* The MSS with which full segments fit when they come wrapped in GRE; 0: the interface's
 * MTU is too small for any. */
static inline unsigned facts_mss_wrapped(const struct facts *facts)
{
	enum {
		IP_AND_TCP_HEADER = 40,
		GRE_WRAPPING = 28, /* outer IPv4 header, GRE, redirect header */
		MTU_SANE = 576,
	};
	unsigned least = facts->mtu < UINT16_MAX ? facts->mtu : UINT16_MAX;

	return least >= MTU_SANE ? least - GRE_WRAPPING - IP_AND_TCP_HEADER : 0;
}

#endif
