/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What befalls the nodes of the simulation while nothing is settled.
 */
#include "sim.h"

static uint16_t any_weight(struct sim *sim)
{
	return sim_chance(sim, 60) ? 100 : (uint16_t)(1 + sim_any(sim, 100));
}

static void announce(struct sim *sim, unsigned i)
{
	if (!sim->caches[i].group)
		world_cache_start(sim, i);
	world_cache_health(sim, i, true, any_weight(sim));
}

/* A cache that works: it gets into trouble. */
static void strike_working(struct sim *sim, unsigned i)
{
	switch (sim_any(sim, 5)) {
	case 0:
		world_cache_crash(sim, i);
		break;
	case 1: /* so quickly that nobody notices */
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
	}
}

static void strike_cache(struct sim *sim, unsigned i)
{
	const struct sim_cache *c = &sim->caches[i];

	if (c->up)
		strike_working(sim, i);
	else if (!c->ending || !c->group)
		announce(sim, i);
	else if (sim_chance(sim, 50))
		world_cache_crash(sim, i); /* killed while it still says good-bye */
}

static void strike_router(struct sim *sim, unsigned j)
{
	bool was_up = sim->routers[j].router;

	if (was_up)
		world_router_crash(sim, j);
	if (!was_up || sim_chance(sim, 50))
		world_router_start(sim, j);
}

static void strike_link(struct sim *sim, unsigned i, unsigned j)
{
	bool *cut = &sim->net.cut[i][j];

	*cut = !*cut;
	sim_trace(sim, "link cache%u - rtr%u %s", i + 1, j + 1,
		  *cut ? "cut" : "mended");
}

void trouble_strike(struct sim *sim)
{
	unsigned kind = sim_any(sim, 10);

	if (kind < 7)
		strike_cache(sim, sim_any(sim, SIM_CACHES));
	else if (kind < 8)
		strike_router(sim, sim_any(sim, SIM_ROUTERS));
	else
		strike_link(sim, sim_any(sim, SIM_CACHES), sim_any(sim, SIM_ROUTERS));
	/* In bursts, and with rests long enough for an assignment in between. */
	sim->trouble_at =
		mono_add_ms(sim->now, sim_chance(sim, 80) ? sim_any(sim, 6000)
							  : sim_any(sim, 60000));
}

void trouble_end(struct sim *sim)
{
	sim_trace(sim, "no more trouble");
	sim->trouble_at = MONO_NEVER;
	for (unsigned j = 0; j < SIM_ROUTERS; j++)
		if (!sim->routers[j].router)
			world_router_start(sim, j);
	for (unsigned i = 0; i < SIM_CACHES; i++)
		for (unsigned j = 0; j < SIM_ROUTERS; j++)
			sim->net.cut[i][j] = false;
	for (unsigned i = 0; i < SIM_CACHES; i++)
		if (!sim->caches[i].up && !sim->caches[i].ending && sim_chance(sim, 70))
			announce(sim, i);
}
