/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * May the lowest web-cache act as the designated one?  It must hear every router of
 * the group (2.01 section 3.9), and all we know of routers that we do not hear is
 * that others are said to: each router lists those that web-caches report (section
 * 5.3.2).
 *
 * If such a router is real, a web-cache that hears it does not see us at it, hence
 * holds itself designated and will assign 1.5 RB after a change; to assign as well
 * would be a fight that never ends.  But the list may also name phantoms: routers
 * that died a moment ago, or that some web-caches list because they are configured.
 * Those must not keep the group without a table, which routers flush at 5 RB.
 *
 * So: with an unheard router in the lists we wait until 4 RB after the first change.
 * Has another member assigned by then, the role is its (yielded).  If not, the
 * unheard ones are phantoms: tolerated for as long as they are listed, without
 * waiting again.  If one assigns over our table after all, we were wrong and yield
 * until the membership changes.  At most one superfluous assignment per change.
 */
#include "core/cache/cache_impl.h"

#include <string.h>

static bool hears(const struct cache *g, const struct addr *id)
{
	for (unsigned i = 0; i < g->n_peers; i++)
		if (peer_is_live(&g->peers[i]) && addr_equal(&g->peers[i].id, id))
			return true;
	return false;
}

static void find_unheard(struct cache *g)
{
	g->n_unheard = 0;
	for (unsigned i = 0; i < g->n_peers; i++) {
		const struct peer *p = &g->peers[i];

		for (unsigned k = 0; peer_is_live(p) && k < p->n_routers; k++)
			if (g->n_unheard < WCCP_MAX_ROUTERS &&
			    addr_is_set(&p->routers[k]) && !hears(g, &p->routers[k]) &&
			    addr_find(g->unheard, g->n_unheard, &p->routers[k]) < 0)
				g->unheard[g->n_unheard++] = p->routers[k];
	}
}

static void forget_tolerated(struct cache *g)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < g->n_tolerated; i++)
		if (addr_find(g->unheard, g->n_unheard, &g->tolerated[i]) >= 0)
			g->tolerated[kept++] = g->tolerated[i];
	g->n_tolerated = kept;
}

/* The member that has assigned at `p` since the last change, or our last assignment. */
static const struct addr *acting_at(const struct cache *g, const struct peer *p)
{
	if (!peer_is_live(p) || !p->rekeyed ||
	    addr_equal(&p->key.cache, &g->conf.self) ||
	    !cache_conf_allows(&g->conf, &p->key.cache))
		return NULL;
	return peer_find_fellow(p, &p->key.cache) < 0 ? NULL : &p->key.cache;
}

static const struct addr *acting(const struct council *c)
{
	const struct addr *a = NULL;

	for (unsigned k = 0; k < c->n; k++)
		for (unsigned i = 0; !a && i < c->groups[k]->n_peers; i++)
			a = acting_at(c->groups[k], &c->groups[k]->peers[i]);
	return a;
}

static const struct addr *any_unheard(const struct council *c)
{
	for (unsigned k = 0; k < c->n; k++)
		if (c->groups[k]->n_unheard)
			return &c->groups[k]->unheard[0];
	return NULL;
}

/* Tolerated ones stay in the list while they are unheard. */
static const struct addr *any_intolerable(const struct council *c)
{
	for (unsigned k = 0; k < c->n; k++)
		if (c->groups[k]->n_unheard > c->groups[k]->n_tolerated)
			return &c->groups[k]->unheard[0];
	return NULL;
}

static void tolerate(struct council *c, bool on)
{
	for (unsigned k = 0; k < c->n; k++) {
		struct cache *g = c->groups[k];

		memcpy(g->tolerated, g->unheard, sizeof(g->tolerated));
		g->n_tolerated = on ? g->n_unheard : 0;
	}
}

static void yield_to(struct council *c, const struct addr *other,
		     const struct addr *router, struct step *s)
{
	if (!c->yielded)
		actions_note(s->out, NOTE_WARNING, "yielded", other,
			     "web-cache %s assigns, and hears routers that we do not "
			     "(%s is one): leaving it to that",
			     ADDR_TEXT(other), ADDR_TEXT(router));
	c->yielded = true;
	tolerate(c, false);
}

void council_elect(struct council *c, struct step *s)
{
	const struct addr *other = acting(c), *router;

	for (unsigned k = 0; k < c->n; k++) {
		find_unheard(c->groups[k]);
		forget_tolerated(c->groups[k]);
	}
	router = any_unheard(c);
	if (!c->lowest || !router)
		c->yielded = false;
	else if (other && mono_is_never(c->settle_at) && !c->yielded)
		yield_to(c, other, router, s);
	c->designated = c->lowest && !c->yielded;
}

void council_watch_keys(struct council *c)
{
	for (unsigned k = 0; k < c->n; k++)
		for (unsigned i = 0; i < c->groups[k]->n_peers; i++)
			c->groups[k]->peers[i].rekeyed = false;
}

/* May we go on without this one, which is not heard? */
static bool goes_on_without(struct council *c, const struct addr *router, struct step *s)
{
	struct mono patience =
		mono_add_ms(c->unsettled_since, 4 * council_base_time(c));
	const struct addr *other = acting(c);

	if (other) {
		yield_to(c, other, router, s);
		c->designated = false;
		return false;
	}
	if (!mono_due(patience, s->now)) {
		c->settle_at = patience;
		return false;
	}
	actions_note(s->out, NOTE_WARNING, "unheard-router", router,
		     "router %s is listed by others and not heard here; nobody else "
		     "assigns: going on without it",
		     ADDR_TEXT(router));
	tolerate(c, true);
	return true;
}

bool council_takes_the_role(struct council *c, struct step *s)
{
	const struct addr *router = any_intolerable(c);

	if (router && !goes_on_without(c, router, s))
		return false;
	c->yielded = false;
	c->designated = true;
	council_watch_keys(c);
	return true;
}
