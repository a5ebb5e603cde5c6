/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The membership: the routers that list us, and the web-caches that all of these
 * routers see, the lowest of which is the designated one.  An assignment waits until
 * the membership has settled.
 */
#include "core/cache/cache_impl.h"

#include <string.h>

/* Does every live router of each service of the pair see it, and is it allowed in
 * each? */
static bool membership_seen_by_all(const struct designated *d, const struct addr *cache)
{
	for (unsigned k = 0; k < d->n; k++) {
		const struct cache *c = d->pair[k];

		if (!cache_conf_allows(&c->conf, cache))
			return false;
		for (unsigned i = 0; i < c->n_peers; i++)
			if (peer_is_live(&c->peers[i]) &&
			    peer_find_entry(&c->peers[i], cache) < 0)
				return false;
	}
	return true;
}

/* All weights, ours included, come from the routers' views, so that they are equally
 * old.  Routers may differ for a moment; the lowest weight is then the safe one. */
static uint16_t membership_weight_in(const struct cache *c, const struct addr *cache)
{
	uint16_t weight = UINT16_MAX;

	for (unsigned i = 0; i < c->n_peers; i++) {
		const struct peer *p = &c->peers[i];
		int at = peer_is_live(p) ? peer_find_entry(p, cache) : -1;

		if (at >= 0 && p->said.entries[at].weight < weight)
			weight = p->said.entries[at].weight;
	}
	return weight;
}

static uint16_t membership_weight_of(const struct designated *d,
				     const struct addr *cache)
{
	uint16_t weight = UINT16_MAX;

	for (unsigned k = 0; k < d->n; k++) {
		uint16_t w = membership_weight_in(d->pair[k], cache);

		weight = w < weight ? w : weight;
	}
	return weight;
}

/* Lowest address first: numerically, octet by octet. */
static void membership_insert_cache(struct membership *x, const struct addr *cache,
				    uint16_t weight)
{
	unsigned at = x->n_caches++;

	for (; at > 0 && addr_compare(&x->caches[at - 1], cache) > 0; at--) {
		x->caches[at] = x->caches[at - 1];
		x->weights[at] = x->weights[at - 1];
	}
	x->caches[at] = *cache;
	x->weights[at] = weight;
}

/* Fill in the live routers.  Returns the first one, or NULL. */
static const struct peer *membership_add_routers(const struct cache *c,
						 struct live_routers *a)
{
	const struct peer *first = NULL;

	for (unsigned i = 0; i < c->n_peers; i++) {
		const struct peer *p = &c->peers[i];

		if (!peer_is_live(p) || a->n == WCCP_MAX_ROUTERS)
			continue;
		if (!first)
			first = p;
		a->methods[a->n] = p->agreed.assign;
		a->routers[a->n].id = p->said.id;
		a->routers[a->n++].receive_id = p->said.change_number;
	}
	return first;
}

static void membership_read(const struct designated *d, struct membership *x)
{
	const struct peer *one = NULL;

	memset(x, 0, sizeof(*x));
	x->mask = d->pair[0]->mask;
	x->alt = d->pair[0]->conf.alt_buckets;
	for (unsigned k = 0; k < d->n; k++)
		one = membership_add_routers(d->pair[k], &x->live[k]);
	if (!one || designated_split(d, x))
		return;
	/* A web-cache that all routers see is in the view of this one. */
	for (unsigned i = 0; i < one->said.n_entries; i++) {
		const struct addr *cache = &one->said.entries[i].addr;

		if (membership_seen_by_all(d, cache))
			membership_insert_cache(x, cache,
						membership_weight_of(d, cache));
	}
}

static bool live_routers_equal(const struct live_routers *a,
			       const struct live_routers *b)
{
	if (a->n != b->n)
		return false;
	for (unsigned i = 0; i < a->n; i++)
		if (a->routers[i].receive_id != b->routers[i].receive_id ||
		    a->methods[i] != b->methods[i] ||
		    !addr_equal(&a->routers[i].id, &b->routers[i].id))
			return false;
	return true;
}

static bool membership_equal(const struct membership *a, const struct membership *b)
{
	if (!live_routers_equal(&a->live[0], &b->live[0]) ||
	    !live_routers_equal(&a->live[1], &b->live[1]) || a->n_caches != b->n_caches)
		return false;
	for (unsigned i = 0; i < a->n_caches; i++)
		if (a->weights[i] != b->weights[i] ||
		    !addr_equal(&a->caches[i], &b->caches[i]))
			return false;
	return mask_equal(&a->mask, &b->mask) &&
	       memcmp(&a->alt, &b->alt, sizeof(a->alt)) == 0;
}

/*
 * Assign 1.5 RB after the last change (2.01 section 3.7), but at the latest 3 RB after
 * the first one, even if changes go on: routers flush their tables at 5 RB.
 */
static void membership_note_change(struct designated *d, struct mono now)
{
	int64_t rb = designated_base_time(d);

	designated_watch_keys(d);
	d->stands_in = false;
	d->idle_at = MONO_NEVER;
	if (d->membership.live[0].n + d->membership.live[1].n == 0) {
		d->settle_at = MONO_NEVER;
		return;
	}
	if (mono_is_never(d->settle_at))
		d->unsettled_since = now;
	d->settle_at = mono_min(mono_add_ms(now, rb * 3 / 2),
				mono_add_ms(d->unsettled_since, rb * 3));
}

void designated_observe(struct designated *d, struct step *s)
{
	struct membership x;

	membership_read(d, &x);
	d->lowest = x.n_caches > 0 && addr_equal(&x.caches[0], &d->pair[0]->conf.self);
	designated_elect(d, s);
	if (membership_equal(&x, &d->membership))
		return;
	d->membership = x;
	membership_note_change(d, s->now);
}
