/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two groups that share one table: a service and its mirror.
 *
 * A web-cache that connects with its clients' addresses must get the answers, too.
 * The service takes what goes to the servers, its mirror what comes back, and a
 * connection comes to the same web-cache both ways only while both tables are alike.
 * Two groups that each decide for themselves make different tables sooner or later:
 * which slots move depends on what was before, and a member joins the one a moment
 * before the other, is lost by a router in one only, leaves and comes back in one.
 *
 * So there is one council for both.  Members are those that every router of both
 * groups sees; a change in either lets both settle; one table is made from both
 * histories and becomes that of both in the same step, under one key.  A group that
 * has no router gets no traffic, and its mate none either: half of a pair is worse
 * than nothing, because clients whose answers are lost are not served at all.
 *
 * When the tables of the two differ at first (another web-cache made them), that of
 * the first is the one to go on with: connections were made where it led them.
 *
 * Slots are those of the first.  By hash the mirror has the same: its fields are
 * swapped, and a bucket is the XOR of them.  Values of a mask are numbered by fields,
 * so those of the mirror's mask have other numbers when it covers several.
 */
#include "core/cache/cache_impl.h"

#include <string.h>

bool cache_is_paired(const struct cache *g)
{
	return g->council->n == PAIR;
}

bool cache_is_mirror(const struct cache *g)
{
	return g->council->groups[0] != g;
}

static struct cache *mate(const struct cache *g)
{
	if (!cache_is_paired(g))
		return NULL;
	return g->council->groups[!cache_is_mirror(g)];
}

/* -- pairing ---------------------------------------------------------------------------- */

/* What was decided stays; what was seen is looked at anew, as by whoever is alone. */
static void leave_council(struct cache *g)
{
	struct mono unsettled_since = g->council->unsettled_since;

	g->own = (struct council){
		.n = 1,
		.groups = { g },
		.settle_at = g->council->settle_at,
		.unsettled_since = unsettled_since,
		.key = g->council->key,
	};
	g->council = &g->own;
	g->news = true;
	cache_set_mask(g);
}

void cache_unpair(struct cache *g)
{
	struct council *c = g->council;

	if (c->n < PAIR)
		return;
	leave_council(c->groups[1]); /* it borrows that of the first */
	leave_council(c->groups[0]);
}

static void take_newer_key(struct wccp_key *key, const struct wccp_key *other)
{
	if (other->change_number - key->change_number < UINT32_MAX / 2)
		key->change_number = other->change_number;
}

void cache_pair(struct cache *first, struct cache *mirror)
{
	struct council *c = &first->own;

	if (mate(first) == mirror && !cache_is_mirror(first))
		return;
	cache_unpair(first);
	cache_unpair(mirror);
	take_newer_key(&c->key, &mirror->own.key);
	c->n = PAIR;
	first->news = mirror->news = true;
	c->groups[1] = mirror;
	mirror->council = c;
	c->designated = c->yielded = false;
	c->situation = (struct situation){ .n_caches = 0 };
	council_set_masks(c);
}

/* -- slots ------------------------------------------------------------------------------ */

void council_set_masks(struct council *c)
{
	struct cache *first = c->groups[0], *mirror = c->groups[1];
	struct wccp_mask flipped = mask_mirror(&first->mask);
	unsigned n_slots = cache_slots(first, WCCP_ASSIGN_MASK);

	cache_change_mask(mirror, &flipped);
	for (unsigned i = 0; i < n_slots; i++) {
		struct wccp_mask value = mask_value(&mirror->mask, i);

		value = mask_mirror(&value);
		c->unmirrored[i] = (uint16_t)mask_vsn(&first->mask, &value);
	}
}

unsigned cache_shared_slot(const struct cache *g, uint32_t method, unsigned slot)
{
	if (method != WCCP_ASSIGN_MASK || !cache_is_mirror(g))
		return slot;
	return g->council->unmirrored[slot];
}

void cache_own_table(const struct cache *g, const struct cache_table *shared,
		     struct cache_table *out)
{
	uint32_t method =
		mask_bits(&shared->mask) ? WCCP_ASSIGN_MASK : WCCP_ASSIGN_HASH;

	*out = *shared;
	if (!shared->n_slots || method != WCCP_ASSIGN_MASK)
		return;
	out->mask = g->mask;
	for (unsigned i = 0; i < out->n_slots; i++)
		out->owners[i] = shared->owners[cache_shared_slot(g, method, i)];
}

/* -- what routers have ------------------------------------------------------------------- */

static const struct peer *at_mate(const struct cache *g, const struct peer *p)
{
	const struct cache *other = mate(g);

	for (unsigned i = 0; other && i < other->n_peers; i++)
		if (addr_equal(&other->peers[i].address, &p->address) &&
		    peer_is_live(&other->peers[i]))
			return &other->peers[i];
	return NULL;
}

static const struct addr *owner_of(const struct peer *p, unsigned slot)
{
	return p->owners[slot] == ASSIGN_NOBODY ? NULL
						: &p->fellows[p->owners[slot]].addr;
}

/* Has no slot two owners?  `a` is of the mirror. */
static bool tables_fit(const struct cache *mirror, const struct peer *a,
		       const struct peer *b)
{
	if (a->assign != b->assign || a->n_slots != b->n_slots)
		return true; /* said elsewhere, or nothing known yet */
	for (unsigned i = 0; i < a->n_slots; i++) {
		const struct addr *x = owner_of(a, i);
		const struct addr *y =
			owner_of(b, cache_shared_slot(mirror, a->assign, i));

		if (x && y && !addr_equal(x, y))
			return false;
	}
	return true;
}

/*
 * A designated web-cache that knows nothing of pairs makes two tables, and then there
 * is nothing that we can do but say so.  A difference of moments is none: assignments
 * of the two arrive one after the other.
 */
void peer_compare_tables(struct cache *g, struct peer *p, struct step *s)
{
	const struct peer *other = at_mate(g, p);
	const struct cache *mirror = cache_is_mirror(g) ? g : mate(g);
	bool swap = mirror && mirror != g;

	if (!other || tables_fit(mirror, swap ? other : p, swap ? p : other)) {
		p->unlike_at = MONO_NEVER;
	} else if (mono_is_never(p->unlike_at)) {
		p->unlike_at = mono_add_ms(s->now, 2 * (int64_t)p->t_ms);
	} else if (mono_due(p->unlike_at, s->now)) {
		actions_complain(
			s->out, "pair-unlike", &p->address,
			"router %s has another table for this service than for "
			"its mirror, by web-cache %s: answers will not come back "
			"to who asked",
			ADDR_TEXT(&p->address), ADDR_TEXT(&p->key.cache));
	}
}

/* A member of this service only that assigns, as if it were the designated one.  Ours
 * is sent again, as over that of any other who is not. */
void peer_note_half_member(const struct cache *g, const struct peer *p, struct step *s)
{
	const struct council *c = g->council;
	const struct addr *cache = &p->key.cache;

	if (!cache_is_paired(g) || !c->designated || !mono_is_never(c->settle_at) ||
	    peer_find_fellow(p, cache) < 0 ||
	    addr_find(c->situation.caches, c->situation.n_caches, cache) >= 0)
		return;
	actions_complain(
		s->out, "pair-half-member", &p->address,
		"router %s has taken an assignment from web-cache %s, which is "
		"in this service and not in its mirror: does it spoof?",
		ADDR_TEXT(&p->address), ADDR_TEXT(cache));
}

/* -- methods ---------------------------------------------------------------------------- */

uint32_t cache_method_of_mate(const struct cache *g)
{
	const struct cache *other = mate(g);

	for (unsigned i = 0; other && i < other->n_peers; i++)
		if (other->peers[i].listed && other->peers[i].assign)
			return other->peers[i].assign;
	return 0;
}

static uint32_t methods_at(const struct attendance *a)
{
	uint32_t all = 0;

	for (unsigned i = 0; i < a->n; i++)
		all |= a->methods[i];
	return all;
}

const char *council_split(const struct council *c, const struct situation *x)
{
	if (c->n < PAIR)
		return NULL;
	if (!x->live[0].n)
		return "no router has joined this service to its mirror";
	if (!x->live[1].n)
		return "no router has its mirror";
	if (methods_at(&x->live[0]) != methods_at(&x->live[1]))
		return "routers divide its mirror by another method";
	return NULL;
}
