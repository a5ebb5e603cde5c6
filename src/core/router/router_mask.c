/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router: the mask/value sets, as the designated web-cache assigned them (2.0
 * sections 4.8.2 and 4.11.2).  Alternate sets (2.01 section 7) are kept as the
 * values they stand for.
 */
#include "core/router/router_impl.h"

#include "mask.h"

#include <string.h>

bool router_mask_in_force(const struct router *r)
{
	return r->assigned && r->agreed.assign == WCCP_ASSIGN_MASK;
}

void router_mask_copy(struct router_masks *to, const struct router_masks *from)
{
	to->alternate = from->alternate;
	to->n_caches = from->n_caches;
	to->n_sets = from->n_sets;
	to->n_values = from->n_values;
	memcpy(to->caches, from->caches, from->n_caches * sizeof(from->caches[0]));
	memcpy(to->sets, from->sets, from->n_sets * sizeof(from->sets[0]));
	memcpy(to->values, from->values, from->n_values * sizeof(from->values[0]));
}

void router_mask_flush(struct router *r)
{
	r->masks.n_caches = r->masks.n_sets = r->masks.n_values = 0;
}

unsigned router_mask_count(const struct router *r, const struct addr *cache)
{
	const struct router_masks *m = &r->masks;
	int index = addr_find(m->caches, m->n_caches, cache);
	unsigned count = 0;

	if (index < 0)
		return 0;
	for (unsigned v = 0; v < m->n_values; v++)
		count += m->values[v].cache == index;
	return count;
}

/* -- a web-cache is gone ----------------------------------------------------------- */

static void router_mask_drop_values(struct router_masks *m, unsigned gone)
{
	unsigned kept = 0;

	for (unsigned s = 0; s < m->n_sets; s++) {
		struct wccp_set *set = &m->sets[s];
		unsigned end = set->first + set->n;

		for (unsigned v = set->first, first = set->first = (uint16_t)kept;
		     v < end; v++) {
			if (m->values[v].cache != gone)
				m->values[kept++] = m->values[v];
			set->n = (uint16_t)(kept - first);
		}
	}
	m->n_values = kept;
}

/* Remove its values, so that its packets are not redirected.  The sets stay: they show
 * what is not assigned. */
void router_mask_purge(struct router *r, const struct addr *cache)
{
	struct router_masks *m = &r->masks;
	int i = addr_find(m->caches, m->n_caches, cache);
	unsigned gone = (unsigned)i;

	if (i < 0)
		return;
	router_mask_drop_values(m, gone);
	for (unsigned v = 0; v < m->n_values; v++)
		if (m->values[v].cache > gone)
			m->values[v].cache--;
	m->n_caches--;
	memmove(&m->caches[gone], &m->caches[gone + 1],
		(m->n_caches - gone) * sizeof(m->caches[0]));
}

/* -- comparing --------------------------------------------------------------------- */

static bool router_mask_sets_equal(const struct router_masks *a,
				   const struct router_masks *b)
{
	if (a->n_sets != b->n_sets)
		return false;
	for (unsigned i = 0; i < a->n_sets; i++)
		if (!mask_equal(&a->sets[i].mask, &b->sets[i].mask) ||
		    a->sets[i].n != b->sets[i].n)
			return false;
	return true;
}

bool router_mask_equal(const struct router_masks *a, const struct router_masks *b)
{
	if (a->alternate != b->alternate || a->n_values != b->n_values ||
	    !router_mask_sets_equal(a, b))
		return false;
	for (unsigned i = 0; i < a->n_values; i++) {
		const struct router_value *x = &a->values[i], *y = &b->values[i];

		if (!mask_equal(&x->match, &y->match) ||
		    !addr_equal(&a->caches[x->cache], &b->caches[y->cache]))
			return false;
	}
	return true;
}
