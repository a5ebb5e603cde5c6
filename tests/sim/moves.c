/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must hold of every assignment that a web-cache sends:
 *
 * - it names only web-caches that its sender's list allows and that every router sees
 *   which its sender hears;
 * - it moves as few slots as can be from the table in force, when each web-cache gets
 *   the floor or the ceiling of its share by weight.
 *
 * The table in force is what its sender's routers have told it: the one with the key
 * that they echo, less the slots of those that they have removed since.  (A designated
 * web-cache that goes on with its own table keeps the slots of one that was removed and
 * is back; another that comes to the role cannot know them.  Either is right.)  When
 * routers echo different keys, there is no one table in force, unless one of them is the
 * sender's own newest; when they have none, it is the sender's own, if it has one.
 *
 * For a pair, the routers of both services count, and the moves of the first are
 * judged; the mirror's table has to match that of the first with the same key.
 */
#include "sim.h"

#include "../datagram.h"
#include "mask.h"

#include <stdlib.h>
#include <string.h>

/* -- reading ---------------------------------------------------------------------------- */

static uint8_t number_of(struct sim *sim, const struct addr *cache)
{
	int i = world_cache_at(sim, cache);

	if (i < 0)
		sim_fail(sim, "an assignment names %s", ADDR_TEXT(cache));
	return i < 0 ? ASSIGN_NOBODY : (uint8_t)i;
}

static void read_buckets(struct sim *sim, const struct wccp_hash_table *from,
			 struct sim_table *t)
{
	t->n_slots = WCCP_BUCKETS;
	for (unsigned b = 0; b < WCCP_BUCKETS; b++) {
		unsigned index = from->buckets[b] & WCCP_BUCKET_INDEX;

		if (from->buckets[b] != WCCP_BUCKET_NONE && index < from->n_caches)
			t->owners[b] = number_of(sim, &from->caches[index]);
	}
}

static void put_value(struct sim *sim, struct sim_table *t, long vsn,
		      const struct addr *cache)
{
	if (vsn < 0 || vsn >= (long)t->n_slots || t->owners[vsn] != ASSIGN_NOBODY)
		sim_fail(sim, "an assignment has value %ld of %u twice or in vain", vsn,
			 t->n_slots);
	else
		t->owners[vsn] = number_of(sim, cache);
}

static void read_alternate(struct sim *sim, const struct wccp_msg *m,
			   const struct wccp_set *set, struct sim_table *t)
{
	for (unsigned i = set->first; i < set->first + set->n; i++) {
		const struct wccp_cache_values *c = &m->cache_values[i];

		for (unsigned k = c->first_vsn; k < c->first_vsn + c->n_vsns; k++)
			put_value(sim, t, (long)m->vsns[k], &c->cache);
	}
}

static void read_set(struct sim *sim, const struct wccp_msg *m, struct sim_table *t)
{
	const struct wccp_set_list *list = &m->assignment.sets;
	const struct wccp_set *set = &m->sets[list->first];

	t->by_mask = true;
	if (list->n != 1 || mask_bits(&set->mask) > MASK_BITS_MAX) {
		sim_fail(sim, "an assignment of %u sets, %u bits", list->n,
			 mask_bits(&set->mask));
		return;
	}
	t->mask = set->mask;
	t->n_slots = 1u << mask_bits(&set->mask);
	if (list->alternate) {
		read_alternate(sim, m, set, t);
		return;
	}
	for (unsigned i = set->first; i < set->first + set->n; i++)
		put_value(sim, t, mask_vsn(&set->mask, &m->values[i].match),
			  &m->values[i].cache);
}

static bool read_table(struct sim *sim, const void *octets, size_t len,
		       struct sim_table *t)
{
	static struct wccp_msg m;
	struct err err = { "" };

	memset(t, 0, sizeof(*t));
	memset(t->owners, ASSIGN_NOBODY, sizeof(t->owners));
	if (datagram_decode(octets, len, &m, &err) != CODEC_OK) {
		sim_fail(sim, "an assignment cannot be read: %s", err.text);
		return false;
	}
	t->key = m.assignment.key;
	if (m.assignment.type == WCCP_AT_HASH)
		read_buckets(sim, &m.assignment.hash, t);
	else
		read_set(sim, &m, t);
	return !sim->failed;
}

/* -- remembering ------------------------------------------------------------------------- */

static struct sim_table *find_table(struct sim *sim, unsigned service, bool by_mask,
				    const struct wccp_key *key)
{
	unsigned n = sim->n_tables[service];

	/* The newest first: numbers may come again after a restart. */
	for (unsigned back = 1; back <= n && back <= SIM_TABLES; back++) {
		struct sim_table *t = &sim->tables[service][(n - back) % SIM_TABLES];

		if (t->by_mask == by_mask &&
		    t->key.change_number == key->change_number &&
		    addr_equal(&t->key.cache, &key->cache))
			return t;
	}
	return NULL;
}

static void remember(struct sim *sim, unsigned service, const struct sim_table *t)
{
	sim->tables[service][sim->n_tables[service]++ % SIM_TABLES] = *t;
}

static bool same_owners(const struct sim_table *a, const struct sim_table *b)
{
	return a->n_slots == b->n_slots && mask_equal(&a->mask, &b->mask) &&
	       memcmp(a->owners, b->owners, sizeof(a->owners)) == 0;
}

/* -- whom it names --------------------------------------------------------------------------- */

static const struct cache_member_status *seen(const struct cache_status *s,
					     const struct addr *cache)
{
	for (unsigned i = 0; i < s->n_caches; i++)
		if (addr_equal(&s->caches[i].addr, cache))
			return &s->caches[i];
	return NULL;
}

static void count(const struct sim_table *t, unsigned counts[SIM_CACHES])
{
	memset(counts, 0, SIM_CACHES * sizeof(*counts));
	for (unsigned i = 0; i < t->n_slots; i++)
		if (t->owners[i] < SIM_CACHES)
			counts[t->owners[i]]++;
}

static bool is_in_list(const struct cache_conf *conf, const struct addr *cache)
{
	return !conf->n_allowed ||
	       addr_find(conf->allowed, conf->n_allowed, cache) >= 0;
}

static void judge_owners(struct sim *sim, unsigned i, unsigned service,
			 const struct sim_table *t, const struct cache_status *s)
{
	const struct cache_conf *conf = &sim->caches[i].conf[service];
	unsigned counts[SIM_CACHES];

	count(t, counts);
	for (unsigned k = 0; k < sim->plan.n_caches; k++) {
		const struct addr *addr = &sim->caches[k].addr;
		const struct cache_member_status *c = seen(s, addr);

		if (!counts[k])
			continue;
		if (!is_in_list(conf, addr))
			sim_fail(sim, "cache%u assigns to cache%u, not in its list",
				 i + 1, k + 1);
		else if (!c || !c->seen_by_all)
			sim_fail(sim, "cache%u assigns to cache%u, not seen by all",
				 i + 1, k + 1);
	}
}

/* -- how many move ------------------------------------------------------------------------------ */

struct shares {
	uint32_t weight[SIM_CACHES];
	uint32_t total; /* of those that may own any */
};

/* The weight as the sender sees it, -1: not seen by all routers of all services. */
static long weight_of(const struct sim *sim, const struct cache_status s[SIM_SERVICES],
		      const struct addr *cache)
{
	long least = UINT16_MAX;

	for (unsigned k = 0; k < sim->plan.n_services; k++) {
		const struct cache_member_status *c = seen(&s[k], cache);

		if (!c || !c->seen_by_all)
			return -1;
		least = c->weight < least ? c->weight : least;
	}
	return least;
}

static void find_shares(const struct sim *sim, unsigned i,
			const struct cache_status s[SIM_SERVICES], struct shares *x)
{
	memset(x, 0, sizeof(*x));
	for (unsigned pass = 0; pass < 2 && !x->total; pass++)
		for (unsigned k = 0; k < sim->plan.n_caches; k++) {
			const struct addr *addr = &sim->caches[k].addr;
			long weight = weight_of(sim, s, addr);

			if (weight < 0 || !is_in_list(&sim->caches[i].conf[0], addr))
				continue;
			/* All zero: they count as equal. */
			x->weight[k] = pass ? 1 : (uint32_t)weight;
			x->total += x->weight[k];
		}
}

static bool is_fair(const struct sim_table *t, const struct shares *x)
{
	unsigned counts[SIM_CACHES];

	count(t, counts);
	for (unsigned k = 0; k < SIM_CACHES; k++) {
		unsigned part = t->n_slots * x->weight[k];

		if (counts[k] != part / x->total &&
		    counts[k] != (part + x->total - 1) / x->total)
			return false;
	}
	return true;
}

/* Of `n_slots`, that can stay where they are: of each web-cache's up to the floor of
 * its share, and one more of those that get one of the units left over. */
static unsigned most_kept(const struct sim_table *old, const struct shares *x)
{
	unsigned counts[SIM_CACHES], left = old->n_slots, kept = 0, wanting = 0;

	count(old, counts);
	for (unsigned k = 0; k < SIM_CACHES; k++) {
		unsigned part = old->n_slots * x->weight[k];
		unsigned floor = part / x->total;

		left -= floor;
		kept += counts[k] < floor ? counts[k] : floor;
		wanting += counts[k] > floor && part % x->total;
	}
	return kept + (wanting < left ? wanting : left);
}

static unsigned kept(const struct sim_table *old, const struct sim_table *now)
{
	unsigned n = 0;

	for (unsigned i = 0; i < now->n_slots; i++)
		n += old->owners[i] != ASSIGN_NOBODY &&
		     old->owners[i] == now->owners[i];
	return n;
}

/* The same when it is given how many each gets. */
static unsigned most_kept_by(const struct sim_table *old, const struct sim_table *now)
{
	unsigned before[SIM_CACHES], after[SIM_CACHES], n = 0;

	count(old, before);
	count(now, after);
	for (unsigned k = 0; k < SIM_CACHES; k++)
		n += before[k] < after[k] ? before[k] : after[k];
	return n;
}

/* The lowest of the weights that routers state counts, but only one can be seen here;
 * they are equal once a change has had time to get round, or is forgotten. */
static bool weights_are_known(const struct sim *sim, const struct shares *x)
{
	for (unsigned k = 0; k < sim->plan.n_caches; k++)
		if (x->weight[k] && mono_ms_between(sim->caches[k].reweighted,
						    sim->now) < 6 * sim->plan.tb_ms)
			return false;
	return x->total;
}

static unsigned most(const struct sim *sim, const struct sim_table *old,
		     const struct sim_table *now, const struct shares *x)
{
	if (weights_are_known(sim, x) && is_fair(now, x))
		return most_kept(old, x);
	return most_kept_by(old, now);
}

static bool is_minimal(const struct sim *sim, const struct sim_table *old,
		       const struct sim_table *now, const struct shares *x)
{
	return kept(old, now) == most(sim, old, now, x);
}

/* -- from where ------------------------------------------------------------------------------------ */

static bool is_live(const struct cache_router_status *r)
{
	return r->state == PEER_JOINED || r->state == PEER_ASSIGNED;
}

static bool same_key(const struct wccp_key *a, const struct wccp_key *b)
{
	return a->change_number == b->change_number && addr_equal(&a->cache, &b->cache);
}

static bool owns_any_at(const struct router_status *r, const struct addr *cache)
{
	for (unsigned i = 0; i < r->n_caches; i++)
		if (addr_equal(&r->caches[i].addr, cache))
			return r->caches[i].buckets || r->caches[i].values;
	return false;
}

/* The owners of slots at one of the routers. */
static void find_owners(struct sim *sim, unsigned service, const struct cache_status *s,
			const struct sim_table *t, bool owns[SIM_CACHES])
{
	static struct router_status r;

	for (unsigned x = 0; x < s->n_routers; x++) {
		int j = world_router_at(sim, &s->routers[x].address);

		if (!is_live(&s->routers[x]) || j < 0 ||
		    !sim->routers[j].routers[service])
			continue;
		router_get_status(sim->routers[j].routers[service], &r);
		if (!r.assigned || r.by_mask != t->by_mask ||
		    !same_key(&r.key, &t->key))
			continue;
		for (unsigned k = 0; k < sim->plan.n_caches; k++)
			owns[k] = owns[k] || owns_any_at(&r, &sim->caches[k].addr);
	}
}

/* Take away the slots of those that every router of its sender has removed. */
static void purge(struct sim *sim, const struct cache_status s[SIM_SERVICES],
		  struct sim_table *t)
{
	bool owns[SIM_CACHES] = { false };

	for (unsigned k = 0; k < sim->plan.n_services; k++)
		find_owners(sim, k, &s[k], t, owns);
	for (unsigned i = 0; i < t->n_slots; i++)
		if (t->owners[i] < SIM_CACHES && !owns[t->owners[i]])
			t->owners[i] = ASSIGN_NOBODY;
}

/* What the routers echo, as far as the sender knows. */
struct echoes {
	bool any, ours, none, differ;
	struct wccp_key key; /* of the first that is known */
};

static void add_echoes(const struct cache_status *s, bool by_mask,
		       const struct wccp_key *ours, struct echoes *e)
{
	for (unsigned j = 0; j < s->n_routers; j++) {
		const struct cache_router_status *r = &s->routers[j];

		if (!is_live(r) || (r->assign == WCCP_ASSIGN_MASK) != by_mask)
			continue;
		if (!e->any)
			e->key = r->key;
		e->any = true;
		e->ours = e->ours || (ours->change_number && same_key(&r->key, ours));
		e->none = e->none && !addr_is_set(&r->key.cache);
		e->differ = e->differ || !same_key(&r->key, &e->key);
	}
}

/* When its mask changes, a web-cache forgets the tables it knows; its old mask may be
 * back before all routers have stated them again. */
static bool has_forgotten(const struct sim *sim, unsigned i)
{
	return mono_ms_between(sim->caches[i].remasked, sim->now) < 3 * sim->plan.tb_ms;
}

static void judge_from(struct sim *sim, unsigned i,
		       const struct cache_status s[SIM_SERVICES],
		       const struct sim_table *old, const struct sim_table *now,
		       const struct shares *x)
{
	struct sim_table purged = *old;

	if (old->n_slots != now->n_slots || !mask_equal(&old->mask, &now->mask))
		return; /* slots of another kind */
	if (now->by_mask && has_forgotten(sim, i))
		return;
	sim->moves_judged++;
	if (is_minimal(sim, old, now, x))
		return;
	purge(sim, s, &purged);
	if (!is_minimal(sim, &purged, now, x))
		sim_fail(sim,
			 "cache%u: key %u keeps %u slots of key %s/%u, where %u can "
			 "stay",
			 i + 1, now->key.change_number, kept(old, now),
			 ADDR_TEXT(&old->key.cache), old->key.change_number,
			 most(sim, old, now, x));
}

/* Of the first service. */
static void judge_moves(struct sim *sim, unsigned i, const struct sim_table *now,
			const struct cache_status s[SIM_SERVICES])
{
	struct wccp_key ours = { now->key.cache,
				 sim->caches[i].newest[0][now->by_mask] };
	const struct sim_table *old = NULL;
	struct echoes e = { .none = true };
	struct shares x;

	find_shares(sim, i, s, &x);
	for (unsigned k = 0; k < sim->plan.n_services; k++)
		add_echoes(&s[k], now->by_mask, &ours, &e);
	if (e.ours || (e.none && ours.change_number))
		old = find_table(sim, 0, now->by_mask, &ours);
	else if (!e.none && !e.differ)
		old = find_table(sim, 0, now->by_mask, &e.key);
	if (old)
		judge_from(sim, i, s, old, now, &x);
}

/* -- pairs ------------------------------------------------------------------------------------------ */

static void judge_mirror(struct sim *sim, unsigned i, unsigned service,
			 const struct sim_table *t)
{
	const struct sim_table *other = find_table(sim, !service, t->by_mask, &t->key);
	const struct sim_table *first = service ? other : t,
			       *mirror = service ? t : other;

	if (!other ||
	    sim->caches[i].newest[!service][t->by_mask] != t->key.change_number)
		return; /* the other is not sent yet */
	if (!table_mirrors(mirror, first))
		sim_fail(sim, "cache%u: key %u has two tables for a pair", i + 1,
			 t->key.change_number);
}

/* -- entry --------------------------------------------------------------------------------------------- */

/* Sent before, since its sender is up? */
static bool is_repeated(struct sim *sim, unsigned i, unsigned service,
			const struct sim_table *t)
{
	const struct sim_table *before;

	if (sim->caches[i].newest[service][t->by_mask] != t->key.change_number)
		return false;
	before = find_table(sim, service, t->by_mask, &t->key);
	if (before && !same_owners(before, t))
		sim_fail(sim, "cache%u: key %u has two tables", i + 1,
			 t->key.change_number);
	return true;
}

void moves_judge(struct sim *sim, unsigned i, unsigned service, const void *octets,
		 size_t len)
{
	struct sim_cache *c = &sim->caches[i];
	static struct cache_status s[SIM_SERVICES];
	struct sim_table t;

	if (!read_table(sim, octets, len, &t))
		return;
	for (unsigned k = 0; k < sim->plan.n_services; k++)
		cache_get_status(c->groups[k], &s[k]);
	judge_owners(sim, i, service, &t, &s[service]);
	if (is_repeated(sim, i, service, &t))
		return;
	sim->assignments++;
	if (service == 0)
		judge_moves(sim, i, &t, s);
	if (sim->plan.n_services > 1)
		judge_mirror(sim, i, service, &t);
	remember(sim, service, &t);
	c->newest[service][t.by_mask] = t.key.change_number;
}
