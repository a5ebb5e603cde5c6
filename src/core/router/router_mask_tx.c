/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router: what an I_SEE_YOU says of masks.  The members' identities carry their values,
 * or the Assignment Map carries all of them, or both do; web-caches that speak 2.01 get
 * alternate sets if the assignment came as such.
 */
#include "core/router/router_impl.h"

#include "mask.h"

enum { ANYBODY = -1 }; /* as the owner of values */

static bool router_mask_is_alternate(const struct router *r, const struct wccp_msg *msg)
{
	return r->masks.alternate && msg->minor >= 1;
}

static bool router_mask_is_of(const struct router_value *v, int cache)
{
	return cache == ANYBODY || v->cache == cache;
}

static unsigned router_mask_count_set(const struct router_masks *m,
				      const struct wccp_set *set, int cache)
{
	unsigned n = 0;

	for (unsigned i = 0; i < set->n; i++)
		n += router_mask_is_of(&m->values[set->first + i], cache);
	return n;
}

/* -- sets, in the pools of the message --------------------------------------------- */

static void router_mask_put_values(const struct router_masks *m,
				   const struct wccp_set *set, int cache,
				   struct wccp_msg *msg, struct wccp_set *out)
{
	out->first = (uint16_t)msg->n_values;
	for (unsigned i = 0; i < set->n; i++) {
		const struct router_value *v = &m->values[set->first + i];

		if (router_mask_is_of(v, cache))
			msg->values[msg->n_values++] =
				(struct wccp_value){ v->match, m->caches[v->cache] };
	}
	out->n = (uint16_t)(msg->n_values - out->first);
}

/* The numbers of one web-cache in a set. */
static void router_mask_put_vsns(const struct router_masks *m,
				 const struct wccp_set *set, int cache,
				 struct wccp_msg *msg)
{
	struct wccp_cache_values *cv = &msg->cache_values[msg->n_cache_values++];

	cv->cache = m->caches[cache];
	cv->first_vsn = (uint16_t)msg->n_vsns;
	for (unsigned i = 0; i < set->n; i++) {
		const struct router_value *v = &m->values[set->first + i];

		if (router_mask_is_of(v, cache))
			msg->vsns[msg->n_vsns++] =
				(uint32_t)mask_vsn(&set->mask, &v->match);
	}
	cv->n_vsns = (uint16_t)(msg->n_vsns - cv->first_vsn);
}

static void router_mask_put_alternate(const struct router_masks *m,
				      const struct wccp_set *set, int cache,
				      struct wccp_msg *msg, struct wccp_set *out)
{
	out->first = (uint16_t)msg->n_cache_values;
	for (int i = 0; i < (int)m->n_caches; i++)
		if ((cache == ANYBODY || cache == i) &&
		    router_mask_count_set(m, set, i))
			router_mask_put_vsns(m, set, i, msg);
	out->n = (uint16_t)(msg->n_cache_values - out->first);
}

/* The sets in which `cache` has values; for ANYBODY, all sets. */
static struct wccp_set_list router_mask_put_sets(const struct router *r, int cache,
						 struct wccp_msg *msg)
{
	const struct router_masks *m = &r->masks;
	struct wccp_set_list list = { .first = (uint16_t)msg->n_sets,
				      .alternate = router_mask_is_alternate(r, msg) };

	for (unsigned s = 0; s < m->n_sets; s++) {
		struct wccp_set *out = &msg->sets[msg->n_sets];

		if (cache != ANYBODY && !router_mask_count_set(m, &m->sets[s], cache))
			continue;
		msg->n_sets++;
		out->mask = m->sets[s].mask;
		if (list.alternate)
			router_mask_put_alternate(m, &m->sets[s], cache, msg, out);
		else
			router_mask_put_values(m, &m->sets[s], cache, msg, out);
	}
	list.n = (uint16_t)(msg->n_sets - list.first);
	return list;
}

/* The mask in force, an empty one before there is any, and no values. */
static struct wccp_set_list router_mask_put_empty_set(const struct router *r,
						      struct wccp_msg *msg)
{
	struct wccp_set_list list = { .first = (uint16_t)msg->n_sets, .n = 1 };

	msg->sets[msg->n_sets++] = (struct wccp_set){
		.mask = r->masks.n_sets ? r->masks.sets[0].mask
					: (struct wccp_mask){ .sport = 0 },
	};
	return list;
}

/* -- identities -------------------------------------------------------------------- */

static void router_mask_put_identity(const struct router *r,
				     enum router_mask_identity shape,
				     struct wccp_msg *msg, struct wccp_cache_id *id)
{
	const struct router_masks *m = &r->masks;
	int cache = addr_find(m->caches, m->n_caches, &id->addr);

	id->kind = WCCP_DATA_MASK;
	id->unassigned = !router_mask_count(r, &id->addr);
	id->sets = (struct wccp_set_list){ .first = (uint16_t)msg->n_sets };
	switch (shape) {
	case ROUTER_MASK_FULL:
		/* Squid 4 and 5 step over 32 octets here, whatever the counts say. */
		if (id->unassigned) {
			id->sets = router_mask_put_empty_set(r, msg);
			return;
		}
		id->sets = router_mask_put_sets(r, cache, msg);
		if (id->sets.alternate)
			id->kind = WCCP_DATA_ALT_MASK;
		return;
	case ROUTER_MASK_EMPTY_SET:
		/* Routers that send this form set the flag for every member. */
		id->unassigned = true;
		id->sets = router_mask_put_empty_set(r, msg);
		return;
	case ROUTER_MASK_NO_SETS:
		return;
	}
}

/* Of the pools of a message, only that of the sets can be too small for what we keep:
 * 32 web-caches with values in each of 16 sets. */
static bool router_mask_sets_fit(const struct router *r)
{
	const struct router_masks *m = &r->masks;
	/* For the map, and for the empty ones of members without values. */
	unsigned n = m->n_sets + r->n_usable;

	for (int i = 0; i < (int)m->n_caches; i++)
		for (unsigned s = 0; s < m->n_sets; s++)
			n += router_mask_count_set(m, &m->sets[s], i) > 0;
	return n <= WCCP_MAX_SETS;
}

static void router_mask_put_identities(const struct router *r,
				       enum router_mask_identity shape,
				       struct wccp_msg *msg)
{
	msg->n_sets = msg->n_values = msg->n_cache_values = msg->n_vsns = 0;
	for (uint32_t i = 0; i < msg->router_view.n_caches; i++)
		router_mask_put_identity(r, shape, msg, &msg->router_view.caches[i]);
}

/* -- the map ----------------------------------------------------------------------- */

static void router_mask_put_map(const struct router *r, struct wccp_msg *msg)
{
	bool alternate = router_mask_is_alternate(r, msg);

	msg->present |= 1u << (alternate ? WCCP_C_ALT_ASSIGN_MAP : WCCP_C_ASSIGN_MAP);
	msg->map.type = alternate ? WCCP_AT_ALT_MASK : WCCP_AT_MASK;
	msg->map.sets = router_mask_put_sets(r, ANYBODY, msg);
}

static const uint32_t map_components =
	1u << WCCP_C_ASSIGN_MAP | 1u << WCCP_C_ALT_ASSIGN_MAP;

void router_mask_put(const struct router *r, struct wccp_msg *msg)
{
	enum router_mask_identity shape = r->conf.mask_identity;

	if (shape == ROUTER_MASK_FULL && !router_mask_sets_fit(r))
		shape = ROUTER_MASK_NO_SETS;
	router_mask_put_identities(r, shape, msg);
	if (r->assigned && (r->conf.echo_assignment || shape != ROUTER_MASK_FULL))
		router_mask_put_map(r, msg);
}

/* Only an address table can be too small: its 256 entries hold masks and values, too.
 * Leave out the map first, as it repeats the identities; then the values of the
 * identities but not the map; then both. */
bool router_mask_shrink(struct router_call *c)
{
	struct router *r = c->r;
	struct wccp_msg *msg = c->msg;
	bool has_map = msg->present & map_components;
	bool has_sets = wccp_has(msg, WCCP_C_ROUTER_VIEW) &&
			msg->n_sets > (has_map ? msg->map.sets.n : 0);

	if (msg->type != WCCP_I_SEE_YOU || (!has_map && !has_sets))
		return false;
	msg->present &= ~map_components;
	if (!has_map || !has_sets)
		router_mask_put_identities(r, ROUTER_MASK_NO_SETS, msg);
	if (!has_map)
		router_mask_put_map(r, msg);
	r->counters.maps_left_out++;
	if (!r->told_too_large)
		actions_note(
			c->out, NOTE_WARNING, "map-left-out", NULL,
			"Service %s: the values do not fit into an I_SEE_YOU, which "
			"states fewer of them",
			r->name);
	r->told_too_large = true;
	return true;
}
