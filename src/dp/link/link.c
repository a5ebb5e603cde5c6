/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Links, addresses, neighbours, the rules, the route and the interface by which packets are
 * led to local sockets, and reverse-path filtering.
 */
#include "dp/link/link.h"

#include "bpf/proof_maps.h"
#include "dp/link/delivery_interface.h"
#include "dp/link/delivery_path.h"
#include "dp/link/link_facts.h"
#include "dp/link/link_interfaces.h"
#include "dp/link/link_prefixes.h"
#include "dp/link/link_rp_filter.h"
#include "dp/link/link_sysctl.h"
#include "rtnl/netlink.h"
#include "rtnl/route_query.h"
#include "rtnl/rules.h"

#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is made for one plan. */
struct link_made {
	struct delivery_path path; /* of no interfaces: there is none */
	struct link_rp_filter filters[PLAN_MAX_INTERFACES];
};

/* Routers, or several services of one, whose MAC address is needed and not known. */
struct link_unknown {
	unsigned n;
	struct addr routers[PLAN_MAX_ROUTERS];
	bool silent[PLAN_MAX_ROUTERS];
};

struct link {
	struct nl_sock *sock;
	struct link_made now, before; /* `before` only while `changing` */
	bool changing;		      /* between commit and settle or revert */
	struct delivery_path wanted; /* from stage to commit */
	/* The delivery interface, 0: none, and what the newest stage had to do to it. */
	unsigned delivery;
	struct err delivery_changed;
	bool has_leftovers; /* there may be others, of earlier runs or plans */
	struct err drift, obstacle;  /* as of the newest commit */
	struct link_unknown unknown;  /* as of the newest look */
	bool is_waiting;	      /* for the MAC address of one of them */
};

int link_new(struct link **out, struct err *err)
{
	struct link *l = calloc(1, sizeof(*l));

	if (!l)
		return err_set(err, "out of memory");
	l->sock = netlink_connect(err);
	if (!l->sock) {
		link_free(l);
		return -1;
	}
	l->has_leftovers = true;
	*out = l;
	return 0;
}

void link_free(struct link *l)
{
	if (!l)
		return;
	nl_socket_free(l->sock);
	free(l);
}

/* -- looking ----------------------------------------------------------------------- */

/*
 * Routers whose packets arrive bare are recognised by their MAC address.  An answer to
 * ARP takes milliseconds and its absence three seconds; until one of them is certain,
 * there is nothing to report.  A router that has been silent once stays so until it
 * answers, though it is asked again and again.
 */
static void link_note_unknown(struct link *l, const struct plan *plan,
			      const struct facts *facts, struct err *trouble)
{
	struct link_unknown before = l->unknown;

	l->unknown = (struct link_unknown){ 0 };
	l->is_waiting = false;
	for (unsigned i = 0; i < plan->n_routers; i++) {
		const struct addr *a = &plan->routers[i].address;
		enum neighbour_state state = facts->macs[i].state;
		int known_from = addr_find(before.routers, before.n, a);
		bool silent = state == NEIGHBOUR_SILENT;

		if (!(plan->routers[i].forward & WCCP_METHOD_L2) ||
		    state == NEIGHBOUR_KNOWN)
			continue;
		/* Asked, but the kernel has not made an entry yet. */
		if (known_from >= 0)
			silent |=
				state == NEIGHBOUR_ABSENT || before.silent[known_from];
		l->unknown.silent[l->unknown.n] = silent;
		l->unknown.routers[l->unknown.n++] = *a;
		l->is_waiting |= !silent;
		if (silent)
			err_set(trouble,
				"router %s does not answer %s on %s: its packets "
				"cannot be recognised (L2 needs a common link)",
				ADDR_TEXT(a),
				a->family == ADDR_V6 ? "neighbour solicitations" : "ARP",
				facts->links[facts->macs[i].link].name);
	}
}

bool link_is_waiting(const struct link *l)
{
	return l->is_waiting;
}

static bool link_forwards(unsigned family, const struct facts *facts)
{
	for (unsigned i = 0; i < facts->n_links; i++)
		if (link_sysctl_of(family, facts->links[i].name, "forwarding") > 0)
			return true;
	return false;
}

/* A neighbour of ours, whether there is one at that address or not: the kernel drops what
 * comes from where nothing is routed to. */
static struct addr link_choose_source(struct link *l, const struct addr *self)
{
	struct route_question q = { 0 };
	struct route_answer a;

	for (uint8_t flip = 1; flip < 4; flip++) {
		q.to = *self;
		q.to.octets[addr_len(self) - 1] ^= flip;
		if (route_query(l->sock, &q, &a, NULL) == 0 && !a.error &&
		    a.type == RTN_UNICAST)
			return q.to;
	}
	return proof_addr(self->family, PROOF_SOURCE);
}

static bool link_had(const struct link_made *m, const char *interface)
{
	for (unsigned i = 0; i < m->path.n; i++)
		if (!strcmp(m->path.rules[i].interface, interface))
			return true;
	return false;
}

/* The others need its index, so it is made now.  Nothing leads there yet. */
static int link_stage_delivery(struct link *l, const struct plan *plan, struct facts *out,
			       struct err *err)
{
	int ifindex = 0;

	l->delivery_changed.text[0] = '\0';
	if (plan->delivery_interface[0]) {
		ifindex = delivery_interface_make(l->sock, plan->delivery_interface,
						  &l->delivery_changed, err);
		if (ifindex < 0)
			return -1;
	}
	out->delivery = (unsigned)ifindex;
	if (l->delivery != out->delivery) {
		l->has_leftovers = true;
		if (link_had(&l->now, plan->delivery_interface))
			err_set(&l->delivery_changed, "interface %s was gone",
				plan->delivery_interface);
	}
	l->delivery = out->delivery;
	return 0;
}

int link_stage(struct link *l, const struct plan *plan, struct facts *out,
	       struct err *trouble, struct err *err)
{
	if (link_interfaces(l->sock, plan, out, trouble, err) < 0)
		return -1;
	out->forwards = link_forwards(plan->self.family, out);
	if (link_stage_delivery(l, plan, out, err) < 0 ||
	    link_prefixes(l->sock, plan->self.family, out, err) < 0 ||
	    link_facts_macs(l->sock, plan, out, err) < 0)
		return -1;
	link_facts_ways(l->sock, plan, out);
	out->proof_source = link_choose_source(l, &plan->self);
	link_note_unknown(l, plan, out, trouble);
	delivery_path_plan(plan, out, &l->wanted);
	return 0;
}

/* -- making and removing ----------------------------------------------------------------- */

static const struct link_rp_filter *link_filter_of(const struct link_made *m,
						   const char *interface)
{
	for (unsigned i = 0; i < PLAN_MAX_INTERFACES; i++)
		if (m->filters[i].changed && !strcmp(m->filters[i].interface, interface))
			return &m->filters[i];
	return NULL;
}

/* Remove what `old` has and `keep` has not. */
static void link_remove_made(struct link *l, struct link_made *old,
			     const struct link_made *keep)
{
	delivery_path_remove(l->sock, &old->path, &keep->path);
	for (unsigned i = 0; i < PLAN_MAX_INTERFACES; i++)
		if (old->filters[i].changed &&
		    !link_filter_of(keep, old->filters[i].interface))
			link_rp_filter_restore(&old->filters[i]);
	*old = (struct link_made){ 0 };
}

static void link_add_drift(struct link *l, const char *interface)
{
	size_t at = strlen(l->drift.text);

	snprintf(l->drift.text + at, sizeof(l->drift.text) - at,
		 "%srp_filter of %s was strict again", at ? "; " : "", interface);
}

/* A rule of an earlier run that was killed tells what that changed. */
static void link_adopt_filter(struct link_made *m, unsigned i, const struct rule *rule)
{
	int was = rule->protocol - DELIVERY_RULE_FILTER_WAS;

	if (was >= 0 && was <= DELIVERY_RULE_FILTER_MOST)
		link_rp_filter_adopt(&m->filters[i], rule->iif, was);
}

/* It had another configuration: its rule counts as one of the plan before. */
static void link_adopt_other(struct link *l, const struct rule *rule)
{
	struct delivery_path *path = &l->before.path;

	if (path->n == PLAN_MAX_INTERFACES)
		return;
	link_adopt_filter(&l->before, path->n, rule);
	path->family = rule->family;
	path->table = rule->table;
	delivery_rule_of(rule, &path->rules[path->n++]);
}

static void link_adopt(struct link *l)
{
	struct rules rules;

	if (l->before.path.n || rules_read(l->sock, l->wanted.family, &rules, NULL) < 0)
		return;
	for (unsigned k = 0; k < rules.n; k++) {
		const struct rule *rule = &rules.list[k];
		int i = delivery_path_find(&l->wanted, rule);

		if (i >= 0)
			link_adopt_filter(&l->now, (unsigned)i, rule);
		else if (delivery_rule_is_left(rule, l->wanted.table))
			link_adopt_other(l, rule);
	}
	rules_free(&rules);
}

static void link_note_filters(struct link *l)
{
	for (unsigned i = 0; i < l->wanted.n; i++) {
		const struct link_rp_filter *f = &l->now.filters[i];

		if (f->changed && f->before >= 0 &&
		    f->before <= DELIVERY_RULE_FILTER_MOST)
			l->wanted.rules[i].protocol =
				(uint8_t)(DELIVERY_RULE_FILTER_WAS + f->before);
	}
}

/* Filters of the previous plan keep the values they found. */
static int link_loosen_filters(struct link *l, struct err *err)
{
	/* IPv6 has no such filter. */
	for (unsigned i = 0; i < l->wanted.n && l->wanted.family == ADDR_V4; i++) {
		const char *interface = l->wanted.rules[i].interface;
		const struct link_rp_filter *had = link_filter_of(&l->before, interface);
		int rc;

		if (had)
			l->now.filters[i] = *had;
		rc = link_rp_filter_loosen(&l->now.filters[i], interface, err);
		if (rc < 0)
			return -1;
		if (rc > 0 && link_had(&l->before, interface))
			link_add_drift(l, interface);
	}
	return 0;
}

int link_commit(struct link *l, struct err *err)
{
	const struct delivery_path *before = l->now.path.n ? &l->before.path : NULL;

	l->before = l->now;
	l->changing = true;
	l->drift = l->delivery_changed;
	l->obstacle.text[0] = '\0';
	/* Noted before it is made, so that a failure half-way is undone as well. */
	l->now = (struct link_made){ .path = l->wanted };
	/* The kernel's look-up takes the filter into account. */
	link_adopt(l);
	if (link_loosen_filters(l, err) < 0)
		return -1;
	link_note_filters(l);
	return delivery_path_make(l->sock, &l->wanted, before, &l->drift, &l->obstacle,
				  err);
}

const char *link_drift(const struct link *l)
{
	return l->drift.text;
}

const char *link_obstacle(const struct link *l)
{
	return l->obstacle.text;
}

bool link_is_near(struct link *l, const struct facts *facts, const struct addr *a)
{
	return link_facts_is_near(l->sock, facts, a);
}

/* Of our delivery interfaces, keep the one that is in use. */
static void link_remove_leftovers(struct link *l)
{
	unsigned in_use = 0;

	for (unsigned i = 0; i < l->now.path.n; i++)
		if (l->now.path.ifindex[i] == l->delivery)
			in_use = l->delivery;
	if (l->has_leftovers)
		delivery_interface_remove(l->sock, (int)in_use);
	l->has_leftovers = false;
	l->delivery = in_use;
}

void link_settle(struct link *l)
{
	link_remove_made(l, &l->before, &l->now);
	link_remove_leftovers(l);
	l->changing = false;
}

void link_revert(struct link *l)
{
	struct link_made failed = l->now;

	if (!l->changing)
		return;
	l->changing = false;
	l->now = l->before;
	l->before = (struct link_made){ 0 };
	link_remove_made(l, &failed, &l->now);
}

void link_forget(struct link *l, uint32_t table)
{
	static const struct link_made nothing;

	l->wanted = (struct delivery_path){ .table = table };
	link_adopt(l);
	link_remove_made(l, &l->before, &nothing);
	link_clear(l);
}

void link_clear(struct link *l)
{
	static const struct link_made nothing;

	link_remove_made(l, &l->now, &nothing);
	l->has_leftovers |= l->delivery;
	link_remove_leftovers(l);
	l->unknown.n = 0;
	l->is_waiting = false;
}

/* -- explaining ------------------------------------------------------------------------ */

bool link_explain_loss(struct link *l, struct err *out)
{
	delivery_path_explain(l->sock, &l->now.path, out);
	return out->text[0];
}

bool link_explain_client(struct link *l, const struct addr *client,
			 const struct addr *server, struct err *out)
{
	const struct route_question q = { .to = *client };
	struct route_answer a;
	char text[80];

	if (route_query(l->sock, &q, &a, out) < 0)
		return true;
	if (!a.error && a.type == RTN_UNICAST)
		return delivery_path_explain_one(l->sock, &l->now.path, client, server,
						 out);
	route_answer_text(&a, text, sizeof(text));
	err_set(out, "there is no route back to clients such as %s (%s): see ip route get %s",
		ADDR_TEXT(client), text, ADDR_TEXT(client));
	return true;
}
