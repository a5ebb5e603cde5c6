/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of one service group on the web-cache side: events, timers,
 * configuration and health.
 */
#include "core/cache/cache_impl.h"

#include <stdlib.h>
#include <string.h>

/* -- states of one router --------------------------------------------------------- */

void peer_set_state(struct cache *g, struct peer *p, enum peer_state state,
		    const char *reason, struct step *s)
{
	p->state = state;
	p->reason = reason;
	p->since = s->now;
	g->counters.state_changes++;
	g->news = g->changed = true;
}

void peer_enter(struct cache *g, struct peer *p, enum peer_state state,
		const char *reason, struct step *s)
{
	enum peer_state was = p->state;

	if (was == state)
		return;
	peer_set_state(g, p, state, reason, s);
	actions_note(s->out, NOTE_INFO, peer_state_event(state), &p->address,
		     "router %s: %s (was %s): %s", ADDR_TEXT(&p->address),
		     peer_state_name(state), peer_state_name(was), reason);
}

/* Nothing is known of it any more. */
static void peer_forget_said(struct cache *g, struct peer *p)
{
	p->heard = false;
	p->listed = false;
	p->id = (struct addr){ 0 };
	p->receive_id = 0;
	p->change_number = 0;
	p->key = (struct wccp_key){ 0 };
	p->offer = (struct wccp_capabilities){ 0 };
	p->rekeyed = false;
	p->n_routers = 0;
	p->n_fellows = 0;
	peer_forget_table(p);
	p->said_foreign = p->said_other = false;
	g->news = true;
	p->forward = p->ret = p->assign = 0;
	p->told = false;
	p->pending = false;
	p->unlike_at = MONO_NEVER;
	peer_forget_version(g, p);
}

static void peer_stop_timers(struct peer *p)
{
	p->hello_at = MONO_NEVER;
	p->dead_at = MONO_NEVER;
	p->query_at = MONO_NEVER;
	p->query_left = 0;
	p->assign_at = MONO_NEVER;
	p->forget_at = MONO_NEVER;
}

void peer_hello_at(struct cache *g, struct peer *p, struct mono at)
{
	if (cache_is_multicast(g))
		cache_multicast_soon(g, at);
	else
		p->hello_at = at;
}

void peer_start(struct cache *g, struct peer *p, const char *reason, struct step *s)
{
	const char *problem = peer_version_problem(g, p, UINT8_MAX);

	peer_forget_said(g, p);
	peer_stop_timers(p);
	/* Our wish has to wait for what the router offers (2.01 section 3.1). */
	p->t_ms = WCCP_TRANSMIT_T_MS;
	p->timeout_scale = p->ra_scale = 1;
	p->outstanding = 0;
	p->quick_left = QUICK_MAX;
	p->urgent = false;
	if (problem) {
		peer_enter_unspoken(g, p, problem, s);
		return;
	}
	peer_enter(g, p, PEER_WAITING, reason, s);
	peer_hello_at(g, p, s->now);
	peer_forget_later(g, p, s->now);
}

static void peer_leave(struct cache *g, struct peer *p, const char *reason,
		       struct step *s)
{
	if (!peer_is_announced(p))
		return;
	peer_stop_timers(p);
	if (!p->heard || p->state == PEER_MISMATCH) {
		/* Not a member there: nothing to take back. */
		peer_enter(g, p, PEER_IDLE, reason, s);
		return;
	}
	p->tries = 1;
	p->quick_left = QUICK_MAX;
	p->listed = false; /* from the views of others; its own lists it */
	peer_enter(g, p, PEER_DRAINING, reason, s);
	if (!cache_is_multicast(g) || p->removed)
		peer_shutdown(g, p, s); /* else one SHUTDOWN for all */
}

/* -- timers --------------------------------------------------------------------------- */

static void peer_check_silence(struct cache *g, struct peer *p, struct step *s)
{
	if (!mono_due(p->dead_at, s->now))
		return;
	p->dead_at = MONO_NEVER;
	p->listed = false;
	p->pending = false;
	g->news = true;
	peer_forget_later(g, p, s->now);
	peer_forget_version(g, p); /* another box may come in its place */
	if (peer_is_live(p)) {
		peer_enter(g, p, PEER_LOST, "silent for longer than its time-out", s);
		return;
	}
	p->heard = false;
	peer_enter(g, p, PEER_WAITING, "no longer answers", s);
}

static void peer_leaving_timer(struct cache *g, struct peer *p, struct step *s)
{
	if (!mono_due(p->hello_at, s->now))
		return;
	if (p->tries < SHUTDOWN_TRIES) {
		p->tries++;
		peer_shutdown(g, p, s);
		return;
	}
	p->hello_at = MONO_NEVER;
	peer_enter(g, p, PEER_WITHDRAWN, "SHUTDOWN not acknowledged", s);
}

static void peer_hello_timers(struct cache *g, struct peer *p, struct step *s)
{
	if (p->state == PEER_DRAINING) {
		peer_leaving_timer(g, p, s);
		return;
	}
	if (!peer_is_announced(p))
		return;
	if (p->query_left && mono_due(p->query_at, s->now)) {
		p->query_left--;
		p->query_at = mono_add_ms(s->now, p->t_ms / 10);
		peer_hello(g, p, s);
	}
	if (mono_due(p->hello_at, s->now))
		peer_hello(g, p, s);
}

struct mono cache_deadline(const struct cache *g)
{
	struct mono d = mono_min(g->council->settle_at, cache_multicast_deadline(g));

	if (g->unsent)
		return (struct mono){ 0 };
	for (unsigned i = 0; i < g->n_peers; i++) {
		const struct peer *p = &g->peers[i];

		d = mono_min(d, p->hello_at);
		d = mono_min(d, p->dead_at);
		if (p->query_left)
			d = mono_min(d, p->query_at);
		d = mono_min(d, peer_assign_deadline(g, p));
	}
	return d;
}

bool cache_is_quiet(const struct cache *g)
{
	for (unsigned i = 0; i < g->n_peers; i++)
		if (g->peers[i].state != PEER_IDLE &&
		    g->peers[i].state != PEER_WITHDRAWN)
			return false;
	return !g->up;
}

/* -- the list of routers --------------------------------------------------------------- */

static struct peer *find_peer(struct cache *g, const struct addr *address)
{
	for (unsigned i = 0; i < g->n_peers; i++)
		if (addr_equal(&g->peers[i].address, address))
			return &g->peers[i];
	return NULL;
}

void cache_remove_peer(struct cache *g, struct peer *p)
{
	g->n_peers--;
	g->news = true;
	memmove(p, p + 1, (size_t)(&g->peers[g->n_peers] - p) * sizeof(*p));
	g->changed = true;
}

/* Room for one more: whoever is being left has had most of its time. */
static void make_room(struct cache *g)
{
	for (unsigned i = 0; i < g->n_peers && g->n_peers == PEERS_MAX; i++)
		if (g->peers[i].removed)
			cache_remove_peer(g, &g->peers[i--]);
}

struct peer *cache_add_peer(struct cache *g, const struct addr *address, struct mono now)
{
	struct peer *p;

	make_room(g);
	if (g->n_peers == PEERS_MAX)
		return NULL; /* cannot be: half as many are configured or met */
	p = &g->peers[g->n_peers++];
	g->news = true;
	memset(p, 0, sizeof(*p));
	p->address = *address;
	p->state = PEER_IDLE;
	p->reason = "not announced";
	p->since = now;
	peer_forget_said(g, p);
	peer_stop_timers(p);
	return p;
}

static void forget_removed(struct cache *g)
{
	for (unsigned i = 0; i < g->n_peers; i++) {
		const struct peer *p = &g->peers[i];

		if (p->removed &&
		    (p->state == PEER_IDLE || p->state == PEER_WITHDRAWN))
			cache_remove_peer(g, &g->peers[i--]);
	}
}

/* -- events ------------------------------------------------------------------------------- */

/* Tell it something new.  A HERE_I_AM on top of an unanswered one would carry a
 * stale receive id and be discarded: then the answer is waited for. */
static void peer_tell(struct cache *g, struct peer *p, struct mono now)
{
	/* A multicast one does not make the receive ids stale. */
	if (cache_is_multicast(g))
		cache_multicast_soon(g, now);
	else if (peer_is_live(p) && p->outstanding == 0)
		p->hello_at = now;
	else
		p->urgent = true;
}

static void set_health(struct cache *g, bool up, uint16_t weight, struct step *s)
{
	bool was_up = g->up, reweighted = weight != g->weight;

	g->up = up && !g->ending;
	g->weight = weight;
	if (g->up && !was_up)
		cache_check_mask(g, s);
	for (unsigned i = 0; i < g->n_peers; i++) {
		struct peer *p = &g->peers[i];

		if (p->removed)
			continue;
		if (g->up && !was_up)
			peer_start(g, p, "announced", s);
		else if (!g->up && was_up)
			peer_leave(g, p, g->ending ? "shutting down" : "pool is down", s);
		else if (g->up && reweighted)
			peer_tell(g, p, s->now);
	}
	if (cache_is_multicast(g) && g->up && !was_up)
		cache_multicast_start(g, s);
	else if (cache_is_multicast(g) && !g->up && was_up)
		cache_multicast_leave(g, s);
}

static bool is_wanted(const struct cache *g, const struct addr *router)
{
	if (cache_is_multicast(g))
		return cache_admits(g, router);
	return addr_find(g->conf.routers, g->conf.n_routers, router) >= 0;
}

/* `all` when none of the old ones is wanted the way it was met. */
static void drop_unlisted_peers(struct cache *g, bool all, struct step *s)
{
	for (unsigned i = 0; i < g->n_peers; i++) {
		struct peer *p = &g->peers[i];

		if (!all && is_wanted(g, &p->address))
			continue;
		p->removed = true;
		peer_leave(g, p, "removed from the configuration", s);
	}
}

static void apply_to_peer(struct cache *g, struct peer *p, struct step *s)
{
	if (p->removed) {
		p->removed = false;
		if (g->up)
			peer_start(g, p, "announced", s);
		return;
	}
	if (!p->heard || !peer_is_announced(p))
		return;
	if (!peer_agree(g, p, s)) {
		if (p->state != PEER_MISMATCH)
			peer_enter_mismatch(g, p, s);
	} else if (p->state == PEER_MISMATCH) {
		peer_hello_at(g, p, s->now); /* its answer leads out of the mismatch */
	} else {
		peer_tell(g, p, s->now);
	}
}

/* Versions are asked for anew, as if we had just met. */
static void renegotiate_versions(struct cache *g, struct step *s)
{
	for (unsigned i = 0; i < g->n_peers; i++) {
		struct peer *p = &g->peers[i];

		if (p->removed || !peer_is_announced(p))
			continue;
		peer_forget_version(g, p);
		if (!p->heard)
			peer_start(g, p, "announced", s);
		else
			peer_tell(g, p, s->now);
	}
}

static void set_multicast_conf(struct cache *g, bool anew, struct step *s)
{
	if (g->up && anew)
		cache_multicast_start(g, s);
	if (anew)
		renegotiate_versions(g, s);
	for (unsigned i = 0; i < g->n_peers; i++)
		if (!g->peers[i].removed)
			apply_to_peer(g, &g->peers[i], s);
}

static void set_conf(struct cache *g, const struct cache_conf *conf, struct step *s)
{
	bool same = memcmp(conf, &g->conf, sizeof(*conf)) == 0;
	bool reversioned = conf->version != g->conf.version;
	bool moved = !addr_equal(&conf->multicast, &g->conf.multicast);

	/* Many reloads must not be many messages.  (A difference in what lies between
	 * the members is one that counts for nothing.) */
	if (same)
		return;
	g->conf = *conf;
	cache_set_mask(g);
	cache_check_mask(g, s);
	drop_unlisted_peers(g, moved, s);
	if (cache_is_multicast(g)) {
		set_multicast_conf(g, moved || reversioned, s);
		return;
	}
	if (reversioned)
		renegotiate_versions(g, s);
	for (unsigned i = 0; i < conf->n_routers; i++) {
		struct peer *p = find_peer(g, &conf->routers[i]);

		if (p) {
			apply_to_peer(g, p, s);
			continue;
		}
		p = cache_add_peer(g, &conf->routers[i], s->now);
		if (p && g->up)
			peer_start(g, p, "announced", s);
		g->changed = true;
	}
}

/*
 * Timers run after every event, or a busy socket would starve them.  An assignment
 * goes before the HERE_I_AM that is due at the same time: the answer to that makes
 * the receive ids in it stale.
 */
static void run_timers(struct cache *g, struct step *s)
{
	bool news;

	for (unsigned i = 0; i < g->n_peers; i++)
		peer_check_silence(g, &g->peers[i], s);
	news = g->news;
	g->news = false;
	if (news) {
		cache_learn(g, s);
		council_observe(g->council, s);
	}
	cache_review(g, s);
	for (unsigned i = 0; i < g->n_peers; i++)
		peer_hello_timers(g, &g->peers[i], s);
	cache_multicast_timers(g, s);
	forget_removed(g);
}

void cache_step(struct cache *g, const struct cache_event *ev, struct wccp_msg *scratch,
		struct actions *out)
{
	struct step s = { .now = ev->now, .msg = scratch, .out = out };

	switch (ev->type) {
	case CACHE_EV_RX:
		cache_receive(g, &ev->u.rx.from, ev->u.rx.datagram, &s);
		break;
	case CACHE_EV_TICK:
		break;
	case CACHE_EV_HEALTH:
		g->news = true;
		set_health(g, ev->u.health.up, ev->u.health.weight, &s);
		break;
	case CACHE_EV_CONF:
		g->news = true;
		set_conf(g, ev->u.conf, &s);
		break;
	case CACHE_EV_SHUTDOWN:
		g->news = true;
		g->ending = true;
		set_health(g, false, g->weight, &s);
		break;
	}
	run_timers(g, &s);
	/* What a step of its mate has changed in it is told here, too. */
	if (g->changed)
		actions_changed(out);
	g->changed = false;
}

/* -- life --------------------------------------------------------------------------------- */

struct cache *cache_new(const struct cache_conf *conf, struct mono now)
{
	struct cache *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->conf = *conf;
	g->council = &g->own;
	g->own = (struct council){ .n = 1, .groups = { g }, .settle_at = MONO_NEVER };
	g->own.key.cache = conf->self;
	g->method = conf->assign.n ? conf->assign.methods[0] : WCCP_ASSIGN_HASH;
	cache_set_mask(g);
	g->cast.hello_at = MONO_NEVER;
	for (unsigned i = 0; !cache_is_multicast(g) && i < conf->n_routers; i++)
		if (!find_peer(g, &conf->routers[i]))
			cache_add_peer(g, &conf->routers[i], now);
	return g;
}

void cache_free(struct cache *g)
{
	if (g)
		cache_unpair(g);
	free(g);
}
