/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing slots into a message as mask/value sets, one per message.
 */
#include "core/cache/cache_impl.h"

static struct wccp_set *tx_mask_open_set(struct wccp_msg *m,
					 const struct wccp_mask *mask, bool alternate,
					 struct wccp_set_list *list)
{
	struct wccp_set *set = &m->sets[m->n_sets];

	*list = (struct wccp_set_list){ .first = (uint16_t)m->n_sets++,
					.n = 1,
					.alternate = alternate };
	*set = (struct wccp_set){
		.mask = *mask,
		.first = (uint16_t)(alternate ? m->n_cache_values : m->n_values),
	};
	return set;
}

static void tx_mask_put_value(struct wccp_msg *m, struct wccp_set *set, unsigned slot,
			      const struct addr *cache)
{
	m->values[m->n_values++] = (struct wccp_value){
		.match = mask_value(&set->mask, slot),
		.cache = *cache,
	};
	set->n++;
}

/* The sequence numbers of one web-cache; it is left out of the set if it has none. */
static void tx_mask_put_own_vsns(struct wccp_msg *m, struct wccp_set *set,
				 const struct slot_set *slots, unsigned n_slots,
				 const struct addr *cache)
{
	struct wccp_cache_values *c = &m->cache_values[m->n_cache_values];

	*c = (struct wccp_cache_values){ .cache = *cache,
					 .first_vsn = (uint16_t)m->n_vsns };
	for (unsigned i = 0; i < n_slots; i++)
		if (slot_set_has(slots, i))
			m->vsns[m->n_vsns++] = i;
	c->n_vsns = (uint16_t)(m->n_vsns - c->first_vsn);
	if (!c->n_vsns)
		return;
	m->n_cache_values++;
	set->n++;
}

void tx_mask_put_slots(struct wccp_msg *m, const struct wccp_mask *mask,
		       const struct slot_set *slots, const struct addr *cache,
		       bool alternate, struct wccp_set_list *list)
{
	struct wccp_set *set = tx_mask_open_set(m, mask, alternate, list);
	unsigned n_slots = 1u << mask_bits(mask);

	if (alternate)
		tx_mask_put_own_vsns(m, set, slots, n_slots, cache);
	for (unsigned i = 0; !alternate && i < n_slots; i++)
		if (slot_set_has(slots, i))
			tx_mask_put_value(m, set, i, cache);
}

void tx_mask_drop_values(struct wccp_msg *m, const struct wccp_set_list *list)
{
	for (unsigned i = list->first; i < list->first + list->n; i++)
		m->sets[i].n = 0;
}

static void tx_mask_put_vsns(struct wccp_msg *m, struct wccp_set *set,
			     const struct cache_table *t, unsigned cache)
{
	struct wccp_cache_values *c = &m->cache_values[m->n_cache_values];

	*c = (struct wccp_cache_values){ .cache = t->caches[cache],
					 .first_vsn = (uint16_t)m->n_vsns };
	for (unsigned i = 0; i < t->n_slots; i++)
		if (t->owners[i] == cache)
			m->vsns[m->n_vsns++] = i;
	c->n_vsns = (uint16_t)(m->n_vsns - c->first_vsn);
	if (!c->n_vsns)
		return;
	m->n_cache_values++;
	set->n++;
}

void tx_mask_put_table(struct wccp_msg *m, const struct cache_table *t, bool alternate,
		       struct wccp_set_list *list)
{
	struct wccp_set *set = tx_mask_open_set(m, &t->mask, alternate, list);

	for (unsigned i = 0; alternate && i < t->n_caches; i++)
		tx_mask_put_vsns(m, set, t, i);
	for (unsigned i = 0; !alternate && i < t->n_slots; i++)
		if (t->owners[i] < t->n_caches)
			tx_mask_put_value(m, set, i, &t->caches[t->owners[i]]);
}
