/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Datagrams that are refused, and why.
 */
#include "core/cache/rx/rx.h"

static bool rx_is_auth_failure(enum codec_refusal r)
{
	return r == CODEC_AUTH_MISSING || r == CODEC_AUTH_UNEXPECTED ||
	       r == CODEC_AUTH_FAILED;
}

void rx_refuse(struct cache *c, struct peer *p, const struct addr *from,
		      enum codec_refusal r, const char *why, struct step *s)
{
	c->counters.refused[r]++;
	actions_complain(s->out, codec_refusal_name(r), from,
			 "datagram from %s refused: %s", ADDR_TEXT(from), why);
	if (p && rx_is_auth_failure(r))
		peer_event(c, p, PEER_EV_BAD_DIGEST, codec_refusal_name(r), s);
}

void rx_refuse_stranger(struct cache *c, const struct addr *from, struct step *s)
{
	c->counters.unknown_router++;
	actions_complain(s->out, "unknown-router", from,
			 "datagram from %s refused: not a router of this service",
			 ADDR_TEXT(from));
}

void rx_ignore(struct cache *c, const struct addr *from, const char *why,
		      struct step *s)
{
	c->counters.not_for_us++;
	if (cache_is_multicast(c))
		return; /* messages for other web-caches are heard all the time */
	actions_complain(s->out, "not-for-us", from, "datagram from %s ignored: %s",
			 ADDR_TEXT(from), why);
}

void rx_refuse_stale(struct cache *c, const struct addr *from, struct step *s)
{
	c->counters.stale++;
	actions_complain(s->out, "stale", from,
			 "datagram from %s refused: it is older than what the router "
			 "said last",
			 ADDR_TEXT(from));
}

/* Why no router can have this id; NULL: it can. */
const char *rx_id_problem(const struct cache *c, const struct peer *p,
				 const struct addr *id)
{
	if (p && p->said.heard && addr_equal(&p->said.id, id))
		return NULL;
	if (!addr_is_host(id))
		return "its router id is not the address of a host";
	if (addr_equal(id, &c->conf.self))
		return "its router id is our address";
	if (addr_find(c->conf.allowed, c->conf.n_allowed, id) >= 0 ||
	    addr_find(c->view.caches, c->view.n_caches, id) >= 0)
		return "its router id is the address of a web-cache";
	return NULL;
}

void rx_refuse_id(struct cache *c, const struct addr *from, const char *why,
			 struct step *s)
{
	c->counters.bad_id++;
	actions_complain(s->out, "bad-router-id", from, "datagram from %s refused: %s",
			 ADDR_TEXT(from), why);
}

/* Some routers answer from another address than the one we know.  Who does so while
 * that one answers, too, is somebody else. */
bool rx_is_elsewhere(struct cache *c, const struct peer *p,
			    const struct addr *from, struct step *s)
{
	int64_t silent = mono_is_never(p->home_heard)
				 ? INT64_MAX
				 : mono_ms_between(p->home_heard, s->now);

	/* Met by multicast: by what may have been a recording. */
	if (cache_is_multicast(c) && !p->fresh.known)
		return false;
	if (addr_equal(from, &p->address) || silent > (int64_t)p->agreed.t_ms * 3 / 2)
		return false;
	c->counters.elsewhere++;
	actions_complain(s->out, "elsewhere", from,
			 "datagram from %s refused: that router answers from %s",
			 ADDR_TEXT(from), ADDR_TEXT(&p->address));
	return true;
}
