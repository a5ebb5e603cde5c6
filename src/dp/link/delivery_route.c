/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a marked packet is delivered to a local socket: one rule, one route. */
#include "dp/link/delivery_route.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <netlink/route/rule.h>
#include <string.h>
#include <sys/socket.h>

bool delivery_route_equal(const struct delivery_route *a,
			  const struct delivery_route *b)
{
	return !strcmp(a->interface, b->interface) && a->mark == b->mark &&
	       a->mask == b->mask && a->table == b->table;
}

/* -- the rule ------------------------------------------------------------------------ */

static struct rtnl_rule *delivery_route_make_rule(const struct delivery_route *wanted)
{
	struct rtnl_rule *rule = rtnl_rule_alloc();

	if (!rule)
		return NULL;
	rtnl_rule_set_family(rule, AF_INET);
	rtnl_rule_set_action(rule, FR_ACT_TO_TBL);
	rtnl_rule_set_mark(rule, wanted->mark);
	rtnl_rule_set_mask(rule, wanted->mask);
	rtnl_rule_set_iif(rule, wanted->interface);
	rtnl_rule_set_table(rule, wanted->table);
	return rule;
}

static bool delivery_route_is_our_rule(struct rtnl_rule *rule,
				       const struct delivery_route *wanted)
{
	const char *iif = rtnl_rule_get_iif(rule);

	return rtnl_rule_get_action(rule) == FR_ACT_TO_TBL &&
	       rtnl_rule_get_mark(rule) == wanted->mark &&
	       rtnl_rule_get_mask(rule) == wanted->mask && iif &&
	       !strcmp(iif, wanted->interface) &&
	       rtnl_rule_get_table(rule) == wanted->table && !rtnl_rule_get_src(rule) &&
	       !rtnl_rule_get_dst(rule) && !rtnl_rule_get_oif(rule);
}

/* 1: there, 0: not there, or a negative libnl error. */
static int delivery_route_has_rule(struct nl_sock *sock,
				   const struct delivery_route *wanted)
{
	struct nl_cache *rules;
	int found = 0, rc = rtnl_rule_alloc_cache(sock, AF_INET, &rules);

	if (rc < 0)
		return rc;
	for (struct nl_object *o = nl_cache_get_first(rules); o && !found;
	     o = nl_cache_get_next(o))
		found = delivery_route_is_our_rule((struct rtnl_rule *)o, wanted);
	nl_cache_free(rules);
	return found;
}

static int delivery_route_add_rule(struct nl_sock *sock,
				   const struct delivery_route *wanted, struct err *err)
{
	struct rtnl_rule *rule;
	int rc = delivery_route_has_rule(sock, wanted);

	if (rc > 0)
		return 0;
	rule = delivery_route_make_rule(wanted);
	if (rc == 0)
		rc = rule ? rtnl_rule_add(sock, rule, NLM_F_CREATE | NLM_F_EXCL)
			  : -NLE_NOMEM;
	rtnl_rule_put(rule);
	if (rc < 0)
		return err_set(err, "rule for mark 0x%x/0x%x: %s", wanted->mark,
			       wanted->mask, nl_geterror(rc));
	return 0;
}

/* -- the route ----------------------------------------------------------------------- */

static struct rtnl_route *delivery_route_make(const struct delivery_route *wanted)
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
	rtnl_route_set_table(route, wanted->table);
	rtnl_route_set_type(route, RTN_LOCAL);
	rtnl_route_set_scope(route, RT_SCOPE_HOST);
	rtnl_route_set_protocol(route, RTPROT_STATIC);
	rtnl_route_set_dst(route, everything);
	rtnl_route_add_nexthop(route, hop); /* owns it now */
	nl_addr_put(everything);
	return route;
}

struct delivery_route_search {
	uint32_t table;
	bool found;
};

static void delivery_route_look_at(struct nl_object *object, void *arg)
{
	struct rtnl_route *r = (struct rtnl_route *)object;
	struct delivery_route_search *s = arg;

	if (rtnl_route_get_table(r) == s->table &&
	    rtnl_route_get_type(r) == RTN_LOCAL &&
	    nl_addr_get_prefixlen(rtnl_route_get_dst(r)) == 0)
		s->found = true;
}

/* Is the default route of the table ours, or does someone else use the table, too?  All
 * routes must be read to find out, so this is only called when adding ours failed. */
static bool delivery_route_exists(struct nl_sock *sock,
				  const struct delivery_route *wanted)
{
	struct delivery_route_search s = { .table = wanted->table };
	struct nl_cache *routes;

	if (rtnl_route_alloc_cache(sock, AF_INET, 0, &routes) < 0)
		return false;
	nl_cache_foreach(routes, delivery_route_look_at, &s);
	nl_cache_free(routes);
	return s.found;
}

static int delivery_route_add_local(struct nl_sock *sock,
				    const struct delivery_route *wanted,
				    struct err *err)
{
	struct rtnl_route *route = delivery_route_make(wanted);
	int rc = route ? rtnl_route_add(sock, route, NLM_F_CREATE | NLM_F_EXCL)
		       : -NLE_NOMEM;

	rtnl_route_put(route);
	if (rc == -NLE_EXIST) {
		if (delivery_route_exists(sock, wanted))
			return 0;
		return err_set(err,
			       "routing table %u has a default route already: "
			       "choose another table",
			       wanted->table);
	}
	if (rc < 0)
		return err_set(err, "local route in table %u: %s", wanted->table,
			       nl_geterror(rc));
	return 0;
}

int delivery_route_add(struct nl_sock *sock, const struct delivery_route *wanted,
		       struct err *err)
{
	/* The route first: a rule that leads to an empty table leads nowhere. */
	return delivery_route_add_local(sock, wanted, err) < 0 ||
			       delivery_route_add_rule(sock, wanted, err) < 0
		       ? -1
		       : 0;
}

void delivery_route_remove(struct nl_sock *sock, const struct delivery_route *wanted,
			   bool keep_route)
{
	struct rtnl_rule *rule = delivery_route_make_rule(wanted);
	struct rtnl_route *route = delivery_route_make(wanted);

	if (rule)
		rtnl_rule_delete(sock, rule, 0);
	if (route && !keep_route)
		rtnl_route_delete(sock, route, 0);
	rtnl_rule_put(rule);
	rtnl_route_put(route);
}
