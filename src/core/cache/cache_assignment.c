/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The designated web-cache: making an assignment, and repeating it until every router
 * echoes its key.
 */
#include "core/cache/cache_impl.h"

#include <stdio.h>
#include <string.h>

_Static_assert((int)ASSIGN_BUCKETS == (int)WCCP_BUCKETS, "assign.h knows no protocol");

/* -- the table --------------------------------------------------------------------- */

/* Is our newest assignment in force at any router? */
static bool assignment_is_in_force(const struct cache *c, uint32_t method)
{
	for (unsigned i = 0; i < c->n_peers; i++) {
		const struct peer *p = &c->peers[i];

		if (peer_is_live(p) && p->agreed.assign == method && p->assigned.sent &&
		    key_equal(&p->said.key, cache_key(c)))
			return true;
	}
	return false;
}

/* The owner of each slot so far, as an index into the web-caches of the membership.
 * Slots are numbered as in the first of a pair, also where its mirror states them. */
struct history {
	bool any; /* some owner was stated, even if it is gone now */
	uint8_t owners[ASSIGN_SLOTS_MAX];
};

static int assignment_candidate(const struct cache *c, const struct addr *cache)
{
	const struct membership *x = &c->designated->membership;

	return addr_find(x->caches, x->n_caches, cache);
}

static void assignment_old_from_ours(const struct cache *c, uint32_t method,
				     struct history *old)
{
	const struct cache_table *t = &c->tables[method_index(method)];

	for (unsigned i = 0; i < t->n_slots; i++) {
		int at = -1;

		if (t->owners[i] < t->n_caches)
			at = assignment_candidate(c, &t->caches[t->owners[i]]);
		if (at >= 0)
			old->owners[cache_shared_slot(c, method, i)] = (uint8_t)at;
	}
}

static void assignment_old_from_router(const struct cache *c, const struct peer *p,
				       struct history *old)
{
	int candidates[WCCP_MAX_CACHES];

	for (unsigned i = 0; i < p->said.n_entries; i++)
		candidates[i] = assignment_candidate(c, &p->said.entries[i].addr);
	for (unsigned i = 0; i < p->table.n_slots; i++) {
		unsigned slot;

		if (p->table.owners[i] == ASSIGN_NOBODY)
			continue;
		old->any = true;
		slot = cache_shared_slot(c, p->agreed.assign, i);
		if (candidates[p->table.owners[i]] >= 0 &&
		    old->owners[slot] == ASSIGN_NOBODY)
			old->owners[slot] = (uint8_t)candidates[p->table.owners[i]];
	}
}

static void assignment_old_from_routers(const struct cache *c, uint32_t method,
					struct history *old)
{
	for (unsigned i = 0; i < c->n_peers; i++)
		if (peer_is_live(&c->peers[i]) && c->peers[i].agreed.assign == method)
			assignment_old_from_router(c, &c->peers[i], old);
}

/* Fill the gaps in one history from the other. */
static void assignment_complete_history(struct history *h, const struct history *by)
{
	for (unsigned i = 0; i < ASSIGN_SLOTS_MAX; i++)
		if (h->owners[i] == ASSIGN_NOBODY)
			h->owners[i] = by->owners[i];
}

/* Find out where the slots are now in each of the pair, so that few have to move.
 * Our own table counts if it is in force at any router, or if the routers have lost
 * theirs. */
static void assignment_find_old_tables(const struct designated *d, uint32_t method,
				       struct history old[PAIR])
{
	bool ours = false, any = false;

	memset(old, ASSIGN_NOBODY, PAIR * sizeof(*old));
	for (unsigned k = 0; k < d->n; k++)
		ours = ours || assignment_is_in_force(d->pair[k], method);
	for (unsigned k = 0; k < d->n; k++) {
		old[k].any = false;
		if (!ours)
			assignment_old_from_routers(d->pair[k], method, &old[k]);
		any = any || old[k].any;
	}
	if (!any)
		assignment_old_from_ours(d->pair[0], method, &old[0]);
	if (d->n < PAIR)
		old[1] = old[0];
	assignment_complete_history(&old[1], &old[0]);
	assignment_complete_history(&old[0], &old[1]);
}

/* The new table, in the slots of the first.  `moves` gets how many slots move in
 * each of the pair. */
static void assignment_make_table(const struct designated *d, uint32_t method,
				  struct cache_table *out, unsigned moves[PAIR])
{
	const struct membership *x = &d->membership;
	struct history old[PAIR];

	memset(out, 0, sizeof(*out));
	out->n_slots = cache_slots(d->pair[0], method);
	if (method == WCCP_ASSIGN_MASK)
		out->mask = x->mask;
	else
		out->alt = x->alt;
	out->n_caches = x->n_caches;
	memcpy(out->caches, x->caches, sizeof(out->caches));
	assignment_find_old_tables(d, method, old);
	assign_alike(x->weights, x->n_caches, old[0].owners, old[1].owners, out->owners,
		     out->n_slots);
	for (unsigned k = 0; k < PAIR; k++) {
		moves[k] = 0;
		for (unsigned i = 0; i < out->n_slots; i++)
			moves[k] += out->owners[i] != old[k].owners[i];
	}
}

static bool cache_table_equal(const struct cache_table *a, const struct cache_table *b)
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

/* -- the assignment ---------------------------------------------------------------- */

/* Does this router have the newest assignment, and was it made for its present
 * membership? */
static bool assignment_is_served(const struct cache *c, const struct peer *p)
{
	return p->assigned.sent && p->assigned.change_number == p->said.change_number &&
	       key_equal(&p->said.key, cache_key(c));
}

static bool assignment_all_served(const struct cache *c)
{
	for (unsigned i = 0; i < c->n_peers; i++)
		if (peer_is_live(&c->peers[i]) &&
		    !assignment_is_served(c, &c->peers[i]))
			return false;
	return true;
}

/* The newest of our own change numbers, including those that routers remember from
 * before we were restarted. */
static uint32_t assignment_newest_key_number(const struct cache *c, uint32_t newest)
{
	for (unsigned i = 0; i < c->n_peers; i++) {
		const struct peer *p = &c->peers[i];

		if (peer_is_live(p) && addr_equal(&p->said.key.cache, &c->conf.self) &&
		    p->said.key.change_number - newest < UINT32_MAX / 2)
			newest = p->said.key.change_number;
	}
	return newest;
}

static unsigned assignment_routers_by(const struct cache *c, uint32_t method)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->n_peers; i++)
		n += peer_is_live(&c->peers[i]) && c->peers[i].agreed.assign == method;
	return n;
}

static void assignment_note_sent(const struct cache *c, uint32_t method, struct step *s)
{
	const struct cache_table *t = &c->tables[method_index(method)];
	unsigned counts[WCCP_MAX_CACHES];
	char text[WCCP_MAX_CACHES * 24] = "";
	size_t at = 0;

	cache_table_count(t, counts);
	for (unsigned i = 0; i < t->n_caches && at < sizeof(text); i++) {
		int n = snprintf(text + at, sizeof(text) - at, "%s%s %u", i ? ", " : "",
				 ADDR_TEXT(&t->caches[i]), counts[i]);

		at += n > 0 ? (size_t)n : 0;
	}
	actions_note(s->out, NOTE_INFO, "assignment-sent", NULL,
		     "key %s/%u to %u routers, %u %s move: %s",
		     ADDR_TEXT(&cache_key(c)->cache), cache_key(c)->change_number,
		     assignment_routers_by(c, method), c->moves[method_index(method)],
		     method == WCCP_ASSIGN_MASK ? "mask values" : "buckets", text);
}

/* With few values the shares cannot be fair (2.01 gives no number; four values for each
 * web-cache keep the difference within a quarter). */
static void assignment_note_few_slots(const struct cache *c, struct step *s)
{
	const struct cache_table *t = &c->tables[method_index(WCCP_ASSIGN_MASK)];
	char text[MASK_TEXT_MAX];

	if (t->n_slots < 4 * t->n_caches)
		actions_complain(s->out, "few-mask-values", NULL,
				 "mask %s has %u values for %u web-caches",
				 mask_text(&c->mask, text), t->n_slots, t->n_caches);
}

static const uint32_t methods[METHODS] = { WCCP_ASSIGN_HASH, WCCP_ASSIGN_MASK };

/* The new table of one method, and how many slots it moves in each of the pair. */
struct proposal {
	struct cache_table shared;
	unsigned moves[PAIR];
};

/* Returns whether a proposed table differs from the newest one. */
static bool assignment_propose(const struct designated *d, struct proposal *proposals)
{
	bool differs = false;

	for (unsigned i = 0; i < METHODS; i++) {
		bool used = false;

		proposals[i].shared.n_slots = 0;
		for (unsigned k = 0; k < d->n; k++)
			used = used || assignment_routers_by(d->pair[k], methods[i]);
		if (!used)
			continue;
		assignment_make_table(d, methods[i], &proposals[i].shared,
				      proposals[i].moves);
		differs = differs || !cache_table_equal(&proposals[i].shared,
							&d->pair[0]->tables[i]);
	}
	return differs;
}

static void assignment_adopt(struct cache *c, unsigned which,
			     const struct proposal *proposals)
{
	for (unsigned i = 0; i < METHODS; i++) {
		/* Keep the table of a method that is not in use now: it may be used
		 * again. */
		if (!proposals[i].shared.n_slots)
			continue;
		cache_own_table(c, &proposals[i].shared, &c->tables[i]);
		c->moves[i] = proposals[i].moves[which];
	}
	for (unsigned i = 0; i < c->n_peers; i++) {
		c->peers[i].assigned.sent = false;
		c->peers[i].assigned.quick_left = ASSIGN_QUICK_MAX;
	}
	cache_mark(c, DIRTY_TABLE);
	c->counters.assignments_sent++;
}

/* Both of a pair get the same table under the same key. */
static void assignment_make(struct designated *d)
{
	struct proposal proposals[METHODS];
	bool served = true;

	for (unsigned k = 0; k < d->n; k++)
		served = served && assignment_all_served(d->pair[k]);
	if (!assignment_propose(d, proposals) && served)
		return;
	for (unsigned k = 0; k < d->n; k++)
		d->key.change_number =
			assignment_newest_key_number(d->pair[k], d->key.change_number);
	d->key.change_number++;
	for (unsigned k = 0; k < d->n; k++)
		assignment_adopt(d->pair[k], k, proposals);
}

static void assignment_announce(struct cache *c, struct step *s)
{
	for (unsigned i = 0; i < METHODS; i++)
		if (assignment_routers_by(c, methods[i]))
			assignment_note_sent(c, methods[i], s);
	if (assignment_routers_by(c, WCCP_ASSIGN_MASK))
		assignment_note_few_slots(c, s);
	cache_send_assignment(c, NULL, s);
}

/* -- until it is echoed ------------------------------------------------------------ */

void peer_check_echo(struct cache *c, struct peer *p, struct step *s)
{
	if (!p->assigned.sent || !peer_is_live(p))
		return;
	if (key_equal(&p->said.key, cache_key(c))) {
		if (p->assigned.unacknowledged)
			actions_note(
				s->out, NOTE_INFO, "assignment-acknowledged",
				&p->address,
				"router %s echoes key %s/%u: %u %s moved, %u ours",
				ADDR_TEXT(&p->address), ADDR_TEXT(&cache_key(c)->cache),
				cache_key(c)->change_number,
				c->moves[method_index(p->agreed.assign)],
				p->agreed.assign == WCCP_ASSIGN_MASK ? "mask values"
								     : "buckets",
				peer_slots_of(p, peer_find_entry(p, &c->conf.self)));
		p->assigned.unacknowledged = false;
		p->assigned.quick_left = ASSIGN_QUICK_MAX;
		return;
	}
	/* The assignment was lost, or the receive id in it was stale; now there is a
	 * fresh one.  But this answer may have been under way already, so limit how
	 * often it is sent again at once. */
	p->assigned.unacknowledged = true;
	if (p->assigned.quick_left > 0) {
		p->assigned.quick_left--;
		p->assigned.repeat_at =
			mono_add_ms(p->assigned.sent_at, p->agreed.t_ms / 10);
	}
}

struct mono peer_assign_deadline(const struct cache *c, const struct peer *p)
{
	/* While the membership settles, the table may name a web-cache that is gone. */
	if (!c->designated->is_us || !mono_is_never(c->designated->settle_at) ||
	    !peer_is_live(p) || !p->assigned.sent || !p->assigned.unacknowledged)
		return MONO_NEVER;
	return p->assigned.repeat_at;
}

static void assignment_repeat(struct cache *c, struct peer *p, struct step *s)
{
	c->counters.assignments_resent++;
	actions_note(s->out, NOTE_DEBUG, "assignment-resent", &p->address,
		     "router %s has not echoed key %s/%u: sent again",
		     ADDR_TEXT(&p->address), ADDR_TEXT(&cache_key(c)->cache),
		     cache_key(c)->change_number);
	cache_send_assignment(c, p, s);
}

/* Note this once, and only if it is still so when the membership has settled. */
static void assignment_note_split(struct designated *d, struct step *s)
{
	const char *why = designated_split(d, &d->membership);

	if (why && !d->said_split)
		actions_note(s->out, NOTE_WARNING, "pair-split", NULL,
			     "%s: neither is assigned to anybody", why);
	d->said_split = why;
}

static void assignment_decide(struct designated *d, struct step *s)
{
	d->settle_at = MONO_NEVER;
	for (unsigned k = 0; k < d->n; k++)
		cache_mark(d->pair[k],
			   DIRTY_VIEW); /* the election may have another result */
	assignment_note_split(d, s);
	if (!d->lowest)
		designated_wait_for_lowest(d);
	else if (designated_take_role(d, s))
		assignment_make(d);
}

void cache_review_assignment(struct cache *c, struct step *s)
{
	struct designated *d = c->designated;

	if (mono_due(d->settle_at, s->now))
		assignment_decide(d, s);
	if (mono_due(d->idle_at, s->now) && designated_stand_in(d, s))
		assignment_make(d);
	if (cache_take_mark(c, DIRTY_TABLE))
		assignment_announce(c, s);
	for (unsigned i = 0; i < c->n_peers; i++)
		if (mono_due(peer_assign_deadline(c, &c->peers[i]), s->now))
			assignment_repeat(c, &c->peers[i], s);
}
