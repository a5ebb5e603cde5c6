/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A group with a multicast address (2.01 section 3.1): one HERE_I_AM every T lists all
 * routers that we hear, each with its receive id, and one REDIRECT_ASSIGN serves them
 * all.  Routers need not be configured: an I_SEE_YOU that lists us adds its sender to
 * our list.
 *
 * One message has one Capabilities component and one version, so what is chosen
 * must suit every router of the group (cache_capabilities.c, cache_version.c).
 *
 * Two messages are still unicast: answers to a REMOVAL_QUERY (section 3.14), and the
 * SHUTDOWN for a router that the configuration no longer allows.
 */
#include "core/cache/cache_impl.h"

enum {
	/* Routers that answer within this time are listed in one HERE_I_AM. */
	GATHER_MS = 50,
	/* A router is forgotten after its time-out and this many T of silence. */
	FORGET_T = 30,
};

/* -- the routers met --------------------------------------------------------------- */

bool cache_multicast_admits(const struct cache *c, const struct addr *router)
{
	const struct cache_conf *conf = &c->conf;

	if (!cache_is_multicast(c))
		return false;
	return !conf->n_routers ||
	       addr_find(conf->routers, conf->n_routers, router) >= 0;
}

/* The silent router that is due to be forgotten next; NULL if none is silent. */
static struct peer *cache_multicast_most_forgettable(struct cache *c)
{
	struct peer *found = NULL;

	for (unsigned i = 0; i < c->n_peers; i++) {
		struct peer *p = &c->peers[i];

		if (mono_is_never(p->timers.forget_at) || p->removed)
			continue;
		if (!found || mono_before(p->timers.forget_at, found->timers.forget_at))
			found = p;
	}
	return found;
}

static unsigned cache_multicast_count(const struct cache *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->n_peers; i++)
		n += !c->peers[i].removed;
	return n;
}

static void cache_multicast_forget(struct cache *c, struct peer *p, const char *why,
				   struct step *s)
{
	actions_note(s->out, NOTE_INFO, "forgotten", &p->address,
		     "router %s: forgotten: %s", ADDR_TEXT(&p->address), why);
	cache_remove_peer(c, p);
}

struct peer *cache_multicast_meet(struct cache *c, const struct addr *router,
				  struct step *s)
{
	if (cache_multicast_count(c) >= WCCP_MAX_ROUTERS) {
		struct peer *victim = cache_multicast_most_forgettable(c);

		if (!victim) {
			c->counters.table_full++;
			actions_complain(s->out, "table-full", router,
					 "router %s refused: there are %d already",
					 ADDR_TEXT(router), WCCP_MAX_ROUTERS);
			return NULL;
		}
		cache_multicast_forget(c, victim, "another takes its place", s);
	}
	return cache_add_peer(c, router, s->now);
}

void peer_forget_later(const struct cache *c, struct peer *p, struct mono now)
{
	if (cache_is_multicast(c))
		p->timers.forget_at =
			mono_add_ms(now, FORGET_T * (int64_t)p->agreed.t_ms);
}

static void cache_multicast_forget_silent(struct cache *c, struct step *s)
{
	for (unsigned i = 0; i < c->n_peers; i++)
		if (mono_due(c->peers[i].timers.forget_at, s->now))
			cache_multicast_forget(c, &c->peers[i--], "silent for long", s);
}

/* -- HERE_I_AMs -------------------------------------------------------------------- */

/* The largest T agreed with any router, so that none hears from us more often than it
 * asked for.  If all are lost, the T that they had; before the first answer, the
 * default (2.01 section 3.1). */
static uint32_t cache_multicast_t_ms(const struct cache *c)
{
	uint32_t listed = 0, heard = 0;

	for (unsigned i = 0; i < c->n_peers; i++) {
		const struct peer *p = &c->peers[i];

		if (p->listed && p->agreed.t_ms > listed)
			listed = p->agreed.t_ms;
		if (p->said.heard && p->agreed.t_ms > heard)
			heard = p->agreed.t_ms;
	}
	if (listed)
		return listed;
	return heard ? heard : WCCP_TRANSMIT_T_MS;
}

void cache_multicast_soon(struct cache *c, struct mono now)
{
	struct mono at = mono_add_ms(now, GATHER_MS);
	struct mono earliest =
		mono_add_ms(c->multicast.hello_sent, cache_multicast_t_ms(c) / 10);

	if (c->multicast.leaving || mono_is_never(c->multicast.hello_at))
		return;
	if (c->multicast.any_sent && mono_before(at, earliest))
		at = earliest;
	c->multicast.hello_at = mono_min(c->multicast.hello_at, at);
}

void cache_multicast_start(struct cache *c, struct step *s)
{
	const char *problem = cache_version_problem(c);

	c->multicast = (struct multicast){ .hello_at = s->now };
	if (!problem)
		return;
	c->multicast.hello_at = MONO_NEVER;
	actions_note(s->out, NOTE_WARNING, "mismatch", &c->conf.multicast,
		     "nothing is sent to %s: %s", ADDR_TEXT(&c->conf.multicast),
		     problem);
}

static void cache_multicast_hello(struct cache *c, struct step *s)
{
	cache_send_multicast(c, false, s);
	for (unsigned i = 0; i < c->n_peers; i++) {
		freshness_sent(&c->peers[i].fresh, peer_returned_id(&c->peers[i]));
		if (!c->peers[i].fresh.known && !freshness_may_try(&c->peers[i].fresh))
			c->peers[i].listed = false;
		c->peers[i].hello.outstanding++;
		c->peers[i].hello.now = false;
	}
	c->multicast.any_sent = true;
	c->multicast.hello_sent = s->now;
	c->multicast.hello_at = mono_add_ms(s->now, cache_multicast_t_ms(c));
}

/* -- SHUTDOWN ---------------------------------------------------------------------- */

static bool cache_multicast_any_draining(const struct cache *c)
{
	for (unsigned i = 0; i < c->n_peers; i++)
		if (c->peers[i].state == PEER_DRAINING && !c->peers[i].removed)
			return true;
	return false;
}

void cache_multicast_shutdown(struct cache *c, struct step *s)
{
	uint32_t pace = cache_multicast_t_ms(c) / 10;

	cache_send_multicast(c, true, s);
	for (unsigned i = 0; i < c->n_peers; i++)
		if (c->peers[i].state == PEER_DRAINING)
			c->peers[i].hello.shutdown_id = peer_returned_id(&c->peers[i]);
	if (pace < SHUTDOWN_PACE_LEAST_MS)
		pace = SHUTDOWN_PACE_LEAST_MS;
	c->multicast.hello_at = mono_add_ms(s->now, pace);
}

/* Routers answer multicast at a time of their own choice, up to 0.99 T later, so we
 * wait for that long even after the last SHUTDOWN. */
void cache_multicast_leave(struct cache *c, struct step *s)
{
	c->multicast.hello_at = MONO_NEVER;
	if (!cache_multicast_any_draining(c))
		return;
	c->multicast.leaving = true;
	c->multicast.shutdowns = 1;
	c->multicast.give_up_at =
		mono_add_ms(s->now, (int64_t)cache_multicast_t_ms(c) * 5 / 4);
	cache_multicast_shutdown(c, s);
}

static void cache_multicast_give_up(struct cache *c, struct step *s)
{
	for (unsigned i = 0; i < c->n_peers; i++)
		if (c->peers[i].state == PEER_DRAINING && !c->peers[i].removed)
			peer_event(c, &c->peers[i], PEER_EV_GIVEN_UP, NULL, s);
	c->multicast.hello_at = MONO_NEVER;
}

static void cache_multicast_leaving_timer(struct cache *c, struct step *s)
{
	if (!cache_multicast_any_draining(c)) {
		c->multicast.leaving = false;
		c->multicast.hello_at = MONO_NEVER;
	} else if (mono_due(c->multicast.give_up_at, s->now)) {
		cache_multicast_give_up(c, s);
	} else if (mono_due(c->multicast.hello_at, s->now)) {
		if (++c->multicast.shutdowns <= SHUTDOWN_TRIES)
			cache_multicast_shutdown(c, s);
		else
			c->multicast.hello_at = c->multicast.give_up_at;
	}
}

void cache_multicast_timers(struct cache *c, struct step *s)
{
	if (!cache_is_multicast(c))
		return;
	cache_multicast_forget_silent(c, s);
	if (c->multicast.leaving)
		cache_multicast_leaving_timer(c, s);
	else if (mono_due(c->multicast.hello_at, s->now))
		cache_multicast_hello(c, s);
}

struct mono cache_multicast_deadline(const struct cache *c)
{
	struct mono d = c->multicast.hello_at;

	if (!cache_is_multicast(c))
		return MONO_NEVER;
	for (unsigned i = 0; i < c->n_peers; i++)
		d = mono_min(d, c->peers[i].timers.forget_at);
	return d;
}
