/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must hold in the simulation: after every step, and in the end.
 */
#include "sim.h"

#include <stdio.h>
#include <string.h>

/* -- after every step ----------------------------------------------------------------- */

static bool is_listed(const struct router_status *s, const struct addr *cache)
{
	for (unsigned i = 0; i < s->n_caches; i++)
		if (s->caches[i].usable && addr_equal(&s->caches[i].addr, cache))
			return true;
	return false;
}

static const struct sim_cache *cache_called(const struct sim *sim,
					    const struct addr *addr)
{
	for (unsigned i = 0; i < SIM_CACHES; i++)
		if (addr_equal(&sim->caches[i].addr, addr))
			return &sim->caches[i];
	return NULL;
}

/* Whoever left is out of every group after 3 TB; the last HERE_I_AM may have been
 * on its way for a second before that began. */
static bool is_long_gone(const struct sim *sim, const struct sim_cache *c)
{
	int64_t most = 3 * world_tb_ms(sim) + SIM_DELAY_MAX_MS;

	return !mono_is_never(c->left) && mono_ms_between(c->left, sim->now) > most;
}

static void judge_member(struct sim *sim, unsigned j, const struct addr *addr)
{
	const struct sim_cache *c = cache_called(sim, addr);

	if (!c)
		sim_fail(sim, "rtr%u has %s, which does not exist", j + 1,
			 ADDR_TEXT(addr));
	else if (is_long_gone(sim, c))
		sim_fail(sim, "rtr%u has %s, which left %.3f s ago", j + 1,
			 ADDR_TEXT(addr),
			 (double)mono_ms_between(c->left, sim->now) / 1000);
}

static void judge_table(struct sim *sim, unsigned j, const struct router_status *s)
{
	for (unsigned b = 0; s->assigned && b < WCCP_BUCKETS; b++) {
		uint8_t owner = s->table.buckets[b];

		if (owner == WCCP_BUCKET_NONE)
			continue;
		owner &= WCCP_BUCKET_INDEX;
		if (owner >= s->table.n_caches)
			sim_fail(sim, "rtr%u: bucket %u has index %u of %u", j + 1, b,
				 owner, (unsigned)s->table.n_caches);
		else if (!is_listed(s, &s->table.caches[owner]))
			sim_fail(sim, "rtr%u: bucket %u is assigned to %s, no member",
				 j + 1, b, ADDR_TEXT(&s->table.caches[owner]));
	}
}

void judge_router(struct sim *sim, unsigned j)
{
	static struct router_status s;

	router_get_status(sim->routers[j].router, &s);
	for (unsigned i = 0; i < s.n_caches; i++)
		if (s.caches[i].usable)
			judge_member(sim, j, &s.caches[i].addr);
	judge_table(sim, j, &s);
}

/* Which states are possible while it wants traffic, and while it does not. */
static bool is_legal(enum group_state state, bool up)
{
	switch (state) {
	case GROUP_IDLE:
	case GROUP_DRAINING:
	case GROUP_WITHDRAWN:
		return !up;
	case GROUP_WAITING:
	case GROUP_NEGOTIATING:
	case GROUP_JOINED:
	case GROUP_ASSIGNED:
	case GROUP_LOST:
		return up;
	default:
		return false; /* all offer the same and have the same password */
	}
}

void judge_cache(struct sim *sim, unsigned i)
{
	const struct sim_cache *c = &sim->caches[i];
	static struct group_status s;
	unsigned assigned = 0;

	group_get_status(c->group, &s);
	for (unsigned j = 0; j < s.n_routers; j++) {
		const struct group_router_status *r = &s.routers[j];

		if (!is_legal(r->state, c->up))
			sim_fail(sim, "cache%u is %s at %s while it is %s", i + 1,
				 group_state_name(r->state), ADDR_TEXT(&r->address),
				 c->up ? "up" : "down");
		assigned += r->state == GROUP_ASSIGNED;
	}
	if (s.n_routers != SIM_ROUTERS)
		sim_fail(sim, "cache%u has %u routers", i + 1, s.n_routers);
	if ((s.my_buckets > 0) != (assigned > 0))
		sim_fail(sim, "cache%u has %u buckets, assigned by %u routers", i + 1,
			 s.my_buckets, assigned);
}

/* -- in the end ----------------------------------------------------------------------- */

static char why[200];

static const char *not_so(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

static const char *not_so(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	return why;
}

static unsigned n_up(const struct sim *sim)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SIM_CACHES; i++)
		n += sim->caches[i].up;
	return n;
}

/* Floor or ceiling of the ideal share (assign.h). */
static bool is_fair(const struct sim *sim, const struct sim_cache *c, unsigned buckets)
{
	unsigned total = 0, share;

	for (unsigned i = 0; i < SIM_CACHES; i++)
		total += sim->caches[i].up ? sim->caches[i].weight : 0;
	share = WCCP_BUCKETS * c->weight;
	return buckets == share / total || buckets == (share + total - 1) / total;
}

static unsigned buckets_at(const struct router_status *s, const struct addr *cache)
{
	for (unsigned i = 0; i < s->n_caches; i++)
		if (addr_equal(&s->caches[i].addr, cache))
			return s->caches[i].buckets;
	return 0;
}

static unsigned n_usable(const struct router_status *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->n_caches; i++)
		n += s->caches[i].usable;
	return n;
}

static const char *end_members(const struct sim *sim, unsigned j,
			       const struct router_status *s)
{
	if (n_usable(s) != n_up(sim))
		return not_so("rtr%u has %u caches, %u are up", j + 1, n_usable(s),
			      n_up(sim));
	for (unsigned i = 0; i < SIM_CACHES; i++) {
		const struct sim_cache *c = &sim->caches[i];

		if (c->up && !is_listed(s, &c->addr))
			return not_so("rtr%u: cache%u is not usable", j + 1, i + 1);
		if (c->up && !is_fair(sim, c, buckets_at(s, &c->addr)))
			return not_so("rtr%u: cache%u has %u buckets", j + 1, i + 1,
				      buckets_at(s, &c->addr));
	}
	return NULL;
}

static const char *end_table(unsigned j, const struct router_status *s,
			     const struct router_status *first)
{
	if (!n_usable(s))
		return s->assigned ? not_so("rtr%u has a table for nobody", j + 1)
				   : NULL;
	if (!s->assigned)
		return not_so("rtr%u has no table", j + 1);
	if (s->n_routers != SIM_ROUTERS)
		return not_so("rtr%u has heard of %u routers", j + 1, s->n_routers);
	if (s->table.n_caches != first->table.n_caches ||
	    memcmp(s->table.buckets, first->table.buckets, WCCP_BUCKETS) != 0)
		return not_so("rtr%u has another table than rtr1", j + 1);
	for (unsigned b = 0; b < WCCP_BUCKETS; b++)
		if (s->table.buckets[b] == WCCP_BUCKET_NONE)
			return not_so("rtr%u: bucket %u is nobody's", j + 1, b);
	for (unsigned k = 0; k < s->table.n_caches; k++)
		if (!addr_equal(&s->table.caches[k], &first->table.caches[k]))
			return not_so("rtr%u has another table than rtr1", j + 1);
	if (!addr_equal(&s->key.cache, &first->key.cache) ||
	    s->key.change_number != first->key.change_number)
		return not_so("rtr%u has another key than rtr1", j + 1);
	return NULL;
}

/* The lowest address of those that are up. */
static bool is_designated(const struct sim *sim, unsigned i)
{
	for (unsigned k = 0; k < i; k++)
		if (sim->caches[k].up)
			return false;
	return sim->caches[i].up;
}

static const char *end_cache(const struct sim *sim, unsigned i,
			     const struct router_status *first)
{
	static struct group_status s;
	unsigned buckets = buckets_at(first, &sim->caches[i].addr);

	group_get_status(sim->caches[i].group, &s);
	if (s.designated != is_designated(sim, i))
		return not_so("cache%u %s designated", i + 1,
			      s.designated ? "is" : "is not");
	if (s.my_buckets != buckets)
		return not_so("cache%u believes in %u buckets of %u", i + 1,
			      s.my_buckets, buckets);
	for (unsigned j = 0; j < s.n_routers && sim->caches[i].up; j++) {
		enum group_state wanted = buckets ? GROUP_ASSIGNED : GROUP_JOINED;

		if (s.routers[j].state != wanted)
			return not_so("cache%u is %s at rtr%u", i + 1,
				      group_state_name(s.routers[j].state), j + 1);
	}
	return NULL;
}

const char *judge_end_state(struct sim *sim)
{
	static struct router_status first, s;
	const char *wrong = NULL;

	router_get_status(sim->routers[0].router, &first);
	for (unsigned j = 0; !wrong && j < SIM_ROUTERS; j++) {
		router_get_status(sim->routers[j].router, &s);
		wrong = end_members(sim, j, &s);
		if (!wrong)
			wrong = end_table(j, &s, &first);
	}
	for (unsigned i = 0; !wrong && i < SIM_CACHES; i++)
		if (sim->caches[i].group)
			wrong = end_cache(sim, i, &first);
	return wrong;
}
