/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Temporary changes of a node's configuration.
 */
#include "sim.h"

#include "mask.h"

#include <string.h>

/* -- web-caches ---------------------------------------------------------------------- */

static void swap_two(struct cache_preference *p)
{
	uint32_t first = p->methods[0];

	if (p->n < 2)
		return;
	p->methods[0] = p->methods[1];
	p->methods[1] = first;
}

static const char *vary_version(struct sim *sim, struct cache_conf *conf)
{
	conf->version = sim->plan.ipv6 && conf->version == CACHE_NEGOTIATE
				? CACHE_V201
				: CACHE_NEGOTIATE;
	return "version";
}

static const char *vary_hot(struct sim *sim, struct cache_conf *conf)
{
	for (unsigned n = 1 + sim_any(sim, 8); n > 0; n--)
		wccp_vector_add(&conf->alt_buckets, sim_any(sim, WCCP_BUCKETS));
	return "hot buckets";
}

static const char *vary_mask(struct sim *sim, struct cache_conf *conf)
{
	conf->mask = plan_any_mask(sim);
	return "mask";
}

/* One router fewer. */
static const char *vary_routers(struct sim *sim, struct cache_conf *conf)
{
	unsigned gone;

	/* What a router that is left out says could be relayed as that of another. */
	if (conf->n_routers < 2 || sim->attacked)
		return "routers";
	gone = sim_any(sim, conf->n_routers--);
	conf->routers[gone] = conf->routers[conf->n_routers];
	return "routers";
}

/* A list of web-caches, or a shorter one; it names ourselves. */
static const char *vary_allowed(struct sim *sim, struct cache_conf *conf)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < sim->plan.n_caches; i++) {
		const struct addr *a = &sim->caches[i].addr;

		if (sim->caches[i].stranger && !addr_equal(a, &conf->self))
			continue;
		if (addr_equal(a, &conf->self) || sim_chance(sim, 70))
			conf->allowed[kept++] = *a;
	}
	conf->n_allowed = kept;
	return "web-caches";
}

static const char *vary_conf(struct sim *sim, struct cache_conf *conf)
{
	switch (sim_any(sim, 7)) {
	case 0:
		return vary_version(sim, conf);
	case 1:
		return vary_hot(sim, conf);
	case 2:
		return vary_mask(sim, conf);
	case 3:
		return vary_routers(sim, conf);
	case 4:
		return vary_allowed(sim, conf);
	case 5:
		swap_two(&conf->forward);
		return "forwarding";
	default:
		swap_two(&conf->assign);
		return "assignment";
	}
}

/* What the services of a pair have in common. */
static void mirror(const struct sim_cache *c, struct cache_conf conf[SIM_SERVICES])
{
	conf[1] = conf[0];
	conf[1].service = c->plan[1].service;
	conf[1].multicast = c->plan[1].multicast;
	conf[1].mask = mask_mirror(&conf[0].mask);
}

static bool is_as_planned(const struct sim_cache *c)
{
	return memcmp(c->conf, c->plan, sizeof(c->conf)) == 0;
}

static void restore_cache(struct sim *sim, unsigned i)
{
	struct sim_cache *c = &sim->caches[i];

	memcpy(c->conf, c->plan, sizeof(c->conf));
	world_cache_configure(sim, i, "as before");
}

void vary_cache(struct sim *sim, unsigned i)
{
	struct sim_cache *c = &sim->caches[i];
	const char *what;

	if (!is_as_planned(c)) {
		restore_cache(sim, i);
		return;
	}
	what = vary_conf(sim, &c->conf[0]);
	mirror(c, c->conf);
	world_cache_configure(sim, i, what);
}

/* -- routers -------------------------------------------------------------------------------- */

/* No two routers have the same last octet. */
static void change_id(struct sim *sim, struct router_conf *conf)
{
	conf->id.octets[2] = (uint8_t)(1 + sim_any(sim, 250));
	if (sim->plan.ipv6)
		conf->id6.octets[14] = conf->id.octets[2];
}

void vary_router(struct sim *sim, unsigned j)
{
	struct sim_router *r = &sim->routers[j];
	struct router_conf *conf = &r->conf[0];

	*conf = r->plan[0];
	switch (sim_any(sim, 8)) {
	case 0:
		conf->max_minor = sim->plan.ipv6 ? 1 : !conf->max_minor;
		break;
	case 1:
		if (sim->plan.methods == SIM_MIXED)
			conf->assign = 1 + sim_any(sim, 3);
		break;
	case 2:
		conf->forward = WCCP_METHOD_GRE;
		break;
	case 3:
		conf->echo_assignment = !conf->echo_assignment;
		conf->mask_identity = sim_any(sim, 3);
		break;
	case 4:
		change_id(sim, conf);
		break;
	default:
		break;
	}
	r->conf[1] = *conf;
	r->conf[1].service_id = r->plan[1].service_id;
	r->conf[1].multicast = r->plan[1].multicast;
}

/* -- in the end -------------------------------------------------------------------------------- */

void vary_end(struct sim *sim)
{
	for (unsigned i = 0; i < sim->plan.n_caches; i++)
		if (!is_as_planned(&sim->caches[i]))
			restore_cache(sim, i);
	for (unsigned j = 0; j < sim->plan.n_routers; j++) {
		struct sim_router *r = &sim->routers[j];

		if (memcmp(r->conf, r->plan, sizeof(r->conf)) == 0)
			continue;
		if (r->routers[0])
			world_router_crash(sim, j);
		memcpy(r->conf, r->plan, sizeof(r->conf));
	}
}
