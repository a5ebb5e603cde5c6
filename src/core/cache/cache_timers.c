/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is due at each router, and when.
 */
#include "core/cache/cache_impl.h"

void peer_check_silence(struct cache *c, struct peer *p, struct step *s)
{
	if (!mono_due(p->timers.dead_at, s->now))
		return;
	p->timers.dead_at = MONO_NEVER;
	p->listed = false;
	p->assigned.unacknowledged = false;
	cache_mark(c, DIRTY_VIEW);
	peer_forget_later(c, p, s->now);
	peer_forget_version(c, p); /* another router may take its place */
	peer_forget_freshness(c, p);
	p->home_heard = MONO_NEVER;
	p->hello.quick_left = QUICK_MAX;
	peer_event(c, p, PEER_EV_SILENT, NULL, s);
	if (p->state != PEER_LOST)
		p->said.heard = false;
}

static void peer_draining_timer(struct cache *c, struct peer *p, struct step *s)
{
	if (!mono_due(p->timers.hello_at, s->now))
		return;
	if (p->hello.shutdowns < SHUTDOWN_TRIES) {
		p->hello.shutdowns++;
		peer_shutdown(c, p, s);
		return;
	}
	p->timers.hello_at = MONO_NEVER;
	peer_event(c, p, PEER_EV_GIVEN_UP, NULL, s);
}

void peer_hello_timers(struct cache *c, struct peer *p, struct step *s)
{
	if (p->state == PEER_DRAINING) {
		peer_draining_timer(c, p, s);
		return;
	}
	if (!peer_is_announced(p))
		return;
	if (p->timers.query_left && mono_due(p->timers.query_at, s->now)) {
		p->timers.query_left--;
		p->timers.query_at = mono_add_ms(s->now, p->agreed.t_ms / 10);
		peer_hello(c, p, s);
	}
	if (!mono_due(p->timers.hello_at, s->now))
		return;
	peer_check_unanswered(c, p, s);
	peer_check_unlisted(c, p, s);
	peer_hello(c, p, s);
}

struct mono cache_deadline(const struct cache *c)
{
	struct mono due =
		mono_min(c->designated->settle_at, cache_multicast_deadline(c));

	due = mono_min(due, c->designated->idle_at);
	if (c->dirty & DIRTY_TABLE)
		return (struct mono){ 0 };
	for (unsigned i = 0; i < c->n_peers; i++) {
		const struct peer *p = &c->peers[i];

		due = mono_min(due, p->timers.hello_at);
		due = mono_min(due, p->timers.dead_at);
		if (p->timers.query_left)
			due = mono_min(due, p->timers.query_at);
		due = mono_min(due, peer_assign_deadline(c, p));
	}
	return due;
}
