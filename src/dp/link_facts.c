/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking at the host: interface, addresses, neighbours. */
#include "dp/link_facts.h"

#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/neighbour.h>
#include <netlink/route/route.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

int link_facts_interface(struct nl_sock *sock, const char *name, struct facts *out,
			 struct err *err)
{
	struct rtnl_link *link = NULL;
	int rc = rtnl_link_get_kernel(sock, 0, name, &link);
	unsigned type;

	if (rc < 0)
		return err_set(err, "interface %s: %s", name, nl_geterror(rc));
	out->ifindex = (unsigned)rtnl_link_get_ifindex(link);
	out->mtu = rtnl_link_get_mtu(link);
	type = rtnl_link_get_arptype(link);
	rc = (int)(rtnl_link_get_flags(link) & IFF_UP);
	rtnl_link_put(link);
	if (!rc)
		return err_set(err, "interface %s is down", name);
	if (type != ARPHRD_ETHER)
		return err_set(err, "interface %s is not an Ethernet interface", name);
	return 0;
}

/* -- own addresses ------------------------------------------------------------------- */

struct link_facts_search {
	struct facts *out;
	bool full;
};

/* The local table rather than the addresses: it also has prefixes that somebody made
 * local by a route. */
static int link_facts_take_prefix(struct nl_msg *msg, void *arg)
{
	struct link_facts_search *s = arg;
	struct nlmsghdr *head = nlmsg_hdr(msg);
	struct rtmsg *r = nlmsg_data(head);
	struct nlattr *dst;
	struct facts_prefix *local;
	uint8_t octets[4] = { 0 };

	if (head->nlmsg_type != RTM_NEWROUTE || r->rtm_family != AF_INET ||
	    r->rtm_table != RT_TABLE_LOCAL || r->rtm_type != RTN_LOCAL)
		return NL_OK;
	if (s->out->n_own_prefixes == FACTS_MAX_PREFIXES) {
		s->full = true;
		return NL_OK;
	}
	dst = nlmsg_find_attr(head, sizeof(*r), RTA_DST);
	if (dst && nla_len(dst) == (int)sizeof(octets))
		memcpy(octets, nla_data(dst), sizeof(octets));
	local = &s->out->own_prefixes[s->out->n_own_prefixes++];
	local->addr = addr_from_octets(ADDR_V4, octets);
	local->bits = r->rtm_dst_len;
	return NL_OK;
}

static int link_facts_dump_prefixes(struct nl_sock *sock, struct link_facts_search *s)
{
	struct rtmsg filter = { .rtm_family = AF_INET, .rtm_table = RT_TABLE_LOCAL };
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int rc, on = 1;

	if (!cb)
		return -NLE_NOMEM;
	/* Without it the kernel sends every route it has, which is the same to us,
	 * but can be a million. */
	setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on,
		   sizeof(on));
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, link_facts_take_prefix, s);
	rc = nl_send_simple(sock, RTM_GETROUTE, NLM_F_DUMP, &filter, sizeof(filter));
	if (rc >= 0)
		rc = nl_recvmsgs(sock, cb);
	on = 0;
	setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on,
		   sizeof(on));
	nl_cb_put(cb);
	return rc;
}

int link_facts_own_prefixes(struct nl_sock *sock, struct facts *out, struct err *err)
{
	struct link_facts_search s = { .out = out };
	int rc;

	out->n_own_prefixes = 0;
	rc = link_facts_dump_prefixes(sock, &s);
	if (rc < 0)
		return err_set(err, "local addresses: %s", nl_geterror(rc));
	if (s.full)
		return err_set(err, "more than %d local addresses", FACTS_MAX_PREFIXES);
	return 0;
}

/* -- routers as neighbours --------------------------------------------------------------- */

enum {
	NUD_HAS_MAC = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE |
		      NUD_STALE | NUD_DELAY,
	WAIT_STEPS = 25,
	WAIT_STEP_MS = 10,
};

static struct nl_addr *link_facts_nl_addr(const struct addr *a)
{
	return nl_addr_build(AF_INET, a->octets, addr_len(a));
}

static void link_facts_take_mac(struct nl_cache *neighbours,
				const struct plan_router *r, unsigned index,
				struct facts *out)
{
	struct nl_addr *ip = link_facts_nl_addr(&r->address), *mac;
	struct rtnl_neigh *n = NULL;

	if (ip)
		n = rtnl_neigh_get(neighbours, (int)out->ifindex, ip);
	mac = n ? rtnl_neigh_get_lladdr(n) : NULL;
	if (mac && rtnl_neigh_get_state(n) & NUD_HAS_MAC &&
	    nl_addr_get_len(mac) == sizeof(out->macs[index].octets)) {
		memcpy(out->macs[index].octets, nl_addr_get_binary_addr(mac),
		       sizeof(out->macs[index].octets));
		out->macs[index].known = true;
	}
	rtnl_neigh_put(n);
	nl_addr_put(ip);
}

static bool link_facts_needs_mac(const struct plan_router *r)
{
	return (r->forward | r->ret) & WCCP_METHOD_L2;
}

static int link_facts_read_macs(struct nl_sock *sock, const struct plan *plan,
				struct facts *out)
{
	struct nl_cache *neighbours;
	int missing = 0, rc = rtnl_neigh_alloc_cache(sock, &neighbours);

	if (rc < 0)
		return rc;
	memset(out->macs, 0, sizeof(out->macs));
	for (unsigned i = 0; i < plan->n_routers; i++) {
		if (!link_facts_needs_mac(&plan->routers[i]))
			continue;
		link_facts_take_mac(neighbours, &plan->routers[i], i, out);
		missing += !out->macs[i].known;
	}
	nl_cache_free(neighbours);
	return missing;
}

/* Like `ip neigh ... use`: the kernel asks the link, nothing is overwritten. */
static void link_facts_ask_for_mac(struct nl_sock *sock, const struct addr *address,
				   unsigned ifindex)
{
	struct rtnl_neigh *n = rtnl_neigh_alloc();
	struct nl_addr *ip = link_facts_nl_addr(address);

	if (n && ip) {
		rtnl_neigh_set_ifindex(n, (int)ifindex);
		rtnl_neigh_set_dst(n, ip);
		rtnl_neigh_set_state(n, NUD_NONE);
		rtnl_neigh_set_flags(n, NTF_USE);
		rtnl_neigh_add(sock, n, NLM_F_CREATE);
	}
	rtnl_neigh_put(n);
	nl_addr_put(ip);
}

int link_facts_macs(struct nl_sock *sock, const struct plan *plan, bool patient,
		    struct facts *out, struct err *err)
{
	const struct timespec step = { .tv_nsec = WAIT_STEP_MS * 1000000 };
	int missing = link_facts_read_macs(sock, plan, out);

	for (unsigned i = 0; missing > 0 && i < plan->n_routers; i++)
		if (link_facts_needs_mac(&plan->routers[i]) && !out->macs[i].known)
			link_facts_ask_for_mac(sock, &plan->routers[i].address,
					       out->ifindex);
	for (unsigned i = 0; missing > 0 && patient && i < WAIT_STEPS; i++) {
		nanosleep(&step, NULL);
		missing = link_facts_read_macs(sock, plan, out);
	}
	if (missing < 0)
		return err_set(err, "neighbours: %s", nl_geterror(missing));
	return missing;
}
