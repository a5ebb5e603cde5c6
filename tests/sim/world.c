/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nodes of the simulation: steps are made, actions carried out, time goes to
 * whatever is due next.
 */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As the glue has them: one for all machines of a process. */
static struct wccp_msg scratch;
static struct actions actions;

/* -- chance and words ------------------------------------------------------------- */

/* splitmix64: any seed is a good seed. */
static uint64_t next_random(struct sim *sim)
{
	uint64_t z = sim->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

uint32_t sim_any(struct sim *sim, uint32_t below)
{
	return (uint32_t)(next_random(sim) % below);
}

bool sim_chance(struct sim *sim, unsigned percent)
{
	return sim_any(sim, 100) < percent;
}

void sim_fail(struct sim *sim, const char *format, ...)
{
	va_list args;

	if (sim->failed)
		return;
	sim->failed = true;
	va_start(args, format);
	vsnprintf(sim->why, sizeof(sim->why), format, args);
	va_end(args);
	sim_trace(sim, "FAILED: %s", sim->why);
}

void sim_trace(const struct sim *sim, const char *format, ...)
{
	va_list args;

	if (!sim->trace)
		return;
	printf("%10.3f ", (double)sim->now.ns / 1e9);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

static void name_node(unsigned node, char name[8])
{
	if (node < SIM_CACHES)
		snprintf(name, 8, "cache%u", node % 10 + 1);
	else
		snprintf(name, 8, "rtr%u", (node - SIM_CACHES) % 10 + 1);
}

/* -- actions ---------------------------------------------------------------------- */

static int node_at(const struct sim *sim, const struct addr *addr)
{
	for (unsigned i = 0; i < SIM_CACHES; i++)
		if (addr_equal(&sim->caches[i].addr, addr))
			return (int)i;
	for (unsigned j = 0; j < SIM_ROUTERS; j++)
		if (addr_equal(&sim->routers[j].addr, addr))
			return (int)(SIM_CACHES + j);
	return -1;
}

/* FNV-1a */
static void hash_in(struct sim *sim, const void *octets, size_t len)
{
	const uint8_t *p = octets;

	while (len--)
		sim->hash = (sim->hash ^ *p++) * 0x100000001b3u;
}

static void transmit(struct sim *sim, unsigned from, const struct action *x)
{
	int to = node_at(sim, &x->peer);
	const void *octets = action_octets(&actions, x);

	if (x->len > WCCP_MAX_DATAGRAM)
		sim_fail(sim, "datagram of %zu octets", x->len);
	else if (to < 0 || (from < SIM_CACHES) == (to < SIM_CACHES))
		sim_fail(sim, "datagram for %s", ADDR_TEXT(&x->peer));
	else {
		hash_in(sim, octets, x->len);
		net_send(sim, from, (unsigned)to, octets, x->len);
	}
}

static void carry_out(struct sim *sim, unsigned node)
{
	char name[8];

	name_node(node, name);
	sim->steps++;
	if (actions.dropped)
		sim_fail(sim, "%s: %u actions found no room", name, actions.dropped);
	for (unsigned i = 0; i < actions.n; i++) {
		const struct action *x = &actions.list[i];

		if (x->kind == ACTION_SEND)
			transmit(sim, node, x);
		else if (x->kind == ACTION_NOTE)
			sim_trace(sim, "%-6s %s: %s", name, x->event,
				  (const char *)action_octets(&actions, x));
	}
}

/* -- steps ------------------------------------------------------------------------ */

static void step_cache(struct sim *sim, unsigned i, const struct group_event *ev)
{
	struct sim_cache *c = &sim->caches[i];

	actions_reset(&actions);
	group_step(c->group, ev, &scratch, &actions);
	carry_out(sim, i);
	c->deadline = group_deadline(c->group);
	/* What is due was done: a deadline that stays would spin the daemon. */
	if (mono_due(c->deadline, sim->now))
		sim_fail(sim, "cache%u: deadline does not move on", i + 1);
	judge_cache(sim, i);
}

static void step_router(struct sim *sim, unsigned j, const struct router_event *ev)
{
	struct sim_router *r = &sim->routers[j];

	actions_reset(&actions);
	router_step(r->router, ev, &scratch, &actions);
	carry_out(sim, SIM_CACHES + j);
	r->deadline = router_deadline(r->router);
	if (mono_due(r->deadline, sim->now))
		sim_fail(sim, "rtr%u: deadline does not move on", j + 1);
	judge_router(sim, j);
}

static const struct addr *node_addr(const struct sim *sim, unsigned node)
{
	if (node < SIM_CACHES)
		return &sim->caches[node].addr;
	return &sim->routers[node - SIM_CACHES].addr;
}

static void deliver(struct sim *sim, const struct sim_packet *p)
{
	const struct addr *from = node_addr(sim, p->from);

	if (p->to < SIM_CACHES) {
		struct group_event ev = { .type = GROUP_EV_RX, .now = sim->now };

		ev.u.rx.from = *from;
		ev.u.rx.octets = p->octets;
		ev.u.rx.len = p->len;
		if (sim->caches[p->to].group)
			step_cache(sim, p->to, &ev);
	} else {
		unsigned j = p->to - SIM_CACHES;
		struct router_event ev = { .type = ROUTER_EV_RX, .now = sim->now };

		ev.rx.from = *from;
		ev.rx.to = sim->routers[j].addr;
		ev.rx.octets = p->octets;
		ev.rx.len = p->len;
		if (sim->routers[j].router)
			step_router(sim, j, &ev);
	}
}

/* -- configuration ---------------------------------------------------------------- */

static struct codec_password password(const struct sim *sim)
{
	struct codec_password p = { .set = false };

	if (sim->plan.password)
		codec_password("Sesame80", &p, NULL);
	return p;
}

static struct group_conf cache_conf(const struct sim *sim, unsigned i)
{
	const struct sim_plan *plan = &sim->plan;
	struct group_conf conf = {
		.service = { .type = WCCP_SERVICE_DYNAMIC,
			     .id = 80,
			     .priority = 200,
			     .protocol = 6,
			     .flags = WCCP_F_SRC_IP_HASH | WCCP_F_PORTS_DEFINED,
			     .ports = { 80 } },
		.self = sim->caches[i].addr,
		.n_routers = SIM_ROUTERS,
		.password = password(sim),
		.forward = { 2, { WCCP_METHOD_L2, WCCP_METHOD_GRE } },
		.ret = { 1, { WCCP_METHOD_GRE, 0 } },
		.assign = { 1, { WCCP_ASSIGN_HASH, 0 } },
	};

	for (unsigned j = 0; j < SIM_ROUTERS; j++)
		conf.routers[j] = sim->routers[j].addr;
	if (plan->timers) {
		conf.transmit_t_ms = plan->transmit_t_ms;
		conf.timeout_scale = plan->timeout_scale;
		conf.ra_scale = plan->ra_scale;
	}
	return conf;
}

static struct router_conf router_conf(const struct sim *sim, unsigned j)
{
	return (struct router_conf){
		.service_type = WCCP_SERVICE_DYNAMIC,
		.service_id = 80,
		.id = sim->routers[j].id,
		.password = password(sim),
		.forward = WCCP_METHOD_GRE | WCCP_METHOD_L2,
		.ret = WCCP_METHOD_GRE,
		.assign = WCCP_ASSIGN_HASH,
		.advertise_timers = sim->plan.timers,
		.transmit_t = { true, 500, 60000 },
		.timer_scale = { true, 1, 5, 1, 5 },
		.echo_assignment = sim->plan.echo,
	};
}

int64_t world_tb_ms(const struct sim *sim)
{
	return (int64_t)sim->plan.transmit_t_ms * sim->plan.timeout_scale;
}

int64_t world_rb_ms(const struct sim *sim)
{
	return (int64_t)sim->plan.transmit_t_ms * sim->plan.ra_scale;
}

/* -- life of the nodes ------------------------------------------------------------ */

void world_cache_health(struct sim *sim, unsigned i, bool up, uint16_t weight)
{
	struct sim_cache *c = &sim->caches[i];
	struct group_event ev = { .type = GROUP_EV_HEALTH, .now = sim->now };

	sim_trace(sim, "cache%u is %s, weight %u", i + 1, up ? "up" : "down", weight);
	if (c->up && !up)
		c->left = sim->now;
	else if (up)
		c->left = MONO_NEVER;
	c->up = up;
	c->weight = weight;
	ev.u.health.up = up;
	ev.u.health.weight = weight;
	step_cache(sim, i, &ev);
}

void world_cache_start(struct sim *sim, unsigned i)
{
	struct sim_cache *c = &sim->caches[i];
	struct group_conf conf = cache_conf(sim, i);

	sim_trace(sim, "cache%u starts", i + 1);
	c->group = group_new(&conf, sim->now);
	if (!c->group)
		abort();
	c->ending = false;
	c->deadline = group_deadline(c->group);
}

void world_cache_crash(struct sim *sim, unsigned i)
{
	struct sim_cache *c = &sim->caches[i];

	sim_trace(sim, "cache%u is gone", i + 1);
	group_free(c->group);
	c->group = NULL;
	c->deadline = MONO_NEVER;
	if (c->up)
		c->left = sim->now;
	c->up = false;
}

void world_cache_shutdown(struct sim *sim, unsigned i)
{
	struct sim_cache *c = &sim->caches[i];
	struct group_event ev = { .type = GROUP_EV_SHUTDOWN, .now = sim->now };

	sim_trace(sim, "cache%u shuts down", i + 1);
	if (c->up)
		c->left = sim->now;
	c->up = false;
	c->ending = true;
	step_cache(sim, i, &ev);
}

void world_router_start(struct sim *sim, unsigned j)
{
	struct sim_router *r = &sim->routers[j];
	struct router_conf conf = router_conf(sim, j);

	sim_trace(sim, "rtr%u starts", j + 1);
	r->router = router_new(&conf, sim->now);
	if (!r->router)
		abort();
	r->deadline = router_deadline(r->router);
}

void world_router_crash(struct sim *sim, unsigned j)
{
	struct sim_router *r = &sim->routers[j];

	sim_trace(sim, "rtr%u is gone", j + 1);
	router_free(r->router);
	r->router = NULL;
	r->deadline = MONO_NEVER;
}

/* -- time ------------------------------------------------------------------------- */

static struct mono next_event(const struct sim *sim)
{
	struct mono next = mono_min(net_next(&sim->net), sim->trouble_at);

	for (unsigned i = 0; i < SIM_CACHES; i++)
		next = mono_min(next, sim->caches[i].deadline);
	for (unsigned j = 0; j < SIM_ROUTERS; j++)
		next = mono_min(next, sim->routers[j].deadline);
	return next;
}

static void tick_nodes(struct sim *sim)
{
	struct group_event gev = { .type = GROUP_EV_TICK, .now = sim->now };
	struct router_event rev = { .type = ROUTER_EV_TICK, .now = sim->now };

	for (unsigned i = 0; i < SIM_CACHES; i++)
		if (mono_due(sim->caches[i].deadline, sim->now))
			step_cache(sim, i, &gev);
	for (unsigned j = 0; j < SIM_ROUTERS; j++)
		if (mono_due(sim->routers[j].deadline, sim->now))
			step_router(sim, j, &rev);
}

/* The process of one that shuts down ends when it has nothing more to say. */
static void reap(struct sim *sim)
{
	for (unsigned i = 0; i < SIM_CACHES; i++) {
		struct sim_cache *c = &sim->caches[i];

		if (c->group && c->ending && group_is_quiet(c->group))
			world_cache_crash(sim, i);
	}
}

void world_run(struct sim *sim, struct mono end)
{
	struct mono next = next_event(sim);

	for (; !sim->failed && mono_due(next, end); next = next_event(sim)) {
		sim->now = next;
		while (!sim->failed && mono_due(net_next(&sim->net), sim->now)) {
			struct sim_packet p = net_take(&sim->net);

			deliver(sim, &p);
			free(p.octets);
		}
		tick_nodes(sim);
		reap(sim);
		if (mono_due(sim->trouble_at, sim->now))
			trouble_strike(sim);
	}
	sim->now = end;
}

static void make_plan(struct sim *sim)
{
	struct sim_plan *p = &sim->plan;

	p->password = sim_chance(sim, 50);
	p->echo = sim_chance(sim, 50);
	p->timers = sim_chance(sim, 30);
	p->transmit_t_ms = WCCP_TRANSMIT_T_MS;
	p->timeout_scale = p->ra_scale = 1;
	if (p->timers) {
		p->transmit_t_ms = (uint16_t)(4000 + sim_any(sim, 11) * 1000);
		p->timeout_scale = (uint8_t)(1 + sim_any(sim, 2));
		p->ra_scale = (uint8_t)(1 + sim_any(sim, 2));
	}
	sim_trace(sim, "T %u ms, timeout scale %u, RA scale %u%s%s", p->transmit_t_ms,
		  p->timeout_scale, p->ra_scale, p->password ? ", password" : "",
		  p->echo ? ", echo" : "");
}

void world_start(struct sim *sim, uint64_t seed, bool trace)
{
	memset(sim, 0, sizeof(*sim));
	sim->seed = sim->random = seed;
	sim->trace = trace;
	sim->hash = 0xcbf29ce484222325u;
	sim->now = (struct mono){ 1000000000 };
	sim->trouble_at = sim->now;
	sim->net.bad = true;
	make_plan(sim);
	for (unsigned i = 0; i < SIM_CACHES; i++) {
		/* Across an octet: 10.1.0.252 to 10.1.1.3. */
		sim->caches[i].addr = addr_v4(0x0a0100fc + i);
		sim->caches[i].left = (struct mono){ 0 };
		sim->caches[i].deadline = MONO_NEVER;
	}
	for (unsigned j = 0; j < SIM_ROUTERS; j++) {
		/* The id is not the address, as on most real routers. */
		sim->routers[j].addr = addr_v4(0x0a020001 + j);
		sim->routers[j].id = addr_v4(0xc0a80001 + j);
		world_router_start(sim, j);
	}
}

void world_stop(struct sim *sim)
{
	net_drop_all(&sim->net);
	for (unsigned i = 0; i < SIM_CACHES; i++)
		group_free(sim->caches[i].group);
	for (unsigned j = 0; j < SIM_ROUTERS; j++)
		router_free(sim->routers[j].router);
}
