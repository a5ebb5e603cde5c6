/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nodes of the simulation and their lives; time goes to whatever is due next.
 */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* -- who is who ------------------------------------------------------------------- */

int world_cache_at(const struct sim *sim, const struct addr *addr)
{
	for (unsigned i = 0; i < sim->plan.n_caches; i++)
		if (addr_equal(&sim->caches[i].addr, addr))
			return (int)i;
	return -1;
}

int world_router_at(const struct sim *sim, const struct addr *addr)
{
	for (unsigned j = 0; j < sim->plan.n_routers; j++)
		if (addr_equal(&sim->routers[j].addr, addr))
			return (int)j;
	return -1;
}

/* -- life of web-caches -------------------------------------------------------------- */

static void tell_health(struct sim *sim, unsigned i)
{
	const struct sim_cache *c = &sim->caches[i];
	struct cache_event ev = { .type = CACHE_EV_HEALTH, .now = sim->now };

	ev.u.health.up = c->up;
	ev.u.health.weight = c->weight;
	for (unsigned k = 0; k < sim->plan.n_services; k++)
		step_cache(sim, i, k, &ev);
}

void world_cache_health(struct sim *sim, unsigned i, bool up, uint16_t weight)
{
	struct sim_cache *c = &sim->caches[i];

	sim_trace(sim, "cache%u is %s, weight %u", i + 1, up ? "up" : "down", weight);
	if (up && !c->up) /* it does not rely on what it said before */
		memset(c->newest, 0, sizeof(c->newest));
	if (weight != c->weight)
		c->reweighted = sim->now;
	c->up = up;
	c->weight = weight;
	tell_health(sim, i);
}

void world_cache_start(struct sim *sim, unsigned i)
{
	struct sim_cache *c = &sim->caches[i];

	sim_trace(sim, "cache%u starts", i + 1);
	for (unsigned k = 0; k < sim->plan.n_services; k++) {
		c->groups[k] = cache_new(&c->conf[k], sim->now);
		if (!c->groups[k])
			abort();
		cache_set_token(c->groups[k], (uint16_t)sim_any(sim, UINT16_MAX));
		sim->deadlines[i][k] = cache_deadline(c->groups[k]);
	}
	if (sim->plan.n_services > 1)
		cache_pair(c->groups[0], c->groups[1]);
	c->ending = false;
}

void world_cache_crash(struct sim *sim, unsigned i)
{
	struct sim_cache *c = &sim->caches[i];

	sim_trace(sim, "cache%u is gone", i + 1);
	for (unsigned k = 0; k < sim->plan.n_services; k++) {
		cache_free(c->groups[k]);
		c->groups[k] = NULL;
		sim->deadlines[i][k] = MONO_NEVER;
	}
	c->up = false;
}

void world_cache_shutdown(struct sim *sim, unsigned i)
{
	struct sim_cache *c = &sim->caches[i];
	struct cache_event ev = { .type = CACHE_EV_SHUTDOWN, .now = sim->now };

	sim_trace(sim, "cache%u shuts down", i + 1);
	c->up = false;
	c->ending = true;
	for (unsigned k = 0; k < sim->plan.n_services; k++)
		step_cache(sim, i, k, &ev);
}

void world_cache_configure(struct sim *sim, unsigned i, const char *what)
{
	struct sim_cache *c = &sim->caches[i];
	struct cache_event ev = { .type = CACHE_EV_CONF, .now = sim->now };

	sim_trace(sim, "cache%u is configured: %s", i + 1, what);
	c->remasked = sim->now;
	for (unsigned k = 0; k < sim->plan.n_services && c->groups[k]; k++) {
		ev.u.conf = &c->conf[k];
		step_cache(sim, i, k, &ev);
	}
}

/* The process of a web-cache that shuts down ends when it has nothing left to send. */
static void reap(struct sim *sim)
{
	for (unsigned i = 0; i < sim->plan.n_caches; i++) {
		const struct sim_cache *c = &sim->caches[i];
		bool quiet = c->groups[0] && c->ending;

		for (unsigned k = 0; quiet && k < sim->plan.n_services; k++)
			quiet = cache_is_quiet(c->groups[k]);
		if (quiet)
			world_cache_crash(sim, i);
	}
}

/* -- life of routers ------------------------------------------------------------------- */

/* Receive ids and change numbers begin with the time.  Other makers' begin with 1,
 * and any may be about to wrap. */
static struct mono any_beginning(struct sim *sim)
{
	/* Who begins with the same ids again takes old HERE_I_AMs for new ones. */
	if (sim->attacked)
		return (struct mono){ (int64_t)sim_any(sim, UINT32_MAX) * 1000000 };
	switch (sim_any(sim, 4)) {
	case 0:
		return (struct mono){ 1000000 };
	case 1:
		return (struct mono){ (int64_t)(UINT32_MAX - sim_any(sim, 100)) *
				      1000000 };
	default:
		return sim->now;
	}
}

void world_router_start(struct sim *sim, unsigned j)
{
	struct sim_router *r = &sim->routers[j];
	struct mono beginning = any_beginning(sim);

	sim_trace(sim, "rtr%u starts, id %s, numbers from %lld", j + 1,
		  ADDR_TEXT(&r->conf[0].id), (long long)beginning.ns / 1000000);
	for (unsigned k = 0; k < sim->plan.n_services; k++) {
		r->routers[k] = router_new(&r->conf[k], beginning);
		if (!r->routers[k])
			abort();
		sim->deadlines[SIM_CACHES + j][k] = router_deadline(r->routers[k]);
	}
}

void world_router_crash(struct sim *sim, unsigned j)
{
	struct sim_router *r = &sim->routers[j];

	sim_trace(sim, "rtr%u is gone", j + 1);
	for (unsigned k = 0; k < sim->plan.n_services; k++) {
		router_free(r->routers[k]);
		r->routers[k] = NULL;
		sim->deadlines[SIM_CACHES + j][k] = MONO_NEVER;
	}
}

/* -- time ------------------------------------------------------------------------- */

static struct mono next_event(const struct sim *sim)
{
	struct mono next = mono_min(net_next(&sim->net), sim->trouble_at);

	next = mono_min(next, sim->attack_at);
	for (unsigned i = 0; i < SIM_NODES; i++)
		for (unsigned k = 0; k < SIM_SERVICES; k++)
			next = mono_min(next, sim->deadlines[i][k]);
	return next;
}

void world_run(struct sim *sim, struct mono end)
{
	struct mono next = next_event(sim);

	for (; !sim->failed && mono_due(next, end); next = next_event(sim)) {
		sim->now = next;
		while (!sim->failed && mono_due(net_next(&sim->net), sim->now)) {
			struct sim_packet p = net_take(&sim->net);

			step_deliver(sim, &p);
			net_release(p.octets);
		}
		step_ticks(sim);
		reap(sim);
		if (mono_due(sim->trouble_at, sim->now))
			trouble_strike(sim);
		if (mono_due(sim->attack_at, sim->now))
			recorder_attack(sim);
	}
	if (!sim->failed)
		sim->now = end;
}

static void begin(struct sim *sim)
{
	for (unsigned j = 0; j < sim->plan.n_routers; j++)
		world_router_start(sim, j);
	for (unsigned i = 0; i < sim->plan.n_caches; i++) {
		if (!sim_chance(sim, 60))
			continue;
		world_cache_start(sim, i);
		world_cache_health(sim, i, true, 100);
	}
}

void world_start(struct sim *sim, uint64_t seed, bool trace, bool attacked)
{
	memset(sim, 0, sizeof(*sim));
	sim->seed = sim->random = seed;
	sim->trace = trace;
	sim->attacked = attacked;
	sim->attack_at = MONO_NEVER;
	sim->hash = 0xcbf29ce484222325u;
	sim->now = (struct mono){ 1000000000 };
	sim->trouble_at = sim->now;
	sim->net.bad = true;
	for (unsigned i = 0; i < SIM_NODES; i++)
		for (unsigned k = 0; k < SIM_SERVICES; k++)
			sim->deadlines[i][k] = MONO_NEVER;
	plan_make(sim);
	plan_routers(sim);
	plan_caches(sim);
	plan_trace(sim);
	if (attacked)
		recorder_start(sim);
	begin(sim);
}

void world_stop(struct sim *sim)
{
	recorder_stop(sim);
	net_stop(&sim->net);
	for (unsigned k = 0; k < SIM_SERVICES; k++) {
		for (unsigned i = 0; i < SIM_CACHES; i++)
			cache_free(sim->caches[i].groups[k]);
		for (unsigned j = 0; j < SIM_ROUTERS; j++)
			router_free(sim->routers[j].routers[k]);
	}
}
