/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way of a marked packet to a local socket: one rule, one route. */
#include "dp/link_way.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <netlink/route/rule.h>
#include <string.h>
#include <sys/socket.h>

bool link_way_equal(const struct link_way *a, const struct link_way *b)
{
	return !strcmp(a->interface, b->interface) && a->mark == b->mark &&
	       a->mask == b->mask && a->table == b->table;
}

/* -- the rule ------------------------------------------------------------------------ */

static struct rtnl_rule *make_rule(const struct link_way *way)
{
	struct rtnl_rule *rule = rtnl_rule_alloc();

	if (!rule)
		return NULL;
	rtnl_rule_set_family(rule, AF_INET);
	rtnl_rule_set_action(rule, FR_ACT_TO_TBL);
	rtnl_rule_set_mark(rule, way->mark);
	rtnl_rule_set_mask(rule, way->mask);
	rtnl_rule_set_iif(rule, way->interface);
	rtnl_rule_set_table(rule, way->table);
	return rule;
}

static bool is_our_rule(struct rtnl_rule *rule, const struct link_way *way)
{
	const char *iif = rtnl_rule_get_iif(rule);

	return rtnl_rule_get_action(rule) == FR_ACT_TO_TBL &&
	       rtnl_rule_get_mark(rule) == way->mark &&
	       rtnl_rule_get_mask(rule) == way->mask && iif &&
	       !strcmp(iif, way->interface) &&
	       rtnl_rule_get_table(rule) == way->table && !rtnl_rule_get_src(rule) &&
	       !rtnl_rule_get_dst(rule) && !rtnl_rule_get_oif(rule);
}

/* 1: there, 0: not there, or a negative libnl error. */
static int has_rule(struct nl_sock *sock, const struct link_way *way)
{
	struct nl_cache *rules;
	int found = 0, rc = rtnl_rule_alloc_cache(sock, AF_INET, &rules);

	if (rc < 0)
		return rc;
	for (struct nl_object *o = nl_cache_get_first(rules); o && !found;
	     o = nl_cache_get_next(o))
		found = is_our_rule((struct rtnl_rule *)o, way);
	nl_cache_free(rules);
	return found;
}

static int add_rule(struct nl_sock *sock, const struct link_way *way, struct err *err)
{
	struct rtnl_rule *rule;
	int rc = has_rule(sock, way);

	if (rc > 0)
		return 0;
	rule = make_rule(way);
	if (rc == 0)
		rc = rule ? rtnl_rule_add(sock, rule, NLM_F_CREATE | NLM_F_EXCL)
			  : -NLE_NOMEM;
	rtnl_rule_put(rule);
	if (rc < 0)
		return err_set(err, "rule for mark 0x%x/0x%x: %s", way->mark, way->mask,
			       nl_geterror(rc));
	return 0;
}

/* -- the route ----------------------------------------------------------------------- */

static struct rtnl_route *make_route(const struct link_way *way)
{
	struct rtnl_route *route = rtnl_route_alloc();
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
	struct nl_addr *everything;

	if (!route || !hop || nl_addr_parse("default", AF_INET, &everything) < 0) {
		rtnl_route_put(route);
		if (hop)
			rtnl_route_nh_free(hop);
		return NULL;
	}
	rtnl_route_nh_set_ifindex(hop, (int)if_nametoindex("lo"));
	rtnl_route_set_family(route, AF_INET);
	rtnl_route_set_table(route, way->table);
	rtnl_route_set_type(route, RTN_LOCAL);
	rtnl_route_set_scope(route, RT_SCOPE_HOST);
	rtnl_route_set_protocol(route, RTPROT_STATIC);
	rtnl_route_set_dst(route, everything);
	rtnl_route_add_nexthop(route, hop); /* owns it now */
	nl_addr_put(everything);
	return route;
}

struct route_search {
	uint32_t table;
	bool found;
};

static void look_at_route(struct nl_object *object, void *arg)
{
	struct rtnl_route *r = (struct rtnl_route *)object;
	struct route_search *s = arg;

	if (rtnl_route_get_table(r) == s->table &&
	    rtnl_route_get_type(r) == RTN_LOCAL &&
	    nl_addr_get_prefixlen(rtnl_route_get_dst(r)) == 0)
		s->found = true;
}

/* The whole of the routes is asked for only when the kernel says "exists": is that
 * ours, or the default route of somebody who uses the table too? */
static bool has_route(struct nl_sock *sock, const struct link_way *way)
{
	struct route_search s = { .table = way->table };
	struct nl_cache *routes;

	if (rtnl_route_alloc_cache(sock, AF_INET, 0, &routes) < 0)
		return false;
	nl_cache_foreach(routes, look_at_route, &s);
	nl_cache_free(routes);
	return s.found;
}

static int add_route(struct nl_sock *sock, const struct link_way *way, struct err *err)
{
	struct rtnl_route *route = make_route(way);
	int rc = route ? rtnl_route_add(sock, route, NLM_F_CREATE | NLM_F_EXCL)
		       : -NLE_NOMEM;

	rtnl_route_put(route);
	if (rc == -NLE_EXIST) {
		if (has_route(sock, way))
			return 0;
		return err_set(err,
			       "routing table %u has a default route already: "
			       "choose another table",
			       way->table);
	}
	if (rc < 0)
		return err_set(err, "local route in table %u: %s", way->table,
			       nl_geterror(rc));
	return 0;
}

int link_way_add(struct nl_sock *sock, const struct link_way *way, struct err *err)
{
	/* The route first: a rule that leads to an empty table leads nowhere. */
	return add_route(sock, way, err) < 0 || add_rule(sock, way, err) < 0 ? -1 : 0;
}

void link_way_remove(struct nl_sock *sock, const struct link_way *way, bool keep_route)
{
	struct rtnl_rule *rule = make_rule(way);
	struct rtnl_route *route = make_route(way);

	if (rule)
		rtnl_rule_delete(sock, rule, 0);
	if (route && !keep_route)
		rtnl_route_delete(sock, route, 0);
	rtnl_rule_put(rule);
	rtnl_route_put(route);
}
