/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * May the lowest web-cache act as the designated one?  It must hear every router of the
 * group (2.01 section 3.9).  All we know of a router that we do not hear is that other
 * routers list it, because some web-cache reports it (section 5.3.2).
 *
 * If such a router is real, a web-cache that hears it does not see us there, so it
 * takes itself to be designated and will assign 1.5 RB after a change; if we assigned
 * as well, the two would overwrite each other for ever.  But the list may also name
 * phantoms: routers that died a moment ago, or that some web-caches list because they
 * are configured.  Those must not keep the group without a table, which routers flush
 * at 5 RB.
 *
 * So with an unheard router in the lists we wait until 4 RB after the first change.  If
 * another member has assigned by then, we leave the role to it (yielded).  If not, the
 * unheard routers are phantoms: we tolerate them for as long as they are listed,
 * without waiting again.  If another member overwrites our table after all, we were
 * wrong and yield until the membership changes.  That costs at most one superfluous
 * assignment per change.
 *
 * The lowest web-cache may also do nothing at all: it may be another implementation
 * with a fault, or hang except for its timer.  The protocol does not fix how the
 * designated web-cache is chosen; the lowest address is only recommended (2.0 section
 * 4.9), and routers take an assignment from any member.  So if no web-cache has a slot
 * anywhere and none has assigned for 6 RB, which is 1 RB after routers would flush
 * their tables anyway, the next in the order of addresses stands in, and each further
 * one 2 RB later.  It stops as soon as any other web-cache assigns.
 */
#include "core/cache/cache_impl.h"

#include <string.h>

static bool election_hears(const struct cache *c, const struct addr *id)
{
	for (unsigned i = 0; i < c->n_peers; i++)
		if (peer_is_live(&c->peers[i]) && addr_equal(&c->peers[i].said.id, id))
			return true;
	return false;
}

static void election_find_unheard(struct cache *c)
{
	c->n_unheard = 0;
	for (unsigned i = 0; i < c->n_peers; i++) {
		const struct peer *p = &c->peers[i];

		for (unsigned k = 0; peer_is_live(p) && k < p->said.n_routers; k++)
			if (c->n_unheard < WCCP_MAX_ROUTERS &&
			    addr_is_set(&p->said.routers[k]) &&
			    !election_hears(c, &p->said.routers[k]) &&
			    addr_find(c->unheard, c->n_unheard, &p->said.routers[k]) <
				    0)
				c->unheard[c->n_unheard++] = p->said.routers[k];
	}
}

static void election_forget_tolerated(struct cache *c)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < c->n_tolerated; i++)
		if (addr_find(c->unheard, c->n_unheard, &c->tolerated[i]) >= 0)
			c->tolerated[kept++] = c->tolerated[i];
	c->n_tolerated = kept;
}

/* The member that has assigned at `p` since the last change or since our last
 * assignment. */
static const struct addr *election_acting_at(const struct cache *c,
					     const struct peer *p)
{
	if (!peer_is_live(p) || !p->said.key_changed ||
	    addr_equal(&p->said.key.cache, &c->conf.self) ||
	    !cache_conf_allows(&c->conf, &p->said.key.cache))
		return NULL;
	return peer_find_entry(p, &p->said.key.cache) < 0 ? NULL : &p->said.key.cache;
}

static const struct addr *election_acting(const struct designated *d)
{
	const struct addr *a = NULL;

	for (unsigned k = 0; k < d->n; k++)
		for (unsigned i = 0; !a && i < d->pair[k]->n_peers; i++)
			a = election_acting_at(d->pair[k], &d->pair[k]->peers[i]);
	return a;
}

static const struct addr *election_any_unheard(const struct designated *d)
{
	for (unsigned k = 0; k < d->n; k++)
		if (d->pair[k]->n_unheard)
			return &d->pair[k]->unheard[0];
	return NULL;
}

/* Tolerated routers stay in the list while they are unheard. */
static const struct addr *election_any_intolerable(const struct designated *d)
{
	for (unsigned k = 0; k < d->n; k++)
		if (d->pair[k]->n_unheard > d->pair[k]->n_tolerated)
			return &d->pair[k]->unheard[0];
	return NULL;
}

static void election_tolerate(struct designated *d, bool on)
{
	for (unsigned k = 0; k < d->n; k++) {
		struct cache *c = d->pair[k];

		memcpy(c->tolerated, c->unheard, sizeof(c->tolerated));
		c->n_tolerated = on ? c->n_unheard : 0;
	}
}

static void election_yield_to(struct designated *d, const struct addr *other,
			      const struct addr *router, struct step *s)
{
	if (!d->yielded)
		actions_note(s->out, NOTE_WARNING, "yielded", other,
			     "web-cache %s assigns, and hears routers that we do not "
			     "(%s is one): leaving it to that",
			     ADDR_TEXT(other), ADDR_TEXT(router));
	d->yielded = true;
	election_tolerate(d, false);
}

void designated_elect(struct designated *d, struct step *s)
{
	const struct addr *other = election_acting(d), *router;

	for (unsigned k = 0; k < d->n; k++) {
		election_find_unheard(d->pair[k]);
		election_forget_tolerated(d->pair[k]);
	}
	router = election_any_unheard(d);
	if (!d->lowest || !router)
		d->yielded = false;
	else if (other && mono_is_never(d->settle_at) && !d->yielded)
		election_yield_to(d, other, router, s);
	if (d->stands_in && (d->lowest || other))
		d->stands_in = false;
	if (other && addr_equal(other, &d->stood_in_for))
		d->stood_in_for = (struct addr){ 0 }; /* it assigns after all */
	d->is_us = (d->lowest && !d->yielded) || d->stands_in;
}

void designated_watch_keys(struct designated *d)
{
	for (unsigned k = 0; k < d->n; k++)
		for (unsigned i = 0; i < d->pair[k]->n_peers; i++) {
			struct peer *p = &d->pair[k]->peers[i];

			p->said.key_changed = false;
			p->noted.turns.n = 0;
		}
}

int64_t designated_base_time(const struct designated *d)
{
	int64_t longest = 0;

	for (unsigned k = 0; k < d->n; k++)
		for (unsigned i = 0; i < d->pair[k]->n_peers; i++) {
			const struct peer *p = &d->pair[k]->peers[i];
			int64_t rb = (int64_t)p->agreed.t_ms * p->agreed.ra_scale;

			if (peer_is_live(p) && rb > longest)
				longest = rb;
		}
	return longest;
}

/* May we go on without this router, which we do not hear? */
static bool election_go_on_without(struct designated *d, const struct addr *router,
				   struct step *s)
{
	struct mono patience =
		mono_add_ms(d->unsettled_since, 4 * designated_base_time(d));
	const struct addr *other = election_acting(d);

	if (other) {
		election_yield_to(d, other, router, s);
		d->is_us = false;
		return false;
	}
	if (!mono_due(patience, s->now)) {
		d->settle_at = patience;
		return false;
	}
	actions_note(s->out, NOTE_WARNING, "unheard-router", router,
		     "router %s is listed by others and not heard here; nobody else "
		     "assigns: going on without it",
		     ADDR_TEXT(router));
	election_tolerate(d, true);
	return true;
}

bool designated_take_role(struct designated *d, struct step *s)
{
	const struct addr *router = election_any_intolerable(d);

	if (router && !election_go_on_without(d, router, s))
		return false;
	d->yielded = false;
	d->is_us = true;
	designated_watch_keys(d);
	return true;
}

/* -- when the lowest does not assign ------------------------------------------------ */

enum {
	IDLE_RB = 6,	   /* after the first change, without any owner: RB ... */
	IDLE_AGAIN_RB = 3, /* ... for one that we have stood in for: before tables are
			    * flushed */
	IDLE_RANK_RB = 2,  /* more for each web-cache before us, except the lowest */
};

/* Our rank among the web-caches that all routers see; 0: we are the lowest, or not
 * among them. */
static unsigned election_rank(const struct designated *d)
{
	const struct membership *x = &d->membership;
	int at = addr_find(x->caches, x->n_caches, &d->pair[0]->conf.self);

	return at < 0 ? 0 : (unsigned)at;
}

void designated_wait_for_lowest(struct designated *d)
{
	int64_t rb = designated_base_time(d), times = IDLE_RB;
	unsigned rank = election_rank(d);

	if (rank == 0)
		return;
	/* Where web-caches choose T, its own may be longer than ours. */
	if (rb < WCCP_TRANSMIT_T_MS)
		rb = WCCP_TRANSMIT_T_MS;
	if (addr_equal(&d->stood_in_for, &d->membership.caches[0]))
		times = IDLE_AGAIN_RB;
	times += IDLE_RANK_RB * (rank - 1);
	d->idle_at = mono_add_ms(d->unsettled_since, times * rb);
}

static bool election_anybody_has_slots(const struct designated *d)
{
	for (unsigned k = 0; k < d->n; k++)
		for (unsigned i = 0; i < d->pair[k]->n_peers; i++) {
			const struct peer *p = &d->pair[k]->peers[i];

			for (int e = 0; e < (int)p->said.n_entries; e++)
				if (peer_is_live(p) && peer_has_slots(p, e))
					return true;
		}
	return false;
}

bool designated_stand_in(struct designated *d, struct step *s)
{
	const struct addr *lowest = &d->membership.caches[0];
	bool again = addr_equal(&d->stood_in_for, lowest);

	d->idle_at = MONO_NEVER;
	/* If we have stood in for it, the slots they have are those that we gave
	 * them. */
	if (d->lowest || election_rank(d) == 0 || election_acting(d) ||
	    election_any_unheard(d) || (!again && election_anybody_has_slots(d)))
		return false;
	if (!again)
		actions_note(s->out, NOTE_WARNING, "idle-designated", lowest,
			     "web-cache %s has the lowest address that all routers "
			     "see, so it should assign, and has not for %d s: assigning "
			     "in its place until it does",
			     ADDR_TEXT(lowest),
			     (int)(mono_ms_between(d->unsettled_since, s->now) /
				   1000));
	d->stood_in_for = *lowest;
	d->stands_in = d->is_us = true;
	designated_watch_keys(d);
	return true;
}
