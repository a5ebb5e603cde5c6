/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the plan to the table of the steering program. */
#include "dp/steer/steer_render.h"

#include "bpf/packet.h"

#include <assert.h>
#include <string.h>
#include <sys/socket.h>

static_assert((int)STEER_POOLS == (int)PLAN_MAX_POOLS, "pools");
static_assert((int)STEER_SLOTS >= 2 * (int)PLAN_MAX_LISTENERS, "slots");
static_assert((int)STEER_BY_SOURCE == (int)PLAN_SPREAD_SOURCE &&
		      (int)STEER_BY_CPU == (int)PLAN_SPREAD_CPU,
	      "keys");
static_assert((int)STEER_INSTANCES == (int)PLAN_MAX_INSTANCES, "instances");
static_assert((int)STEER_LISTENERS == (int)PLAN_MAX_LISTENERS, "listeners");

/* -- which pool takes a port ---------------------------------------------------- */

static void steer_take_ports(struct steer_table *out, const struct packet_service *s,
			     const struct plan_service *plan)
{
	for (unsigned i = 0; i < WCCP_MAX_PORTS && s->ports[i]; i++) {
		uint8_t *owner = &out->pool_of_port[ntohs(s->ports[i])];

		if (*owner == STEER_NO_POOL)
			*owner = (uint8_t)(plan->port_pools[i] ? plan->port_pools[i] - 1u
							       : plan->pool);
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
			       const struct plan_service *plan)
{
	bool any = !s->protocol && !(s->flags & WCCP_F_ONLY_PROTOCOL_0);

	if (s->protocol != IPPROTO_TCP && !any)
		return;
	if (any || !(s->flags & WCCP_F_PORTS_DEFINED))
		steer_take_free_ports(out, (uint8_t)plan->pool);
	else if (!(s->flags & WCCP_F_PORTS_SOURCE))
		steer_take_ports(out, s, plan);
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
				steer_take_service(out, &s, &plan->services[i]);
		}
}

/* -- who takes a connection -------------------------------------------------------- */

/* FNV-1a, then mixed: its upper bits alone are weak. */
static uint64_t steer_hash_name(const char *name)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3u;
	return steer_mix(h);
}

/* Which instances of the pool can take connections, as indices, in the order of the hashes
 * of their names; returns how many. */
static unsigned steer_order(const struct plan_pool *pool, const uint16_t *places,
			    uint16_t *out)
{
	unsigned n = 0;

	for (unsigned i = 0; i < pool->n_instances; i++) {
		uint64_t hash = steer_hash_name(pool->instances[i].name);
		bool listens = false;
		unsigned at = n;

		for (unsigned k = 0; k < pool->n_listeners; k++)
			listens |= pool->listeners[k].instance == i &&
				   places[k] != STEER_NO_SLOT;
		if (!listens || !pool->instances[i].takes)
			continue;
		for (; at > 0 &&
		       steer_hash_name(pool->instances[out[at - 1]].name) > hash;
		     at--)
			out[at] = out[at - 1];
		out[at] = (uint16_t)i;
		n++;
	}
	return n;
}

/* The workers of an SMP instance are processes, started one after the other. */
static bool steer_is_earlier(const struct plan_listener *a, const struct plan_listener *b)
{
	return a->pid != b->pid ? a->pid < b->pid : a->fd < b->fd;
}

/* Returns how many slots of the pool are in use then. */
static unsigned steer_add_listeners(const struct plan_pool *pool, unsigned instance,
				    const uint16_t *places, unsigned used, uint16_t *slots)
{
	unsigned of_slot[STEER_LISTENERS], first = used;

	for (unsigned k = 0; k < pool->n_listeners; k++) {
		unsigned at = used;

		if (pool->listeners[k].instance != instance ||
		    places[k] == STEER_NO_SLOT ||
		    used - first == STEER_INSTANCE_LISTENERS)
			continue;
		for (; at > first && steer_is_earlier(&pool->listeners[k],
						      &pool->listeners[of_slot[at - 1]]);
		     at--)
			of_slot[at] = of_slot[at - 1];
		of_slot[at] = k;
		used++;
	}
	for (unsigned i = first; i < used; i++)
		slots[i] = places[of_slot[i]];
	return used;
}

static void steer_render_pool(const struct plan_pool *pool, const uint16_t *places,
			      struct steer_pool *out)
{
	uint16_t order[PLAN_MAX_INSTANCES];
	unsigned used = 0;

	out->spread = pool->spread;
	out->queue_high = pool->queue_high;
	out->n = steer_order(pool, places, order);
	for (unsigned i = 0; i < out->n; i++) {
		const struct plan_instance *from = &pool->instances[order[i]];
		struct steer_instance *in = &out->instances[i];
		unsigned first = used;

		used = steer_add_listeners(pool, order[i], places, first, out->slots);
		*in = (struct steer_instance){
			.hash = steer_hash_name(from->name),
			.tail = i | (from->weight ? 0 : STEER_LATE),
			.inverse = from->weight ? STEER_ONE / from->weight : 1,
			.first = (uint16_t)first,
			.n = (uint16_t)(used - first),
		};
		out->of_processor[order[i]] = (uint8_t)i;
	}
	out->n_processors = pool->n_instances;
}

static void steer_render_pools(const struct plan *plan, const struct steer_places *places,
			       struct steer_table *out)
{
	memset(out->pools, 0, sizeof(out->pools));
	for (unsigned i = 0; i < STEER_POOLS; i++)
		memset(out->pools[i].of_processor, 0xff,
		       sizeof(out->pools[i].of_processor));
	for (unsigned i = 0; i < plan->n_pools; i++)
		steer_render_pool(&plan->pools[i], places->slots[i], &out->pools[i]);
}

/* ln(k / (k - 1)), as the series of 2 artanh(1 / (2k - 1)): without libm, and the same
 * everywhere. */
static double steer_log_step(unsigned k)
{
	double y = 1.0 / (2 * k - 1), power = y, sum = 0;

	for (unsigned i = 1; i < 40; i += 2, power *= y * y)
		sum += power / i;
	return 2 * sum;
}

/*
 * -ln(1 - x) of a random x from 0 to 1 is a time that an instance of weight 1 has to wait
 * for its turn; of those that divide it by their weights, each comes first as often as its
 * weight says.  The last part of the curve would have no end; its straight line has the
 * same mean.
 */
static void steer_render_curve(struct steer_table *out)
{
	const double one = 1u << 26;
	double sum = 0;

	for (unsigned i = 0; i < STEER_CURVE; i++) {
		out->curve[i] = (uint32_t)(sum * one + 0.5);
		if (i < STEER_CURVE - 1)
			sum += steer_log_step(STEER_CURVE - i);
	}
	out->curve[STEER_CURVE] = (uint32_t)((sum + 2) * one);
}

void steer_render(const struct plan *plan, const struct facts *facts,
		  const struct steer_places *places, struct steer_table *out)
{
	memset(out->links, 0, sizeof(out->links));
	for (unsigned i = 0; i < facts->n_links; i++)
		out->links[i] = facts->links[i].ifindex;
	out->delivery = facts->delivery;
	out->family = plan->self.family == ADDR_V6 ? AF_INET6 : AF_INET;
	steer_render_ports(plan, out);
	steer_render_listens(plan, out);
	steer_render_curve(out);
	steer_render_pools(plan, places, out);
}

static bool steer_serves(const struct plan_service *s, unsigned pool)
{
	bool found = s->pool == pool;

	for (unsigned i = 0; i < WCCP_MAX_PORTS; i++)
		found |= s->port_pools[i] == pool + 1;
	return found;
}

bool steer_pool_by_gre(const struct plan *plan, unsigned pool)
{
	for (unsigned i = 0; i < plan->n_routers; i++) {
		const struct plan_router *r = &plan->routers[i];

		if (steer_serves(&plan->services[r->service], pool) &&
		    (r->forward & WCCP_METHOD_GRE || plan->n_other_caches > 0))
			return true;
	}
	return false;
}
