/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables of routers as owners of slots, and whether two of a pair are alike.
 */
#include "sim.h"

#include "mask.h"

#include <string.h>

static void read_buckets(const struct sim *sim, const struct router_status *s,
			 struct sim_table *t)
{
	t->n_slots = WCCP_BUCKETS;
	for (unsigned b = 0; b < WCCP_BUCKETS; b++) {
		uint8_t owner = s->table.buckets[b];

		if (owner != WCCP_BUCKET_NONE)
			t->owners[b] = (uint8_t)world_cache_at(
				sim, &s->table.caches[owner & WCCP_BUCKET_INDEX]);
	}
}

static void read_values(const struct sim *sim, const struct router_status *s,
			struct sim_table *t)
{
	if (s->masks.n_sets == 1)
		t->mask = s->masks.sets[0].mask;
	t->n_slots = 1u << mask_bits(&t->mask);
	for (unsigned v = 0; v < s->masks.n_values; v++) {
		const struct router_value *value = &s->masks.values[v];
		long vsn = mask_vsn(&t->mask, &value->match);

		if (vsn >= 0 && vsn < (long)t->n_slots)
			t->owners[vsn] = (uint8_t)world_cache_at(
				sim, &s->masks.caches[value->cache]);
	}
}

void table_read(const struct sim *sim, const struct router_status *s,
		struct sim_table *t)
{
	memset(t, 0, sizeof(*t));
	memset(t->owners, ASSIGN_NOBODY, sizeof(t->owners));
	if (!s->assigned)
		return;
	t->key = s->key;
	t->by_mask = s->by_mask;
	if (s->by_mask)
		read_values(sim, s, t);
	else
		read_buckets(sim, s, t);
}

/* By hash a bucket is the same in both; the values of the mirrored mask have numbers
 * of their own. */
static long slot_of_first(const struct sim_table *mirror, const struct sim_table *first,
			  unsigned slot)
{
	struct wccp_mask value;

	if (!mirror->by_mask)
		return (long)slot;
	value = mask_value(&mirror->mask, slot);
	value = mask_mirror(&value);
	return mask_vsn(&first->mask, &value);
}

bool table_mirrors(const struct sim_table *mirror, const struct sim_table *first)
{
	if (mirror->by_mask != first->by_mask || mirror->n_slots != first->n_slots)
		return false;
	for (unsigned i = 0; i < mirror->n_slots; i++) {
		long slot = slot_of_first(mirror, first, i);

		if (slot < 0 || slot >= (long)first->n_slots)
			return false;
		if (mirror->owners[i] != ASSIGN_NOBODY &&
		    first->owners[slot] != ASSIGN_NOBODY &&
		    mirror->owners[i] != first->owners[slot])
			return false;
	}
	return true;
}
