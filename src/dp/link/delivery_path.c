/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The path from the interface to local sockets: made, kept in place and verified. */
#include "dp/link/delivery_path.h"

#include "dp/link/delivery_route.h"
#include "rtnl/route_query.h"
#include "rtnl/rules.h"

#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* An address that nobody has, as an outside destination: of TEST-NET-2 (RFC 5737), or the
 * prefix for discarding (RFC 6666). */
static struct addr delivery_path_outside(const struct delivery_path *p)
{
	static const struct addr v6 = { ADDR_V6, { 0x01, [14] = 0x64, 0x01 } };

	return p->family == ADDR_V6 ? v6 : addr_v4(0xc6336401);
}

/* How often a rule is put in front of others in one go. */
enum { DELIVERY_PATH_MOVES = 8 };

/* -- what is wanted ------------------------------------------------------------------ */

static void delivery_path_add_port(struct delivery_path *p, uint16_t port)
{
	for (unsigned i = 0; i < p->n_ports; i++)
		if (p->ports[i] == port)
			return;
	if (p->n_ports < DELIVERY_PATH_PORTS)
		p->ports[p->n_ports++] = port;
}

static void delivery_path_add_rule(struct delivery_path *p, const struct plan *plan,
				   const char *interface, unsigned ifindex, bool by_mark)
{
	struct delivery_rule *rule = &p->rules[p->n];

	*rule = (struct delivery_rule){
		.family = plan->self.family,
		.mark = by_mark ? plan->mark : 0,
		.mask = by_mark ? plan->mark_mask : 0,
		.table = plan->table,
		.priority = plan->rule_priority,
		.protocol = DELIVERY_RULE_PROTOCOL,
	};
	memcpy(rule->interface, interface, IF_NAMESIZE);
	p->ifindex[p->n++] = ifindex;
}

void delivery_path_plan(const struct plan *plan, const struct facts *facts,
			struct delivery_path *out)
{
	*out = (struct delivery_path){ .family = plan->self.family,
				       .table = plan->table };
	if (facts->delivery)
		delivery_path_add_rule(out, plan, plan->delivery_interface,
				       facts->delivery, false);
	for (unsigned i = 0; i < facts->n_links && !facts->delivery; i++)
		delivery_path_add_rule(out, plan, facts->links[i].name,
				       facts->links[i].ifindex, true);
	for (unsigned i = 0; i < plan->n_services; i++) {
		const struct plan_service *s = &plan->services[i];

		if (!addr_is_set(&out->source) && s->proof_source.family == plan->self.family)
			out->source = s->proof_source;
		/* 80: of the well-known service, which has none in a plan. */
		delivery_path_add_port(out, s->service.ports[0] ? s->service.ports[0]
								: 80);
	}
	if (!addr_is_set(&out->source) && plan->n_routers)
		out->source = plan->routers[0].address;
}

int delivery_path_find(const struct delivery_path *path, const struct rule *there)
{
	for (unsigned i = 0; i < path->n; i++)
		if (delivery_rule_is_ours(there, &path->rules[i]))
			return (int)i;
	return -1;
}

/* -- asking the kernel ---------------------------------------------------------------- */

/* Is a redirected packet that comes in by interface `i` delivered?  If not, `answer`
 * says what happens to it.  If the kernel cannot be asked, assume yes. */
static bool delivery_path_leads_here(struct nl_sock *sock, const struct delivery_path *p,
				     unsigned i, struct route_answer *answer)
{
	struct route_question q = {
		.from = p->source,
		.to = delivery_path_outside(p),
		.mark = p->rules[i].mark,
		.iif = p->ifindex[i],
	};

	for (unsigned k = 0; addr_is_set(&p->source) && k < p->n_ports; k++) {
		q.to_port = p->ports[k];
		if (route_query(sock, &q, answer, NULL) == 0 &&
		    (answer->error || answer->type != RTN_LOCAL))
			return false;
	}
	return true;
}

static void delivery_path_complain(const struct delivery_path *p, unsigned i,
				   const struct rule *front, uint32_t priority,
				   const struct route_answer *answer, struct err *out)
{
	char rule[160], fate[96];

	route_answer_text(answer, fate, sizeof(fate));
	if (front) {
		rules_text(front, rule, sizeof(rule));
		err_set(out,
			"packets of %s do not reach local sockets: rule \"%s\" lies in "
			"front of ours (%u); change its priority or `rule-priority`",
			p->rules[i].interface, rule, priority);
	} else {
		delivery_rule_text(&p->rules[i], rule, sizeof(rule));
		err_set(out,
			"packets of %s do not reach local sockets: the kernel's look-up "
			"for %s from %s says: %s",
			p->rules[i].interface, rule, ADDR_TEXT(&p->source), fate);
	}
}

/* -- rules ------------------------------------------------------------------------------ */

static void delivery_path_add_text(struct err *to, const char *text)
{
	size_t at = strlen(to->text);

	snprintf(to->text + at, sizeof(to->text) - at, "%s%s", at ? "; " : "", text);
}

static int delivery_path_set_priority(struct nl_sock *sock, const struct rules *rules,
				      const struct delivery_rule *r, uint32_t priority,
				      struct err *err)
{
	if (delivery_rule_add(sock, r, priority, err) < 0)
		return -1;
	delivery_rule_remove(sock, rules, r, priority);
	return 0;
}

static bool delivery_path_had_rule(const struct delivery_path *before,
				   const struct delivery_rule *r)
{
	for (unsigned i = 0; before && i < before->n; i++)
		if (delivery_rule_equal(&before->rules[i], r))
			return true;
	return false;
}

/* A rule that was put in front of others stays there for as long as they exist. */
static int delivery_path_make_rule(struct nl_sock *sock, const struct rules *rules,
				   const struct delivery_rule *r,
				   const struct delivery_path *before, struct err *drift,
				   struct err *err)
{
	const struct rule *there = delivery_rule_find(rules, r);
	uint32_t priority = there ? there->priority : r->priority;
	char ours[64], text[96];

	if (!there) {
		if (delivery_path_had_rule(before, r)) {
			delivery_rule_text(r, ours, sizeof(ours));
			snprintf(text, sizeof(text), "the rule for %s was gone", ours);
			delivery_path_add_text(drift, text);
		}
	} else if (priority > r->priority ||
		   !delivery_rule_between(rules, r, priority, r->priority)) {
		priority = r->priority;
	}
	/* The kernel would take it for the same rule and leave it as it is. */
	if (there && there->protocol != r->protocol)
		delivery_rule_remove(sock, rules, r, DELIVERY_RULE_NONE);
	return delivery_path_set_priority(sock, rules, r, priority, err);
}

/*
 * Find the rule that takes the packets of interface `i`, and put ours in front of it.
 * Returns whether to look again.
 */
static bool delivery_path_overtake(struct nl_sock *sock, const struct delivery_path *p,
				   unsigned i, struct err *drift, struct err *obstacle)
{
	const struct delivery_rule *ours = &p->rules[i];
	const struct rule *front = NULL, *there;
	struct route_answer answer;
	uint32_t priority = 0;
	struct rules rules;
	bool again = false;
	char text[256], rule[160];

	if (delivery_path_leads_here(sock, p, i, &answer) ||
	    rules_read(sock, p->family, &rules, NULL) < 0)
		return false;
	there = delivery_rule_find(&rules, ours);
	if (there) {
		priority = there->priority;
		front = delivery_rule_in_front(&rules, ours, priority, &answer);
	}
	/* In front of priority 0 there is nothing. */
	if (drift && front && front->priority > 1) {
		rules_text(front, rule, sizeof(rule));
		snprintf(text, sizeof(text),
			 "rule \"%s\" lay in front of ours (%u), which has priority %u now",
			 rule, priority, front->priority - 1);
		again = delivery_path_set_priority(sock, &rules, ours,
						   front->priority - 1, NULL) == 0;
		if (again)
			delivery_path_add_text(drift, text);
	}
	if (!again)
		delivery_path_complain(p, i, front, priority, &answer, obstacle);
	rules_free(&rules);
	return again;
}

static int delivery_path_make_rules(struct nl_sock *sock, const struct delivery_path *p,
				    const struct delivery_path *before, struct err *drift,
				    struct err *err)
{
	struct rules rules;
	int result = 0;

	if (rules_read(sock, p->family, &rules, err) < 0)
		return -1;
	for (unsigned i = 0; i < p->n && result == 0; i++)
		result = delivery_path_make_rule(sock, &rules, &p->rules[i], before,
						 drift, err);
	rules_free(&rules);
	return result;
}

/* -- all ---------------------------------------------------------------------------------- */

/* Leave a table alone that another program uses: our default route there would take its
 * packets, and its routes ours. */
static int delivery_path_make_route(struct nl_sock *sock, const struct delivery_path *p,
				    const struct delivery_path *before, struct err *drift,
				    struct err *obstacle, struct err *err)
{
	struct delivery_routes there;
	struct err text;

	if (delivery_route_look(sock, p->family, p->table, &there, err) < 0)
		return -1;
	if (there.others)
		err_set(&text,
			"routing table %u has %u other route%s (%s%s): remove %s or "
			"choose another `table`",
			p->table, there.others, there.others > 1 ? "s" : "", there.other,
			there.others > 1 ? ", ..." : "",
			there.others > 1 ? "them" : "it");
	if (there.others && !there.ours)
		return err_set(err, "%s", text.text);
	if (there.others)
		*obstacle = text;
	if (there.ours)
		return 0;
	if (before && before->table == p->table)
		delivery_path_add_text(drift, "the local route was gone from its table");
	return delivery_route_add(sock, p->family, p->table, err);
}

int delivery_path_make(struct nl_sock *sock, const struct delivery_path *wanted,
		       const struct delivery_path *before, struct err *drift,
		       struct err *obstacle, struct err *err)
{
	/* The route first: a rule that leads to an empty table leads nowhere. */
	if (delivery_path_make_route(sock, wanted, before, drift, obstacle, err) < 0 ||
	    delivery_path_make_rules(sock, wanted, before, drift, err) < 0)
		return -1;
	for (unsigned i = 0; i < wanted->n && !obstacle->text[0]; i++)
		for (unsigned k = 0; k < DELIVERY_PATH_MOVES &&
				     delivery_path_overtake(sock, wanted, i, drift,
							    obstacle);
		     k++)
			;
	return 0;
}

void delivery_path_explain(struct nl_sock *sock, const struct delivery_path *path,
			   struct err *out)
{
	struct delivery_routes there;

	out->text[0] = '\0';
	if (delivery_route_look(sock, path->family, path->table, &there, NULL) == 0 && !there.ours)
		err_set(out, "the local route is gone from table %u", path->table);
	for (unsigned i = 0; i < path->n && !out->text[0]; i++)
		delivery_path_overtake(sock, path, i, NULL, out);
}

bool delivery_path_explain_one(struct nl_sock *sock, const struct delivery_path *path,
			       const struct addr *from, const struct addr *to,
			       struct err *out)
{
	struct route_question q = { .from = *from, .to = *to, .to_port = path->ports[0] };
	struct route_answer answer;
	char fate[96];

	for (unsigned i = 0; i < path->n; i++) {
		q.mark = path->rules[i].mark;
		q.iif = path->ifindex[i];
		if (route_query(sock, &q, &answer, NULL) < 0 ||
		    (!answer.error && answer.type == RTN_LOCAL))
			continue;
		route_answer_text(&answer, fate, sizeof(fate));
		err_set(out,
			"packets from %s to %s do not reach local sockets: the kernel's "
			"look-up says: %s (ip route get %s from %s iif %s mark 0x%x; see ip "
			"rule)",
			ADDR_TEXT(from), ADDR_TEXT(to), fate, ADDR_TEXT(to),
			ADDR_TEXT(from), path->rules[i].interface, q.mark);
		return true;
	}
	return false;
}

void delivery_path_remove(struct nl_sock *sock, const struct delivery_path *old,
			  const struct delivery_path *keep)
{
	struct rules rules;

	if (rules_read(sock, old->family, &rules, NULL) < 0)
		return;
	for (unsigned i = 0; i < old->n; i++)
		if (!delivery_path_had_rule(keep, &old->rules[i]))
			delivery_rule_remove(sock, &rules, &old->rules[i],
					     DELIVERY_RULE_NONE);
	rules_free(&rules);
	if (old->n && !(keep && keep->n && keep->table == old->table))
		delivery_route_remove(sock, old->family, old->table);
}
