/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What follows from the views of the routers: our own view of the group, which slots
 * are ours, and which web-cache had each slot before.
 */
#include "core/cache/cache_impl.h"

#include <string.h>

/* -- our view of the group --------------------------------------------------------- */

static void view_add_routers(const struct cache *c, struct wccp_cache_view *v)
{
	for (unsigned i = 0; i < c->n_peers; i++)
		if (c->peers[i].listed && v->n_routers < WCCP_MAX_ROUTERS)
			v->routers[v->n_routers++].id = c->peers[i].said.id;
}

static void view_add_caches(const struct cache *c, struct wccp_cache_view *v)
{
	for (unsigned i = 0; i < c->n_peers; i++) {
		const struct peer *p = &c->peers[i];

		for (unsigned k = 0; p->listed && k < p->said.n_entries; k++)
			if (v->n_caches < WCCP_MAX_CACHES &&
			    addr_find(v->caches, v->n_caches,
				      &p->said.entries[k].addr) < 0)
				v->caches[v->n_caches++] = p->said.entries[k].addr;
	}
}

/* Is every router and web-cache in `a` also in `b`?  Neither holds duplicates. */
static bool view_within(const struct wccp_cache_view *a,
			const struct wccp_cache_view *b)
{
	for (unsigned i = 0; i < a->n_routers; i++) {
		unsigned k = 0;

		while (k < b->n_routers &&
		       !addr_equal(&a->routers[i].id, &b->routers[k].id))
			k++;
		if (k == b->n_routers)
			return false;
	}
	for (unsigned i = 0; i < a->n_caches; i++)
		if (addr_find(b->caches, b->n_caches, &a->caches[i]) < 0)
			return false;
	return true;
}

static void view_update(struct cache *c)
{
	struct wccp_cache_view v = { .change_number = c->view.change_number };

	view_add_routers(c, &v);
	view_add_caches(c, &v);
	if (v.n_routers != c->view.n_routers || v.n_caches != c->view.n_caches ||
	    !view_within(&v, &c->view)) {
		v.change_number++;
		c->counters.view_changes++;
		/* Packets of new members are known ones from now on. */
		cache_mark(c, DIRTY_STATUS);
	}
	c->view = v;
}

/* -- strangers --------------------------------------------------------------------- */

/* Web-caches that the configuration does not allow.  Each is reported when it appears,
 * and again whenever it comes back. */
static void view_update_strangers(struct cache *c, struct step *s)
{
	struct addr now[WCCP_MAX_CACHES];
	unsigned n = 0;

	for (unsigned i = 0; i < c->view.n_caches; i++) {
		const struct addr *cache = &c->view.caches[i];

		if (cache_conf_allows(&c->conf, cache))
			continue;
		now[n++] = *cache;
		if (addr_find(c->strangers, c->n_strangers, cache) < 0)
			actions_complain(
				s->out, "stranger", cache,
				"web-cache %s is in the group and not in the list "
				"of those allowed: it gets nothing from us",
				ADDR_TEXT(cache));
	}
	memcpy(c->strangers, now, n * sizeof(now[0]));
	c->n_strangers = n;
}

/* -- our slots --------------------------------------------------------------------- */

static unsigned slot_set_count(const struct slot_set *x)
{
	unsigned n = 0;

	for (unsigned i = 0; i < sizeof(x->octets); i++)
		n += (unsigned)__builtin_popcount(x->octets[i]);
	return n;
}

/* Does its table use the slots that we report? */
static bool view_is_table_peer(const struct cache *c, const struct peer *p)
{
	return peer_is_live(p) && p->agreed.assign == c->method;
}

/* Routers may use different methods; we report slots by the method of the first. */
static void view_update_method(struct cache *c)
{
	for (unsigned i = 0; i < c->n_peers; i++) {
		if (!peer_is_live(&c->peers[i]))
			continue;
		if (c->peers[i].agreed.assign == c->method)
			return;
		c->method = c->peers[i].agreed.assign;
		memset(&c->mine, 0, sizeof(c->mine));
		c->former = (struct former_owners){ 0 };
		cache_mark(c, DIRTY_STATUS);
		return;
	}
}

static void view_update_mine(struct cache *c)
{
	struct slot_set mine = { 0 };

	for (unsigned i = 0; i < c->n_peers; i++) {
		const struct peer *p = &c->peers[i];
		int self = peer_find_entry(p, &c->conf.self);

		if (!view_is_table_peer(c, p) || self < 0)
			continue;
		for (unsigned k = 0; k < p->table.n_slots; k++)
			if (p->table.owners[k] == self)
				slot_set_add(&mine, k);
	}
	c->my_slots = slot_set_count(&mine);
	if (memcmp(&mine, &c->mine, sizeof(mine)) == 0)
		return;
	c->mine = mine;
	cache_mark(c, DIRTY_STATUS);
	if (c->my_slots)
		c->history[method_index(c->method)] = mine;
}

/* -- whose they were --------------------------------------------------------------- */

static bool view_is_alive(const struct cache *c, const struct addr *cache)
{
	for (unsigned i = 0; i < c->n_peers; i++)
		if (peer_is_live(&c->peers[i]) &&
		    peer_find_entry(&c->peers[i], cache) >= 0)
			return true;
	return false;
}

static void view_forget_owner(struct former_owners *f, unsigned cache)
{
	f->caches[cache] = (struct addr){ 0 };
	for (unsigned i = 0; i < ASSIGN_SLOTS_MAX; i++)
		if (f->of_slot[i] == 1 + cache)
			f->of_slot[i] = 0;
}

/* Web-caches that are gone do not know their flows any more, and we hand nothing
 * over to strangers. */
static void view_forget_owners(const struct cache *c, struct former_owners *f)
{
	for (unsigned i = 0; i < WCCP_MAX_CACHES; i++)
		if (addr_is_set(&f->caches[i]) &&
		    (!view_is_alive(c, &f->caches[i]) ||
		     addr_find(c->strangers, c->n_strangers, &f->caches[i]) >= 0))
			view_forget_owner(f, i);
}

/* 1 + its index in the list; 0 if the list is full. */
static uint8_t view_add_owner(struct former_owners *f, const struct addr *cache)
{
	int i = addr_find(f->caches, WCCP_MAX_CACHES, cache);

	for (int k = 0; i < 0 && k < WCCP_MAX_CACHES; k++)
		if (!addr_is_set(&f->caches[k]))
			i = k;
	if (i >= 0)
		f->caches[i] = *cache;
	return (uint8_t)(1 + i);
}

/* The present owner of a slot, other than us, will be its former owner once we get
 * it. */
static void view_note_owners(const struct cache *c, const struct peer *p,
			     struct former_owners *f)
{
	int self = peer_find_entry(p, &c->conf.self);
	uint8_t numbers[WCCP_MAX_CACHES] = { 0 };

	for (unsigned k = 0; k < p->table.n_slots; k++) {
		uint8_t owner = p->table.owners[k];

		if (owner == ASSIGN_NOBODY || owner == self)
			continue;
		if (!numbers[owner])
			numbers[owner] = view_add_owner(f, &p->said.entries[owner].addr);
		f->of_slot[k] = numbers[owner];
	}
}

static void view_update_handover(struct cache *c)
{
	struct former_owners now = c->former;

	for (unsigned i = 0; i < c->n_peers; i++)
		if (view_is_table_peer(c, &c->peers[i]))
			view_note_owners(c, &c->peers[i], &now);
	view_forget_owners(c, &now);
	if (memcmp(&now, &c->former, sizeof(now)) == 0)
		return;
	c->former = now;
	cache_mark(c, DIRTY_STATUS);
}

void cache_get_handover(const struct cache *c, struct addr handover[ASSIGN_SLOTS_MAX])
{
	for (unsigned i = 0; i < ASSIGN_SLOTS_MAX; i++)
		handover[i] = c->former.of_slot[i]
				      ? c->former.caches[c->former.of_slot[i] - 1]
				      : (struct addr){ 0 };
}

void cache_learn_view(struct cache *c, struct step *s)
{
	view_update(c);
	view_update_strangers(c, s);
	cache_note_weights(c, s);
	view_update_method(c);
	view_update_mine(c);
	view_update_handover(c);
}
