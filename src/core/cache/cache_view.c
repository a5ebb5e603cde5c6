/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the views of the routers tell: our own view of the group, which slots are
 * ours, and whose they were.
 */
#include "core/cache/cache_impl.h"

#include <string.h>

/* -- our view of the group ------------------------------------------------------------------ */

static void view_routers(const struct cache *g, struct wccp_cache_view *v)
{
	for (unsigned i = 0; i < g->n_peers; i++)
		if (g->peers[i].listed && v->n_routers < WCCP_MAX_ROUTERS)
			v->routers[v->n_routers++].id = g->peers[i].id;
}

static void view_caches(const struct cache *g, struct wccp_cache_view *v)
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

static void update_view(struct cache *g)
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

/* -- strangers --------------------------------------------------------------------------------- */

/* Web-caches that the configuration does not allow: each is reported when it appears,
 * and again when it is back after it was gone. */
static void update_strangers(struct cache *g, struct step *s)
{
	struct addr now[WCCP_MAX_CACHES];
	unsigned n = 0;

	for (unsigned i = 0; i < g->view.n_caches; i++) {
		const struct addr *cache = &g->view.caches[i];

		if (cache_conf_allows(&g->conf, cache))
			continue;
		now[n++] = *cache;
		if (addr_find(g->strangers, g->n_strangers, cache) < 0)
			actions_complain(s->out, "stranger", cache,
					 "web-cache %s is in the group and not in the list "
					 "of those allowed: it gets nothing from us",
					 ADDR_TEXT(cache));
	}
	memcpy(g->strangers, now, n * sizeof(now[0]));
	g->n_strangers = n;
}

/* -- our slots --------------------------------------------------------------------------------- */

static unsigned count_slots(const struct slot_set *x)
{
	unsigned n = 0;

	for (unsigned i = 0; i < sizeof(x->octets); i++)
		n += (unsigned)__builtin_popcount(x->octets[i]);
	return n;
}

/* Does its table count, is it in terms of the slots that we speak of? */
static bool is_table_peer(const struct cache *g, const struct peer *p)
{
	return peer_is_live(p) && p->assign == g->method;
}

/* Routers may differ in their method; then the first one decides what is told. */
static void update_method(struct cache *g)
{
	for (unsigned i = 0; i < g->n_peers; i++) {
		if (!peer_is_live(&g->peers[i]))
			continue;
		if (g->peers[i].assign == g->method)
			return;
		g->method = g->peers[i].assign;
		memset(&g->mine, 0, sizeof(g->mine));
		memset(g->handover, 0, sizeof(g->handover));
		g->changed = true;
		return;
	}
}

static void update_mine(struct cache *g)
{
	struct slot_set mine = { 0 };

	for (unsigned i = 0; i < g->n_peers; i++) {
		const struct peer *p = &g->peers[i];
		int self = peer_find_fellow(p, &g->conf.self);

		if (!is_table_peer(g, p) || self < 0)
			continue;
		for (unsigned k = 0; k < p->n_slots; k++)
			if (p->owners[k] == self)
				slot_set_add(&mine, k);
	}
	g->my_slots = count_slots(&mine);
	if (memcmp(&mine, &g->mine, sizeof(mine)) == 0)
		return;
	g->mine = mine;
	g->changed = true;
	if (g->my_slots)
		g->history[method_index(g->method)] = mine;
}

/* -- whose they were --------------------------------------------------------------------------- */

static bool is_alive(const struct cache *g, const struct addr *cache)
{
	for (unsigned i = 0; i < g->n_peers; i++)
		if (peer_is_live(&g->peers[i]) && peer_find_fellow(&g->peers[i], cache) >= 0)
			return true;
	return false;
}

static void forget_the_gone(const struct cache *g, struct addr *handover)
{
	struct addr last = { 0 };
	bool alive = false;

	for (unsigned i = 0; i < WCCP_BUCKETS; i++) {
		if (!addr_is_set(&handover[i]))
			continue;
		/* Neighbours mostly belong to the same one. */
		if (!addr_equal(&handover[i], &last)) {
			last = handover[i];
			alive = is_alive(g, &last);
		}
		if (!alive)
			handover[i] = (struct addr){ 0 };
	}
}

/* Whatever they have taken, nothing goes to them from here. */
static void forget_strangers(const struct cache *g, struct addr *handover)
{
	for (unsigned i = 0; g->n_strangers && i < WCCP_BUCKETS; i++)
		if (addr_find(g->strangers, g->n_strangers, &handover[i]) >= 0)
			handover[i] = (struct addr){ 0 };
}

static void update_handover(struct cache *g)
{
	struct addr handover[WCCP_BUCKETS];

	memcpy(handover, g->handover, sizeof(handover));
	for (unsigned i = 0; i < g->n_peers; i++) {
		const struct peer *p = &g->peers[i];

		int self = peer_find_fellow(p, &g->conf.self);

		/* The data plane keeps one entry for each of 256. */
		if (!is_table_peer(g, p) || p->n_slots > WCCP_BUCKETS)
			continue;
		for (unsigned k = 0; k < p->n_slots; k++)
			if (p->owners[k] != ASSIGN_NOBODY && p->owners[k] != self)
				handover[k] = p->fellows[p->owners[k]].addr;
	}
	forget_strangers(g, handover);
	forget_the_gone(g, handover);
	if (memcmp(handover, g->handover, sizeof(handover)) == 0)
		return;
	memcpy(g->handover, handover, sizeof(handover));
	g->changed = true;
}

void cache_learn(struct cache *g, struct step *s)
{
	update_view(g);
	update_strangers(g, s);
	update_method(g);
	update_mine(g);
	update_handover(g);
}
