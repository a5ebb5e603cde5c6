/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads facts about the host. */
#include "dp/link_facts.h"

#include "kernel/neighbours.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/route.h>
#include <string.h>
#include <sys/socket.h>

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

/* The local table rather than the addresses of interfaces, because it also contains
 * prefixes that were made local by a route. */
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
	/* Without strict checking the kernel ignores the filter and sends all of its
	 * routes, which can be a million.  Either way they are filtered here. */
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

	if (n->ifindex != m->out->ifindex)
		return;
	for (unsigned i = 0; i < m->plan->n_routers; i++)
		if (link_facts_needs_mac(&m->plan->routers[i]) &&
		    addr_equal(&m->plan->routers[i].address, &n->addr)) {
			m->out->macs[i].state = n->state;
			memcpy(m->out->macs[i].octets, n->mac, sizeof(n->mac));
		}
}

int link_facts_macs(struct nl_sock *sock, const struct plan *plan, struct facts *out,
		    struct err *err)
{
	struct link_facts_macs m = { plan, out };

	memset(out->macs, 0, sizeof(out->macs));
	if (neighbours_each(sock, link_facts_take_mac, &m, err) < 0)
		return -1;
	for (unsigned i = 0; i < plan->n_routers; i++)
		if (link_facts_needs_mac(&plan->routers[i]) &&
		    out->macs[i].state != NEIGHBOUR_KNOWN)
			neighbours_ask(sock, &plan->routers[i].address, out->ifindex);
	return 0;
}
