/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router: the mask/value sets, as the designated web-cache assigned them (2.0
 * sections 4.8.2 and 4.11.2).  Alternate sets (2.01 section 7) are kept as the
 * values they mean.  Sets, and the values of a set, stay in their order, since the
 * first match decides.
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

/* ---- a web-cache is gone ---- */

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

/* Its values disappear, so that its packets fall through.  The sets stay: they
 * tell what is not assigned. */
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

/* ---- reading an assignment ---- */

enum verdict { GOOD, TOO_LARGE, STRANGER, BAD_VALUE, BAD_NUMBER };

/* Index of the web-cache in the list of `out`, where it is added. */
static enum verdict router_mask_find_cache(const struct router_call *c,
					   const struct addr *cache,
					   struct router_masks *out, uint8_t *index)
{
	int i = addr_find(out->caches, out->n_caches, cache);

	if (i < 0) {
		/* No more than members, so there is room. */
		if (!router_members_has(c->r, cache))
			return STRANGER;
		i = (int)out->n_caches++;
		out->caches[i] = *cache;
	}
	*index = (uint8_t)i;
	return GOOD;
}

static enum verdict router_mask_read_values(const struct router_call *c,
					    const struct wccp_set *set,
					    struct router_masks *out)
{
	const struct wccp_value *v = &c->msg->values[set->first];

	if (set->n > ROUTER_MAX_VALUES - out->n_values)
		return TOO_LARGE;
	for (unsigned i = 0; i < set->n; i++) {
		struct router_value *value = &out->values[out->n_values++];
		enum verdict verdict =
			router_mask_find_cache(c, &v[i].cache, out, &value->cache);

		if (verdict != GOOD)
			return verdict;
		if (mask_vsn(&set->mask, &v[i].match) < 0)
			return BAD_VALUE; /* no packet has these bits */
		value->match = v[i].match;
	}
	return GOOD;
}

enum { NUMBER_BITS = 32 };

/* Sequence numbers of one set, each at most once. */
struct numbers {
	unsigned bits; /* of the mask */
	unsigned n;
	uint32_t list[ROUTER_MAX_VALUES];
};

static bool router_mask_add_vsn(struct numbers *all, uint32_t vsn)
{
	if (all->bits < NUMBER_BITS && vsn >> all->bits)
		return false;
	for (unsigned i = 0; i < all->n; i++)
		if (all->list[i] == vsn)
			return false;
	all->list[all->n++] = vsn;
	return true;
}

static enum verdict router_mask_read_vsns(const struct router_call *c,
					  const struct wccp_set *set,
					  const struct wccp_cache_values *cv,
					  struct numbers *seen,
					  struct router_masks *out)
{
	uint8_t cache;
	enum verdict verdict = router_mask_find_cache(c, &cv->cache, out, &cache);

	if (verdict != GOOD)
		return verdict;
	if (cv->n_vsns > ROUTER_MAX_VALUES - out->n_values)
		return TOO_LARGE;
	for (unsigned i = 0; i < cv->n_vsns; i++) {
		uint32_t vsn = c->msg->vsns[cv->first_vsn + i];

		if (!router_mask_add_vsn(seen, vsn))
			return BAD_NUMBER;
		out->values[out->n_values++] =
			(struct router_value){ .match = mask_value(&set->mask, vsn),
					       .cache = cache };
	}
	return GOOD;
}

static enum verdict router_mask_read_alternate(const struct router_call *c,
					       const struct wccp_set *set,
					       struct router_masks *out)
{
	struct numbers seen;
	enum verdict verdict = GOOD;

	seen.bits = mask_bits(&set->mask);
	seen.n = 0;
	for (unsigned i = 0; i < set->n && verdict == GOOD; i++)
		verdict = router_mask_read_vsns(
			c, set, &c->msg->cache_values[set->first + i], &seen, out);
	return verdict;
}

static enum verdict router_mask_read(const struct router_call *c,
				     struct router_masks *out)
{
	const struct wccp_set_list *list = &c->msg->assignment.sets;
	enum verdict verdict = GOOD;

	out->alternate = list->alternate;
	out->n_caches = out->n_sets = out->n_values = 0;
	if (list->n > ROUTER_MAX_SETS)
		return TOO_LARGE;
	for (unsigned i = 0; i < list->n && verdict == GOOD; i++) {
		const struct wccp_set *theirs = &c->msg->sets[list->first + i];
		struct wccp_set *ours = &out->sets[out->n_sets++];

		ours->mask = theirs->mask;
		ours->first = (uint16_t)out->n_values;
		verdict = list->alternate ? router_mask_read_alternate(c, theirs, out)
					  : router_mask_read_values(c, theirs, out);
		ours->n = (uint16_t)(out->n_values - ours->first);
	}
	return verdict;
}

/* ---- taking it ---- */

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

static bool router_mask_equal(const struct router_masks *a,
			      const struct router_masks *b)
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

static void router_mask_take(struct router_call *c, const struct router_masks *fresh)
{
	const struct wccp_assignment *a = &c->msg->assignment;
	struct router *r = c->r;
	bool news = !r->assigned || !router_mask_equal(&r->masks, fresh);
	struct addr_text text;

	router_table_settle(c);
	if (!news)
		return; /* sent again, because our echo was lost */
	router_mask_copy(&r->masks, fresh);
	r->told_too_large = false;
	actions_changed(c->out);
	actions_note(
		c->out, NOTE_INFO, "assignment", &c->from,
		"Service %s: %u values of %u masks assigned to %u web-caches by %s, "
		"key %u",
		r->name, fresh->n_values, fresh->n_sets, fresh->n_caches,
		addr_text(&a->key.cache, &text), (unsigned)a->key.change_number);
}

void router_mask_rx(struct router_call *c)
{
	struct router_counters *n = &c->r->counters;
	struct router_masks fresh;

	switch (router_mask_read(c, &fresh)) {
	case GOOD:
		router_mask_take(c, &fresh);
		break;
	case TOO_LARGE:
		router_assignment_refuse(c, &n->too_large, "too-large",
					 "it has more sets or values than fit here "
					 "(16 and 1024)");
		break;
	case STRANGER:
		router_assignment_refuse(c, &n->not_member, "not-member",
					 "it names a web-cache that is not usable");
		break;
	case BAD_VALUE:
		router_assignment_refuse(c, &n->bad_mask, "bad-mask",
					 "a value has bits that its mask has not");
		break;
	case BAD_NUMBER:
		router_assignment_refuse(c, &n->bad_mask, "bad-mask",
					 "a value sequence number is listed twice, or "
					 "beyond the bits of the mask");
		break;
	}
}
