/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a seed stands for: how many nodes there are, and how each of them is configured
 * at the end and, apart from what vary.c changes, before.
 *
 * Every plan is one that the protocol can make work: what a web-cache may choose alone
 * differs between nodes; for what a group agrees upon (method of assignment, timers),
 * every node supports whatever another may choose.
 */
#include "sim.h"

#include "mask.h"

#include <string.h>

/* -- sizes -------------------------------------------------------------------------- */

static void make_size(struct sim *sim)
{
	struct sim_plan *p = &sim->plan;

	if (sim->attacked) { /* what does not depend on size is quicker to see */
		p->n_caches = 1 + sim_any(sim, 4);
		p->n_routers = 1 + sim_any(sim, 3);
	} else if (sim->seed % 200 == 100) {
		p->n_caches = SIM_CACHES;
		p->n_routers = SIM_ROUTERS;
	} else if (sim->seed % 50 == 10) {
		p->n_caches = 9 + sim_any(sim, SIM_CACHES - 8);
		p->n_routers = 5 + sim_any(sim, SIM_ROUTERS - 4);
	} else if (sim->seed % 5 == 1) {
		p->classic = true;
		p->n_caches = 8;
		p->n_routers = 4;
	} else {
		p->n_caches = 1 + sim_any(sim, 10);
		p->n_routers = 1 + sim_any(sim, 6);
	}
}

/* Large ones have as much of everything in a shorter time; and who is attacked has more
 * to do. */
static int64_t trouble_in_t(const struct sim *sim)
{
	unsigned links = sim->plan.n_caches * sim->plan.n_routers;

	if (sim->attacked)
		return 15;
	return links <= 64 ? 30 : links <= 256 ? 20 : 12;
}

/* -- timers --------------------------------------------------------------------------- */

static uint16_t any_transmit_t(struct sim *sim)
{
	static const uint16_t special[] = { 500, 1000, 2000, 30000, 60000 };

	if (!sim->plan.classic && sim_chance(sim, 30))
		return special[sim_any(sim, 5)];
	return (uint16_t)(4000 + sim_any(sim, 11) * 1000);
}

/* Each has its own wishes where the group need not agree. */
static void wish(struct sim *sim, struct sim_cache *c, const struct sim_cache *first,
		 bool own)
{
	struct cache_conf *conf = &c->plan[0];

	conf->transmit_t_ms = own ? any_transmit_t(sim) : first->plan[0].transmit_t_ms;
	conf->timeout_scale =
		own ? (uint8_t)(1 + sim_any(sim, 2)) : first->plan[0].timeout_scale;
	conf->ra_scale = own ? (uint8_t)(1 + sim_any(sim, 2)) : first->plan[0].ra_scale;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void make_timers(struct sim *sim)
{
	struct sim_plan *p = &sim->plan;
	/* Where they differ, the shortest T may rule: much work in a large group. */
	bool differ = !p->multicast && p->n_caches * p->n_routers <= 64 &&
		      sim_chance(sim, 30);

	p->t_ms = p->tb_ms = p->rb_ms = p->timers ? 0 : WCCP_TRANSMIT_T_MS;
	for (unsigned i = 0; p->timers && i < p->n_caches; i++) {
		const struct cache_conf *conf = &sim->caches[i].plan[0];

		wish(sim, &sim->caches[i], &sim->caches[0], i == 0 || differ);
		p->t_ms = larger(p->t_ms, conf->transmit_t_ms);
		p->tb_ms = larger(p->tb_ms,
				  (int64_t)conf->transmit_t_ms * conf->timeout_scale);
		p->rb_ms =
			larger(p->rb_ms, (int64_t)conf->transmit_t_ms * conf->ra_scale);
	}
	p->trouble_ms = trouble_in_t(sim) * p->t_ms;
}

/* -- what the group is ------------------------------------------------------------------ */

void plan_make(struct sim *sim)
{
	struct sim_plan *p = &sim->plan;

	make_size(sim);
	p->n_services = 1;
	p->loss = p->classic ? 20 : sim_any(sim, 31);
	p->settles_despite_losses = p->classic && sim->seed % 2;
	p->password = sim_chance(sim, 50) || sim->attacked;
	p->echo = sim_chance(sim, 50);
	p->timers = sim_chance(sim, 30);
	if (!p->classic) {
		p->ipv6 = sim_chance(sim, 30);
		p->multicast = sim_chance(sim, 25);
		p->strangers = sim_chance(sim, 30);
		p->outcasts = sim_chance(sim, 10);
		p->methods = (enum sim_methods)sim_any(sim, 3);
		p->n_services += sim_chance(sim, 25);
	}
	/* One message for all routers of a multicast group: one method.  A pair whose
	 * services are divided by different methods has no table. */
	if ((p->multicast || p->n_services > 1) && p->methods == SIM_MIXED)
		p->methods = SIM_MASK;
	make_timers(sim);
}

void plan_trace(const struct sim *sim)
{
	static const char *const methods[] = { "hash", "mask", "hash or mask" };
	const struct sim_plan *p = &sim->plan;

	sim_trace(sim, "%u web-caches, %u routers, %u %s, %u %% lost, %s%s%s%s%s",
		  p->n_caches, p->n_routers, p->n_services,
		  p->n_services > 1 ? "services" : "service", p->loss,
		  methods[p->methods], p->ipv6 ? ", IPv6" : "",
		  p->multicast ? ", multicast" : "", p->password ? ", password" : "",
		  p->echo ? ", echo" : "");
	sim_trace(sim, "T up to %lld ms, TB %lld ms, RB %lld ms", (long long)p->t_ms,
		  (long long)p->tb_ms, (long long)p->rb_ms);
	for (unsigned i = 0; i < p->n_caches; i++)
		sim_trace(sim, "cache%u is %s%s%s", i + 1,
			  ADDR_TEXT(&sim->caches[i].addr),
			  sim->caches[i].stranger ? ", a stranger" : "",
			  sim->caches[i].outcast ? ", not allowed by routers" : "");
}

/* -- what both sides have ------------------------------------------------------------------ */

static const struct wccp_service services[SIM_SERVICES] = {
	{ .type = WCCP_SERVICE_DYNAMIC,
	  .id = 80,
	  .priority = 200,
	  .protocol = 6,
	  .flags = WCCP_F_SRC_IP_HASH | WCCP_F_PORTS_DEFINED,
	  .ports = { 80 } },
	{ .type = WCCP_SERVICE_DYNAMIC,
	  .id = 90,
	  .priority = 200,
	  .protocol = 6,
	  .flags = WCCP_F_DST_IP_HASH | WCCP_F_PORTS_DEFINED | WCCP_F_PORTS_SOURCE,
	  .ports = { 80 } },
};

static struct codec_password password(const struct sim *sim)
{
	struct codec_password p = { .set = false };

	if (sim->plan.password)
		codec_password("Sesame80", &p, NULL);
	return p;
}

/* The `n`th address of a block, across an octet in the blocks of the web-caches. */
static struct addr address(const struct sim *sim, unsigned block, unsigned n)
{
	uint8_t octets[16] = { 0xfd, 0, 0, (uint8_t)block };

	if (!sim->plan.ipv6)
		return addr_v4(0x0a000000 + (block << 16) + n);
	octets[14] = (uint8_t)(n >> 8);
	octets[15] = (uint8_t)n;
	return addr_from_octets(ADDR_V6, octets);
}

static struct addr group_address(const struct sim *sim, unsigned service)
{
	uint8_t octets[16] = { 0xff, 5, [15] = (uint8_t)(80 + service) };

	if (!sim->plan.multicast)
		return (struct addr){ 0 };
	if (!sim->plan.ipv6)
		return addr_v4(0xe0000150 + service);
	return addr_from_octets(ADDR_V6, octets);
}

/* -- routers ---------------------------------------------------------------------------------- */

static uint32_t any_assign(struct sim *sim)
{
	if (sim->plan.methods == SIM_HASH)
		return WCCP_ASSIGN_HASH;
	if (sim->plan.methods == SIM_MASK)
		return WCCP_ASSIGN_MASK;
	return 1 + sim_any(sim, 3); /* one, the other, both */
}

static struct router_conf router_conf(struct sim *sim, unsigned j)
{
	const struct sim_plan *plan = &sim->plan;
	struct router_conf conf = {
		.service_type = services[0].type,
		.service_id = services[0].id,
		/* The id is not the address, as on most real routers. */
		.id = addr_v4(0xc0a80001 + j),
		.password = password(sim),
		.forward = WCCP_METHOD_GRE | WCCP_METHOD_L2,
		.ret = WCCP_METHOD_GRE,
		.assign = any_assign(sim),
		.advertise_timers = plan->timers,
		.transmit_t = { true, 500, 60000 },
		.timer_scale = { true, 1, 5, 1, 5 },
		.echo_assignment = plan->echo,
		.multicast = group_address(sim, 0),
	};

	if (plan->ipv6)
		conf.id6 = address(sim, 3, j + 1);
	if (plan->ipv6 || (!plan->classic && sim_chance(sim, 50)))
		conf.max_minor = 1;
	if (!plan->classic && sim_chance(sim, 30))
		conf.forward = WCCP_METHOD_GRE;
	if (sim_chance(sim, 40))
		conf.mask_identity = 1 + sim_any(sim, 2);
	return conf;
}

static void mirror_router(const struct sim *sim, struct sim_router *r)
{
	r->plan[1] = r->plan[0];
	r->plan[1].service_id = services[1].id;
	r->plan[1].multicast = group_address(sim, 1);
}

void plan_routers(struct sim *sim)
{
	for (unsigned j = 0; j < sim->plan.n_routers; j++) {
		struct sim_router *r = &sim->routers[j];

		r->addr = address(sim, 2, j + 1);
		r->plan[0] = router_conf(sim, j);
		mirror_router(sim, r);
	}
}

/* The web-caches that may join, once the outcasts are known. */
static void allow(struct sim *sim)
{
	struct router_conf list = { .n_allowed = 0 };

	for (unsigned i = 0; i < sim->plan.n_caches; i++)
		if (!sim->caches[i].outcast)
			list.allowed[list.n_allowed++] =
				addr_prefix_of(&sim->caches[i].addr);
	for (unsigned j = 0; j < sim->plan.n_routers; j++) {
		struct sim_router *r = &sim->routers[j];

		for (unsigned k = 0; k < SIM_SERVICES; k++) {
			if (sim->plan.outcasts) {
				r->plan[k].n_allowed = list.n_allowed;
				memcpy(r->plan[k].allowed, list.allowed,
				       sizeof(list.allowed));
			}
			r->conf[k] = r->plan[k];
		}
	}
}

/* -- web-caches ----------------------------------------------------------------------------- */

static void add_port_bit(struct sim *sim, struct wccp_mask *m)
{
	m->sport |= (uint16_t)(1u << sim_any(sim, 16));
}

static void add_address_bit(struct sim *sim, struct addr *side)
{
	unsigned last = sim->plan.ipv6 ? 15 : 3;

	side->family = sim->plan.ipv6 ? ADDR_V6 : ADDR_V4;
	side->octets[last - sim_any(sim, 2)] |= (uint8_t)(1u << sim_any(sim, 8));
}

/* Bits of one address, or anywhere; at least one. */
struct wccp_mask plan_any_mask(struct sim *sim)
{
	struct wccp_mask m = { .sport = 0 };
	unsigned n = 1 + sim_any(sim, MASK_BITS_MAX);
	bool one_side = sim_chance(sim, 40);

	if (sim_chance(sim, 30))
		return m;
	while (mask_bits(&m) < n)
		if (one_side)
			add_address_bit(sim, &m.src);
		else if (sim_chance(sim, 20))
			add_port_bit(sim, &m);
		else
			add_address_bit(sim, sim_chance(sim, 50) ? &m.src : &m.dst);
	return m;
}

static struct cache_preference any_assign_preference(struct sim *sim)
{
	if (sim->plan.methods == SIM_HASH)
		return (struct cache_preference){ 1, { WCCP_ASSIGN_HASH, 0 } };
	if (sim->plan.methods == SIM_MASK)
		return (struct cache_preference){ 1, { WCCP_ASSIGN_MASK, 0 } };
	if (sim_chance(sim, 50))
		return (struct cache_preference){
			2, { WCCP_ASSIGN_HASH, WCCP_ASSIGN_MASK }
		};
	return (struct cache_preference){ 2, { WCCP_ASSIGN_MASK, WCCP_ASSIGN_HASH } };
}

static enum cache_version any_version(struct sim *sim)
{
	if (sim->plan.classic)
		return CACHE_V20;
	if (sim->plan.ipv6)
		return sim_chance(sim, 50) ? CACHE_V201 : CACHE_NEGOTIATE;
	return (enum cache_version)sim_any(sim, 3);
}

static void fill_cache_conf(struct sim *sim, struct sim_cache *c)
{
	struct cache_conf *conf = &c->plan[0];

	conf->service = services[0];
	conf->self = c->addr;
	conf->multicast = group_address(sim, 0);
	conf->password = password(sim);
	conf->forward =
		(struct cache_preference){ 2, { WCCP_METHOD_L2, WCCP_METHOD_GRE } };
	conf->ret = (struct cache_preference){ 1, { WCCP_METHOD_GRE, 0 } };
	conf->assign = any_assign_preference(sim);
	conf->version = any_version(sim);
	conf->mask = sim->caches[0].plan[0].mask; /* one for all: the caller's choice */
	for (unsigned j = 0; j < sim->plan.n_routers; j++)
		conf->routers[conf->n_routers++] = sim->routers[j].addr;
	if (sim->plan.multicast && sim_chance(sim, 50))
		conf->n_routers = 0; /* any may answer */
}

static void mirror_cache(const struct sim *sim, struct sim_cache *c)
{
	c->plan[1] = c->plan[0];
	c->plan[1].service = services[1];
	c->plan[1].multicast = group_address(sim, 1);
	c->plan[1].mask = mask_mirror(&c->plan[0].mask);
}

static void list_allowed(struct sim *sim, struct cache_conf *conf)
{
	if (!sim->plan.strangers)
		return;
	for (unsigned i = 0; i < sim->plan.n_caches; i++)
		if (!sim->caches[i].stranger)
			conf->allowed[conf->n_allowed++] = sim->caches[i].addr;
}

/* At least one of them is neither. */
static void cast_out(struct sim *sim)
{
	unsigned one = sim_any(sim, sim->plan.n_caches);

	for (unsigned i = 0; i < sim->plan.n_caches; i++) {
		struct sim_cache *c = &sim->caches[i];

		c->stranger = sim->plan.strangers && i != one && sim_chance(sim, 25);
		c->outcast = sim->plan.outcasts && i != one && sim_chance(sim, 20);
	}
}

void plan_caches(struct sim *sim)
{
	cast_out(sim);
	for (unsigned i = 0; i < sim->plan.n_caches; i++)
		sim->caches[i].addr = address(sim, 1, 0xfc + i);
	sim->caches[0].plan[0].mask = plan_any_mask(sim);
	for (unsigned i = 0; i < sim->plan.n_caches; i++) {
		struct sim_cache *c = &sim->caches[i];

		fill_cache_conf(sim, c);
		if (!c->stranger)
			list_allowed(sim, &c->plan[0]);
		mirror_cache(sim, c);
		memcpy(c->conf, c->plan, sizeof(c->conf));
	}
	allow(sim);
}
