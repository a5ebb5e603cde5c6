/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads facts about the host. */
#include "dp/link/link_facts.h"

#include "rtnl/neighbours.h"
#include "rtnl/route_query.h"

#include <linux/rtnetlink.h>
#include <string.h>

/* -- ways -------------------------------------------------------------------------- */

/* The last answer is kept: a plan has the same router for one service after another. */
struct link_facts_way {
	struct addr to;
	struct route_answer answer;
};

static const struct route_answer *link_facts_ask(struct nl_sock *sock,
						 struct link_facts_way *last,
						 const struct addr *to)
{
	struct route_question q = { .to = *to };

	if (addr_is_set(&last->to) && addr_equal(&last->to, to))
		return &last->answer;
	last->to = *to;
	if (route_query(sock, &q, &last->answer, NULL) < 0)
		last->answer = (struct route_answer){ .error = -1 };
	return &last->answer;
}

/* 0: not known, it is sent by the interface that it came in by. */
static unsigned link_facts_out(const struct route_answer *a)
{
	return !a->error && a->type == RTN_UNICAST ? a->oif : 0;
}

void link_facts_ways(struct nl_sock *sock, const struct plan *plan, struct facts *out)
{
	struct link_facts_way last = { 0 };

	for (unsigned i = 0; i < plan->n_routers; i++)
		out->router_out[i] = link_facts_out(
			link_facts_ask(sock, &last, &plan->routers[i].id));
	for (unsigned i = 0; i < plan->n_other_caches; i++)
		out->other_out[i] = link_facts_out(
			link_facts_ask(sock, &last, &plan->other_caches[i]));
}

/* The link that an answer leads to, -1: none of these, or through a gateway. */
static int link_facts_link(const struct facts *facts, const struct route_answer *a,
			   const struct addr *to)
{
	if (a->error || a->type != RTN_UNICAST ||
	    (a->has_gateway && !addr_equal(&a->gateway, to)))
		return -1;
	for (unsigned i = 0; i < facts->n_links; i++)
		if (facts->links[i].ifindex == a->oif)
			return (int)i;
	return -1;
}

bool link_facts_is_near(struct nl_sock *sock, const struct facts *facts,
			const struct addr *a)
{
	struct link_facts_way way = { 0 };
	int link = link_facts_link(facts, link_facts_ask(sock, &way, a), a);

	return link >= 0 && !facts->links[link].only_own_addresses;
}

/* -- routers as neighbours --------------------------------------------------------- */

static bool link_facts_needs_mac(const struct plan_router *r)
{
	return (r->forward | r->ret) & WCCP_METHOD_L2;
}

struct link_facts_macs {
	const struct plan *plan;
	struct facts *out;
};

static void link_facts_take_mac(void *arg, const struct neighbour *n)
{
	const struct link_facts_macs *m = arg;

	for (unsigned i = 0; i < m->plan->n_routers; i++)
		if (link_facts_needs_mac(&m->plan->routers[i]) &&
		    addr_equal(&m->plan->routers[i].address, &n->addr) &&
		    n->ifindex == m->out->links[m->out->macs[i].link].ifindex) {
			m->out->macs[i].state = n->state;
			memcpy(m->out->macs[i].octets, n->mac, sizeof(n->mac));
		}
}

/* For an address that is on none of our links, ask on the first, in vain. */
static void link_facts_find_links(struct nl_sock *sock, const struct plan *plan,
				  struct facts *out)
{
	struct link_facts_way last = { 0 };

	for (unsigned i = 0; i < plan->n_routers; i++) {
		const struct addr *a = &plan->routers[i].address;
		int link = link_facts_needs_mac(&plan->routers[i])
				   ? link_facts_link(out, link_facts_ask(sock, &last, a),
						     a)
				   : 0;

		out->macs[i].link = (uint8_t)(link > 0 ? link : 0);
	}
}

int link_facts_macs(struct nl_sock *sock, const struct plan *plan, struct facts *out,
		    struct err *err)
{
	struct link_facts_macs m = { plan, out };

	memset(out->macs, 0, sizeof(out->macs));
	link_facts_find_links(sock, plan, out);
	if (neighbours_each(sock, link_facts_take_mac, &m, err) < 0)
		return -1;
	for (unsigned i = 0; i < plan->n_routers; i++)
		if (link_facts_needs_mac(&plan->routers[i]) &&
		    out->macs[i].state != NEIGHBOUR_KNOWN)
			neighbours_ask(sock, &plan->routers[i].address,
				       out->links[out->macs[i].link].ifindex);
	return 0;
}
