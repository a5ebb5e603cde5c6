/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One step of the web-cache side: an event (configuration, health, a datagram), then
 * whatever is due.
 */
#include "core/cache/cache_impl.h"

#include <stdlib.h>
#include <string.h>

bool cache_is_quiet(const struct cache *c)
{
	for (unsigned i = 0; i < c->n_peers; i++)
		if (c->peers[i].state != PEER_IDLE &&
		    c->peers[i].state != PEER_WITHDRAWN)
			return false;
	return !c->up;
}

/* -- events ------------------------------------------------------------------------ */

static void cache_apply_health(struct cache *c, bool up, uint16_t weight,
			       const char *why, struct step *s)
{
	bool was_up = c->up, reweighted = weight != c->weight;

	c->up = up && !c->ending;
	c->weight = weight;
	if (c->up && !was_up)
		cache_check_mask(c, s);
	for (unsigned i = 0; i < c->n_peers; i++) {
		struct peer *p = &c->peers[i];

		if (p->removed)
			continue;
		if (c->up && !was_up)
			peer_start(c, p, "announced", s);
		else if (!c->up && was_up)
			peer_leave(c, p, why, s);
		else if (c->up && reweighted)
			peer_tell(c, p, s->now);
	}
	if (cache_is_multicast(c) && c->up && !was_up)
		cache_multicast_start(c, s);
	else if (cache_is_multicast(c) && !c->up && was_up)
		cache_multicast_leave(c, s);
}

static bool cache_wants_router(const struct cache *c, const struct addr *router)
{
	if (cache_is_multicast(c))
		return cache_multicast_admits(c, router);
	return addr_find(c->conf.routers, c->conf.n_routers, router) >= 0;
}

/* `all`: the group moved to or from multicast, so it starts over with every router. */
static void cache_drop_unlisted(struct cache *c, bool all, struct step *s)
{
	for (unsigned i = 0; i < c->n_peers; i++) {
		struct peer *p = &c->peers[i];

		if (!all && cache_wants_router(c, &p->address))
			continue;
		p->removed = true;
		peer_leave(c, p, "removed from the configuration", s);
	}
}

static void peer_apply_conf(struct cache *c, struct peer *p, struct step *s)
{
	if (p->removed) {
		p->removed = false;
		if (c->up)
			peer_start(c, p, "announced", s);
		return;
	}
	if (!p->said.heard || !peer_is_announced(p))
		return;
	if (!peer_agree(c, p, s))
		peer_enter_mismatch(c, p, s);
	else if (p->state == PEER_MISMATCH)
		peer_hello_at(c, p, s->now); /* its answer leads out of the mismatch */
	else
		peer_tell(c, p, s->now);
}

/* Forget which versions the routers speak, and negotiate again. */
static void cache_renegotiate_versions(struct cache *c, struct step *s)
{
	for (unsigned i = 0; i < c->n_peers; i++) {
		struct peer *p = &c->peers[i];

		if (p->removed || !peer_is_announced(p))
			continue;
		peer_forget_version(c, p);
		if (!p->said.heard)
			peer_start(c, p, "announced", s);
		else
			peer_tell(c, p, s->now);
	}
}

static void cache_apply_multicast_conf(struct cache *c, bool anew, struct step *s)
{
	if (c->up && anew)
		cache_multicast_start(c, s);
	if (anew)
		cache_renegotiate_versions(c, s);
	for (unsigned i = 0; i < c->n_peers; i++)
		if (!c->peers[i].removed)
			peer_apply_conf(c, &c->peers[i], s);
}

static void cache_apply_conf(struct cache *c, const struct cache_conf *conf,
			     struct step *s)
{
	bool same = memcmp(conf, &c->conf, sizeof(*conf)) == 0;
	bool reversioned = conf->version != c->conf.version;
	bool rekeyed = conf->password.set != c->conf.password.set;
	bool moved = !addr_equal(&conf->multicast, &c->conf.multicast);

	/* Reloading an unchanged configuration must not send anything.  (If only
	 * padding differs, treating it as a change does no harm.) */
	if (same)
		return;
	c->conf = *conf;
	cache_set_mask(c);
	cache_check_mask(c, s);
	for (unsigned i = 0; rekeyed && i < c->n_peers; i++)
		peer_forget_freshness(c, &c->peers[i]);
	cache_drop_unlisted(c, moved, s);
	if (cache_is_multicast(c)) {
		cache_apply_multicast_conf(c, moved || reversioned, s);
		return;
	}
	if (reversioned)
		cache_renegotiate_versions(c, s);
	for (unsigned i = 0; i < conf->n_routers; i++) {
		struct peer *p = cache_find_peer(c, &conf->routers[i]);

		if (p) {
			peer_apply_conf(c, p, s);
			continue;
		}
		p = cache_add_peer(c, &conf->routers[i], s->now);
		if (p && c->up)
			peer_start(c, p, "announced", s);
		cache_mark(c, DIRTY_STATUS);
	}
}

/* What was sent in vain need not wait for T to be sent again.  The receive id in it cannot
 * be stale: no I_SEE_YOU has come since. */
static void cache_greet_unanswered(struct cache *c, struct step *s)
{
	for (unsigned i = 0; i < c->n_peers; i++) {
		struct peer *p = &c->peers[i];

		if (!p->removed && peer_is_announced(p) && p->hello.outstanding > 0)
			peer_hello_at(c, p, s->now);
	}
}

/*
 * Timers run after every event, or a busy socket would starve them.  An assignment
 * goes before the HERE_I_AM that is due at the same time: the answer to that makes
 * the receive ids in it stale.
 */
static void cache_run(struct cache *c, struct step *s)
{
	for (unsigned i = 0; i < c->n_peers; i++)
		peer_check_silence(c, &c->peers[i], s);
	if (cache_take_mark(c, DIRTY_VIEW)) {
		cache_learn_view(c, s);
		designated_observe(c->designated, s);
	}
	cache_review_assignment(c, s);
	for (unsigned i = 0; i < c->n_peers; i++)
		peer_hello_timers(c, &c->peers[i], s);
	cache_multicast_timers(c, s);
	cache_forget_removed(c);
}

void cache_step(struct cache *c, const struct cache_event *ev, struct wccp_msg *scratch,
		struct actions *out)
{
	struct step s = { .now = ev->now, .msg = scratch, .out = out };

	switch (ev->type) {
	case CACHE_EV_RX:
		s.far = ev->u.rx.far;
		cache_receive(c, &ev->u.rx.from, ev->u.rx.datagram, &s);
		break;
	case CACHE_EV_TICK:
		break;
	case CACHE_EV_UNREACHABLE:
		cache_take_unreachable(c, &ev->u.unreachable.router,
				       ev->u.unreachable.why);
		break;
	case CACHE_EV_REACHABLE:
		cache_greet_unanswered(c, &s);
		break;
	case CACHE_EV_HEALTH:
		cache_mark(c, DIRTY_VIEW);
		cache_apply_health(c, ev->u.health.up, ev->u.health.weight,
				   ev->u.health.why ? ev->u.health.why : "pool is down",
				   &s);
		break;
	case CACHE_EV_CONF:
		cache_mark(c, DIRTY_VIEW);
		cache_apply_conf(c, ev->u.conf, &s);
		break;
	case CACHE_EV_SHUTDOWN:
		cache_mark(c, DIRTY_VIEW);
		c->ending = true;
		cache_apply_health(c, false, c->weight, "shutting down", &s);
		break;
	}
	cache_run(c, &s);
	/* This also reports what a step of the mate has changed here. */
	if (cache_take_mark(c, DIRTY_STATUS))
		actions_changed(out);
}

/* -- life -------------------------------------------------------------------------- */

struct cache *cache_new(const struct cache_conf *conf, struct mono now)
{
	struct cache *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->conf = *conf;
	c->token = 1 + (uint16_t)(now.ns / 1000000 % UINT16_MAX);
	c->designated = &c->own;
	c->own = (struct designated){ .n = 1, .pair = { c }, .settle_at = MONO_NEVER,
				      .idle_at = MONO_NEVER };
	c->own.key.cache = conf->self;
	c->method = conf->assign.n ? conf->assign.methods[0] : WCCP_ASSIGN_HASH;
	cache_set_mask(c);
	c->multicast.hello_at = MONO_NEVER;
	for (unsigned i = 0; !cache_is_multicast(c) && i < conf->n_routers; i++)
		if (!cache_find_peer(c, &conf->routers[i]))
			cache_add_peer(c, &conf->routers[i], now);
	return c;
}

void cache_set_token(struct cache *c, uint16_t random)
{
	c->token = random;
	for (unsigned i = 0; i < c->n_peers; i++)
		peer_forget_freshness(c, &c->peers[i]);
}

void cache_free(struct cache *c)
{
	if (c)
		cache_unpair(c);
	free(c);
}
