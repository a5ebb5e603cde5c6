/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The designated web-cache: what is in a new assignment, and repeating it until
 * every router echoes its key.
 */
#include "core/cache/cache_impl.h"

#include <stdio.h>
#include <string.h>

/* -- the table -------------------------------------------------------------------------------- */

/* Is the newest assignment made here in force at a router? */
static bool ours_is_in_force(const struct cache *g, uint32_t method)
{
	for (unsigned i = 0; i < g->n_peers; i++) {
		const struct peer *p = &g->peers[i];

		if (peer_is_live(p) && p->assign == method && p->told &&
		    key_equal(&p->key, cache_key(g)))
			return true;
	}
	return false;
}

/* Whose each slot was, by index into the situation's web-caches.  Slots are the
 * first's, also when the mirror tells of them. */
struct history {
	bool any; /* an owner is stated, be it one that is gone */
	uint8_t owners[ASSIGN_SLOTS_MAX];
};

static int candidate(const struct cache *g, const struct addr *cache)
{
	const struct situation *x = &g->council->situation;

	return addr_find(x->caches, x->n_caches, cache);
}

static void old_from_ours(const struct cache *g, uint32_t method, struct history *old)
{
	const struct cache_table *t = &g->tables[method_index(method)];

	for (unsigned i = 0; i < t->n_slots; i++) {
		int at = -1;

		if (t->owners[i] < t->n_caches)
			at = candidate(g, &t->caches[t->owners[i]]);
		if (at >= 0)
			old->owners[cache_shared_slot(g, method, i)] = (uint8_t)at;
	}
}

static void old_from_router(const struct cache *g, const struct peer *p,
			    struct history *old)
{
	int candidates[WCCP_MAX_CACHES];

	for (unsigned i = 0; i < p->n_fellows; i++)
		candidates[i] = candidate(g, &p->fellows[i].addr);
	for (unsigned i = 0; i < p->n_slots; i++) {
		unsigned slot;

		if (p->owners[i] == ASSIGN_NOBODY)
			continue;
		old->any = true;
		slot = cache_shared_slot(g, p->assign, i);
		if (candidates[p->owners[i]] >= 0 && old->owners[slot] == ASSIGN_NOBODY)
			old->owners[slot] = (uint8_t)candidates[p->owners[i]];
	}
}

static void old_from_routers(const struct cache *g, uint32_t method, struct history *old)
{
	for (unsigned i = 0; i < g->n_peers; i++)
		if (peer_is_live(&g->peers[i]) && g->peers[i].assign == method)
			old_from_router(g, &g->peers[i], old);
}

/* What one lacks, the other may know. */
static void complete(struct history *h, const struct history *by)
{
	for (unsigned i = 0; i < ASSIGN_SLOTS_MAX; i++)
		if (h->owners[i] == ASSIGN_NOBODY)
			h->owners[i] = by->owners[i];
}

/* Where the slots are now, so that few of them have to move: in each group.  Our own
 * table counts where it is in force, and when routers have lost everything. */
static void find_old_tables(const struct council *c, uint32_t method,
			    struct history old[PAIR])
{
	bool ours = false, any = false;

	memset(old, ASSIGN_NOBODY, PAIR * sizeof(*old));
	for (unsigned k = 0; k < c->n; k++)
		ours = ours || ours_is_in_force(c->groups[k], method);
	for (unsigned k = 0; k < c->n; k++) {
		old[k].any = false;
		if (!ours)
			old_from_routers(c->groups[k], method, &old[k]);
		any = any || old[k].any;
	}
	if (!any)
		old_from_ours(c->groups[0], method, &old[0]);
	if (c->n < PAIR)
		old[1] = old[0];
	complete(&old[1], &old[0]);
	complete(&old[0], &old[1]);
}

/* What is to be in force now, in the first's slots; `moves` in each group. */
static void make_table(const struct council *c, uint32_t method, struct cache_table *out,
		       unsigned moves[PAIR])
{
	const struct situation *x = &c->situation;
	struct history old[PAIR];

	memset(out, 0, sizeof(*out));
	out->n_slots = cache_slots(c->groups[0], method);
	if (method == WCCP_ASSIGN_MASK)
		out->mask = x->mask;
	else
		out->alt = x->alt;
	out->n_caches = x->n_caches;
	memcpy(out->caches, x->caches, sizeof(out->caches));
	find_old_tables(c, method, old);
	assign_alike(x->weights, x->n_caches, old[0].owners, old[1].owners, out->owners,
		     out->n_slots);
	for (unsigned k = 0; k < PAIR; k++) {
		moves[k] = 0;
		for (unsigned i = 0; i < out->n_slots; i++)
			moves[k] += out->owners[i] != old[k].owners[i];
	}
}

static bool table_equal(const struct cache_table *a, const struct cache_table *b)
{
	if (a->n_slots != b->n_slots || a->n_caches != b->n_caches ||
	    !mask_equal(&a->mask, &b->mask))
		return false;
	for (unsigned i = 0; i < a->n_caches; i++)
		if (!addr_equal(&a->caches[i], &b->caches[i]))
			return false;
	return memcmp(a->owners, b->owners, a->n_slots) == 0 &&
	       memcmp(&a->alt, &b->alt, sizeof(a->alt)) == 0;
}

/* -- the assignment --------------------------------------------------------------------------- */

/* Does this router have the newest assignment, made for its present membership? */
static bool is_served(const struct cache *g, const struct peer *p)
{
	return p->told && p->told_change == p->change_number &&
	       key_equal(&p->key, cache_key(g));
}

static bool all_are_served(const struct cache *g)
{
	for (unsigned i = 0; i < g->n_peers; i++)
		if (peer_is_live(&g->peers[i]) && !is_served(g, &g->peers[i]))
			return false;
	return true;
}

/* Newer than ours, and than what routers remember of us from before a restart. */
static uint32_t newest_key_number(const struct cache *g, uint32_t newest)
{
	for (unsigned i = 0; i < g->n_peers; i++) {
		const struct peer *p = &g->peers[i];

		if (peer_is_live(p) && addr_equal(&p->key.cache, &g->conf.self) &&
		    p->key.change_number - newest < UINT32_MAX / 2)
			newest = p->key.change_number;
	}
	return newest;
}

static unsigned routers_by(const struct cache *g, uint32_t method)
{
	unsigned n = 0;

	for (unsigned i = 0; i < g->n_peers; i++)
		n += peer_is_live(&g->peers[i]) && g->peers[i].assign == method;
	return n;
}

static void note_sent(const struct cache *g, uint32_t method, struct step *s)
{
	const struct cache_table *t = &g->tables[method_index(method)];
	unsigned counts[WCCP_MAX_CACHES];
	char text[WCCP_MAX_CACHES * 24] = "";
	size_t at = 0;

	table_count(t, counts);
	for (unsigned i = 0; i < t->n_caches && at < sizeof(text); i++) {
		int n = snprintf(text + at, sizeof(text) - at, "%s%s %u", i ? ", " : "",
				 ADDR_TEXT(&t->caches[i]), counts[i]);

		at += n > 0 ? (size_t)n : 0;
	}
	actions_note(s->out, NOTE_INFO, "assignment-sent", NULL,
		     "key %s/%u to %u routers, %u %s move: %s", ADDR_TEXT(&cache_key(g)->cache),
		     cache_key(g)->change_number, routers_by(g, method),
		     g->moves[method_index(method)],
		     method == WCCP_ASSIGN_MASK ? "mask values" : "buckets", text);
}

/* Shares cannot be fair when there is little to share (2.01 gives no number; four
 * values for each web-cache keep them within a quarter). */
static void note_few_slots(const struct cache *g, struct step *s)
{
	const struct cache_table *t = &g->tables[method_index(WCCP_ASSIGN_MASK)];
	char text[MASK_TEXT_MAX];

	if (t->n_slots < 4 * t->n_caches)
		actions_complain(s->out, "few-mask-values", NULL,
				 "mask %s has %u values for %u web-caches",
				 mask_text(&g->mask, text), t->n_slots, t->n_caches);
}

static const uint32_t methods[METHODS] = { WCCP_ASSIGN_HASH, WCCP_ASSIGN_MASK };

/* The newest table of one method, and what it means for the groups. */
struct proposal {
	struct cache_table shared;
	unsigned moves[PAIR];
};

/* Returns whether one that is in use differs from the newest. */
static bool propose(const struct council *c, struct proposal *proposals)
{
	bool differs = false;

	for (unsigned i = 0; i < METHODS; i++) {
		bool used = false;

		proposals[i].shared.n_slots = 0;
		for (unsigned k = 0; k < c->n; k++)
			used = used || routers_by(c->groups[k], methods[i]);
		if (!used)
			continue;
		make_table(c, methods[i], &proposals[i].shared, proposals[i].moves);
		differs = differs || !table_equal(&proposals[i].shared,
						  &c->groups[0]->tables[i]);
	}
	return differs;
}

static void adopt(struct cache *g, unsigned which, const struct proposal *proposals)
{
	for (unsigned i = 0; i < METHODS; i++) {
		/* One that is not in use now is kept: it may be, again. */
		if (!proposals[i].shared.n_slots)
			continue;
		cache_own_table(g, &proposals[i].shared, &g->tables[i]);
		g->moves[i] = proposals[i].moves[which];
	}
	for (unsigned i = 0; i < g->n_peers; i++) {
		g->peers[i].told = false;
		g->peers[i].assign_quick_left = ASSIGN_QUICK_MAX;
	}
	g->unsent = true;
	g->counters.assignments_sent++;
}

/* One table for all groups, under one key. */
static void assign(struct council *c)
{
	struct proposal proposals[METHODS];
	bool served = true;

	for (unsigned k = 0; k < c->n; k++)
		served = served && all_are_served(c->groups[k]);
	if (!propose(c, proposals) && served)
		return;
	for (unsigned k = 0; k < c->n; k++)
		c->key.change_number =
			newest_key_number(c->groups[k], c->key.change_number);
	c->key.change_number++;
	for (unsigned k = 0; k < c->n; k++)
		adopt(c->groups[k], k, proposals);
}

static void announce(struct cache *g, struct step *s)
{
	g->unsent = false;
	for (unsigned i = 0; i < METHODS; i++)
		if (routers_by(g, methods[i]))
			note_sent(g, methods[i], s);
	if (routers_by(g, WCCP_ASSIGN_MASK))
		note_few_slots(g, s);
	cache_send_assignment(g, NULL, s);
}

/* -- until it is echoed ------------------------------------------------------------------------ */

void peer_check_echo(struct cache *g, struct peer *p, struct step *s)
{
	if (!p->told || !peer_is_live(p))
		return;
	if (key_equal(&p->key, cache_key(g))) {
		if (p->pending)
			actions_note(s->out, NOTE_INFO, "assignment-acknowledged",
				     &p->address,
				     "router %s echoes key %s/%u: %u %s moved, %u ours",
				     ADDR_TEXT(&p->address), ADDR_TEXT(&cache_key(g)->cache),
				     cache_key(g)->change_number,
				     g->moves[method_index(p->assign)],
				     p->assign == WCCP_ASSIGN_MASK ? "mask values" : "buckets",
				     peer_slots_of(p, peer_find_fellow(p, &g->conf.self)));
		p->pending = false;
		p->assign_quick_left = ASSIGN_QUICK_MAX;
		return;
	}
	/* Its receive id was stale when the assignment came, or it was lost: now
	 * there is a fresh id.  What it answers may have been on its way already,
	 * hence not at any pace. */
	p->pending = true;
	if (p->assign_quick_left > 0) {
		p->assign_quick_left--;
		p->assign_at = mono_add_ms(p->assign_sent, p->t_ms / 10);
	}
}

struct mono peer_assign_deadline(const struct cache *g, const struct peer *p)
{
	/* While the membership settles, the table may hold one that is gone. */
	if (!g->council->designated || !mono_is_never(g->council->settle_at) ||
	    !peer_is_live(p) || !p->told || !p->pending)
		return MONO_NEVER;
	return p->assign_at;
}

static void repeat(struct cache *g, struct peer *p, struct step *s)
{
	g->counters.assignments_resent++;
	actions_note(s->out, NOTE_DEBUG, "assignment-resent", &p->address,
		     "router %s has not echoed key %s/%u: sent again",
		     ADDR_TEXT(&p->address), ADDR_TEXT(&cache_key(g)->cache),
		     cache_key(g)->change_number);
	cache_send_assignment(g, p, s);
}

/* Said once, when things have settled and it is still so. */
static void note_split(struct council *c, struct step *s)
{
	const char *why = council_split(c, &c->situation);

	if (why && !c->said_split)
		actions_note(s->out, NOTE_WARNING, "pair-split", NULL,
			     "%s: neither is assigned to anybody", why);
	c->said_split = why;
}

static void decide(struct council *c, struct step *s)
{
	c->settle_at = MONO_NEVER;
	for (unsigned k = 0; k < c->n; k++)
		c->groups[k]->news = true; /* the election may come out another way */
	note_split(c, s);
	if (c->lowest && council_takes_the_role(c, s))
		assign(c);
}

void cache_review(struct cache *g, struct step *s)
{
	struct council *c = g->council;

	if (mono_due(c->settle_at, s->now))
		decide(c, s);
	if (g->unsent)
		announce(g, s);
	for (unsigned i = 0; i < g->n_peers; i++)
		if (mono_due(peer_assign_deadline(g, &g->peers[i]), s->now))
			repeat(g, &g->peers[i], s);
}
