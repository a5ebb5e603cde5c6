/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens to the nodes of the simulation while nothing is settled.
 */
#include "sim.h"

/* -- web-caches ---------------------------------------------------------------------- */

static uint16_t any_weight(struct sim *sim)
{
	if (sim_chance(sim, 60))
		return 100;
	return sim_chance(sim, 30) ? 0 : (uint16_t)(1 + sim_any(sim, 100));
}

static void announce(struct sim *sim, unsigned i)
{
	if (!sim->caches[i].groups[0])
		world_cache_start(sim, i);
	world_cache_health(sim, i, true, any_weight(sim));
}

/* A cache that works: it gets into trouble. */
static void strike_working(struct sim *sim, unsigned i)
{
	switch (sim_any(sim, 6)) {
	case 0:
		world_cache_crash(sim, i);
		break;
	case 1: /* so quickly that no node notices */
		world_cache_crash(sim, i);
		announce(sim, i);
		break;
	case 2:
		world_cache_health(sim, i, false, 0);
		break;
	case 3:
		world_cache_shutdown(sim, i);
		break;
	case 4:
		world_cache_health(sim, i, true, any_weight(sim));
		break;
	case 5:
		vary_cache(sim, i);
		break;
	}
}

static void strike_cache(struct sim *sim)
{
	unsigned i = sim_any(sim, sim->plan.n_caches);
	const struct sim_cache *c = &sim->caches[i];

	if (c->up)
		strike_working(sim, i);
	else if (!c->ending || !c->groups[0])
		announce(sim, i);
	else if (sim_chance(sim, 50))
		world_cache_crash(sim, i); /* killed while it withdraws */
}

/* -- routers ---------------------------------------------------------------------------- */

static void strike_router(struct sim *sim)
{
	unsigned j = sim_any(sim, sim->plan.n_routers);
	bool was_up = sim->routers[j].routers[0];

	if (was_up)
		world_router_crash(sim, j);
	if (was_up && sim_chance(sim, 50))
		return;
	vary_router(sim, j);
	world_router_start(sim, j);
}

/* -- links -------------------------------------------------------------------------------- */

static void strike_link(struct sim *sim)
{
	unsigned i = sim_any(sim, sim->plan.n_caches);
	unsigned j = sim_any(sim, sim->plan.n_routers);
	bool *cut = &sim->net.cut[i][j];

	*cut = !*cut;
	sim_trace(sim, "link cache%u - rtr%u %s", i + 1, j + 1,
		  *cut ? "cut" : "mended");
}

static void mend_all(struct sim *sim)
{
	for (unsigned i = 0; i < sim->plan.n_caches; i++)
		for (unsigned j = 0; j < sim->plan.n_routers; j++)
			sim->net.cut[i][j] = false;
	sim->parted = false;
	sim_trace(sim, "all links mended");
}

/* Some of the web-caches and some of the routers on one side, the rest on the other. */
static void part(struct sim *sim)
{
	uint32_t caches = sim_any(sim, UINT32_MAX), routers = sim_any(sim, UINT32_MAX);

	for (unsigned i = 0; i < sim->plan.n_caches; i++)
		for (unsigned j = 0; j < sim->plan.n_routers; j++)
			sim->net.cut[i][j] = (caches >> i & 1) != (routers >> j & 1);
	sim->parted = true;
	sim_trace(sim, "parted: web-caches 0x%x, routers 0x%x", caches, routers);
}

static void strike_partition(struct sim *sim)
{
	if (sim->parted)
		mend_all(sim);
	else
		part(sim);
}

/* -- when ----------------------------------------------------------------------------------- */

/* In bursts, and with rests long enough for an assignment in between. */
static struct mono next_time(struct sim *sim)
{
	int64_t t = sim->plan.t_ms;
	int64_t most = sim_chance(sim, 80) ? t * 6 / 10 : t * 6;

	return mono_add_ms(sim->now, sim_any(sim, (uint32_t)most));
}

void trouble_strike(struct sim *sim)
{
	unsigned kind = sim_any(sim, 20);

	sim->strikes++;
	if (kind < 14)
		strike_cache(sim);
	else if (kind < 16)
		strike_router(sim);
	else if (kind < 19)
		strike_link(sim);
	else
		strike_partition(sim);
	sim->trouble_at = next_time(sim);
}

void trouble_end(struct sim *sim)
{
	sim_trace(sim, "no more trouble");
	sim->trouble_at = MONO_NEVER;
	mend_all(sim);
	vary_end(sim);
	for (unsigned j = 0; j < sim->plan.n_routers; j++)
		if (!sim->routers[j].routers[0])
			world_router_start(sim, j);
	for (unsigned i = 0; i < sim->plan.n_caches; i++)
		if (!sim->caches[i].up && !sim->caches[i].ending && sim_chance(sim, 70))
			announce(sim, i);
}
