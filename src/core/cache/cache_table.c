/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One router's table: which web-cache has which slot there, as far as the router
 * tells.  Slots are the 256 buckets of hash assignment, or the values of our mask
 * by their sequence numbers.
 *
 * A router may echo the assignment as such (components 6, 14 and 16), or only list
 * with each web-cache what that one has, or just echo the assignment's key.
 */
#include "core/cache/cache_impl.h"

#include <endian.h>
#include <string.h>

unsigned cache_slots(const struct cache *g, uint32_t method)
{
	return method == WCCP_ASSIGN_MASK ? 1u << mask_bits(&g->mask) : WCCP_BUCKETS;
}

void table_count(const struct cache_table *t, unsigned *counts)
{
	memset(counts, 0, WCCP_MAX_CACHES * sizeof(*counts));
	for (unsigned i = 0; i < t->n_slots; i++)
		if (t->owners[i] < t->n_caches)
			counts[t->owners[i]]++;
}

void peer_forget_table(struct peer *p)
{
	p->n_slots = 0;
	p->foreign = false;
	for (unsigned i = 0; i < p->n_fellows; i++)
		p->fellows[i].stated = 0;
}

unsigned peer_slots_of(const struct peer *p, int fellow)
{
	unsigned n = 0;

	if (fellow < 0)
		return 0;
	/* In terms of another mask, yet it has them. */
	if (p->foreign)
		return p->fellows[fellow].stated;
	for (unsigned i = 0; i < p->n_slots; i++)
		n += p->owners[i] == fellow;
	return n;
}

bool peer_has_slots(const struct peer *p, int fellow)
{
	if (fellow < 0)
		return false;
	if (p->foreign)
		return p->fellows[fellow].stated > 0;
	return memchr(p->owners, fellow, p->n_slots) != NULL;
}

/* When two claim a slot, the first one listed has it. */
static void own(struct peer *p, unsigned slot, int fellow)
{
	if (fellow >= 0 && p->owners[slot] == ASSIGN_NOBODY)
		p->owners[slot] = (uint8_t)fellow;
}

/* -- hash --------------------------------------------------------------------------------- */

/* Eight octets of a vector as one number: bit i of it is the bucket i behind. */
static uint64_t eight(const uint8_t *octets)
{
	uint64_t n;

	memcpy(&n, octets, sizeof(n));
	return le64toh(n);
}

static void take_vector(struct peer *p, int fellow, const struct wccp_bucket_vector *v)
{
	unsigned n = 0;

	for (unsigned i = 0; i < sizeof(v->octets); i += 8)
		for (uint64_t left = eight(&v->octets[i]); left; left &= left - 1, n++)
			own(p, i * 8 + (unsigned)__builtin_ctzll(left), fellow);
	p->fellows[fellow].stated += n;
}

/* Which fellow each web-cache of a list is, or -1. */
static void find_fellows(const struct peer *p, const struct addr *caches, unsigned n,
			 int *fellows)
{
	for (unsigned i = 0; i < n; i++)
		fellows[i] = peer_find_fellow(p, &caches[i]);
}

/* The flag for the alternate hash in a bucket does not change whose it is: packets
 * come to its owner first, and those of a hot bucket partly to others. */
static void take_echoed_buckets(struct peer *p, const struct wccp_hash_table *t)
{
	int fellows[WCCP_MAX_CACHES];

	find_fellows(p, t->caches, t->n_caches, fellows);
	for (unsigned b = 0; b < WCCP_BUCKETS; b++) {
		unsigned index = t->buckets[b] & WCCP_BUCKET_INDEX;

		if (t->buckets[b] != WCCP_BUCKET_NONE && index < t->n_caches)
			own(p, b, fellows[index]);
	}
}

static const struct wccp_hash_table *hash_echo(const struct wccp_msg *m)
{
	if (wccp_has(m, WCCP_C_ASSIGNMENT) && m->assignment.type == WCCP_AT_HASH)
		return &m->assignment.hash;
	if (wccp_has(m, WCCP_C_ALT_ASSIGN_MAP) && m->map.type == WCCP_AT_HASH)
		return &m->map.hash;
	return NULL;
}

/* -- mask --------------------------------------------------------------------------------- */

/* A slot that `fellow` has; -1: one that our mask has not. */
static void state(struct peer *p, int64_t slot, int fellow)
{
	if (fellow < 0)
		return;
	p->fellows[fellow].stated++;
	if (slot >= 0 && slot < p->n_slots)
		own(p, (unsigned)slot, fellow);
	else
		p->foreign = true;
}

/* Whom a value is for; some routers leave it out in the identity of that one. */
static int whose(const struct peer *p, const struct addr *cache, int otherwise)
{
	return addr_is_set(cache) ? peer_find_fellow(p, cache) : otherwise;
}

static void take_set(const struct cache *g, struct peer *p, const struct wccp_msg *m,
		     const struct wccp_set *set, int otherwise)
{
	bool ours = mask_equal(&set->mask, &g->mask);

	for (unsigned i = set->first; i < set->first + set->n; i++) {
		const struct wccp_value *v = &m->values[i];

		state(p, ours ? mask_vsn(&g->mask, &v->match) : -1,
		      whose(p, &v->cache, otherwise));
	}
}

static void take_alt_set(const struct cache *g, struct peer *p, const struct wccp_msg *m,
			 const struct wccp_set *set, int otherwise)
{
	bool ours = mask_equal(&set->mask, &g->mask);

	for (unsigned i = set->first; i < set->first + set->n; i++) {
		const struct wccp_cache_values *c = &m->cache_values[i];
		int fellow = whose(p, &c->cache, otherwise);

		for (unsigned k = c->first_vsn; k < c->first_vsn + c->n_vsns; k++)
			state(p, ours ? (int64_t)m->vsns[k] : -1, fellow);
	}
}

static void take_sets(const struct cache *g, struct peer *p, const struct wccp_msg *m,
		      const struct wccp_set_list *list, int otherwise)
{
	for (unsigned i = list->first; i < list->first + list->n; i++)
		if (list->alternate)
			take_alt_set(g, p, m, &m->sets[i], otherwise);
		else
			take_set(g, p, m, &m->sets[i], otherwise);
}

static bool has_sets_echo(const struct wccp_msg *m)
{
	return (wccp_has(m, WCCP_C_ASSIGN_MAP) || wccp_has(m, WCCP_C_ALT_ASSIGN_MAP)) &&
	       m->map.type != WCCP_AT_HASH;
}

/* -- both --------------------------------------------------------------------------------- */

static void take_identity(const struct cache *g, struct peer *p, const struct wccp_msg *m,
			  int fellow)
{
	const struct wccp_cache_id *id =
		&m->router_view.caches[p->fellows[fellow].at];

	/* With U it is history. */
	if (id->unassigned || p->fellows[fellow].method != p->assign)
		return;
	if (id->kind == WCCP_DATA_HASH)
		take_vector(p, fellow, &id->buckets);
	else
		take_sets(g, p, m, &id->sets, fellow);
}

static bool knows_any(const struct peer *p)
{
	if (p->foreign)
		return true;
	for (unsigned i = 0; i < p->n_slots; i++)
		if (p->owners[i] != ASSIGN_NOBODY)
			return true;
	return false;
}

/* Returns true when there is one and it tells anything. */
static bool take_echo(const struct cache *g, struct peer *p, const struct wccp_msg *m)
{
	const struct wccp_hash_table *t = hash_echo(m);

	if (p->assign == WCCP_ASSIGN_HASH && t)
		take_echoed_buckets(p, t);
	else if (p->assign == WCCP_ASSIGN_MASK && has_sets_echo(m))
		take_sets(g, p, m, &m->map.sets, -1);
	else
		return false;
	return knows_any(p);
}

/*
 * It echoes the key of our newest assignment and what it lists agrees by numbers:
 * then its table is ours, in whichever order it numbers the bits of its vectors
 * (the drafts do not say, and vendors differ).  Of masks some list nothing at all.
 */
static bool has_our_table(const struct cache *g, const struct peer *p)
{
	const struct cache_table *t = &g->tables[method_index(p->assign)];
	unsigned counts[WCCP_MAX_CACHES], stated = 0;
	bool agrees = true;

	if (!t->n_slots || !p->told || p->foreign || !key_equal(&p->key, cache_key(g)))
		return false;
	table_count(t, counts);
	for (unsigned i = 0; i < p->n_fellows; i++) {
		int at = addr_find(t->caches, t->n_caches, &p->fellows[i].addr);

		stated += p->fellows[i].stated;
		agrees = agrees && p->fellows[i].stated == (at < 0 ? 0 : counts[at]);
	}
	return agrees || (p->assign == WCCP_ASSIGN_MASK && stated == 0);
}

static void take_ours(const struct cache_table *t, struct peer *p)
{
	int fellows[WCCP_MAX_CACHES];

	find_fellows(p, t->caches, t->n_caches, fellows);
	memset(p->owners, ASSIGN_NOBODY, p->n_slots);
	for (unsigned i = 0; i < t->n_slots && i < p->n_slots; i++)
		if (t->owners[i] < t->n_caches)
			own(p, i, fellows[t->owners[i]]);
}

void peer_take_table(const struct cache *g, struct peer *p, const struct wccp_msg *m)
{
	peer_forget_table(p);
	if (!p->assign)
		return;
	p->n_slots = cache_slots(g, p->assign);
	memset(p->owners, ASSIGN_NOBODY, p->n_slots);
	if (take_echo(g, p, m))
		return;
	for (unsigned i = 0; i < p->n_fellows; i++)
		take_identity(g, p, m, (int)i);
	if (has_our_table(g, p))
		take_ours(&g->tables[method_index(p->assign)], p);
}
