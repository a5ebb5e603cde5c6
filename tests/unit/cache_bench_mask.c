/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bench's routers, as far as masks and echoes go.  They show a table by the
 * word of the drafts, independently of how the group reads and writes one.
 */
#include "cache_bench.h"
#include "mask.h"

#include <check.h>
#include <string.h>

static int index_of(const struct rtr *r, const struct addr *cache)
{
	return addr_find(r->table.caches, r->table.n_caches, cache);
}

/* -- showing ------------------------------------------------------------------------------ */

static struct wccp_set_list open_list(struct wccp_msg *m, bool alternate, unsigned n_sets)
{
	return (struct wccp_set_list){
		.first = (uint16_t)m->n_sets, .n = (uint16_t)n_sets, .alternate = alternate
	};
}

static struct wccp_set *add_set(const struct rtr *r, struct wccp_msg *m)
{
	struct wccp_set *set = &m->sets[m->n_sets++];

	*set = (struct wccp_set){ .mask = r->table.mask };
	return set;
}

static void add_values(const struct rtr *r, struct wccp_msg *m, struct wccp_set *set,
		       unsigned cache)
{
	if (!set->n)
		set->first = (uint16_t)m->n_values;
	for (unsigned i = 0; i < r->table.n_slots; i++) {
		if (r->table.owners[i] != cache)
			continue;
		m->values[m->n_values++] =
			(struct wccp_value){ .match = mask_value(&r->table.mask, i),
					     .cache = r->table.caches[cache] };
		set->n++;
	}
}

static void put_identity(const struct rtr *r, struct wccp_cache_id *c, struct wccp_msg *m)
{
	int index = index_of(r, &c->addr);
	struct wccp_set *set;

	c->kind = WCCP_DATA_MASK;
	c->unassigned = index < 0 || r->listing == RTR_LISTS_NO_VALUE;
	c->sets = open_list(m, false, r->listing != RTR_LISTS_NO_SET);
	if (r->listing == RTR_LISTS_NO_SET)
		return;
	set = add_set(r, m);
	if (r->listing == RTR_LISTS_SETS && index >= 0)
		add_values(r, m, set, (unsigned)index);
}

static void put_map(const struct rtr *r, struct wccp_msg *m)
{
	struct wccp_set *set;

	m->present |= 1u << WCCP_C_ASSIGN_MAP;
	m->map.type = WCCP_AT_MASK;
	m->map.sets = open_list(m, false, 1);
	set = add_set(r, m);
	for (unsigned i = 0; i < r->table.n_caches; i++)
		add_values(r, m, set, i);
}

static void put_alt_map(const struct rtr *r, struct wccp_msg *m)
{
	struct wccp_set *set;

	m->present |= 1u << WCCP_C_ALT_ASSIGN_MAP;
	m->map.type = WCCP_AT_ALT_MASK;
	m->map.sets = open_list(m, true, 1);
	set = add_set(r, m);
	set->first = (uint16_t)m->n_cache_values;
	for (unsigned i = 0; i < r->table.n_caches; i++) {
		struct wccp_cache_values *c = &m->cache_values[m->n_cache_values++];

		*c = (struct wccp_cache_values){ .cache = r->table.caches[i],
						 .first_vsn = (uint16_t)m->n_vsns };
		for (unsigned k = 0; k < r->table.n_slots; k++)
			if (r->table.owners[k] == i)
				m->vsns[m->n_vsns++] = k;
		c->n_vsns = (uint16_t)(m->n_vsns - c->first_vsn);
		set->n++;
	}
}

static void put_hash(const struct rtr *r, struct wccp_hash_table *t)
{
	t->n_caches = r->table.n_caches;
	memcpy(t->caches, r->table.caches, sizeof(t->caches));
	for (unsigned b = 0; b < WCCP_BUCKETS; b++)
		t->buckets[b] = (uint8_t)(r->table.owners[b] |
					  wccp_vector_has(&r->table.alt, b) << 7);
}

static void put_hash_echo(const struct rtr *r, struct wccp_msg *m)
{
	if (r->echo == RTR_ECHOES_MAP) {
		m->present |= 1u << WCCP_C_ASSIGNMENT;
		m->assignment = (struct wccp_assignment){ .key = r->view.key };
		put_hash(r, &m->assignment.hash);
	} else {
		m->present |= 1u << WCCP_C_ALT_ASSIGN_MAP;
		m->map.type = WCCP_AT_HASH;
		put_hash(r, &m->map.hash);
	}
}

void rtr_put_table(const struct rtr *r, struct wccp_msg *m)
{
	for (unsigned i = 0; r->by_mask && i < m->router_view.n_caches; i++)
		put_identity(r, &m->router_view.caches[i], m);
	if (r->echo == RTR_ECHOES_NOTHING || !r->table.n_slots)
		return;
	if (!r->by_mask)
		put_hash_echo(r, m);
	else if (r->echo == RTR_ECHOES_MAP)
		put_map(r, m);
	else
		put_alt_map(r, m);
}

/* -- being told --------------------------------------------------------------------------- */

static unsigned add_cache(struct cache_table *t, const struct addr *cache)
{
	int at = addr_find(t->caches, t->n_caches, cache);

	if (at >= 0)
		return (unsigned)at;
	ck_assert_uint_lt(t->n_caches, WCCP_MAX_CACHES);
	t->caches[t->n_caches] = *cache;
	return t->n_caches++;
}

/* Every value is there at most once, and within the mask. */
static void give(struct cache_table *t, long slot, const struct addr *cache)
{
	ck_assert_int_ge(slot, 0);
	ck_assert_int_lt(slot, t->n_slots);
	ck_assert_uint_eq(t->owners[slot], ASSIGN_NOBODY);
	t->owners[slot] = (uint8_t)add_cache(t, cache);
}

static void clear_table(struct rtr *r, const struct wccp_mask *mask, unsigned n_slots)
{
	r->table = (struct cache_table){ .n_slots = n_slots, .mask = *mask };
	memset(r->table.owners, ASSIGN_NOBODY, sizeof(r->table.owners));
}

static void take_sets(struct rtr *r, const struct wccp_msg *m)
{
	const struct wccp_set_list *list = &m->assignment.sets;
	const struct wccp_set *set = &m->sets[list->first];

	ck_assert_uint_eq(list->n, 1);
	clear_table(r, &set->mask, 1u << mask_bits(&set->mask));
	for (unsigned i = set->first; i < set->first + set->n; i++) {
		const struct wccp_cache_values *c = &m->cache_values[i];

		if (!list->alternate) {
			give(&r->table, mask_vsn(&set->mask, &m->values[i].match),
			     &m->values[i].cache);
			continue;
		}
		for (unsigned k = c->first_vsn; k < c->first_vsn + c->n_vsns; k++)
			give(&r->table, m->vsns[k], &c->cache);
	}
}

static void take_buckets(struct rtr *r, const struct wccp_hash_table *h)
{
	struct cache_table *t = &r->table;

	clear_table(r, &(struct wccp_mask){ 0 }, WCCP_BUCKETS);
	t->n_caches = h->n_caches;
	memcpy(t->caches, h->caches, sizeof(t->caches));
	for (unsigned b = 0; b < WCCP_BUCKETS; b++) {
		if (h->buckets[b] == WCCP_BUCKET_NONE)
			continue;
		t->owners[b] = h->buckets[b] & WCCP_BUCKET_INDEX;
		if (h->buckets[b] & WCCP_BUCKET_ALT)
			wccp_vector_add(&t->alt, b);
	}
}

void rtr_take_table(struct rtr *r, const struct wccp_msg *m)
{
	ck_assert_int_eq(r->by_mask, m->assignment.type != WCCP_AT_HASH);
	if (r->by_mask)
		take_sets(r, m);
	else
		take_buckets(r, &m->assignment.hash);
}

/* -- by the test -------------------------------------------------------------------------- */

void rtr_give_values(struct rtr *r, uint32_t cache, unsigned first, unsigned n)
{
	struct addr a = addr_v4(cache);
	unsigned at = add_cache(&r->table, &a);

	ck_assert_uint_le(first + n, r->table.n_slots);
	memset(r->table.owners + first, (int)at, n);
}

unsigned rtr_count_values(const struct rtr *r, uint32_t cache)
{
	struct addr a = addr_v4(cache);
	int at = index_of(r, &a);
	unsigned n = 0;

	for (unsigned i = 0; at >= 0 && i < r->table.n_slots; i++)
		n += r->table.owners[i] == at;
	return n;
}
