/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The designated web-cache: who it is, when a new assignment is due, what is in
 * it, and repeating it until every router echoes its key.
 */
#include "group_impl.h"

#include <stdio.h>
#include <string.h>

/* -- the situation ------------------------------------------------------------------------- */

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
	for (unsigned i = 0; i < g->n_peers; i++) {
		const struct peer *p = &g->peers[i];

		if (!peer_is_live(p) || x->n_live == WCCP_MAX_ROUTERS)
			continue;
		if (!first)
			first = p;
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
		    !addr_equal(&a->live[i].id, &b->live[i].id))
			return false;
	for (unsigned i = 0; i < a->n_caches; i++)
		if (a->weights[i] != b->weights[i] ||
		    !addr_equal(&a->caches[i], &b->caches[i]))
			return false;
	return true;
}

/* RB, the redirect-assign base time: of the slowest live router, in ms. */
static int64_t base_time(const struct group *g)
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
	int64_t rb = base_time(g);

	if (g->situation.n_live == 0) {
		g->settle_at = MONO_NEVER;
		return;
	}
	if (mono_is_never(g->settle_at))
		g->unsettled_since = now;
	g->settle_at = mono_min(mono_add_ms(now, rb * 3 / 2),
				mono_add_ms(g->unsettled_since, rb * 3));
}

/* -- the table -------------------------------------------------------------------------------- */

/* Is the newest table made here in force at a router? */
static bool our_table_is_in_force(const struct group *g)
{
	for (unsigned i = 0; g->have_table && i < g->n_peers; i++) {
		const struct peer *p = &g->peers[i];

		if (peer_is_live(p) && p->told && key_equal(&p->key, &g->key))
			return true;
	}
	return false;
}

static void old_from_ours(const struct group *g, struct assign_table *old)
{
	const struct situation *x = &g->situation;

	for (unsigned b = 0; b < WCCP_BUCKETS; b++) {
		int at = -1;

		if (g->table.buckets[b] < g->table.n_caches)
			at = addr_find(x->caches, x->n_caches,
				       &g->table.caches[g->table.buckets[b]]);
		old->owners[b] = at < 0 ? ASSIGN_NOBODY : (uint8_t)at;
	}
}

/* Returns whether any router stated an owner of any bucket. */
static bool old_from_routers(const struct group *g, struct assign_table *old)
{
	const struct situation *x = &g->situation;
	bool any = false;

	for (unsigned i = 0; i < g->n_peers; i++) {
		const struct peer *p = &g->peers[i];

		for (unsigned b = 0; peer_is_live(p) && b < WCCP_BUCKETS; b++) {
			int at;

			if (p->owners[b] == ASSIGN_NOBODY)
				continue;
			any = true;
			at = addr_find(x->caches, x->n_caches,
				       &p->fellows[p->owners[b]].addr);
			if (at >= 0 && old->owners[b] == ASSIGN_NOBODY)
				old->owners[b] = (uint8_t)at;
		}
	}
	return any;
}

/* Where the buckets are now, so that few of them have to move. */
static void find_old_table(const struct group *g, struct assign_table *old)
{
	memset(old->owners, ASSIGN_NOBODY, sizeof(old->owners));
	if (our_table_is_in_force(g))
		old_from_ours(g, old);
	else if (!old_from_routers(g, old) && g->have_table)
		old_from_ours(g, old); /* routers that lost everything */
}

static bool table_is(const struct group *g, const struct assign_table *wanted)
{
	const struct situation *x = &g->situation;

	if (!g->have_table || g->table.n_caches != x->n_caches)
		return false;
	for (unsigned i = 0; i < x->n_caches; i++)
		if (!addr_equal(&g->table.caches[i], &x->caches[i]))
			return false;
	return memcmp(g->table.buckets, wanted->owners, WCCP_BUCKETS) == 0;
}

static void set_table(struct group *g, const struct assign_table *wanted)
{
	const struct situation *x = &g->situation;

	g->have_table = true;
	g->table.n_caches = x->n_caches;
	memcpy(g->table.caches, x->caches, sizeof(g->table.caches));
	memcpy(g->table.buckets, wanted->owners, WCCP_BUCKETS);
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

static void note_sent(const struct group *g, struct step *s)
{
	char text[WCCP_MAX_CACHES * 24] = "";
	struct assign_table t;
	size_t at = 0;

	memcpy(t.owners, g->table.buckets, sizeof(t.owners));
	for (unsigned i = 0; i < g->table.n_caches && at < sizeof(text); i++) {
		int n = snprintf(text + at, sizeof(text) - at, "%s%s %u", i ? ", " : "",
				 ADDR_TEXT(&g->table.caches[i]), assign_count(&t, i));

		at += n > 0 ? (size_t)n : 0;
	}
	actions_note(s->out, NOTE_INFO, "assignment-sent", NULL,
		     "key %s/%u to %u routers, %u buckets move: %s",
		     ADDR_TEXT(&g->key.cache), g->key.change_number, g->situation.n_live,
		     g->moves, text);
}

static void assign(struct group *g, struct step *s)
{
	const struct situation *x = &g->situation;
	struct assign_table old, wanted;
	unsigned moves;

	find_old_table(g, &old);
	moves = assign_buckets(x->weights, x->n_caches, &old, &wanted);
	if (all_are_served(g) && table_is(g, &wanted))
		return;
	g->key.change_number = next_key_number(g);
	g->moves = moves;
	set_table(g, &wanted);
	for (unsigned i = 0; i < g->n_peers; i++) {
		g->peers[i].told = false;
		g->peers[i].assign_quick_left = ASSIGN_QUICK_MAX;
	}
	g->counters.assignments_sent++;
	note_sent(g, s);
	group_send_assignment(g, NULL, s);
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
				     "router %s echoes key %s/%u: %u buckets moved, %u ours",
				     ADDR_TEXT(&p->address), ADDR_TEXT(&g->key.cache),
				     g->key.change_number, g->moves,
				     peer_buckets_of(p, peer_find_fellow(p, &g->conf.self)));
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
	struct situation x;

	observe(g, &x);
	g->designated = x.n_caches > 0 && addr_equal(&x.caches[0], &g->conf.self);
	if (!same_situation(&x, &g->situation)) {
		g->situation = x;
		note_change(g, s->now);
	}
	if (mono_due(g->settle_at, s->now)) {
		g->settle_at = MONO_NEVER;
		if (g->designated)
			assign(g, s);
	}
	for (unsigned i = 0; i < g->n_peers; i++)
		if (mono_due(peer_assign_deadline(g, &g->peers[i]), s->now))
			repeat(g, &g->peers[i], s);
}
