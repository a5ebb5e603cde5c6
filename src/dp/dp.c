/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data plane: calls its drivers in order.
 *
 * Each driver works in four steps.  `stage` examines the host and prepares, but puts
 * nothing into force; `commit` puts the new state into force and keeps the old one;
 * then either `settle` removes the old state, or `revert` the new one.  A plan is in
 * force when every driver has committed; the first failure reverts them all.
 *
 * Order of commit: the way to local sockets, who takes connections, and last the
 * program that sends packets there.  Order of removal: the other way round.
 */
#include "dp/dp.h"

#include "dp/dp_life.h"
#include "dp/explain/explain.h"
#include "dp/explain/trace_read.h"
#include "dp/egress/egress.h"
#include "dp/ingress/ingress.h"
#include "dp/ingress/ingress_counters.h"
#include "dp/link/link.h"
#include "dp/link/link_interfaces.h"
#include "dp/proof/prover.h"
#include "dp/steer/steer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <string.h>

/* -- applying -------------------------------------------------------------------------- */

static int dp_check_sizes(const struct plan *plan, struct err *err)
{
	if (plan->n_services > PLAN_MAX_SERVICES || plan->n_pools > PLAN_MAX_POOLS ||
	    plan->n_routers > PLAN_MAX_ROUTERS ||
	    plan->n_other_caches > WCCP_MAX_CACHES ||
	    plan->n_sources > PLAN_MAX_SOURCES || plan->n_listens > PLAN_MAX_LISTENS)
		return err_set(err, "plan: too large");
	for (unsigned i = 0; i < plan->n_services; i++)
		if (plan->services[i].pool >= plan->n_pools)
			return err_set(err, "plan: service %u has no pool", i);
	for (unsigned i = 0; i < plan->n_services; i++)
		for (unsigned k = 0; k < WCCP_MAX_PORTS; k++)
			if (plan->services[i].port_pools[k] > plan->n_pools)
				return err_set(err, "plan: service %u has no pool", i);
	for (unsigned i = 0; i < plan->n_routers; i++)
		if (plan->routers[i].service >= plan->n_services)
			return err_set(err, "plan: router %u has no service", i);
	for (unsigned i = 0; i < plan->n_sources; i++)
		if (plan->sources[i].router >= plan->n_routers)
			return err_set(err, "plan: source %u has no router", i);
	for (unsigned i = 0; i < plan->n_listens; i++)
		if (plan->listens[i].pool >= plan->n_pools)
			return err_set(err, "plan: listening port %u has no pool",
				       plan->listens[i].port);
	for (unsigned i = 0; i < plan->n_pools; i++) {
		const struct plan_pool *p = &plan->pools[i];

		if (p->n_instances > PLAN_MAX_INSTANCES ||
		    p->n_listeners > PLAN_MAX_LISTENERS)
			return err_set(err, "plan: pool %s is too large", p->name);
		for (unsigned k = 0; k < p->n_listeners; k++)
			if (p->listeners[k].instance >= p->n_instances)
				return err_set(err,
					       "plan: pool %s: listener %u has no "
					       "instance",
					       p->name, k);
	}
	return 0;
}

static int dp_check(const struct dp *dp, const struct plan *plan, struct err *err)
{
	if (plan->self.family != dp->family)
		return err_set(err, "plan: our address is of another family");
	if (plan->mark == 0 || plan->mark & ~plan->mark_mask)
		return err_set(err, "plan: mark 0x%x does not fit the mask 0x%x",
			       plan->mark, plan->mark_mask);
	/* 253 to 255 are default, main and local. */
	if (plan->table == 0 || (plan->table >= 253 && plan->table <= 255))
		return err_set(err, "plan: routing table %u belongs to the system",
			       plan->table);
	return dp_check_sizes(plan, err);
}

static int dp_stage(struct dp *dp, const struct plan *plan, struct err *err)
{
	if (link_stage(dp->link, plan, &dp->facts, &dp->trouble, err) < 0 ||
	    steer_stage(dp->steer, plan, &dp->facts, &dp->trouble, err) < 0)
		return -1;
	if (plan->n_left_out)
		err_set(&dp->trouble,
			"no room for %u routers (of one service each): their packets "
			"are not recognised, %d different routers are the limit",
			plan->n_left_out, PLAN_MAX_ADDRESSES);
	return 0;
}

/* Making the path to local sockets shows whether packets reach them, which decides what
 * the ingress program should do. */
static int dp_commit(struct dp *dp, const struct plan *plan, struct err *err)
{
	if (link_commit(dp->link, err) < 0)
		return -1;
	dp->facts.blocked = link_obstacle(dp->link)[0];
	if (ingress_stage(dp->ingress, plan, &dp->facts, err) < 0 ||
	    steer_commit(dp->steer, err) < 0)
		return -1;
	return ingress_commit(dp->ingress, err);
}

/* Each driver knows how far its commit got. */
static void dp_revert(struct dp *dp)
{
	ingress_revert(dp->ingress);
	steer_revert(dp->steer);
	link_revert(dp->link);
}

/* Credit what the slots have counted to their owners. */
static void dp_account(struct dp *dp)
{
	for (unsigned i = 0; i < STEER_SLOTS; i++) {
		const struct steer_owner *owner = steer_owner(dp->steer, i);

		if (owner)
			new_connections_add(&dp->connections, i, owner->pool,
					    owner->instance,
					    ingress_new_connections(dp->ingress, i) +
						    steer_listen_opened(dp->steer, i));
	}
}

static void dp_gather_drift(struct dp *dp)
{
	const char *link = link_drift(dp->link), *ingress = ingress_drift(dp->ingress);

	err_set(&dp->drift, "%s%s%s", link, link[0] && ingress[0] ? "; " : "", ingress);
}

/* Without any interface, the steering program is all that is needed. */
static int dp_apply_listens(struct dp *dp, const struct plan *plan, struct err *err)
{
	dp->facts.n_links = dp->facts.delivery = dp->facts.n_own_prefixes = 0;
	if (dp_check_sizes(plan, err) < 0 ||
	    steer_stage(dp->steer, plan, &dp->facts, &dp->trouble, err) < 0 ||
	    steer_commit(dp->steer, err) < 0) {
		steer_revert(dp->steer);
		return err_prefix(err, "data plane");
	}
	dp_account(dp);
	dp_clear_redirection(dp, plan->table);
	steer_settle(dp->steer);
	dp_save(dp, plan);
	return 0;
}

int dp_apply(struct dp *dp, const struct plan *plan, struct err *err)
{
	dp->trouble.text[0] = dp->drift.text[0] = '\0';
	if (!plan->n_interfaces && !plan->any_interface && plan->n_listens)
		return dp_apply_listens(dp, plan, err);
	if (!plan->n_interfaces && !plan->any_interface) { /* nothing is wanted */
		dp_account(dp);
		dp_clear(dp);
		return 0;
	}
	dp->redirects = true;
	if (dp_check(dp, plan, err) < 0)
		return err_prefix(err, "data plane");
	if (dp_stage(dp, plan, err) < 0 || dp_commit(dp, plan, err) < 0) {
		dp_revert(dp);
		return err_prefix(err, "data plane");
	}
	/* The old table no longer assigns connections: the counters of slots that only
	 * it named are final, and these slots may be reused after this. */
	dp_account(dp);
	egress_follow(dp->egress, plan, &dp->facts, &dp->trouble);
	ingress_settle(dp->ingress);
	steer_settle(dp->steer);
	link_settle(dp->link);
	ingress_look_around(dp->ingress, &dp->trouble);
	dp_gather_drift(dp);
	dp_save(dp, plan);
	return 0;
}

int dp_look(struct dp *dp, const struct plan *plan, struct err *err)
{
	return link_stage(dp->link, plan, &dp->facts, &dp->trouble, err);
}

/* -- telling ------------------------------------------------------------------------- */

const char *dp_trouble(const struct dp *dp)
{
	return dp->trouble.text;
}

const char *dp_drift(const struct dp *dp)
{
	return dp->drift.text;
}

const char *dp_obstacle(const struct dp *dp)
{
	return link_obstacle(dp->link);
}

int dp_check_interface(const char *name, struct err *err)
{
	return link_interfaces_check(name, err);
}

bool dp_is_near(struct dp *dp, const struct addr *a)
{
	return a->family != dp->family || dp->facts.n_links == 0 ||
	       link_is_near(dp->link, &dp->facts, a);
}

bool dp_is_waiting(const struct dp *dp)
{
	return link_is_waiting(dp->link);
}

int dp_get_counters(struct dp *dp, unsigned service, struct dp_counters *out)
{
	return ingress_get_counters(dp->ingress, service, out);
}

const char *dp_reason_name(unsigned reason)
{
	return ingress_reason_name(reason);
}

void dp_trace_begin(struct dp *dp, const struct addr *client, uint16_t port, unsigned room)
{
	trace_read_begin(dp->ingress, client, port, room);
}

void dp_trace_end(struct dp *dp)
{
	trace_read_end(dp->ingress);
}

uint64_t dp_trace_read(struct dp *dp, unsigned room, dp_traced_seen *seen, void *arg)
{
	return trace_read(dp->ingress, dp->steer, room, seen, arg);
}

int dp_explain(const struct dp *dp, const struct dp_connection *c,
	       struct dp_explanation *out, struct err *err)
{
	if (c->src.family != dp->family || c->dst.family != dp->family)
		return err_set(err, "%s to %s: the services are of IPv%u", ADDR_TEXT(&c->src),
			       ADDR_TEXT(&c->dst), dp->family);
	return explain_connection(dp->ingress, dp->steer, c, out, err);
}

int dp_get_new_connections(struct dp *dp, const struct plan *plan, unsigned pool,
			   uint64_t out[PLAN_MAX_INSTANCES])
{
	const struct plan_pool *p = &plan->pools[pool];

	if (pool >= plan->n_pools)
		return -1;
	dp_account(dp);
	for (unsigned i = 0; i < p->n_instances; i++)
		out[i] = new_connections_of(&dp->connections, p->name,
					    p->instances[i].name);
	return 0;
}

unsigned dp_get_answers(struct dp *dp, struct dp_answer *out, unsigned room)
{
	return ingress_get_answers(dp->ingress, out, room);
}

/* -- strangers, and packets let in ---------------------------------------------------- */

unsigned dp_take_strangers(struct dp *dp, struct dp_stranger out[DP_MAX_STRANGERS])
{
	unsigned n = ingress_take_strangers(dp->ingress, out, DP_MAX_STRANGERS);

	for (unsigned i = 0; i < n; i++)
		out[i].taken = out[i].by_mac && !dp->facts.forwards;
	return n;
}

static const struct facts_link *dp_find_link(const struct dp *dp, unsigned ifindex)
{
	for (unsigned i = 0; i < dp->facts.n_links; i++)
		if (dp->facts.links[i].ifindex == ifindex)
			return &dp->facts.links[i];
	return NULL;
}

bool dp_has_link(const struct dp *dp, unsigned ifindex)
{
	return dp_find_link(dp, ifindex);
}

/* Its source is our own MAC address: no received frame has that, so the ingress program
 * knows that it has to look up the way back. */
static size_t dp_frame(const struct dp *dp, const struct facts_link *link, const void *packet, size_t len,
		       uint8_t out[PROOF_FRAME_LONGEST])
{
	struct ethhdr head = {
		.h_proto = htons(dp->family == ADDR_V6 ? ETH_P_IPV6 : ETH_P_IP),
	};

	memcpy(head.h_dest, link->mac, sizeof(head.h_dest));
	memcpy(head.h_source, link->mac, sizeof(head.h_source));
	memcpy(out, &head, sizeof(head));
	memcpy(out + sizeof(head), packet, len);
	return sizeof(head) + len;
}

enum dp_let_in dp_let_in(struct dp *dp, unsigned ifindex, const void *packet, size_t len,
			 struct err *err)
{
	const size_t longest = PROOF_FRAME_LONGEST - sizeof(struct ethhdr);
	const struct facts_link *link = dp_find_link(dp, ifindex);
	uint8_t frame[PROOF_FRAME_LONGEST];

	if (!dp->prover.proof) {
		*err = dp->prover.why;
		return DP_NOT_LET_IN;
	}
	if (!link) {
		err_set(err, "it came in by another interface than the plan has");
		return DP_NOT_LET_IN;
	}
	if (len > longest) {
		err_set(err, "it is longer than %zu octets", longest);
		return DP_TOO_LONG;
	}
	len = dp_frame(dp, link, packet, len, frame);
	return proof_inject(dp->prover.proof, ifindex, frame, len, err) < 0
		       ? DP_NOT_LET_IN
		       : DP_LET_IN;
}

/* -- proofs -------------------------------------------------------------------------- */

bool dp_can_prove(const struct dp *dp, const char **why_not)
{
	*why_not = dp->prover.why.text;
	return dp->prover.proof != NULL;
}

void dp_prove_begin(struct dp *dp)
{
	prover_begin(&dp->prover);
}

int dp_prove_send(struct dp *dp, const struct plan *plan, struct err *err)
{
	return prover_send(&dp->prover, plan, &dp->facts, err);
}

void dp_prove_collect(struct dp *dp,
		      void (*found)(void *arg, const struct proof_target *t,
				    enum proof_outcome outcome),
		      void *arg)
{
	prover_collect(&dp->prover, found, arg);
}

/* The remedy for what a packet filter drops. */
static void dp_explain_filter(const struct plan *plan, const char *what, struct err *out)
{
	char pass[128];

	if (plan->delivery_interface[0])
		snprintf(pass, sizeof(pass), "what comes in by %s pass (nft: iifname %s accept",
			 plan->delivery_interface, plan->delivery_interface);
	else
		snprintf(pass, sizeof(pass),
			 "mark 0x%x/0x%x pass (nft: meta mark & 0x%x == 0x%x accept", plan->mark,
			 plan->mark_mask, plan->mark_mask, plan->mark);
	err_set(out,
		"%s: a packet filter, a NAT rule or another sk_lookup program takes them. Let "
		"%s, in input), look for redirect and TPROXY rules in prerouting and for rules "
		"in output",
		what, pass);
}

void dp_explain_silence(struct dp *dp, const struct plan *plan, const struct addr *client,
			const struct addr *server, const char *what, struct err *out)
{
	if (addr_is_set(client) && link_explain_client(dp->link, client, server, out))
		return;
	dp_explain_filter(plan, what, out);
}

void dp_explain_loss(struct dp *dp, const struct plan *plan, const struct proof_target *t,
		     enum proof_outcome outcome, struct err *out)
{
	const struct facts_link *link =
		&dp->facts.links[t->router < 0 ? 0 : dp->facts.macs[t->router].link];
	struct err front = { "" };

	if (!dp->facts.n_links) {
		err_set(out, "there is no interface that can be used for redirected packets");
		return;
	}
	if (outcome == PROOF_UNSEEN) {
		ingress_look_around(dp->ingress, &front);
		err_set(out,
			"packets on %s do not come as far as the ingress program: "
			"another TC filter or XDP program takes them (tc filter show dev "
			"%s ingress)%s%s",
			link->name, link->name, front.text[0] ? ": " : "", front.text);
		return;
	}
	if (link_explain_loss(dp->link, out))
		return;
	dp_explain_filter(plan, "delivered packets do not reach a listener", out);
}

int dp_get_samples(struct dp *dp, unsigned pool, struct dp_samples *out)
{
	return steer_get_samples(dp->steer, pool, &out->delivered, &out->reached);
}
