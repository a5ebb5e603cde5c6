/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The designated web-cache: what is in a new assignment, and repeating it until
 * every router echoes its key.
 */
#include "group_impl.h"

#include <stdio.h>
#include <string.h>

/* -- the table -------------------------------------------------------------------------------- */

/* Is the newest assignment made here in force at a router? */
static bool ours_is_in_force(const struct group *g, uint32_t method)
{
	for (unsigned i = 0; i < g->n_peers; i++) {
		const struct peer *p = &g->peers[i];

		if (peer_is_live(p) && p->assign == method && p->told &&
		    key_equal(&p->key, &g->key))
			return true;
	}
	return false;
}

static int candidate(const struct situation *x, const struct addr *cache)
{
	return addr_find(x->caches, x->n_caches, cache);
}

static void old_from_ours(const struct group *g, const struct group_table *t, uint8_t *old)
{
	for (unsigned i = 0; i < t->n_slots; i++) {
		int at = -1;

		if (t->owners[i] < t->n_caches)
			at = candidate(&g->situation, &t->caches[t->owners[i]]);
		old[i] = at < 0 ? ASSIGN_NOBODY : (uint8_t)at;
	}
}

/* Returns whether it stated an owner of any slot. */
static bool old_from_router(const struct group *g, const struct peer *p, uint8_t *old)
{
	int candidates[WCCP_MAX_CACHES];
	bool any = false;

	for (unsigned i = 0; i < p->n_fellows; i++)
		candidates[i] = candidate(&g->situation, &p->fellows[i].addr);
	for (unsigned i = 0; i < p->n_slots; i++) {
		if (p->owners[i] == ASSIGN_NOBODY)
			continue;
		any = true;
		if (candidates[p->owners[i]] >= 0 && old[i] == ASSIGN_NOBODY)
			old[i] = (uint8_t)candidates[p->owners[i]];
	}
	return any;
}

static bool old_from_routers(const struct group *g, uint32_t method, uint8_t *old)
{
	bool any = false;

	for (unsigned i = 0; i < g->n_peers; i++)
		if (peer_is_live(&g->peers[i]) && g->peers[i].assign == method)
			any = old_from_router(g, &g->peers[i], old) || any;
	return any;
}

/* Where the slots are now, so that few of them have to move. */
static void find_old_table(const struct group *g, uint32_t method, uint8_t *old)
{
	const struct group_table *t = &g->tables[method_index(method)];

	memset(old, ASSIGN_NOBODY, ASSIGN_SLOTS_MAX);
	if (ours_is_in_force(g, method))
		old_from_ours(g, t, old);
	else if (!old_from_routers(g, method, old))
		old_from_ours(g, t, old); /* routers that lost everything */
}

/* What is to be in force now; returns how many slots move. */
static unsigned make_table(const struct group *g, uint32_t method, struct group_table *out)
{
	const struct situation *x = &g->situation;
	uint8_t old[ASSIGN_SLOTS_MAX];

	memset(out, 0, sizeof(*out));
	out->n_slots = group_slots(g, method);
	if (method == WCCP_ASSIGN_MASK)
		out->mask = g->mask;
	else
		out->alt = g->conf.alt_buckets;
	out->n_caches = x->n_caches;
	memcpy(out->caches, x->caches, sizeof(out->caches));
	find_old_table(g, method, old);
	return assign_slots(x->weights, x->n_caches, old, out->owners, out->n_slots);
}

static bool table_equal(const struct group_table *a, const struct group_table *b)
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
static bool is_served(const struct group *g, const struct peer *p)
{
	return p->told && p->told_change == p->change_number &&
	       key_equal(&p->key, &g->key);
}

static bool all_are_served(const struct group *g)
{
	for (unsigned i = 0; i < g->n_peers; i++)
		if (peer_is_live(&g->peers[i]) && !is_served(g, &g->peers[i]))
			return false;
	return true;
}

/* Newer than ours, and than what routers remember of us from before a restart. */
static uint32_t next_key_number(const struct group *g)
{
	uint32_t newest = g->key.change_number;

	for (unsigned i = 0; i < g->n_peers; i++) {
		const struct peer *p = &g->peers[i];

		if (peer_is_live(p) && addr_equal(&p->key.cache, &g->conf.self) &&
		    p->key.change_number - newest < UINT32_MAX / 2)
			newest = p->key.change_number;
	}
	return newest + 1;
}

static unsigned routers_by(const struct group *g, uint32_t method)
{
	unsigned n = 0;

	for (unsigned i = 0; i < g->situation.n_live; i++)
		n += g->situation.methods[i] == method;
	return n;
}

static void note_sent(const struct group *g, uint32_t method, struct step *s)
{
	const struct group_table *t = &g->tables[method_index(method)];
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
		     "key %s/%u to %u routers, %u %s move: %s", ADDR_TEXT(&g->key.cache),
		     g->key.change_number, routers_by(g, method),
		     g->moves[method_index(method)],
		     method == WCCP_ASSIGN_MASK ? "mask values" : "buckets", text);
}

/* Shares cannot be fair when there is little to share (2.01 gives no number; four
 * values for each web-cache keep them within a quarter). */
static void note_few_slots(const struct group *g, struct step *s)
{
	const struct group_table *t = &g->tables[method_index(WCCP_ASSIGN_MASK)];
	char text[MASK_TEXT_MAX];

	if (t->n_slots < 4 * t->n_caches)
		actions_complain(s->out, "few-mask-values", NULL,
				 "mask %s has %u values for %u web-caches",
				 mask_text(&g->mask, text), t->n_slots, t->n_caches);
}

static const uint32_t methods[METHODS] = { WCCP_ASSIGN_HASH, WCCP_ASSIGN_MASK };

/* Returns whether one that is in use differs from the newest. */
static bool make_tables(const struct group *g, struct group_table *wanted, unsigned *moves)
{
	bool differs = false;

	for (unsigned i = 0; i < METHODS; i++) {
		memset(&wanted[i], 0, sizeof(wanted[i]));
		if (!routers_by(g, methods[i]))
			continue;
		moves[i] = make_table(g, methods[i], &wanted[i]);
		differs = differs || !table_equal(&wanted[i], &g->tables[i]);
	}
	return differs;
}

static void announce(struct group *g, struct step *s)
{
	for (unsigned i = 0; i < METHODS; i++)
		if (routers_by(g, methods[i]))
			note_sent(g, methods[i], s);
	if (routers_by(g, WCCP_ASSIGN_MASK))
		note_few_slots(g, s);
	group_send_assignment(g, NULL, s);
}

static void assign(struct group *g, struct step *s)
{
	struct group_table wanted[METHODS];
	unsigned moves[METHODS];

	if (!make_tables(g, wanted, moves) && all_are_served(g))
		return;
	g->key.change_number = next_key_number(g);
	for (unsigned i = 0; i < METHODS; i++) {
		/* One that is not in use now is kept: it may be, again. */
		if (!wanted[i].n_slots)
			continue;
		g->tables[i] = wanted[i];
		g->moves[i] = moves[i];
	}
	for (unsigned i = 0; i < g->n_peers; i++) {
		g->peers[i].told = false;
		g->peers[i].assign_quick_left = ASSIGN_QUICK_MAX;
	}
	g->counters.assignments_sent++;
	announce(g, s);
}

/* -- until it is echoed ------------------------------------------------------------------------ */

void peer_check_echo(struct group *g, struct peer *p, struct step *s)
{
	if (!p->told || !peer_is_live(p))
		return;
	if (key_equal(&p->key, &g->key)) {
		if (p->pending)
			actions_note(s->out, NOTE_INFO, "assignment-acknowledged",
				     &p->address,
				     "router %s echoes key %s/%u: %u %s moved, %u ours",
				     ADDR_TEXT(&p->address), ADDR_TEXT(&g->key.cache),
				     g->key.change_number,
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

struct mono peer_assign_deadline(const struct group *g, const struct peer *p)
{
	/* While the membership settles, the table may hold one that is gone. */
	if (!g->designated || !mono_is_never(g->settle_at) || !peer_is_live(p) ||
	    !p->told || !p->pending)
		return MONO_NEVER;
	return p->assign_at;
}

static void repeat(struct group *g, struct peer *p, struct step *s)
{
	g->counters.assignments_resent++;
	actions_note(s->out, NOTE_DEBUG, "assignment-resent", &p->address,
		     "router %s has not echoed key %s/%u: sent again",
		     ADDR_TEXT(&p->address), ADDR_TEXT(&g->key.cache),
		     g->key.change_number);
	group_send_assignment(g, p, s);
}

void group_review(struct group *g, struct step *s)
{
	group_observe(g, s);
	if (mono_due(g->settle_at, s->now)) {
		g->settle_at = MONO_NEVER;
		if (g->lowest && group_takes_the_role(g, s))
			assign(g, s);
	}
	for (unsigned i = 0; i < g->n_peers; i++)
		if (mono_due(peer_assign_deadline(g, &g->peers[i]), s->now))
			repeat(g, &g->peers[i], s);
}
