/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two groups that share one table: a service and its mirror.
 *
 * A web-cache that connects with its clients' addresses must get the answers, too.  The
 * service takes packets to the servers, its mirror those that come back, and both
 * directions of a connection reach the same web-cache only while the two tables agree.
 * Two groups that decide independently end up with different tables sooner or later:
 * which slots move depends on the tables before, and a member may join one group a
 * moment before the other, be lost by a router in one only, or leave and come back in
 * one.
 *
 * So both share one struct designated.  Members are those that every router of both
 * groups sees; a change in either lets both settle; one table is made from both
 * histories and becomes that of both in the same step, under one key.  A group without
 * a router gets no traffic, and then neither does its mate: half of a pair is worse
 * than nothing, because clients whose answers are lost are not served at all.
 *
 * When the tables of the two differ at first (another web-cache made them), that of the
 * first is kept: connections were made where it led them.
 *
 * Slots are those of the first.  By hash the mirror's slots are the same: its fields
 * are swapped, but a bucket is their XOR.  Mask values are numbered by field, so if the
 * mask covers several fields, the mirror's values have other numbers.
 */
#include "core/cache/cache_impl.h"

#include <string.h>

bool cache_is_paired(const struct cache *c)
{
	return c->designated->n == PAIR;
}

bool cache_is_mirror(const struct cache *c)
{
	return c->designated->pair[0] != c;
}

static struct cache *cache_mate(const struct cache *c)
{
	if (!cache_is_paired(c))
		return NULL;
	return c->designated->pair[!cache_is_mirror(c)];
}

/* -- masks ------------------------------------------------------------------------- */

/* The mirror's mask is the mirror image of the first's, and so is each value. */
static void designated_set_masks(struct designated *d)
{
	struct cache *first = d->pair[0], *mirror = d->pair[1];
	struct wccp_mask flipped = mask_mirror(&first->mask);
	unsigned n_slots = cache_slots(first, WCCP_ASSIGN_MASK);

	cache_change_mask(mirror, &flipped);
	for (unsigned i = 0; i < n_slots; i++) {
		struct wccp_mask value = mask_value(&mirror->mask, i);

		value = mask_mirror(&value);
		d->unmirrored[i] = (uint16_t)mask_vsn(&first->mask, &value);
	}
}

void cache_set_mask(struct cache *c)
{
	struct wccp_mask mask = cache_mask_wanted(c);

	if (!cache_is_mirror(c))
		cache_change_mask(c, &mask);
	if (cache_is_paired(c))
		designated_set_masks(c->designated);
}

/* -- pairing ----------------------------------------------------------------------- */

/* Keep the decisions; find out membership and election again for this group alone. */
static void cache_leave_pair(struct cache *c)
{
	struct mono unsettled_since = c->designated->unsettled_since;

	c->own = (struct designated){
		.n = 1,
		.pair = { c },
		.settle_at = c->designated->settle_at,
		.unsettled_since = unsettled_since,
		.idle_at = MONO_NEVER,
		.key = c->designated->key,
	};
	c->designated = &c->own;
	cache_mark(c, DIRTY_VIEW);
	cache_set_mask(c);
}

void cache_unpair(struct cache *c)
{
	struct designated *d = c->designated;

	if (d->n < PAIR)
		return;
	cache_leave_pair(d->pair[1]); /* it uses that of the first */
	cache_leave_pair(d->pair[0]);
}

static void cache_take_newer_key(struct wccp_key *key, const struct wccp_key *other)
{
	if (other->change_number - key->change_number < UINT32_MAX / 2)
		key->change_number = other->change_number;
}

void cache_pair(struct cache *first, struct cache *mirror)
{
	struct designated *d = &first->own;

	if (cache_mate(first) == mirror && !cache_is_mirror(first))
		return;
	cache_unpair(first);
	cache_unpair(mirror);
	cache_take_newer_key(&d->key, &mirror->own.key);
	d->n = PAIR;
	cache_mark(first, DIRTY_VIEW);
	cache_mark(mirror, DIRTY_VIEW);
	d->pair[1] = mirror;
	mirror->designated = d;
	d->is_us = d->yielded = d->stands_in = false;
	d->idle_at = MONO_NEVER;
	d->membership = (struct membership){ .n_caches = 0 };
	designated_set_masks(d);
}

/* -- slots ------------------------------------------------------------------------- */

unsigned cache_shared_slot(const struct cache *c, uint32_t method, unsigned slot)
{
	if (method != WCCP_ASSIGN_MASK || !cache_is_mirror(c))
		return slot;
	return c->designated->unmirrored[slot];
}

void cache_own_table(const struct cache *c, const struct cache_table *shared,
		     struct cache_table *out)
{
	uint32_t method =
		mask_bits(&shared->mask) ? WCCP_ASSIGN_MASK : WCCP_ASSIGN_HASH;

	*out = *shared;
	if (!shared->n_slots || method != WCCP_ASSIGN_MASK)
		return;
	out->mask = c->mask;
	for (unsigned i = 0; i < out->n_slots; i++)
		out->owners[i] = shared->owners[cache_shared_slot(c, method, i)];
}

/* -- what routers have ------------------------------------------------------------- */

static const struct peer *peer_at_mate(const struct cache *c, const struct peer *p)
{
	const struct cache *other = cache_mate(c);

	for (unsigned i = 0; other && i < other->n_peers; i++)
		if (addr_equal(&other->peers[i].address, &p->address) &&
		    peer_is_live(&other->peers[i]))
			return &other->peers[i];
	return NULL;
}

static const struct addr *peer_table_owner(const struct peer *p, unsigned slot)
{
	return p->table.owners[slot] == ASSIGN_NOBODY
		       ? NULL
		       : &p->said.entries[p->table.owners[slot]].addr;
}

/* Does no slot have two owners?  `a` is a peer of the mirror, `b` of the first. */
static bool peer_tables_fit(const struct cache *mirror, const struct peer *a,
			    const struct peer *b)
{
	if (a->agreed.assign != b->agreed.assign ||
	    a->table.n_slots != b->table.n_slots)
		return true; /* complained of elsewhere, or not known yet */
	for (unsigned i = 0; i < a->table.n_slots; i++) {
		const struct addr *x = peer_table_owner(a, i);
		const struct addr *y = peer_table_owner(
			b, cache_shared_slot(mirror, a->agreed.assign, i));

		if (x && y && !addr_equal(x, y))
			return false;
	}
	return true;
}

/*
 * A designated web-cache that knows nothing of pairs makes two different tables; all we
 * can do then is complain.  A brief difference is normal, because the two assignments
 * arrive one after the other.
 */
void peer_compare_tables(struct cache *c, struct peer *p, struct step *s)
{
	const struct peer *other = peer_at_mate(c, p);
	const struct cache *mirror = cache_is_mirror(c) ? c : cache_mate(c);
	bool swap = mirror && mirror != c;

	if (!other || peer_tables_fit(mirror, swap ? other : p, swap ? p : other)) {
		p->noted.mirror_mismatch_due = MONO_NEVER;
	} else if (mono_is_never(p->noted.mirror_mismatch_due)) {
		p->noted.mirror_mismatch_due =
			mono_add_ms(s->now, 2 * (int64_t)p->agreed.t_ms);
	} else if (mono_due(p->noted.mirror_mismatch_due, s->now)) {
		actions_complain(
			s->out, "pair-unlike", &p->address,
			"router %s has another table for this service than for "
			"its mirror, by web-cache %s: answers will not come back "
			"to who asked",
			ADDR_TEXT(&p->address), ADDR_TEXT(&p->said.key.cache));
	}
}

/* Complain of a web-cache that is in this service but not in its mirror, and assigns.
 * Our own assignment is sent again over it, as over that of anybody else. */
void peer_note_half_member(const struct cache *c, const struct peer *p, struct step *s)
{
	const struct designated *d = c->designated;
	const struct addr *cache = &p->said.key.cache;

	if (!cache_is_paired(c) || !d->is_us || !mono_is_never(d->settle_at) ||
	    peer_find_entry(p, cache) < 0 ||
	    addr_find(d->membership.caches, d->membership.n_caches, cache) >= 0)
		return;
	actions_complain(
		s->out, "pair-half-member", &p->address,
		"router %s has taken an assignment from web-cache %s, which is "
		"in this service and not in its mirror: does it spoof?",
		ADDR_TEXT(&p->address), ADDR_TEXT(cache));
}

/* -- methods ----------------------------------------------------------------------- */

uint32_t cache_method_of_mate(const struct cache *c)
{
	const struct cache *other = cache_mate(c);

	for (unsigned i = 0; other && i < other->n_peers; i++)
		if (other->peers[i].listed && other->peers[i].agreed.assign)
			return other->peers[i].agreed.assign;
	return 0;
}

static uint32_t live_routers_methods(const struct live_routers *a)
{
	uint32_t all = 0;

	for (unsigned i = 0; i < a->n; i++)
		all |= a->methods[i];
	return all;
}

const char *designated_split(const struct designated *d, const struct membership *x)
{
	if (d->n < PAIR)
		return NULL;
	if (!x->live[0].n)
		return "no router has joined this service to its mirror";
	if (!x->live[1].n)
		return "no router has its mirror";
	if (live_routers_methods(&x->live[0]) != live_routers_methods(&x->live[1]))
		return "routers divide its mirror by another method";
	return NULL;
}
