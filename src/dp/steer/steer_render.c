/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the plan to the table of the steering program.
 *
 * Rank 0 of each bucket goes by weight.  The ranks after it hold the other
 * instances in the order of a hash of name and bucket (rendezvous hashing), so that
 * the buckets of one that dies spread over all others.  Each instance comes with one
 * of its listeners first; when ranks are left, more listeners follow.
 */
#include "dp/steer/steer_render.h"

#include "assign.h"
#include "bpf/packet.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static_assert((int)STEER_POOLS == (int)PLAN_MAX_POOLS, "pools");
static_assert((int)STEER_SLOTS >= 2 * (int)PLAN_MAX_LISTENERS, "slots");
static_assert((int)PLAN_MAX_INSTANCES <= (int)ASSIGN_MAX, "instances");

/* -- which pool takes a port ---------------------------------------------------- */

static void steer_take_ports(struct steer_table *out, const struct packet_service *s,
			     uint8_t pool)
{
	for (unsigned i = 0; i < WCCP_MAX_PORTS && s->ports[i]; i++) {
		uint8_t *owner = &out->pool_of_port[ntohs(s->ports[i])];

		if (*owner == STEER_NO_POOL)
			*owner = pool;
	}
}

static void steer_take_free_ports(struct steer_table *out, uint8_t pool)
{
	for (unsigned port = 0; port < 65536; port++)
		if (out->pool_of_port[port] == STEER_NO_POOL)
			out->pool_of_port[port] = pool;
}

/* A service defined by source ports matches the replies to connections that the
 * instances have opened; no new connection begins with such a packet. */
static void steer_take_service(struct steer_table *out, const struct packet_service *s,
			       unsigned pool)
{
	bool any = !s->protocol && !(s->flags & WCCP_F_ONLY_PROTOCOL_0);

	if (s->protocol != IPPROTO_TCP && !any)
		return;
	if (any || !(s->flags & WCCP_F_PORTS_DEFINED))
		steer_take_free_ports(out, (uint8_t)pool);
	else if (!(s->flags & WCCP_F_PORTS_SOURCE))
		steer_take_ports(out, s, (uint8_t)pool);
}

/* Highest priority first; among equals, in the order of the plan. */
static void steer_render_ports(const struct plan *plan, struct steer_table *out)
{
	memset(out->pool_of_port, STEER_NO_POOL, sizeof(out->pool_of_port));
	for (int priority = 255; priority >= 0; priority--)
		for (unsigned i = 0; i < plan->n_services; i++) {
			struct packet_service s;

			packet_service_set(&s, &plan->services[i].service);
			if (s.priority == priority)
				steer_take_service(out, &s, plan->services[i].pool);
		}
}

/* -- who takes a bucket ------------------------------------------------------------ */

/* An instance that can take connections. */
struct candidate {
	const struct plan_instance *instance;
	unsigned n; /* of its listeners that are in place */
	uint16_t slots[PLAN_MAX_LISTENERS];
};

struct candidates {
	unsigned n;
	struct candidate list[PLAN_MAX_INSTANCES];
};

static void steer_gather(const struct plan_pool *pool, const uint16_t *places,
			 struct candidates *out)
{
	out->n = 0;
	for (unsigned i = 0; i < pool->n_instances; i++) {
		struct candidate *c = &out->list[out->n];

		if (!pool->instances[i].takes)
			continue;
		c->instance = &pool->instances[i];
		c->n = 0;
		for (unsigned k = 0; k < pool->n_listeners; k++)
			if (pool->listeners[k].instance == i &&
			    places[k] != STEER_NO_SLOT)
				c->slots[c->n++] = places[k];
		out->n += c->n > 0;
	}
}

static struct steer_owners *steer_recall(struct steer_memory *memory, const char *pool)
{
	for (unsigned i = 0; i < memory->n; i++)
		if (!strcmp(memory->pools[i].pool, pool))
			return &memory->pools[i];
	return NULL;
}

/* The rank-0 owners, as indices into the candidates. */
static void steer_own_buckets(const struct candidates *c,
			      const struct steer_owners *before,
			      struct assign_table *out)
{
	uint16_t weights[PLAN_MAX_INSTANCES];

	memset(out, ASSIGN_NOBODY, sizeof(*out));
	for (unsigned b = 0; before && b < STEER_BUCKETS; b++)
		for (unsigned i = 0; i < c->n; i++)
			if (!strcmp(c->list[i].instance->name, before->instance[b]))
				out->owners[b] = (uint8_t)i;
	for (unsigned i = 0; i < c->n; i++)
		weights[i] = c->list[i].instance->weight;
	assign_buckets(weights, c->n, out, out);
}

/* FNV-1a over name and bucket, then mixed: its low bits alone are weak. */
static uint32_t steer_affinity(const char *name, unsigned bucket)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	h = (h ^ bucket) * 16777619u;
	h ^= h >> 16;
	h *= 0x85ebca6bu;
	h ^= h >> 13;
	h *= 0xc2b2ae35u;
	return h ^ h >> 16;
}

struct contender {
	const struct candidate *candidate;
	unsigned class; /* owner, then those with weight, then the rest */
	uint32_t affinity;
};

static bool steer_goes_before(const struct contender *a, const struct contender *b)
{
	if (a->class != b->class)
		return a->class < b->class;
	return a->affinity > b->affinity;
}

static void steer_rank_candidates(const struct candidates *c, unsigned owner,
				  unsigned bucket, struct contender *out)
{
	for (unsigned i = 0; i < c->n; i++) {
		struct contender x = {
			.candidate = &c->list[i],
			.class = i == owner		       ? 0
				 : c->list[i].instance->weight ? 1
							       : 2,
			.affinity = steer_affinity(c->list[i].instance->name, bucket),
		};
		unsigned at = i;

		for (; at > 0 && steer_goes_before(&x, &out[at - 1]); at--)
			out[at] = out[at - 1];
		out[at] = x;
	}
}

/* `turn` counts the buckets of the owner: its listeners take turns. */
static void steer_fill_bucket(const struct contender *order, unsigned n, unsigned turn,
			      uint16_t *slots)
{
	unsigned filled = 0, more = 1;

	for (unsigned round = 0; more && filled < STEER_RANKS; round++) {
		more = 0;
		for (unsigned i = 0; i < n && filled < STEER_RANKS; i++) {
			const struct candidate *x = order[i].candidate;
			unsigned first = i ? order[i].affinity : turn;

			if (round >= x->n)
				continue;
			slots[filled++] = x->slots[(first + round) % x->n];
			more = 1;
		}
	}
}

static void steer_render_pool(const struct plan_pool *pool, const uint16_t *places,
			      const struct steer_owners *before,
			      struct steer_owners *after, struct steer_pool *out)
{
	struct contender order[PLAN_MAX_INSTANCES];
	unsigned turns[PLAN_MAX_INSTANCES] = { 0 };
	struct candidates c;
	struct assign_table table;

	steer_gather(pool, places, &c);
	steer_own_buckets(&c, before, &table);
	snprintf(after->pool, sizeof(after->pool), "%s", pool->name);
	for (unsigned b = 0; b < STEER_BUCKETS; b++) {
		unsigned owner = table.owners[b];

		if (owner >= c.n) /* there is no candidate at all */
			continue;
		memcpy(after->instance[b], c.list[owner].instance->name,
		       sizeof(after->instance[b]));
		steer_rank_candidates(&c, owner, b, order);
		steer_fill_bucket(order, c.n, turns[owner]++, out->slots[b]);
	}
}

void steer_render(const struct plan *plan, const struct facts *facts,
		  const struct steer_places *places, struct steer_memory *memory,
		  struct steer_table *out)
{
	struct steer_memory now = { .n = plan->n_pools };

	memset(out->links, 0, sizeof(out->links));
	for (unsigned i = 0; i < facts->n_links; i++)
		out->links[i] = facts->links[i].ifindex;
	out->delivery = facts->delivery;
	steer_render_ports(plan, out);
	steer_render_listens(plan, out);
	memset(out->pools, 0xff, sizeof(out->pools)); /* STEER_NO_SLOT */
	for (unsigned i = 0; i < plan->n_pools; i++)
		steer_render_pool(&plan->pools[i], places->slots[i],
				  steer_recall(memory, plan->pools[i].name),
				  &now.pools[i], &out->pools[i]);
	*memory = now;
}

bool steer_pool_by_gre(const struct plan *plan, unsigned pool)
{
	for (unsigned i = 0; i < plan->n_routers; i++) {
		const struct plan_router *r = &plan->routers[i];

		if (plan->services[r->service].pool == pool &&
		    (r->forward & WCCP_METHOD_GRE || plan->n_other_caches > 0))
			return true;
	}
	return false;
}
