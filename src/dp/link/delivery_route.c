/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a marked packet is delivered to a local socket: the route, in a table of its own. */
#include "dp/link/delivery_route.h"

#include "rtnl/netlink.h"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* -- looking ------------------------------------------------------------------------- */

struct delivery_route_search {
	uint32_t table;
	unsigned lo;
	struct delivery_routes *out;
};

static uint32_t delivery_route_u32(struct nlmsghdr *head, int attribute, uint32_t otherwise)
{
	struct nlattr *x = nlmsg_find_attr(head, sizeof(struct rtmsg), attribute);

	return x ? nla_get_u32(x) : otherwise;
}

static void delivery_route_describe(struct nlmsghdr *head, char *out, size_t size)
{
	const struct rtmsg *r = nlmsg_data(head);
	struct nlattr *dst = nlmsg_find_attr(head, sizeof(*r), RTA_DST);
	struct addr to;

	if (r->rtm_dst_len == 0 || !dst || nla_len(dst) < 4) {
		snprintf(out, size, "default");
		return;
	}
	to = addr_from_octets(nla_len(dst) == 4 ? ADDR_V4 : ADDR_V6, nla_data(dst));
	snprintf(out, size, "%s/%u", ADDR_TEXT(&to), r->rtm_dst_len);
}

static int delivery_route_take(struct nl_msg *msg, void *arg)
{
	struct delivery_route_search *s = arg;
	struct nlmsghdr *head = nlmsg_hdr(msg);
	const struct rtmsg *r = nlmsg_data(head);

	if (head->nlmsg_type != RTM_NEWROUTE ||
	    delivery_route_u32(head, RTA_TABLE, r->rtm_table) != s->table)
		return NL_OK;
	if (r->rtm_dst_len == 0 && r->rtm_type == RTN_LOCAL &&
	    delivery_route_u32(head, RTA_OIF, 0) == s->lo)
		s->out->ours = true;
	else if (s->out->others++ == 0)
		delivery_route_describe(head, s->out->other, sizeof(s->out->other));
	return NL_OK;
}

int delivery_route_look(struct nl_sock *sock, unsigned family, uint32_t table,
			struct delivery_routes *out, struct err *err)
{
	struct delivery_route_search s = { table, if_nametoindex("lo"), out };
	int rc;

	*out = (struct delivery_routes){ 0 };
	rc = netlink_dump_routes(sock, family, table, delivery_route_take, &s);
	/* A table that nobody has used yet does not exist. */
	if (rc < 0 && rc != -NLE_OBJ_NOTFOUND)
		return err_set(err, "routing table %u: %s", table, nl_geterror(rc));
	return 0;
}

/* -- making -------------------------------------------------------------------------- */

static struct rtnl_route *delivery_route_make(unsigned family, uint32_t table)
{
	struct rtnl_route *route = rtnl_route_alloc();
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
	const int af = family == ADDR_V6 ? AF_INET6 : AF_INET;
	struct nl_addr *everything;

	if (!route || !hop || nl_addr_parse("default", af, &everything) < 0) {
		rtnl_route_put(route);
		if (hop)
			rtnl_route_nh_free(hop);
		return NULL;
	}
	rtnl_route_nh_set_ifindex(hop, (int)if_nametoindex("lo"));
	rtnl_route_set_family(route, (uint8_t)af);
	rtnl_route_set_table(route, table);
	rtnl_route_set_type(route, RTN_LOCAL);
	rtnl_route_set_scope(route, RT_SCOPE_HOST);
	rtnl_route_set_protocol(route, RTPROT_STATIC);
	rtnl_route_set_dst(route, everything);
	rtnl_route_add_nexthop(route, hop); /* owns it now */
	nl_addr_put(everything);
	return route;
}

int delivery_route_add(struct nl_sock *sock, unsigned family, uint32_t table, struct err *err)
{
	struct rtnl_route *route = delivery_route_make(family, table);
	int rc = route ? rtnl_route_add(sock, route, NLM_F_CREATE | NLM_F_EXCL)
		       : -NLE_NOMEM;

	rtnl_route_put(route);
	if (rc < 0 && rc != -NLE_EXIST)
		return err_set(err, "local route in table %u: %s", table,
			       nl_geterror(rc));
	return 0;
}

void delivery_route_remove(struct nl_sock *sock, unsigned family, uint32_t table)
{
	struct rtnl_route *route = delivery_route_make(family, table);

	if (route)
		rtnl_route_delete(sock, route, 0);
	rtnl_route_put(route);
}
