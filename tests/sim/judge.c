/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must hold in the simulation at every step.
 *
 * At a router: a member is a web-cache that may join and from which something came
 * within the last 3 TB (2.01 section 3.14; a datagram under way counts from when it
 * arrives); only members own buckets or values; a stranger, whom the web-caches' lists
 * do not name, owns none.
 *
 * Two tables of a pair that have one key are alike.
 *
 * At a web-cache: the state of every router is one that its own state allows, and one
 * that counts was heard within 3 TB.
 */
#include "sim.h"

#include <string.h>

/* -- routers ------------------------------------------------------------------------- */

static bool is_member(const struct router_status *s, const struct addr *cache)
{
	for (unsigned i = 0; i < s->n_caches; i++)
		if (s->caches[i].usable && addr_equal(&s->caches[i].addr, cache))
			return true;
	return false;
}

static void judge_member(struct sim *sim, unsigned j, unsigned service,
			 const struct addr *addr)
{
	int i = world_cache_at(sim, addr);
	struct mono heard;

	if (i < 0) {
		sim_fail(sim, "rtr%u has %s, which does not exist", j + 1,
			 ADDR_TEXT(addr));
		return;
	}
	heard = sim->routers[j].heard[service][i];
	if (sim->caches[i].outcast)
		sim_fail(sim, "rtr%u has cache%d, which is not allowed", j + 1, i + 1);
	else if (mono_ms_between(heard, sim->now) >
		 3 * sim->plan.tb_ms + (sim->attacked ? sim->plan.t_ms : 0))
		sim_fail(sim, "rtr%u has cache%d, silent for %.3f s", j + 1, i + 1,
			 (double)mono_ms_between(heard, sim->now) / 1000);
}

static void judge_owner(struct sim *sim, unsigned j, const struct router_status *s,
			const struct addr *owner)
{
	int i = world_cache_at(sim, owner);

	if (!is_member(s, owner))
		sim_fail(sim, "rtr%u: slots are assigned to %s, no member", j + 1,
			 ADDR_TEXT(owner));
	else if (i >= 0 && sim->caches[i].stranger)
		sim_fail(sim, "rtr%u: slots are assigned to cache%d, a stranger", j + 1,
			 i + 1);
}

static void judge_buckets(struct sim *sim, unsigned j, const struct router_status *s)
{
	bool owns[WCCP_MAX_CACHES] = { false };

	for (unsigned b = 0; b < WCCP_BUCKETS; b++) {
		uint8_t owner = s->table.buckets[b];

		if (owner == WCCP_BUCKET_NONE)
			continue;
		owner &= WCCP_BUCKET_INDEX;
		if (owner < s->table.n_caches)
			owns[owner] = true;
		else
			sim_fail(sim, "rtr%u: bucket %u has index %u of %u", j + 1, b,
				 owner, (unsigned)s->table.n_caches);
	}
	for (unsigned i = 0; i < s->table.n_caches; i++)
		if (owns[i])
			judge_owner(sim, j, s, &s->table.caches[i]);
}

static void judge_values(struct sim *sim, unsigned j, const struct router_status *s)
{
	bool owns[WCCP_MAX_CACHES] = { false };

	for (unsigned v = 0; v < s->masks.n_values; v++) {
		uint8_t owner = s->masks.values[v].cache;

		if (owner < s->masks.n_caches)
			owns[owner] = true;
		else
			sim_fail(sim, "rtr%u: value %u has index %u of %u", j + 1, v,
				 owner, s->masks.n_caches);
	}
	for (unsigned i = 0; i < s->masks.n_caches; i++)
		if (owns[i])
			judge_owner(sim, j, s, &s->masks.caches[i]);
}

/* Two tables assigned under the same key must be the same. */
static void judge_pair(struct sim *sim, unsigned j)
{
	static struct router_status s;
	static struct sim_table tables[SIM_SERVICES];
	const struct wccp_key *a = &tables[0].key, *b = &tables[1].key;

	for (unsigned k = 0; k < SIM_SERVICES; k++) {
		router_get_status(sim->routers[j].routers[k], &s);
		if (!s.assigned)
			return;
		table_read(sim, &s, &tables[k]);
	}
	if (a->change_number == b->change_number && addr_equal(&a->cache, &b->cache) &&
	    !table_mirrors(&tables[1], &tables[0]))
		sim_fail(sim, "rtr%u: the tables of the pair differ, key %s/%u", j + 1,
			 ADDR_TEXT(&a->cache), a->change_number);
}

void judge_router(struct sim *sim, unsigned j, unsigned service)
{
	static struct router_status s;

	router_get_status(sim->routers[j].routers[service], &s);
	for (unsigned i = 0; i < s.n_caches; i++)
		if (s.caches[i].usable)
			judge_member(sim, j, service, &s.caches[i].addr);
	if (s.assigned && s.by_mask)
		judge_values(sim, j, &s);
	else if (s.assigned)
		judge_buckets(sim, j, &s);
	if (sim->plan.n_services > 1)
		judge_pair(sim, j);
}

/* -- web-caches ------------------------------------------------------------------------- */

static bool is_configured(const struct cache_conf *conf, const struct addr *router)
{
	if (addr_is_set(&conf->multicast) && !conf->n_routers)
		return true;
	return addr_find(conf->routers, conf->n_routers, router) >= 0;
}

/* Which states are possible at a router of the configuration. */
static bool is_legal(enum peer_state state, bool up)
{
	switch (state) {
	case PEER_IDLE:
	case PEER_DRAINING:
	case PEER_WITHDRAWN:
		return !up;
	case PEER_WAITING:
	case PEER_NEGOTIATING:
	case PEER_JOINED:
	case PEER_ASSIGNED:
	case PEER_LOST:
		return up;
	default:
		return false; /* all support the same and have the same password */
	}
}

/* A router counts for no longer than its time-out after it was heard, or T longer if
 * somebody interferes. */
static void judge_live(struct sim *sim, unsigned i, unsigned service,
		       const struct cache_router_status *r)
{
	int j = world_router_at(sim, &r->address);
	struct mono heard = j < 0 ? (struct mono){ 0 }
				  : sim->caches[i].heard[service][j];
	int64_t silent = mono_ms_between(heard, sim->now);

	if (r->state != PEER_JOINED && r->state != PEER_ASSIGNED)
		return;
	if (silent > 3 * sim->plan.tb_ms + (sim->attacked ? sim->plan.t_ms : 0))
		sim_fail(sim, "cache%u believes in %s, silent for %.3f s", i + 1,
			 ADDR_TEXT(&r->address), (double)silent / 1000);
}

static void judge_state(struct sim *sim, unsigned i, const struct cache_conf *conf,
			const struct cache_router_status *r)
{
	bool up = sim->caches[i].up && is_configured(conf, &r->address);

	/* By multicast, a router that is allowed again is left first, and then met
	 * again. */
	if (addr_is_set(&conf->multicast) && r->state == PEER_DRAINING)
		return;
	if (!is_legal(r->state, up))
		sim_fail(sim, "cache%u is %s at %s while it is %s", i + 1,
			 peer_state_name(r->state), ADDR_TEXT(&r->address),
			 up ? "up" : "down");
}

void judge_cache(struct sim *sim, unsigned i, unsigned service)
{
	const struct sim_cache *c = &sim->caches[i];
	const struct cache_conf *conf = &c->conf[service];
	static struct cache_status s;
	unsigned n_assigned = 0;

	cache_get_status(c->groups[service], &s);
	for (unsigned j = 0; j < s.n_routers; j++) {
		judge_state(sim, i, conf, &s.routers[j]);
		judge_live(sim, i, service, &s.routers[j]);
		n_assigned += s.routers[j].state == PEER_ASSIGNED;
	}
	if (!addr_is_set(&conf->multicast) && s.n_routers < conf->n_routers)
		sim_fail(sim, "cache%u has %u routers of %u", i + 1, s.n_routers,
			 conf->n_routers);
	if (s.my_slots && !n_assigned)
		sim_fail(sim, "cache%u has %u slots, assigned by no router", i + 1,
			 s.my_slots);
	/* By mask, a router's table may be by another mask. */
	if (sim->plan.methods == SIM_HASH && n_assigned && !s.my_slots)
		sim_fail(sim, "cache%u has no buckets, assigned by %u routers", i + 1,
			 n_assigned);
}
