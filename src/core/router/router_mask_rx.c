/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router: reading the mask/value sets of an assignment, plain ones and alternate ones
 * (2.01 section 7).  Sets, and the values in a set, keep their order, because the first
 * match decides (2.0 section 4.11.2).
 */
#include "core/router/router_impl.h"

#include "mask.h"

enum { VSN_BITS = 32 };

/* Sequence numbers of one set, each at most once. */
struct router_mask_vsns {
	unsigned bits; /* of the mask */
	unsigned n;
	uint32_t list[ROUTER_MAX_VALUES];
};

/* The index of the web-cache in the list of `out`, to which it is added if need be. */
static enum router_mask_verdict router_mask_find_cache(const struct router_call *c,
						       const struct addr *cache,
						       struct router_masks *out,
						       uint8_t *index)
{
	int i = addr_find(out->caches, out->n_caches, cache);

	if (i < 0) {
		/* Only members are added, so there is room. */
		if (!router_members_has(c->r, cache))
			return ROUTER_MASK_NOT_MEMBER;
		i = (int)out->n_caches++;
		out->caches[i] = *cache;
	}
	*index = (uint8_t)i;
	return ROUTER_MASK_GOOD;
}

static enum router_mask_verdict router_mask_read_values(const struct router_call *c,
							const struct wccp_set *set,
							struct router_masks *out)
{
	const struct wccp_value *v = &c->msg->values[set->first];

	if (set->n > ROUTER_MAX_VALUES - out->n_values)
		return ROUTER_MASK_TOO_LARGE;
	for (unsigned i = 0; i < set->n; i++) {
		struct router_value *value = &out->values[out->n_values++];
		enum router_mask_verdict verdict =
			router_mask_find_cache(c, &v[i].cache, out, &value->cache);

		if (verdict != ROUTER_MASK_GOOD)
			return verdict;
		if (mask_vsn(&set->mask, &v[i].match) < 0)
			return ROUTER_MASK_BAD_VALUE; /* no packet has these bits */
		value->match = v[i].match;
	}
	return ROUTER_MASK_GOOD;
}

static bool router_mask_add_vsn(struct router_mask_vsns *all, uint32_t vsn)
{
	if (all->bits < VSN_BITS && vsn >> all->bits)
		return false;
	for (unsigned i = 0; i < all->n; i++)
		if (all->list[i] == vsn)
			return false;
	all->list[all->n++] = vsn;
	return true;
}

static enum router_mask_verdict
router_mask_read_vsns(const struct router_call *c, const struct wccp_set *set,
		      const struct wccp_cache_values *cv, struct router_mask_vsns *seen,
		      struct router_masks *out)
{
	uint8_t cache;
	enum router_mask_verdict verdict =
		router_mask_find_cache(c, &cv->cache, out, &cache);

	if (verdict != ROUTER_MASK_GOOD)
		return verdict;
	if (cv->n_vsns > ROUTER_MAX_VALUES - out->n_values)
		return ROUTER_MASK_TOO_LARGE;
	for (unsigned i = 0; i < cv->n_vsns; i++) {
		uint32_t vsn = c->msg->vsns[cv->first_vsn + i];

		if (!router_mask_add_vsn(seen, vsn))
			return ROUTER_MASK_BAD_VSN;
		out->values[out->n_values++] =
			(struct router_value){ .match = mask_value(&set->mask, vsn),
					       .cache = cache };
	}
	return ROUTER_MASK_GOOD;
}

static enum router_mask_verdict router_mask_read_alternate(const struct router_call *c,
							   const struct wccp_set *set,
							   struct router_masks *out)
{
	struct router_mask_vsns seen;
	enum router_mask_verdict verdict = ROUTER_MASK_GOOD;

	seen.bits = mask_bits(&set->mask);
	seen.n = 0;
	for (unsigned i = 0; i < set->n && verdict == ROUTER_MASK_GOOD; i++)
		verdict = router_mask_read_vsns(
			c, set, &c->msg->cache_values[set->first + i], &seen, out);
	return verdict;
}

enum router_mask_verdict router_mask_read(const struct router_call *c,
					  struct router_masks *out)
{
	const struct wccp_set_list *list = &c->msg->assignment.sets;
	enum router_mask_verdict verdict = ROUTER_MASK_GOOD;

	out->alternate = list->alternate;
	out->n_caches = out->n_sets = out->n_values = 0;
	if (list->n > ROUTER_MAX_SETS)
		return ROUTER_MASK_TOO_LARGE;
	for (unsigned i = 0; i < list->n && verdict == ROUTER_MASK_GOOD; i++) {
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
