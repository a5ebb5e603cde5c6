/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the drivers need to know about the host, besides the plan.  link_stage() fills
 * it in; the rendering takes it as an argument and so stays pure.
 */
#ifndef WCCPD_DP_PLAN_FACTS_H
#define WCCPD_DP_PLAN_FACTS_H

#include "dp/plan/plan.h"
#include "rtnl/neighbours.h"

enum { FACTS_MAX_PREFIXES = 1024 };

/* Addresses that redirected packets cannot have. */
struct facts_prefix {
	struct addr addr;
	unsigned bits;
	uint8_t place; /* enum ingress_place, or INGRESS_BEHIND_LINK + index into links */
};

/* An interface that redirected packets arrive on. */
struct facts_link {
	char name[IF_NAMESIZE];
	unsigned ifindex, mtu; /* MTU in octets of IP packet */
	uint8_t mac[6];
	/* Of frames to this MAC address, only those with an IP address of the interface come
	 * in by it: redirected packets must be wrapped in GRE. */
	bool only_own_addresses;
};

struct facts {
	unsigned n_links;
	struct facts_link links[PLAN_MAX_INTERFACES];
	/* The interface of our own that packets are delivered through; 0: none. */
	unsigned delivery;
	bool forwards; /* sends on what it receives for others, by any of them */
	/* What keeps packets from being delivered although everything is in place: new
	 * connections are not taken. */
	bool blocked;
	/* A made-up MAC address, from which proofs of delivery come. */
	uint8_t proof_mac[6];
	/* Where proofs come from while no router is known: an address that is routed. */
	struct addr proof_source;
	/* Per plan.routers: the MAC address of `address`, and the link that it is on. */
	struct {
		enum neighbour_state state;
		uint8_t link; /* index into links */
		uint8_t octets[6]; /* if NEIGHBOUR_KNOWN */
	} macs[PLAN_MAX_ROUTERS];
	/* Interfaces by which what is sent to plan.routers (their id) and to
	 * plan.other_caches leaves; 0: not known. */
	unsigned router_out[PLAN_MAX_ROUTERS], other_out[WCCP_MAX_CACHES];
	unsigned n_own_prefixes;
	struct facts_prefix own_prefixes[FACTS_MAX_PREFIXES];
};

/* The MSS with which full segments fit when they come wrapped in GRE; 0: the least
 * MTU of the interfaces is too small for any. */
static inline unsigned facts_mss_wrapped(const struct facts *facts, unsigned family)
{
	enum {
		TCP_AND_GRE = 28, /* TCP header; GRE, redirect header */
		MTU_SANE = 576,
	};
	const unsigned ip_header = family == ADDR_V6 ? 40 : 20;
	unsigned least = UINT16_MAX;

	/* A listener has one limit, whatever interface its connections come by. */
	for (unsigned i = 0; i < facts->n_links; i++)
		if (facts->links[i].mtu < least)
			least = facts->links[i].mtu;
	return least >= MTU_SANE ? least - TCP_AND_GRE - 2 * ip_header : 0;
}

#endif
