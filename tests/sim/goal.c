/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one state that every node must end in, and how long that may take.
 */
#include "sim.h"

#include "mask.h"

#include <stdio.h>
#include <string.h>

/*
 * How long: from the last disturbance, on a network that delays but loses nothing, in
 * the largest T, TB and RB that anybody may agree upon (2.01 section 2.1).
 *
 *   joining      A HERE_I_AM goes out every T, of 10 s until something is agreed upon
 *                (section 3.1); it is answered at once, and so is the answer: usable
 *                after 1 T and two round trips.  By multicast the answer may take
 *                0.99 T, and the next HERE_I_AM another 0.1 T: 2.1 T.
 *   leaving      Who is gone is in a view for 3 TB from its last HERE_I_AM (section
 *                3.14).  Mostly this is what comes last ...
 *   being told   ... except that each web-cache learns of it with the answer to its
 *                next HERE_I_AM: 1 T; by multicast with the router's next, 0.99 T.
 *   assigning    1.5 RB after the last change (section 3.7).  A change begins a new
 *                wait, but none is longer than 3 RB after the first one or, when a
 *                router is listed that is not heard, 4 RB (cache_election.c).  One that
 *                ended just before the last change is followed by another 1.5 RB.  So
 *                at most 4 RB from the last change that is told.
 *   taking it    A router that has sent an I_SEE_YOU meanwhile finds the receive id
 *                stale: the assignment is repeated after its next, at the latest T
 *                after the first (section 3.7); then it is echoed.  By multicast both
 *                wait for the router's time: 1 T more.
 *   being seen   Others hear of their buckets with their next HERE_I_AM: 1 T.
 *
 * If no web-cache is left to assign to, the old table goes with the last member, or 5
 * RB after the change (2.0 section 4.8.1); either is within the sum.
 *
 * Two seconds of slack for what was under way when the network became good, and for
 * the round trips.
 */
int64_t goal_bound_ms(const struct sim *sim)
{
	const struct sim_plan *p = &sim->plan;
	int64_t first = p->t_ms > WCCP_TRANSMIT_T_MS ? p->t_ms : WCCP_TRANSMIT_T_MS;
	int64_t joining = p->multicast ? first * 21 / 10 : first;
	int64_t leaving = 3 * p->tb_ms;
	int64_t members = joining > leaving ? joining : leaving;
	int64_t taking = p->multicast ? 2 * p->t_ms : p->t_ms;

	return members + p->t_ms + 4 * p->rb_ms + taking + p->t_ms +
	       2 * SIM_DELAY_MAX_MS;
}

/* -- words --------------------------------------------------------------------------- */

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

/* -- who is to have what ----------------------------------------------------------------- */

static bool is_to_join(const struct sim *sim, unsigned i)
{
	return sim->caches[i].up && !sim->caches[i].outcast;
}

static bool is_to_own(const struct sim *sim, unsigned i)
{
	return is_to_join(sim, i) && !sim->caches[i].stranger;
}

/* The web-cache with the lowest address that may own anything; -1: there is none. */
static int designated(const struct sim *sim)
{
	for (unsigned i = 0; i < sim->plan.n_caches; i++)
		if (is_to_own(sim, i))
			return (int)i;
	return -1;
}

/* The sum of the web-caches' weights. */
static unsigned total_weight(const struct sim *sim)
{
	unsigned total = 0;

	for (unsigned i = 0; i < sim->plan.n_caches; i++)
		total += is_to_own(sim, i) ? sim->caches[i].weight : 0;
	return total;
}

static unsigned owners(const struct sim *sim)
{
	unsigned n = 0;

	for (unsigned i = 0; i < sim->plan.n_caches; i++)
		n += is_to_own(sim, i);
	return n;
}

/* Floor or ceiling of the ideal share (assign.h). */
static bool is_share(const struct sim *sim, unsigned i, unsigned slots,
		     unsigned n_slots)
{
	unsigned total = total_weight(sim);
	unsigned part = n_slots * (total ? sim->caches[i].weight : 1);

	if (!is_to_own(sim, i))
		return slots == 0;
	total = total ? total : owners(sim);
	return slots == part / total || slots == (part + total - 1) / total;
}

/* -- tables --------------------------------------------------------------------------------- */

static unsigned slots_of(const struct sim_table *t, unsigned i)
{
	unsigned n = 0;

	for (unsigned k = 0; k < t->n_slots; k++)
		n += t->owners[k] == i;
	return n;
}

/* -- routers ---------------------------------------------------------------------------------- */

static const char *miss_members(const struct sim *sim, unsigned j,
				const struct router_status *s)
{
	bool usable[SIM_CACHES] = { false };

	for (unsigned k = 0; k < s->n_caches; k++)
		if (s->caches[k].usable)
			usable[world_cache_at(sim, &s->caches[k].addr)] = true;
	for (unsigned i = 0; i < sim->plan.n_caches; i++)
		if (usable[i] != is_to_join(sim, i))
			return not_so("rtr%u: cache%u is %s", j + 1, i + 1,
				      usable[i] ? "a member still" : "not usable");
	return NULL;
}

static const char *miss_shares(const struct sim *sim, unsigned j,
			       const struct sim_table *t)
{
	for (unsigned k = 0; k < t->n_slots && designated(sim) >= 0; k++)
		if (t->owners[k] == ASSIGN_NOBODY)
			return not_so("rtr%u: slot %u is nobody's", j + 1, k);
	for (unsigned i = 0; i < sim->plan.n_caches; i++)
		if (!is_share(sim, i, slots_of(t, i), t->n_slots))
			return not_so("rtr%u: cache%u has %u slots of %u", j + 1, i + 1,
				      slots_of(t, i), t->n_slots);
	return NULL;
}

static bool same_table(const struct sim_table *a, const struct sim_table *b)
{
	return a->n_slots == b->n_slots && mask_equal(&a->mask, &b->mask) &&
	       memcmp(a->owners, b->owners, sizeof(a->owners)) == 0;
}

/* Routers that assign by the same method have the same table; all have one key. */
static const char *miss_table(const struct sim *sim, unsigned j,
			      const struct sim_table *t,
			      const struct sim_table first[2])
{
	const struct sim_table *alike = &first[t->by_mask];
	const struct sim_table *any = first[0].n_slots ? &first[0] : &first[1];
	int lead = designated(sim);

	if (lead < 0)
		return NULL;
	if (!t->n_slots)
		return not_so("rtr%u has no table", j + 1);
	if (!same_table(t, alike))
		return not_so("rtr%u has another table than others", j + 1);
	if (t->key.change_number != any->key.change_number ||
	    !addr_equal(&t->key.cache, &any->key.cache))
		return not_so("rtr%u has another key than others", j + 1);
	if (!addr_equal(&t->key.cache, &sim->caches[lead].addr))
		return not_so("rtr%u has the table of %s", j + 1,
			      ADDR_TEXT(&t->key.cache));
	return NULL;
}

/* Every router lists every router. */
static const char *miss_routers(const struct sim *sim, unsigned j,
				const struct router_status *s)
{
	unsigned members = 0;

	for (unsigned i = 0; i < sim->plan.n_caches; i++)
		members += is_to_join(sim, i);
	if (s->n_routers != (members ? sim->plan.n_routers : 0))
		return not_so("rtr%u has heard of %u routers", j + 1, s->n_routers);
	return NULL;
}

/* -- web-caches ----------------------------------------------------------------------------------- */

static enum peer_state state_wanted(const struct sim *sim, unsigned i, unsigned slots)
{
	if (!is_to_join(sim, i))
		return PEER_WAITING;
	return slots ? PEER_ASSIGNED : PEER_JOINED;
}

static const char *miss_states(const struct sim *sim, unsigned i,
			       const struct cache_status *s,
			       const struct sim_table tables[SIM_ROUTERS])
{
	unsigned n =
		sim->plan.multicast && sim->caches[i].outcast ? 0 : sim->plan.n_routers;

	for (unsigned x = 0; x < s->n_routers; x++) {
		const struct cache_router_status *r = &s->routers[x];
		int j = world_router_at(sim, &r->address);
		unsigned slots = j < 0 ? 0 : slots_of(&tables[j], i);

		/* By multicast, the sender of what is replayed may be one, until it
		 * has to prove it. */
		if (j < 0 && (r->state == PEER_NEGOTIATING || r->state == PEER_WAITING)) {
			n++;
			continue;
		}

		if (r->state != state_wanted(sim, i, slots))
			return not_so("cache%u is %s at rtr%d", i + 1,
				      peer_state_name(r->state), j + 1);
	}
	if (s->n_routers != n)
		return not_so("cache%u has %u routers", i + 1, s->n_routers);
	return NULL;
}

static const char *miss_cache(const struct sim *sim, unsigned i, unsigned service,
			      const struct sim_table tables[SIM_ROUTERS],
			      const struct sim_table first[2])
{
	static struct cache_status s;
	unsigned slots;

	if (!sim->caches[i].groups[service])
		return NULL;
	cache_get_status(sim->caches[i].groups[service], &s);
	/* A stranger believes in itself: no list but its own has it. */
	if (!sim->caches[i].stranger && s.designated != ((int)i == designated(sim)))
		return not_so("cache%u %s designated", i + 1,
			      s.designated ? "is" : "is not");
	slots = is_to_join(sim, i) ? slots_of(&first[s.by_mask], i) : 0;
	if (s.my_slots != slots)
		return not_so("cache%u believes in %u slots of %u", i + 1, s.my_slots,
			      slots);
	return sim->caches[i].up ? miss_states(sim, i, &s, tables) : NULL;
}

/* -- all -------------------------------------------------------------------------------------------- */

static const char *miss_router(struct sim *sim, unsigned j, unsigned service,
			       struct sim_table *t, struct sim_table first[2])
{
	static struct router_status s;
	const char *missed;

	router_get_status(sim->routers[j].routers[service], &s);
	missed = miss_members(sim, j, &s);
	table_read(sim, &s, t);
	if (t->n_slots && !first[t->by_mask].n_slots)
		first[t->by_mask] = *t;
	if (!missed)
		missed = miss_routers(sim, j, &s);
	if (!missed)
		missed = miss_shares(sim, j, t);
	if (!missed)
		missed = miss_table(sim, j, t, first);
	return missed;
}

static const char *miss_service(struct sim *sim, unsigned service,
				struct sim_table tables[SIM_ROUTERS])
{
	static struct sim_table first[2];
	const char *missed = NULL;

	first[0].n_slots = first[1].n_slots = 0;
	for (unsigned j = 0; !missed && j < sim->plan.n_routers; j++)
		missed = miss_router(sim, j, service, &tables[j], first);
	for (unsigned i = 0; !missed && i < sim->plan.n_caches; i++)
		missed = miss_cache(sim, i, service, tables, first);
	return missed;
}

const char *goal_missed(struct sim *sim)
{
	static struct sim_table tables[SIM_SERVICES][SIM_ROUTERS];
	const char *missed = NULL;

	for (unsigned k = 0; !missed && k < sim->plan.n_services; k++)
		missed = miss_service(sim, k, tables[k]);
	for (unsigned j = 0; !missed && j < sim->plan.n_routers; j++)
		if (sim->plan.n_services > 1 && designated(sim) >= 0 &&
		    !table_mirrors(&tables[1][j], &tables[0][j]))
			missed = not_so("rtr%u: the tables of the pair differ", j + 1);
	return missed;
}
