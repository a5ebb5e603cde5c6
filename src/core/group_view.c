/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the views of the routers tell: our own view of the group, whose each
 * bucket is, and whose it was.
 */
#include "group_impl.h"

#include <string.h>

/* -- one router's table ------------------------------------------------------------------- */

static unsigned vector_count(const struct wccp_bucket_vector *v)
{
	unsigned n = 0;

	for (unsigned b = 0; b < WCCP_BUCKETS; b++)
		n += wccp_vector_has(v, b);
	return n;
}

static int table_index(const struct wccp_hash_table *t, const struct addr *cache)
{
	return addr_find(t->caches, t->n_caches, cache);
}

static unsigned table_count(const struct wccp_hash_table *t, int cache)
{
	unsigned n = 0;

	for (unsigned b = 0; b < WCCP_BUCKETS; b++)
		n += cache >= 0 && t->buckets[b] == cache;
	return n;
}

/*
 * It echoes the key of our newest assignment and its counts agree: then its table
 * is ours, in whichever order it numbers the bits of its vectors (the drafts do
 * not say, and vendors differ).
 */
static bool has_our_table(const struct group *g, const struct peer *p)
{
	if (!g->have_table || !p->told || !key_equal(&p->key, &g->key))
		return false;
	for (unsigned i = 0; i < p->n_fellows; i++) {
		const struct fellow *f = &p->fellows[i];

		if (vector_count(&f->buckets) !=
		    table_count(&g->table, table_index(&g->table, &f->addr)))
			return false;
	}
	return true;
}

static void owners_from_table(const struct wccp_hash_table *t, struct peer *p)
{
	for (unsigned i = 0; i < p->n_fellows; i++) {
		int index = table_index(t, &p->fellows[i].addr);

		for (unsigned b = 0; index >= 0 && b < WCCP_BUCKETS; b++)
			if (t->buckets[b] == index)
				p->owners[b] = (uint8_t)i;
	}
}

/* When two claim a bucket, the first listed has it. */
static void owners_from_vectors(struct peer *p)
{
	for (unsigned i = p->n_fellows; i-- > 0;)
		for (unsigned b = 0; b < WCCP_BUCKETS; b++)
			if (wccp_vector_has(&p->fellows[i].buckets, b))
				p->owners[b] = (uint8_t)i;
}

void peer_resolve_owners(const struct group *g, struct peer *p)
{
	memset(p->owners, ASSIGN_NOBODY, sizeof(p->owners));
	if (has_our_table(g, p))
		owners_from_table(&g->table, p);
	else
		owners_from_vectors(p);
}

unsigned peer_buckets_of(const struct peer *p, int fellow)
{
	unsigned n = 0;

	for (unsigned b = 0; b < WCCP_BUCKETS; b++)
		n += fellow >= 0 && p->owners[b] == fellow;
	return n;
}

/* -- our view of the group ------------------------------------------------------------------ */

static void view_routers(const struct group *g, struct wccp_cache_view *v)
{
	for (unsigned i = 0; i < g->n_peers; i++)
		if (g->peers[i].listed && v->n_routers < WCCP_MAX_ROUTERS)
			v->routers[v->n_routers++].id = g->peers[i].id;
}

static void view_caches(const struct group *g, struct wccp_cache_view *v)
{
	for (unsigned i = 0; i < g->n_peers; i++) {
		const struct peer *p = &g->peers[i];

		for (unsigned k = 0; p->listed && k < p->n_fellows; k++)
			if (v->n_caches < WCCP_MAX_CACHES &&
			    addr_find(v->caches, v->n_caches, &p->fellows[k].addr) < 0)
				v->caches[v->n_caches++] = p->fellows[k].addr;
	}
}

/* Is everybody in `a` also in `b`?  They hold no duplicates. */
static bool view_within(const struct wccp_cache_view *a, const struct wccp_cache_view *b)
{
	for (unsigned i = 0; i < a->n_routers; i++) {
		unsigned k = 0;

		while (k < b->n_routers && !addr_equal(&a->routers[i].id, &b->routers[k].id))
			k++;
		if (k == b->n_routers)
			return false;
	}
	for (unsigned i = 0; i < a->n_caches; i++)
		if (addr_find(b->caches, b->n_caches, &a->caches[i]) < 0)
			return false;
	return true;
}

static void update_view(struct group *g)
{
	struct wccp_cache_view v = { .change_number = g->view.change_number };

	view_routers(g, &v);
	view_caches(g, &v);
	if (v.n_routers != g->view.n_routers || v.n_caches != g->view.n_caches ||
	    !view_within(&v, &g->view)) {
		v.change_number++;
		g->counters.view_changes++;
	}
	g->view = v;
}

/* -- our buckets ------------------------------------------------------------------------------- */

static void update_mine(struct group *g)
{
	struct wccp_bucket_vector mine = { 0 };

	for (unsigned i = 0; i < g->n_peers; i++) {
		const struct peer *p = &g->peers[i];
		int self = peer_find_fellow(p, &g->conf.self);

		for (unsigned b = 0; peer_is_live(p) && self >= 0 && b < WCCP_BUCKETS; b++)
			if (p->owners[b] == self)
				wccp_vector_add(&mine, b);
	}
	g->my_buckets = vector_count(&mine);
	if (memcmp(&mine, &g->mine, sizeof(mine)) == 0)
		return;
	g->mine = mine;
	g->changed = true;
	if (g->my_buckets)
		g->history = mine;
}

/* -- whose they were --------------------------------------------------------------------------- */

static bool is_alive(const struct group *g, const struct addr *cache)
{
	for (unsigned i = 0; i < g->n_peers; i++)
		if (peer_is_live(&g->peers[i]) && peer_find_fellow(&g->peers[i], cache) >= 0)
			return true;
	return false;
}

static void forget_the_gone(const struct group *g, struct addr *handover)
{
	struct addr last = { 0 };
	bool alive = false;

	for (unsigned b = 0; b < WCCP_BUCKETS; b++) {
		if (!addr_is_set(&handover[b]))
			continue;
		/* Neighbours mostly belong to the same one. */
		if (!addr_equal(&handover[b], &last)) {
			last = handover[b];
			alive = is_alive(g, &last);
		}
		if (!alive)
			handover[b] = (struct addr){ 0 };
	}
}

static void update_handover(struct group *g)
{
	struct addr handover[WCCP_BUCKETS];

	memcpy(handover, g->handover, sizeof(handover));
	for (unsigned i = 0; i < g->n_peers; i++) {
		const struct peer *p = &g->peers[i];

		int self = peer_find_fellow(p, &g->conf.self);

		for (unsigned b = 0; peer_is_live(p) && b < WCCP_BUCKETS; b++)
			if (p->owners[b] != ASSIGN_NOBODY && p->owners[b] != self)
				handover[b] = p->fellows[p->owners[b]].addr;
	}
	forget_the_gone(g, handover);
	if (memcmp(handover, g->handover, sizeof(handover)) == 0)
		return;
	memcpy(g->handover, handover, sizeof(handover));
	g->changed = true;
}

void group_learn(struct group *g)
{
	update_view(g);
	update_mine(g);
	update_handover(g);
}
