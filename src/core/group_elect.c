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
#include "group_impl.h"

#include <string.h>

static bool hears(const struct group *g, const struct addr *id)
{
	for (unsigned i = 0; i < g->n_peers; i++)
		if (peer_is_live(&g->peers[i]) && addr_equal(&g->peers[i].id, id))
			return true;
	return false;
}

static void find_unheard(struct group *g)
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

static void forget_tolerated(struct group *g)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < g->n_tolerated; i++)
		if (addr_find(g->unheard, g->n_unheard, &g->tolerated[i]) >= 0)
			g->tolerated[kept++] = g->tolerated[i];
	g->n_tolerated = kept;
}

/* The member that has assigned at `p` since the last change, or our last assignment. */
static const struct addr *acting_at(const struct group *g, const struct peer *p)
{
	if (!peer_is_live(p) || !p->rekeyed || addr_equal(&p->key.cache, &g->conf.self))
		return NULL;
	return peer_find_fellow(p, &p->key.cache) < 0 ? NULL : &p->key.cache;
}

static const struct addr *acting(const struct group *g)
{
	const struct addr *a = NULL;

	for (unsigned i = 0; !a && i < g->n_peers; i++)
		a = acting_at(g, &g->peers[i]);
	return a;
}

static void yield_to(struct group *g, const struct addr *other, struct step *s)
{
	if (!g->yielded)
		actions_note(s->out, NOTE_WARNING, "yielded", other,
			     "web-cache %s assigns, and hears routers that we do not "
			     "(%s is one): leaving it to that",
			     ADDR_TEXT(other), ADDR_TEXT(&g->unheard[0]));
	g->yielded = true;
	g->n_tolerated = 0;
}

void group_elect(struct group *g, struct step *s)
{
	const struct addr *other = acting(g);

	find_unheard(g);
	forget_tolerated(g);
	if (!g->lowest || !g->n_unheard)
		g->yielded = false;
	else if (other && mono_is_never(g->settle_at) && !g->yielded)
		yield_to(g, other, s);
	g->designated = g->lowest && !g->yielded;
}

void group_watch_keys(struct group *g)
{
	for (unsigned i = 0; i < g->n_peers; i++)
		g->peers[i].rekeyed = false;
}

bool group_takes_the_role(struct group *g, struct step *s)
{
	struct mono patience = mono_add_ms(g->unsettled_since, 4 * group_base_time(g));
	const struct addr *other = acting(g);

	if (g->n_unheard > g->n_tolerated) {
		if (other) {
			yield_to(g, other, s);
			g->designated = false;
			return false;
		}
		if (!mono_due(patience, s->now)) {
			g->settle_at = patience;
			return false;
		}
		actions_note(s->out, NOTE_WARNING, "unheard-router", &g->unheard[0],
			     "router %s is listed by others and not heard here; nobody "
			     "else assigns: going on without it",
			     ADDR_TEXT(&g->unheard[0]));
		memcpy(g->tolerated, g->unheard, sizeof(g->tolerated));
		g->n_tolerated = g->n_unheard;
	}
	g->yielded = false;
	g->designated = true;
	group_watch_keys(g);
	return true;
}
