/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is there: the routers that list us, the web-caches that all of these see, the
 * lowest of which is the designated one; and when that has settled.
 */
#include "group_impl.h"

#include <string.h>

static bool seen_by_all(const struct group *g, const struct addr *cache)
{
	for (unsigned i = 0; i < g->n_peers; i++)
		if (peer_is_live(&g->peers[i]) && peer_find_fellow(&g->peers[i], cache) < 0)
			return false;
	return true;
}

/* As the routers state it, ours too: then all weights are of one kind.  They may
 * differ for a moment; the least is the safe one. */
static uint16_t weight_of(const struct group *g, const struct addr *cache)
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

static void observe(const struct group *g, struct situation *x)
{
	const struct peer *first = NULL;

	memset(x, 0, sizeof(*x));
	x->mask = g->mask;
	x->alt = g->conf.alt_buckets;
	for (unsigned i = 0; i < g->n_peers; i++) {
		const struct peer *p = &g->peers[i];

		if (!peer_is_live(p) || x->n_live == WCCP_MAX_ROUTERS)
			continue;
		if (!first)
			first = p;
		x->methods[x->n_live] = p->assign;
		x->live[x->n_live].id = p->id;
		x->live[x->n_live++].receive_id = p->change_number;
	}
	/* Whom all see, the first sees. */
	for (unsigned i = 0; first && i < first->n_fellows; i++) {
		const struct addr *cache = &first->fellows[i].addr;

		if (seen_by_all(g, cache))
			insert_cache(x, cache, weight_of(g, cache));
	}
}

static bool same_situation(const struct situation *a, const struct situation *b)
{
	if (a->n_live != b->n_live || a->n_caches != b->n_caches)
		return false;
	for (unsigned i = 0; i < a->n_live; i++)
		if (a->live[i].receive_id != b->live[i].receive_id ||
		    a->methods[i] != b->methods[i] ||
		    !addr_equal(&a->live[i].id, &b->live[i].id))
			return false;
	for (unsigned i = 0; i < a->n_caches; i++)
		if (a->weights[i] != b->weights[i] ||
		    !addr_equal(&a->caches[i], &b->caches[i]))
			return false;
	return mask_equal(&a->mask, &b->mask) &&
	       memcmp(&a->alt, &b->alt, sizeof(a->alt)) == 0;
}

int64_t group_base_time(const struct group *g)
{
	int64_t longest = 0;

	for (unsigned i = 0; i < g->n_peers; i++) {
		const struct peer *p = &g->peers[i];
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
static void note_change(struct group *g, struct mono now)
{
	int64_t rb = group_base_time(g);

	group_watch_keys(g);
	if (g->situation.n_live == 0) {
		g->settle_at = MONO_NEVER;
		return;
	}
	if (mono_is_never(g->settle_at))
		g->unsettled_since = now;
	g->settle_at = mono_min(mono_add_ms(now, rb * 3 / 2),
				mono_add_ms(g->unsettled_since, rb * 3));
}

void group_observe(struct group *g, struct step *s)
{
	struct situation x;

	observe(g, &x);
	g->lowest = x.n_caches > 0 && addr_equal(&x.caches[0], &g->conf.self);
	group_elect(g, s);
	if (same_situation(&x, &g->situation))
		return;
	g->situation = x;
	note_change(g, s->now);
}
