/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What other web-caches can do to spoil the division of traffic although every message
 * is correct: weights on another scale, and two that assign at the same time.  Nothing
 * here can cure that, so it is logged.
 */
#include "core/cache/cache_impl.h"

#include <string.h>

bool cache_conf_allows(const struct cache_conf *conf, const struct addr *cache)
{
	return !conf->n_allowed ||
	       addr_find(conf->allowed, conf->n_allowed, cache) >= 0;
}

enum {
	/* Weights that differ by more than this factor leave one of the two with
	 * next to nothing.  A box with few of its many instances left stays well
	 * below it. */
	UNLIKE_TIMES = 32,
	/* The table has to change hands this often before we call it a conflict ... */
	TURNS_MANY = 3,
	/* ... with fewer than this many T in between. */
	TURNS_APART_T = 10,
};

/* -- weights ----------------------------------------------------------------------- */

/* Our own weight is 0 only if we want no traffic. */
static bool others_weigh_unlike(uint16_t ours, uint16_t theirs)
{
	return ours > 0 &&
	       (ours > UNLIKE_TIMES * theirs || theirs > UNLIKE_TIMES * ours);
}

/* The weight that a live router lists with an assignment, of either method; -1: none
 * does. */
static int others_weight_of(const struct cache *c, const struct addr *cache)
{
	for (unsigned i = 0; i < c->n_peers; i++) {
		const struct peer *p = &c->peers[i];
		int at = peer_is_live(p) ? peer_find_entry(p, cache) : -1;

		if (at >= 0 && p->said.entries[at].method)
			return p->said.entries[at].weight;
	}
	return -1;
}

static bool others_has_noted(const struct cache *c, const struct noted_weight *w)
{
	for (unsigned i = 0; i < c->n_noted_weights; i++)
		if (c->noted_weights[i].theirs == w->theirs &&
		    addr_equal(&c->noted_weights[i].cache, &w->cache))
			return true;
	return false;
}

static void others_complain_of_weight(const struct cache *c,
				      const struct noted_weight *w, struct step *s)
{
	if (w->theirs == 0)
		actions_complain(
			s->out, "unlike-weight", &w->cache,
			"web-cache %s states weight 0 beside our %u: it gets nothing "
			"while others have a weight.  Give it one; where it has no "
			"such setting, do not mix it with others in a group",
			ADDR_TEXT(&w->cache), c->weight);
	else
		actions_complain(
			s->out, "unlike-weight", &w->cache,
			"web-cache %s states weight %u beside our %u, so %s gets next "
			"to nothing.  Set weight = %u for this service here, or %u "
			"there (Squid: wccp2_weight)",
			ADDR_TEXT(&w->cache), w->theirs, c->weight,
			w->theirs > c->weight ? "this box" : "it", w->theirs,
			c->weight);
}

/* Which of the web-caches in the view have had a weight above 0 since they came? */
static void others_note_weighed(struct cache *c)
{
	struct addr now[WCCP_MAX_CACHES];
	unsigned n = 0;

	for (unsigned i = 0; i < c->view.n_caches; i++) {
		const struct addr *cache = &c->view.caches[i];

		if (others_weight_of(c, cache) > 0 ||
		    addr_find(c->weighed, c->n_weighed, cache) >= 0)
			now[n++] = *cache;
	}
	memcpy(c->weighed, now, n * sizeof(now[0]));
	c->n_weighed = n;
}

/* One that had a weight and now has 0 is being drained. */
static void others_tell_weight(const struct cache *c, const struct noted_weight *w,
			       struct step *s)
{
	if (w->theirs == 0 && addr_find(c->weighed, c->n_weighed, &w->cache) >= 0)
		actions_note(s->out, NOTE_INFO, "other-drains", &w->cache,
			     "web-cache %s states weight 0 now: it is being drained",
			     ADDR_TEXT(&w->cache));
	else
		others_complain_of_weight(c, w, s);
}

/* Complain of each one when it appears, when its weight changes, and when it comes
 * back. */
void cache_note_weights(struct cache *c, struct step *s)
{
	struct noted_weight now[WCCP_MAX_CACHES];
	unsigned n = 0;

	others_note_weighed(c);
	for (unsigned i = 0; c->up && i < c->view.n_caches; i++) {
		struct noted_weight w = { .cache = c->view.caches[i] };
		int weight = others_weight_of(c, &w.cache);

		w.theirs = (uint16_t)weight;
		if (weight < 0 || addr_equal(&w.cache, &c->conf.self) ||
		    !cache_conf_allows(&c->conf, &w.cache) ||
		    !others_weigh_unlike(c->weight, w.theirs))
			continue;
		now[n++] = w;
		if (!others_has_noted(c, &w))
			others_tell_weight(c, &w, s);
	}
	memcpy(c->noted_weights, now, n * sizeof(now[0]));
	c->n_noted_weights = n;
}

/* -- two that assign ---------------------------------------------------------------- */

static void others_complain_of_turns(const struct cache *c, const struct peer *p,
				     const struct addr *a, const struct addr *b,
				     struct step *s)
{
	const struct membership *x = &c->designated->membership;
	const struct addr *rival =
		x->n_caches && addr_equal(b, &x->caches[0]) ? a : b;
	const struct addr *other = rival == a ? b : a;

	actions_complain(s->out, "rival-assigns", rival,
			 "router %s: its table is assigned by web-cache %s and by "
			 "web-cache %s in turn, and moves each time.  The one of the "
			 "lowest address that all routers see is to assign, %s: see "
			 "why %s does not leave it to that (another version, other "
			 "routers, a list of web-caches)",
			 ADDR_TEXT(&p->address), ADDR_TEXT(other), ADDR_TEXT(rival),
			 x->n_caches ? ADDR_TEXT(&x->caches[0]) : "whichever it is",
			 ADDR_TEXT(rival));
}

void peer_note_turns(const struct cache *c, struct peer *p, const struct wccp_key *key,
		     struct step *s)
{
	const struct addr *before = &p->said.key.cache;
	struct peer_turns *t = &p->noted.turns;
	int64_t apart = (int64_t)TURNS_APART_T * p->agreed.t_ms;

	if (!peer_is_live(p) || !addr_is_set(before) || !addr_is_set(&key->cache) ||
	    addr_equal(before, &key->cache))
		return;
	if (t->n > 0 && mono_due(mono_add_ms(t->last, apart), s->now))
		*t = (struct peer_turns){ .n = 0 };
	t->n++;
	t->last = s->now;
	if (t->n >= TURNS_MANY && reminder_due(&t->reminder, s->now))
		others_complain_of_turns(c, p, before, &key->cache, s);
}
