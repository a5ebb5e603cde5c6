/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A group with a multicast address (2.01 section 3.1): one HERE_I_AM every T lists
 * all routers heard, each with its receive id, and one REDIRECT_ASSIGN is for all.
 * Routers are not configured but met: by an I_SEE_YOU that lists us.
 *
 * One message has one Capabilities component and one version, so what is chosen
 * must suit every router of the group (group_agree.c, cache_version.c).
 *
 * Unicast remain the answers to a REMOVAL_QUERY (section 3.14 says so) and the
 * SHUTDOWN for one router that the configuration does not allow any more.
 */
#include "core/cache/cache_impl.h"

enum {
	/* Routers that answer within this time are listed by one HERE_I_AM. */
	GATHER_MS = 50,
	/* A router silent for its time-out and this many more of T is forgotten. */
	FORGET_T = 30,
};

/* -- the routers met ---------------------------------------------------------------- */

bool cache_admits(const struct cache *g, const struct addr *router)
{
	const struct cache_conf *c = &g->conf;

	if (!cache_is_multicast(g))
		return false;
	return !c->n_routers || addr_find(c->routers, c->n_routers, router) >= 0;
}

/* One that is not heard, the first to be forgotten. */
static struct peer *most_forgettable(struct cache *g)
{
	struct peer *found = NULL;

	for (unsigned i = 0; i < g->n_peers; i++) {
		struct peer *p = &g->peers[i];

		if (mono_is_never(p->forget_at) || p->removed)
			continue;
		if (!found || mono_before(p->forget_at, found->forget_at))
			found = p;
	}
	return found;
}

static unsigned count_present(const struct cache *g)
{
	unsigned n = 0;

	for (unsigned i = 0; i < g->n_peers; i++)
		n += !g->peers[i].removed;
	return n;
}

static void forget(struct cache *g, struct peer *p, const char *why, struct step *s)
{
	actions_note(s->out, NOTE_INFO, "forgotten", &p->address, "router %s: forgotten: %s",
		     ADDR_TEXT(&p->address), why);
	cache_remove_peer(g, p);
}

struct peer *cache_meet(struct cache *g, const struct addr *router, struct step *s)
{
	if (count_present(g) >= WCCP_MAX_ROUTERS) {
		struct peer *victim = most_forgettable(g);

		if (!victim) {
			g->counters.table_full++;
			actions_complain(s->out, "table-full", router,
					 "router %s refused: there are %d already",
					 ADDR_TEXT(router), WCCP_MAX_ROUTERS);
			return NULL;
		}
		forget(g, victim, "another takes its place", s);
	}
	return cache_add_peer(g, router, s->now);
}

void peer_forget_later(const struct cache *g, struct peer *p, struct mono now)
{
	if (cache_is_multicast(g))
		p->forget_at = mono_add_ms(now, FORGET_T * (int64_t)p->t_ms);
}

static void forget_the_silent(struct cache *g, struct step *s)
{
	for (unsigned i = 0; i < g->n_peers; i++)
		if (mono_due(g->peers[i].forget_at, s->now))
			forget(g, &g->peers[i--], "silent for long", s);
}

/* -- one choice for all ------------------------------------------------------------------ */

/* With the defaults of what it does not mention. */
static struct wccp_capabilities in_full(const struct wccp_capabilities *offer)
{
	struct wccp_capabilities c = *offer;

	if (!(c.present >> WCCP_CAP_FORWARD & 1))
		c.forward = WCCP_METHOD_GRE;
	if (!(c.present >> WCCP_CAP_RETURN & 1))
		c.ret = WCCP_METHOD_GRE;
	if (!(c.present >> WCCP_CAP_ASSIGN & 1))
		c.assign = WCCP_ASSIGN_HASH;
	if (!(c.present >> WCCP_CAP_TRANSMIT_T & 1))
		c.transmit_t = (struct wccp_cap_transmit_t){ false, WCCP_TRANSMIT_T_MS,
							     WCCP_TRANSMIT_T_MS };
	if (!(c.present >> WCCP_CAP_TIMER_SCALE & 1))
		c.timer_scale = (struct wccp_cap_timer_scale){ false, 1, 1, 1, 1 };
	return c;
}

static uint16_t higher(uint16_t a, uint16_t b)
{
	return a > b ? a : b;
}

static uint16_t lower(uint16_t a, uint16_t b)
{
	return a < b ? a : b;
}

static void narrow(struct wccp_capabilities *c, const struct wccp_capabilities *by)
{
	struct wccp_cap_transmit_t *t = &c->transmit_t;
	struct wccp_cap_timer_scale *k = &c->timer_scale;
	const struct wccp_cap_timer_scale *bk = &by->timer_scale;

	c->present |= by->present;
	c->forward &= by->forward;
	c->ret &= by->ret;
	c->assign &= by->assign;
	t->lower_ms = higher(t->lower_ms, by->transmit_t.lower_ms);
	t->upper_ms = lower(t->upper_ms, by->transmit_t.upper_ms);
	k->timeout_lower = (uint8_t)higher(k->timeout_lower, bk->timeout_lower);
	k->timeout_upper = (uint8_t)lower(k->timeout_upper, bk->timeout_upper);
	k->ra_lower = (uint8_t)higher(k->ra_lower, bk->ra_lower);
	k->ra_upper = (uint8_t)lower(k->ra_upper, bk->ra_upper);
}

void peer_set_terms(const struct cache *g, struct peer *p)
{
	p->terms = p->offer;
	if (!cache_is_multicast(g))
		return;
	p->terms = in_full(&p->offer);
	for (unsigned i = 0; i < g->n_peers; i++) {
		const struct peer *other = &g->peers[i];
		struct wccp_capabilities by;

		if (other == p || !other->listed)
			continue;
		by = in_full(&other->offer);
		narrow(&p->terms, &by);
		if (p->forward)
			continue;
		p->forward = other->forward; /* one choice, kept while it can be */
		p->ret = other->ret;
		peer_set_assign(p, other->assign);
	}
}

void cache_share_choice(struct cache *g, const struct peer *p)
{
	for (unsigned i = 0; cache_is_multicast(g) && i < g->n_peers; i++) {
		struct peer *other = &g->peers[i];

		if (other == p || !other->listed)
			continue;
		other->terms = p->terms;
		other->forward = p->forward;
		other->ret = p->ret;
		peer_set_assign(other, p->assign);
		other->t_ms = p->t_ms;
		other->timeout_scale = p->timeout_scale;
		other->ra_scale = p->ra_scale;
	}
}

/* -- HERE_I_AMs ------------------------------------------------------------------------- */

/* The largest agreed, so that no router is told more often than it said; when all
 * are lost, what they had said, and before the first answer the default (2.01
 * section 3.1). */
static uint32_t transmit_t(const struct cache *g)
{
	uint32_t listed = 0, heard = 0;

	for (unsigned i = 0; i < g->n_peers; i++) {
		const struct peer *p = &g->peers[i];

		if (p->listed && p->t_ms > listed)
			listed = p->t_ms;
		if (p->heard && p->t_ms > heard)
			heard = p->t_ms;
	}
	if (listed)
		return listed;
	return heard ? heard : WCCP_TRANSMIT_T_MS;
}

void cache_multicast_soon(struct cache *g, struct mono now)
{
	struct mono at = mono_add_ms(now, GATHER_MS);
	struct mono earliest = mono_add_ms(g->cast.hello_sent, transmit_t(g) / 10);

	if (g->cast.leaving || mono_is_never(g->cast.hello_at))
		return;
	if (g->cast.any_sent && mono_before(at, earliest))
		at = earliest;
	g->cast.hello_at = mono_min(g->cast.hello_at, at);
}

void cache_multicast_start(struct cache *g, struct step *s)
{
	const char *problem = cache_version_problem(g);

	g->cast = (struct cast){ .hello_at = s->now };
	if (!problem)
		return;
	g->cast.hello_at = MONO_NEVER;
	actions_note(s->out, NOTE_WARNING, "mismatch", &g->conf.multicast,
		     "nothing is sent to %s: %s", ADDR_TEXT(&g->conf.multicast), problem);
}

static void hello(struct cache *g, struct step *s)
{
	cache_send_multicast(g, false, s);
	for (unsigned i = 0; i < g->n_peers; i++) {
		g->peers[i].outstanding++;
		g->peers[i].urgent = false;
	}
	g->cast.any_sent = true;
	g->cast.hello_sent = s->now;
	g->cast.hello_at = mono_add_ms(s->now, transmit_t(g));
}

/* -- SHUTDOWN ------------------------------------------------------------------------------ */

static bool any_is_left(const struct cache *g)
{
	for (unsigned i = 0; i < g->n_peers; i++)
		if (g->peers[i].state == PEER_DRAINING && !g->peers[i].removed)
			return true;
	return false;
}

void cache_multicast_shutdown(struct cache *g, struct step *s)
{
	uint32_t pace = transmit_t(g) / 10;

	cache_send_multicast(g, true, s);
	for (unsigned i = 0; i < g->n_peers; i++)
		if (g->peers[i].state == PEER_DRAINING)
			g->peers[i].shutdown_id = g->peers[i].receive_id;
	if (pace < SHUTDOWN_PACE_LEAST_MS)
		pace = SHUTDOWN_PACE_LEAST_MS;
	g->cast.hello_at = mono_add_ms(s->now, pace);
}

/* Routers answer multicast when their own time has come, up to 0.99 T later, so
 * they are waited for although nothing more is said. */
void cache_multicast_leave(struct cache *g, struct step *s)
{
	g->cast.hello_at = MONO_NEVER;
	if (!any_is_left(g))
		return;
	g->cast.leaving = true;
	g->cast.tries = 1;
	g->cast.give_up_at = mono_add_ms(s->now, (int64_t)transmit_t(g) * 5 / 4);
	cache_multicast_shutdown(g, s);
}

static void give_up(struct cache *g, struct step *s)
{
	for (unsigned i = 0; i < g->n_peers; i++)
		if (g->peers[i].state == PEER_DRAINING && !g->peers[i].removed)
			peer_enter(g, &g->peers[i], PEER_WITHDRAWN,
				   "SHUTDOWN not acknowledged", s);
	g->cast.hello_at = MONO_NEVER;
}

static void leaving_timer(struct cache *g, struct step *s)
{
	if (!any_is_left(g)) {
		g->cast.leaving = false;
		g->cast.hello_at = MONO_NEVER;
	} else if (mono_due(g->cast.give_up_at, s->now)) {
		give_up(g, s);
	} else if (mono_due(g->cast.hello_at, s->now)) {
		if (++g->cast.tries <= SHUTDOWN_TRIES)
			cache_multicast_shutdown(g, s);
		else
			g->cast.hello_at = g->cast.give_up_at;
	}
}

void cache_multicast_timers(struct cache *g, struct step *s)
{
	if (!cache_is_multicast(g))
		return;
	forget_the_silent(g, s);
	if (g->cast.leaving)
		leaving_timer(g, s);
	else if (mono_due(g->cast.hello_at, s->now))
		hello(g, s);
}

struct mono cache_multicast_deadline(const struct cache *g)
{
	struct mono d = g->cast.hello_at;

	if (!cache_is_multicast(g))
		return MONO_NEVER;
	for (unsigned i = 0; i < g->n_peers; i++)
		d = mono_min(d, g->peers[i].forget_at);
	return d;
}
