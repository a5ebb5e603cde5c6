/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Joining and leaving the group at one router.
 */
#include "core/cache/cache_impl.h"

void peer_hello_at(struct cache *c, struct peer *p, struct mono at)
{
	if (cache_is_multicast(c))
		cache_multicast_soon(c, at);
	else
		p->timers.hello_at = at;
}

/* If a HERE_I_AM is unanswered, wait: another one would carry a stale receive id and be
 * discarded. */
void peer_tell(struct cache *c, struct peer *p, struct mono now)
{
	/* A multicast HERE_I_AM does not make receive ids stale. */
	if (cache_is_multicast(c))
		cache_multicast_soon(c, now);
	else if (peer_is_live(p) && p->hello.outstanding == 0)
		p->timers.hello_at = now;
	else
		p->hello.now = true;
}

void peer_start(struct cache *c, struct peer *p, const char *reason, struct step *s)
{
	const char *problem = peer_version_problem(c, p, UINT8_MAX);

	peer_forget_said(c, p);
	peer_stop_timers(p);
	/* Our own wishes have to wait for the router's offer (2.01 section 3.1). */
	p->agreed = peer_agreed_default();
	p->hello = (struct peer_hello){ .sent_at = p->hello.sent_at,
					.quick_left = QUICK_MAX };
	if (problem) {
		peer_enter_unspoken(c, p, problem, s);
		return;
	}
	peer_event(c, p, PEER_EV_START, reason, s);
	peer_hello_at(c, p, s->now);
	peer_forget_later(c, p, s->now);
}

void peer_leave(struct cache *c, struct peer *p, const char *reason, struct step *s)
{
	enum peer_event event = p->said.heard ? PEER_EV_LEAVE : PEER_EV_DROP;

	if (!peer_is_announced(p))
		return;
	peer_stop_timers(p);
	peer_event(c, p, event, reason, s);
	if (p->state != PEER_DRAINING)
		return;
	p->hello.shutdowns = 1;
	p->hello.quick_left = QUICK_MAX;
	p->listed = false; /* not in what others get; its SHUTDOWN lists it */
	if (p->fresh.known)
		p->fresh.claimed = p->fresh.to_ask = false;
	if (!cache_is_multicast(c) || p->removed)
		peer_shutdown(c, p, s); /* else one SHUTDOWN goes to all */
}
