/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading one router's table from its I_SEE_YOU: which web-cache has which slot there.
 * Slots are the 256 buckets of hash assignment, or the values of our mask by their
 * sequence numbers.
 *
 * A router may echo the whole assignment (components 6, 14 and 16), or only list the
 * slots of each web-cache, or just echo the assignment's key.
 */
#include "core/cache/cache_impl.h"

#include <endian.h>
#include <string.h>

unsigned cache_slots(const struct cache *c, uint32_t method)
{
	return method == WCCP_ASSIGN_MASK ? 1u << mask_bits(&c->mask) : WCCP_BUCKETS;
}

void cache_table_count(const struct cache_table *t, unsigned *counts)
{
	memset(counts, 0, WCCP_MAX_CACHES * sizeof(*counts));
	for (unsigned i = 0; i < t->n_slots; i++)
		if (t->owners[i] < t->n_caches)
			counts[t->owners[i]]++;
}

/* If two web-caches are listed with the same slot, the first one has it. */
static void peer_table_own(struct peer *p, unsigned slot, int entry)
{
	if (entry >= 0 && p->table.owners[slot] == ASSIGN_NOBODY)
		p->table.owners[slot] = (uint8_t)entry;
}

/* -- hash -------------------------------------------------------------------------- */

/* Eight octets of a vector as one number, whose bit i is their i-th bucket. */
static uint64_t peer_table_eight_octets(const uint8_t *octets)
{
	uint64_t n;

	memcpy(&n, octets, sizeof(n));
	return le64toh(n);
}

static void peer_table_take_vector(struct peer *p, int entry,
				   const struct wccp_bucket_vector *v)
{
	unsigned n = 0;

	for (unsigned i = 0; i < sizeof(v->octets); i += 8)
		for (uint64_t left = peer_table_eight_octets(&v->octets[i]); left;
		     left &= left - 1, n++)
			peer_table_own(p, i * 8 + (unsigned)__builtin_ctzll(left),
				       entry);
	p->said.entries[entry].stated += n;
}

/* The flag for the alternate hash does not change the owner of a bucket: packets go to
 * the owner first, and some of those of a hot bucket to others. */
static void peer_table_take_buckets(struct peer *p, const struct wccp_hash_table *t)
{
	int entries[WCCP_MAX_CACHES];

	peer_find_entries(p, t->caches, t->n_caches, entries);
	for (unsigned b = 0; b < WCCP_BUCKETS; b++) {
		unsigned index = t->buckets[b] & WCCP_BUCKET_INDEX;

		if (t->buckets[b] != WCCP_BUCKET_NONE && index < t->n_caches)
			peer_table_own(p, b, entries[index]);
	}
}

static const struct wccp_hash_table *peer_table_hash_echo(const struct wccp_msg *m)
{
	if (wccp_has(m, WCCP_C_ASSIGNMENT) && m->assignment.type == WCCP_AT_HASH)
		return &m->assignment.hash;
	if (wccp_has(m, WCCP_C_ALT_ASSIGN_MAP) && m->map.type == WCCP_AT_HASH)
		return &m->map.hash;
	return NULL;
}

/* -- mask -------------------------------------------------------------------------- */

/* `entry` has this slot; -1 is a slot that does not exist in our mask. */
static void peer_table_state_slot(struct peer *p, int64_t slot, int entry)
{
	if (entry < 0)
		return;
	p->said.entries[entry].stated++;
	if (slot >= 0 && slot < p->table.n_slots)
		peer_table_own(p, (unsigned)slot, entry);
	else
		p->table.foreign = true;
}

/* The owner of a value.  Some routers leave it out in the web-cache's own identity. */
static int peer_table_whose(const struct peer *p, const struct addr *cache,
			    int otherwise)
{
	return addr_is_set(cache) ? peer_find_entry(p, cache) : otherwise;
}

static void peer_table_take_set(const struct cache *c, struct peer *p,
				const struct wccp_msg *m, const struct wccp_set *set,
				int otherwise)
{
	bool ours = mask_equal(&set->mask, &c->mask);

	for (unsigned i = set->first; i < set->first + set->n; i++) {
		const struct wccp_value *v = &m->values[i];

		peer_table_state_slot(p, ours ? mask_vsn(&c->mask, &v->match) : -1,
				      peer_table_whose(p, &v->cache, otherwise));
	}
}

static void peer_table_take_alt_set(const struct cache *c, struct peer *p,
				    const struct wccp_msg *m,
				    const struct wccp_set *set, int otherwise)
{
	bool ours = mask_equal(&set->mask, &c->mask);

	for (unsigned i = set->first; i < set->first + set->n; i++) {
		const struct wccp_cache_values *values = &m->cache_values[i];
		int entry = peer_table_whose(p, &values->cache, otherwise);

		for (unsigned k = values->first_vsn;
		     k < values->first_vsn + values->n_vsns; k++)
			peer_table_state_slot(p, ours ? (int64_t)m->vsns[k] : -1,
					      entry);
	}
}

static void peer_table_take_sets(const struct cache *c, struct peer *p,
				 const struct wccp_msg *m,
				 const struct wccp_set_list *list, int otherwise)
{
	for (unsigned i = list->first; i < list->first + list->n; i++)
		if (list->alternate)
			peer_table_take_alt_set(c, p, m, &m->sets[i], otherwise);
		else
			peer_table_take_set(c, p, m, &m->sets[i], otherwise);
}

static bool peer_table_has_sets_echo(const struct wccp_msg *m)
{
	return (wccp_has(m, WCCP_C_ASSIGN_MAP) || wccp_has(m, WCCP_C_ALT_ASSIGN_MAP)) &&
	       m->map.type != WCCP_AT_HASH;
}

/* -- both -------------------------------------------------------------------------- */

static void peer_table_take_identity(const struct cache *c, struct peer *p,
				     const struct wccp_msg *m, int entry)
{
	const struct wccp_cache_id *id =
		&m->router_view.caches[p->said.entries[entry].at];

	/* With the U bit set, these are the slots that it had before. */
	if (id->unassigned || p->said.entries[entry].method != p->agreed.assign)
		return;
	if (id->kind == WCCP_DATA_HASH)
		peer_table_take_vector(p, entry, &id->buckets);
	else
		peer_table_take_sets(c, p, m, &id->sets, entry);
}

static bool peer_table_knows_any(const struct peer *p)
{
	if (p->table.foreign)
		return true;
	for (unsigned i = 0; i < p->table.n_slots; i++)
		if (p->table.owners[i] != ASSIGN_NOBODY)
			return true;
	return false;
}

/* Read the echo of the assignment.  False if there is none, or no slot has an owner. */
static bool peer_table_take_echo(const struct cache *c, struct peer *p,
				 const struct wccp_msg *m)
{
	const struct wccp_hash_table *t = peer_table_hash_echo(m);

	if (p->agreed.assign == WCCP_ASSIGN_HASH && t)
		peer_table_take_buckets(p, t);
	else if (p->agreed.assign == WCCP_ASSIGN_MASK && peer_table_has_sets_echo(m))
		peer_table_take_sets(c, p, m, &m->map.sets, -1);
	else
		return false;
	return peer_table_knows_any(p);
}

/*
 * If a router echoes the key of our newest assignment and lists as many slots for each
 * web-cache as we assigned, its table is ours, whatever the order of the bits in its
 * vectors (the drafts do not say, and vendors differ).  With masks some routers list
 * nothing at all.
 */
static bool peer_table_is_ours(const struct cache *c, const struct peer *p)
{
	const struct cache_table *t = &c->tables[method_index(p->agreed.assign)];
	unsigned counts[WCCP_MAX_CACHES], stated = 0;
	bool agrees = true;

	if (!t->n_slots || !p->assigned.sent || p->table.foreign ||
	    !key_equal(&p->said.key, cache_key(c)))
		return false;
	cache_table_count(t, counts);
	for (unsigned i = 0; i < p->said.n_entries; i++) {
		int at = addr_find(t->caches, t->n_caches, &p->said.entries[i].addr);

		stated += p->said.entries[i].stated;
		agrees = agrees &&
			 p->said.entries[i].stated == (at < 0 ? 0 : counts[at]);
	}
	return agrees || (p->agreed.assign == WCCP_ASSIGN_MASK && stated == 0);
}

static void peer_table_take_ours(const struct cache_table *t, struct peer *p)
{
	int entries[WCCP_MAX_CACHES];

	peer_find_entries(p, t->caches, t->n_caches, entries);
	memset(p->table.owners, ASSIGN_NOBODY, p->table.n_slots);
	for (unsigned i = 0; i < t->n_slots && i < p->table.n_slots; i++)
		if (t->owners[i] < t->n_caches)
			peer_table_own(p, i, entries[t->owners[i]]);
}

void peer_table_take(const struct cache *c, struct peer *p, const struct wccp_msg *m)
{
	peer_table_forget(p);
	if (!p->agreed.assign)
		return;
	p->table.n_slots = cache_slots(c, p->agreed.assign);
	memset(p->table.owners, ASSIGN_NOBODY, p->table.n_slots);
	if (peer_table_take_echo(c, p, m))
		return;
	for (unsigned i = 0; i < p->said.n_entries; i++)
		peer_table_take_identity(c, p, m, (int)i);
	if (peer_table_is_ours(c, p))
		peer_table_take_ours(&c->tables[method_index(p->agreed.assign)], p);
}
