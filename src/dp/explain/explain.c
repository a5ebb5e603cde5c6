/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dp/explain/explain.h"

#include "bpf/steer_walk.h"
#include "dp/explain/explain_path.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

static_assert((int)DP_RANKS_MAX == (int)STEER_RANKS, "ranks");

static struct packet explain_packet(const struct dp_connection *c)
{
	const struct packet_addr src = packet_addr_of(&c->src), dst = packet_addr_of(&c->dst);
	const bool v4 = c->src.family == ADDR_V4;

	return (struct packet){
		.src = v4 ? src.words[3] : packet_xor(&src),
		.dst = v4 ? dst.words[3] : packet_xor(&dst),
		.whole_src = src,
		.whole_dst = dst,
		.sport = htons(c->sport),
		.dport = htons(c->dport),
		.protocol = IPPROTO_TCP,
		.has_ports = true,
	};
}

/* The checks of addresses that the ingress program makes before it looks for a
 * service. */
static const char *explain_against(const struct ingress *ingress, const struct steer *steer,
				   const struct dp_connection *c)
{
	if (steer_place(steer, &c->src) == INGRESS_OWN)
		return "the source is this machine: it goes back to the router";
	switch (steer_place(steer, &c->dst)) {
	case INGRESS_OWN:
		return "the destination is this machine: it goes back to the router";
	case INGRESS_BROADCAST:
		return "the destination is a broadcast address: it is dropped";
	default:
		break;
	}
	if (ingress_bypasses(ingress, &c->src, &c->dst))
		return "static bypass: it goes back to the router";
	return NULL;
}

static void explain_add_rank(const struct steer *steer, unsigned slot,
			     struct dp_explanation *out)
{
	const struct steer_owner *owner = steer_owner(steer, slot);
	struct dp_rank *r = &out->ranks[out->n_ranks];

	if (!owner)
		return;
	memcpy(r->instance, owner->instance, sizeof(r->instance));
	r->listens = steer_listens(steer, slot);
	out->n_ranks++;
}

/* The listeners in the order in which the connection tries them. */
static void explain_ranks(const struct steer *steer, const struct steer_table *table,
			  const struct explain_path *path, struct dp_explanation *out)
{
	struct steer_walk walk = { 0 };
	uint32_t slot;

	for (unsigned i = 0; i < STEER_RANKS; i++) {
		slot = steer_walk_on(table, path->pool, path->key, &walk);
		if (slot >= STEER_SLOTS)
			break;
		explain_add_rank(steer, slot, out);
	}
}

/* -- what an instance has of all connections ------------------------------------------- */

static bool explain_listens(const struct steer *steer, const struct steer_pool *pool,
			    unsigned instance)
{
	const struct steer_instance *in = &pool->instances[instance];

	for (unsigned i = 0; i < in->n; i++)
		if (steer_listens(steer, pool->slots[in->first + i]))
			return true;
	return false;
}

static double explain_weight(const struct steer *steer, const struct steer_pool *pool,
			     unsigned instance)
{
	const struct steer_instance *in = &pool->instances[instance];

	if (!explain_listens(steer, pool, instance))
		return 0;
	/* Weight 0 counts among its like only. */
	return in->tail & STEER_LATE ? 1e-9 : STEER_ONE / (double)in->inverse;
}

/* Returns parts of `of`. */
static unsigned explain_share(const struct steer *steer, const struct steer_pool *pool,
			      unsigned instance, unsigned of)
{
	double all = 0;

	for (unsigned i = 0; i < pool->n; i++)
		all += explain_weight(steer, pool, i);
	return (unsigned)(explain_weight(steer, pool, instance) * of / all + 0.5);
}

static unsigned explain_processors(const struct steer_pool *pool, unsigned instance)
{
	unsigned n = 0;

	for (unsigned i = 0; i < pool->n_processors; i++)
		n += pool->of_processor[i] == instance;
	return n;
}

static void explain_shares(const struct steer *steer, const struct steer_pool *pool,
			   struct dp_explanation *out)
{
	bool by_cpu = pool->spread == STEER_BY_CPU;

	out->n_parts = by_cpu ? pool->n_processors : DP_PARTS;
	for (unsigned i = 0; i < pool->n; i++) {
		const struct steer_owner *owner =
			steer_owner(steer, pool->slots[pool->instances[i].first]);
		struct dp_share *s = &out->shares[out->n_shares];

		if (!owner || !explain_listens(steer, pool, i))
			continue;
		memcpy(s->instance, owner->instance, sizeof(s->instance));
		s->parts = by_cpu ? explain_processors(pool, i)
				  : explain_share(steer, pool, i, DP_PARTS);
		out->n_shares++;
	}
}

/* Does what is known of the connection decide? */
static bool explain_decides(unsigned spread, const struct dp_connection *c)
{
	return spread == STEER_BY_SOURCE || spread == STEER_BY_DESTINATION ||
	       (spread == STEER_BY_FLOW && c->sport);
}

static void explain_pool(const struct steer *steer, const struct steer_table *table,
			 const struct explain_path *path, const struct dp_connection *c,
			 struct dp_explanation *out)
{
	const struct steer_pool *pool = &table->pools[path->pool];
	const struct steer_owner *owner;

	if (pool->n == 0)
		return;
	owner = steer_owner(steer, pool->slots[0]);
	if (owner)
		memcpy(out->pool, owner->pool, sizeof(out->pool));
	out->spread = (enum plan_spread)pool->spread;
	out->decided = explain_decides(pool->spread, c);
	if (out->decided)
		explain_ranks(steer, table, path, out);
	explain_shares(steer, pool, out);
}

static void explain_services(const struct ingress *ingress,
			     const struct ingress_config *config,
			     const struct explain_path *path, struct dp_explanation *out)
{
	for (unsigned i = 0; i < INGRESS_SERVICES; i++)
		if (path->fits >> i & 1)
			out->fitting[out->n_fitting++] = ingress_position_of(
				ingress, config->services[i].counters);
}

int explain_connection(const struct ingress *ingress, const struct steer *steer,
		       const struct dp_connection *c, struct dp_explanation *out,
		       struct err *err)
{
	const struct ingress_config *config = ingress_in_force(ingress);
	const struct steer_table *table = steer_in_force(steer);
	const struct packet p = explain_packet(c);
	struct explain_path path;

	*out = (struct dp_explanation){ .n_parts = DP_PARTS };
	if (!config && table)
		return err_set(err, "nothing is redirected here: there is no service");
	if (!config || !table)
		return err_set(err, "no plan is in force yet");
	explain_path_find(config, table, steer_seed(steer), &p, &path);
	out->against = explain_against(ingress, steer, c);
	explain_services(ingress, config, &path, out);
	out->slot = path.slot;
	out->alternate = path.alternate;
	out->former = packet_addr_to(&path.former);
	if (path.pool < STEER_POOLS)
		explain_pool(steer, table, &path, c, out);
	return 0;
}
