/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is there: the routers that list us, the web-caches that all of these see, the
 * lowest of which is the designated one; and when that has settled.
 */
#include "core/cache/cache_impl.h"

#include <string.h>

bool cache_conf_allows(const struct cache_conf *conf, const struct addr *cache)
{
	return !conf->n_allowed || addr_find(conf->allowed, conf->n_allowed, cache) >= 0;
}

/* And allowed, in every group. */
static bool seen_by_all(const struct council *c, const struct addr *cache)
{
	for (unsigned k = 0; k < c->n; k++) {
		const struct cache *g = c->groups[k];

		if (!cache_conf_allows(&g->conf, cache))
			return false;
		for (unsigned i = 0; i < g->n_peers; i++)
			if (peer_is_live(&g->peers[i]) &&
			    peer_find_fellow(&g->peers[i], cache) < 0)
				return false;
	}
	return true;
}

/* As the routers state it, ours too: then all weights are of one kind.  They may
 * differ for a moment; the least is the safe one. */
static uint16_t weight_in(const struct cache *g, const struct addr *cache)
{
	uint16_t weight = UINT16_MAX;

	for (unsigned i = 0; i < g->n_peers; i++) {
		const struct peer *p = &g->peers[i];
		int at = peer_is_live(p) ? peer_find_fellow(p, cache) : -1;

		if (at >= 0 && p->fellows[at].weight < weight)
			weight = p->fellows[at].weight;
	}
	return weight;
}

static uint16_t weight_of(const struct council *c, const struct addr *cache)
{
	uint16_t weight = UINT16_MAX;

	for (unsigned k = 0; k < c->n; k++) {
		uint16_t w = weight_in(c->groups[k], cache);

		weight = w < weight ? w : weight;
	}
	return weight;
}

/* Lowest address first: numerically, octet by octet. */
static void insert_cache(struct situation *x, const struct addr *cache, uint16_t weight)
{
	unsigned at = x->n_caches++;

	for (; at > 0 && addr_compare(&x->caches[at - 1], cache) > 0; at--) {
		x->caches[at] = x->caches[at - 1];
		x->weights[at] = x->weights[at - 1];
	}
	x->caches[at] = *cache;
	x->weights[at] = weight;
}

/* Returns one that is live, or NULL. */
static const struct peer *attend(const struct cache *g, struct attendance *a)
{
	const struct peer *first = NULL;

	for (unsigned i = 0; i < g->n_peers; i++) {
		const struct peer *p = &g->peers[i];

		if (!peer_is_live(p) || a->n == WCCP_MAX_ROUTERS)
			continue;
		if (!first)
			first = p;
		a->methods[a->n] = p->assign;
		a->routers[a->n].id = p->id;
		a->routers[a->n++].receive_id = p->change_number;
	}
	return first;
}

static void observe(const struct council *c, struct situation *x)
{
	const struct peer *one = NULL;

	memset(x, 0, sizeof(*x));
	x->mask = c->groups[0]->mask;
	x->alt = c->groups[0]->conf.alt_buckets;
	for (unsigned k = 0; k < c->n; k++)
		one = attend(c->groups[k], &x->live[k]);
	if (!one || council_split(c, x))
		return;
	/* Whom all see, this one sees. */
	for (unsigned i = 0; i < one->n_fellows; i++) {
		const struct addr *cache = &one->fellows[i].addr;

		if (seen_by_all(c, cache))
			insert_cache(x, cache, weight_of(c, cache));
	}
}

static bool same_attendance(const struct attendance *a, const struct attendance *b)
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

static bool same_situation(const struct situation *a, const struct situation *b)
{
	if (!same_attendance(&a->live[0], &b->live[0]) ||
	    !same_attendance(&a->live[1], &b->live[1]) || a->n_caches != b->n_caches)
		return false;
	for (unsigned i = 0; i < a->n_caches; i++)
		if (a->weights[i] != b->weights[i] ||
		    !addr_equal(&a->caches[i], &b->caches[i]))
			return false;
	return mask_equal(&a->mask, &b->mask) &&
	       memcmp(&a->alt, &b->alt, sizeof(a->alt)) == 0;
}

int64_t council_base_time(const struct council *c)
{
	int64_t longest = 0;

	for (unsigned k = 0; k < c->n; k++)
		for (unsigned i = 0; i < c->groups[k]->n_peers; i++) {
			const struct peer *p = &c->groups[k]->peers[i];
			int64_t rb = (int64_t)p->t_ms * p->ra_scale;

			if (peer_is_live(p) && rb > longest)
				longest = rb;
		}
	return longest;
}

/*
 * Wait 1.5 RB after the last change (2.01 section 3.7), but when changes never
 * end not longer than 3 RB after the first: routers flush their tables at 5 RB.
 */
static void note_change(struct council *c, struct mono now)
{
	int64_t rb = council_base_time(c);

	council_watch_keys(c);
	if (c->situation.live[0].n + c->situation.live[1].n == 0) {
		c->settle_at = MONO_NEVER;
		return;
	}
	if (mono_is_never(c->settle_at))
		c->unsettled_since = now;
	c->settle_at = mono_min(mono_add_ms(now, rb * 3 / 2),
				mono_add_ms(c->unsettled_since, rb * 3));
}

void council_observe(struct council *c, struct step *s)
{
	struct situation x;

	observe(c, &x);
	c->lowest = x.n_caches > 0 &&
		    addr_equal(&x.caches[0], &c->groups[0]->conf.self);
	council_elect(c, s);
	if (same_situation(&x, &c->situation))
		return;
	c->situation = x;
	note_change(c, s->now);
}
