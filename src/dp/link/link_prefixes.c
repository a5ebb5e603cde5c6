/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dp/link/link_prefixes.h"

#include "bpf/ingress/ingress_maps.h"
#include "rtnl/netlink.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <string.h>
#include <sys/socket.h>

struct link_prefixes_search {
	struct facts *out;
	uint32_t table;
	bool full;
};

static uint32_t link_prefixes_u32(struct nlmsghdr *head, int attribute, uint32_t otherwise)
{
	struct nlattr *x = nlmsg_find_attr(head, sizeof(struct rtmsg), attribute);

	return x ? nla_get_u32(x) : otherwise;
}

/* With a single interface, a network that is reached by it is never behind this box. */
static unsigned link_prefixes_behind(const struct facts *facts, unsigned oif)
{
	for (unsigned i = 0; i < facts->n_links; i++)
		if (facts->links[i].ifindex == oif)
			return facts->n_links > 1 ? INGRESS_BEHIND_LINK + i
						  : INGRESS_OUTSIDE;
	return INGRESS_BEHIND;
}

/* What this route says about its destinations; INGRESS_OUTSIDE: nothing. */
static unsigned link_prefixes_place(const struct link_prefixes_search *s,
					      struct nlmsghdr *head)
{
	const struct rtmsg *r = nlmsg_data(head);
	uint32_t oif = link_prefixes_u32(head, RTA_OIF, 0);

	if (link_prefixes_u32(head, RTA_TABLE, r->rtm_table) != s->table)
		return INGRESS_OUTSIDE;
	if (s->table == RT_TABLE_LOCAL && (r->rtm_type == RTN_LOCAL || r->rtm_type == RTN_ANYCAST))
		return INGRESS_OWN;
	if (s->table == RT_TABLE_LOCAL && r->rtm_type == RTN_BROADCAST)
		return INGRESS_BROADCAST;
	if (s->table == RT_TABLE_MAIN && r->rtm_type == RTN_UNICAST &&
	    r->rtm_dst_len > 0 && oif)
		return link_prefixes_behind(s->out, oif);
	return INGRESS_OUTSIDE;
}

static int link_prefixes_take(struct nl_msg *msg, void *arg)
{
	struct link_prefixes_search *s = arg;
	struct nlmsghdr *head = nlmsg_hdr(msg);
	struct rtmsg *r = nlmsg_data(head);
	struct facts_prefix *prefix;
	uint8_t octets[sizeof(struct in6_addr)] = { 0 };
	unsigned place;
	struct nlattr *dst;

	const unsigned family = r->rtm_family == AF_INET6 ? ADDR_V6 : ADDR_V4;

	if (head->nlmsg_type != RTM_NEWROUTE)
		return NL_OK;
	place = link_prefixes_place(s, head);
	if (place == INGRESS_OUTSIDE)
		return NL_OK;
	if (s->out->n_own_prefixes == FACTS_MAX_PREFIXES) {
		s->full = true;
		return NL_OK;
	}
	dst = nlmsg_find_attr(head, sizeof(*r), RTA_DST);
	if (dst && nla_len(dst) <= (int)sizeof(octets))
		memcpy(octets, nla_data(dst), (size_t)nla_len(dst));
	prefix = &s->out->own_prefixes[s->out->n_own_prefixes++];
	prefix->addr = addr_from_octets(family, octets);
	prefix->bits = r->rtm_dst_len;
	prefix->place = (uint8_t)place;
	return NL_OK;
}

int link_prefixes(struct nl_sock *sock, unsigned family, struct facts *out, struct err *err)
{
	struct link_prefixes_search s = { .out = out, .table = RT_TABLE_LOCAL };
	int rc;

	out->n_own_prefixes = 0;
	rc = netlink_dump_routes(sock, family, s.table, link_prefixes_take, &s);
	if (rc >= 0 && s.full)
		return err_set(err, "more than %d local addresses", FACTS_MAX_PREFIXES);
	s.table = RT_TABLE_MAIN;
	/* More routes than that: a router of size, with no network behind it alone. */
	if (rc >= 0 && out->forwards)
		rc = netlink_dump_routes(sock, family, s.table, link_prefixes_take, &s);
	if (rc < 0)
		return err_set(err, "local addresses: %s", nl_geterror(rc));
	return 0;
}
