/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a marked packet is delivered to a local socket: the rules, one per interface. */
#include "dp/link/delivery_rule.h"

#include "rtnl/route_query.h"
#include "rtnl/rules.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <netlink/route/rule.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

bool delivery_rule_equal(const struct delivery_rule *a, const struct delivery_rule *b)
{
	return !strcmp(a->interface, b->interface) && a->mark == b->mark &&
	       a->mask == b->mask && a->table == b->table;
}

void delivery_rule_text(const struct delivery_rule *r, char *out, unsigned size)
{
	if (r->mask)
		snprintf(out, size, "mark 0x%x on %s", r->mark, r->interface);
	else
		snprintf(out, size, "%s", r->interface);
}

/* -- ours ---------------------------------------------------------------------------- */

static struct rtnl_rule *delivery_rule_make(const struct delivery_rule *wanted,
					    uint32_t priority)
{
	struct rtnl_rule *rule = rtnl_rule_alloc();

	if (!rule)
		return NULL;
	rtnl_rule_set_family(rule, wanted->family == ADDR_V6 ? AF_INET6 : AF_INET);
	rtnl_rule_set_action(rule, FR_ACT_TO_TBL);
	rtnl_rule_set_prio(rule, priority);
	if (wanted->mask) {
		rtnl_rule_set_mark(rule, wanted->mark);
		rtnl_rule_set_mask(rule, wanted->mask);
	}
	rtnl_rule_set_iif(rule, wanted->interface);
	rtnl_rule_set_table(rule, wanted->table);
	rtnl_rule_set_protocol(rule, wanted->protocol);
	return rule;
}

bool delivery_rule_is_ours(const struct rule *r, const struct delivery_rule *wanted)
{
	return r->action == FR_ACT_TO_TBL && r->mark == wanted->mark &&
	       r->mask == wanted->mask && !strcmp(r->iif, wanted->interface) &&
	       r->table == wanted->table && !r->inverted && !r->has_more &&
	       !addr_is_set(&r->from) && !addr_is_set(&r->to) && !r->oif[0];
}

void delivery_rule_of(const struct rule *there, struct delivery_rule *out)
{
	*out = (struct delivery_rule){
		.family = there->family,
		.mark = there->mark,
		.mask = there->mask,
		.table = there->table,
		.priority = there->priority,
		.protocol = there->protocol,
	};
	memcpy(out->interface, there->iif, sizeof(out->interface));
}

bool delivery_rule_is_left(const struct rule *there, uint32_t table)
{
	struct delivery_rule made;

	delivery_rule_of(there, &made);
	return there->protocol >= DELIVERY_RULE_PROTOCOL &&
	       there->protocol <= DELIVERY_RULE_FILTER_WAS + DELIVERY_RULE_FILTER_MOST &&
	       made.table == table && there->iif[0] && delivery_rule_is_ours(there, &made);
}

const struct rule *delivery_rule_find(const struct rules *rules,
				      const struct delivery_rule *wanted)
{
	for (unsigned i = 0; i < rules->n; i++)
		if (delivery_rule_is_ours(&rules->list[i], wanted))
			return &rules->list[i];
	return NULL;
}

int delivery_rule_add(struct nl_sock *sock, const struct delivery_rule *wanted,
		      uint32_t priority, struct err *err)
{
	struct rtnl_rule *rule = delivery_rule_make(wanted, priority);
	int rc = rule ? rtnl_rule_add(sock, rule, NLM_F_CREATE | NLM_F_EXCL)
		      : -NLE_NOMEM;
	char text[64];

	rtnl_rule_put(rule);
	delivery_rule_text(wanted, text, sizeof(text));
	if (rc < 0 && rc != -NLE_EXIST)
		return err_set(err, "rule for %s: %s", text, nl_geterror(rc));
	return 0;
}

void delivery_rule_remove(struct nl_sock *sock, const struct rules *rules,
			  const struct delivery_rule *wanted, int64_t keep)
{
	for (unsigned i = 0; i < rules->n; i++) {
		const struct rule *r = &rules->list[i];
		struct delivery_rule there = *wanted;
		struct rtnl_rule *rule;

		if (!delivery_rule_is_ours(r, wanted) || r->priority == keep)
			continue;
		there.protocol = r->protocol;
		rule = delivery_rule_make(&there, r->priority);
		if (rule)
			rtnl_rule_delete(sock, rule, 0);
		rtnl_rule_put(rule);
	}
}

/* -- those of others ------------------------------------------------------------------ */

static bool delivery_rule_refuses(const struct rule *r)
{
	return r->action == FR_ACT_BLACKHOLE || r->action == FR_ACT_UNREACHABLE ||
	       r->action == FR_ACT_PROHIBIT;
}

/* A refusal comes from a rule, or from a route in a table that one leads to; which one that
 * is the kernel does not tell, and its errno depends on other things, too. */
static bool delivery_rule_leads_to(const struct rule *r, const struct route_answer *a)
{
	if (r->action != FR_ACT_TO_TBL)
		return a->error && delivery_rule_refuses(r);
	return r->table != RT_TABLE_LOCAL && (a->error || r->table == a->table);
}

static bool delivery_rule_is_of_ours(const struct rule *r, const struct delivery_rule *ours)
{
	return r->mark == ours->mark && r->table == ours->table;
}

const struct rule *delivery_rule_in_front(const struct rules *rules,
					  const struct delivery_rule *ours, uint32_t before,
					  const struct route_answer *answer)
{
	for (unsigned i = 0; i < rules->n; i++) {
		const struct rule *r = &rules->list[i];

		if (delivery_rule_is_ours(r, ours) || r->priority > before)
			return NULL;
		if (!delivery_rule_is_of_ours(r, ours) &&
		    delivery_rule_leads_to(r, answer))
			return r;
	}
	return NULL;
}

bool delivery_rule_between(const struct rules *rules, const struct delivery_rule *ours,
			   uint32_t least, uint32_t most)
{
	for (unsigned i = 0; i < rules->n; i++) {
		const struct rule *r = &rules->list[i];

		if (r->priority >= least && r->priority <= most &&
		    !delivery_rule_is_of_ours(r, ours))
			return true;
	}
	return false;
}
