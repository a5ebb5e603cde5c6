/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Received datagrams: whom they are for, and what they mean for the router that sent
 * them.
 */
#include "core/cache/rx/rx.h"

/* -- whom a datagram is from ------------------------------------------------------- */

static const struct addr *rx_stated_id(const struct wccp_msg *m)
{
	static const struct addr none;

	if (m->type == WCCP_I_SEE_YOU)
		return &m->router_identity.self.id;
	if (m->type == WCCP_REMOVAL_QUERY)
		return &m->query.router.id;
	return &none;
}

/* -- I_SEE_YOU ------------------------------------------------------- */

static bool rx_acknowledges_shutdown(const struct wccp_msg *m, const struct addr *self)
{
	if (!wccp_has(m, WCCP_C_COMMAND))
		return false;
	for (unsigned i = 0; i < m->n_commands; i++)
		if (m->commands[i].type == WCCP_CMD_SHUTDOWN_RESPONSE &&
		    addr_equal(&m->commands[i].cache, self))
			return true;
	return false;
}

/* Send an extra SHUTDOWN, which does not count as a paced one.  Their number is
 * limited, because a router that does not know the command would provoke them for
 * ever. */
static void rx_repeat_shutdown(struct cache *c, struct peer *p, struct step *s)
{
	struct mono next = p->timers.hello_at;

	if (p->hello.quick_left == 0)
		return;
	p->hello.quick_left--;
	if (cache_is_multicast(c) && p->state == PEER_DRAINING && !p->removed) {
		cache_multicast_shutdown(c, s);
		return;
	}
	peer_shutdown(c, p, s);
	p->timers.hello_at = next;
}

static void rx_seen_draining(struct cache *c, struct peer *p, const struct addr *from,
			     struct step *s)
{
	struct freshness_signs x = rx_signs(c, s->msg);
	bool acknowledged = rx_acknowledges_shutdown(s->msg, &c->conf.self);

	if (p->fresh.known && !freshness_id_is_newer(x.id, p->fresh.id)) {
		rx_refuse_stale(c, from, s);
		return;
	}
	freshness_believe(&p->fresh, &x);
	cache_mark(c, DIRTY_VIEW);
	rx_take_in(c, p, true, s);
	if (acknowledged)
		peer_event(c, p, PEER_EV_ACKNOWLEDGED, NULL, s);
	else if (peer_find_entry(p, &c->conf.self) < 0)
		peer_event(c, p, PEER_EV_UNLISTED, NULL, s);
	if (p->state == PEER_WITHDRAWN)
		p->timers.hello_at = MONO_NEVER;
	/* Neither: our receive id was stale.  Repeat it with the right one. */
	else if (p->said.receive_id != p->hello.shutdown_id)
		rx_repeat_shutdown(c, p, s);
}

static void rx_follow_view(struct cache *c, struct peer *p, struct step *s)
{
	int self = peer_find_entry(p, &c->conf.self);

	if (self < 0 && peer_is_live(p))
		p->hello.quick_left = QUICK_MAX;
	if (self < 0)
		peer_event(c, p, PEER_EV_UNLISTED, NULL, s);
	else if (peer_has_slots(p, self))
		peer_event(c, p, PEER_EV_HAS_SLOTS, NULL, s);
	else
		peer_event(c, p, PEER_EV_LISTED, NULL, s);
}

/* Should we send the next HERE_I_AM at once?  Yes, while waiting for T would only delay
 * joining. */
static bool rx_answer_now(struct peer *p, bool first)
{
	if (first || p->hello.now)
		return true;
	if (p->state != PEER_NEGOTIATING || p->hello.quick_left == 0)
		return false;
	p->hello.quick_left--;
	return true;
}

static void rx_restart_timers(const struct cache *c, struct peer *p, struct mono now)
{
	peer_answered(p);
	p->timers.forget_at = MONO_NEVER;
	if (!cache_is_multicast(c))
		p->timers.hello_at = mono_add_ms(p->hello.sent_at, p->agreed.t_ms);
	p->timers.dead_at =
		mono_add_ms(now, 3 * (int64_t)p->agreed.timeout_scale * p->agreed.t_ms);
}

static void rx_take_answer(struct cache *c, struct peer *p, bool proven, struct step *s)
{
	/* With tokens, others hear of a router when it has proven to be there.  By
	 * multicast they have to earlier, as all get one message; but not for long. */
	bool early = !p->fresh.given || (p->fresh.shared && freshness_may_try(&p->fresh));
	bool first = early && !p->listed;
	bool agreed = peer_agree(c, p, s);

	peer_table_take(c, p, s->msg);
	rx_restart_timers(c, p, s->now);
	if (!agreed) {
		/* We do not join there (2.0 section 4.4), but go on sending
		 * HERE_I_AMs that do not list the router: its answers show when its
		 * offer changes. */
		peer_enter_mismatch(c, p, s);
		return;
	}
	p->listed = proven || early;
	peer_note_other_method(c, p, s);
	peer_note_foreign_mask(c, p, s);
	peer_compare_tables(c, p, s);
	peer_note_half_member(c, p, s);
	rx_follow_view(c, p, s);
	peer_check_echo(c, p, s);
	if (rx_answer_now(p, first))
		peer_hello_at(c, p, s->now);
}

static void rx_seen(struct cache *c, struct peer *p, const struct addr *from,
		    bool proven, struct step *s)
{
	struct peer before = *p;

	if (cache_multicast_admits(c, from) && !cache_find_peer(c, from))
		p->address = *from; /* it was met, not configured */
	if (addr_equal(from, &p->address))
		p->home_heard = s->now;
	p->far = s->far;
	rx_take_in(c, p, proven, s);
	rx_take_answer(c, p, proven, s);
	/* By multicast, what is agreed with one is agreed with all. */
	if (cache_is_multicast(c) || !peer_tells_the_same(&before, p))
		cache_mark(c, DIRTY_VIEW);
}

/* Does another router that we list have this id already? */
static bool rx_id_is_taken(struct cache *c, const struct peer *p, const struct addr *id)
{
	for (unsigned i = 0; i < c->n_peers; i++)
		if (&c->peers[i] != p && c->peers[i].listed &&
		    (c->peers[i].fresh.known || !c->peers[i].fresh.given) &&
		    addr_equal(&c->peers[i].said.id, id))
			return true;
	return false;
}

static bool rx_lists_us(const struct cache *c, const struct wccp_msg *m)
{
	return addr_find(m->router_identity.from, m->router_identity.n_from,
			 &c->conf.self) >= 0;
}

/* This version could not describe us, or not even name us. */
static void rx_unspoken(struct cache *c, struct peer *p, const char *problem,
			struct step *s)
{
	struct freshness_signs x = { .id = s->msg->router_identity.self.receive_id };

	if (peer_is_live(p) && p->fresh.given && !rx_believe_doubtful(c, p, &x, s))
		return;
	p->version.known = true;
	cache_mark(c, DIRTY_VIEW);
	rx_restart_timers(c, p, s->now);
	peer_enter_unspoken(c, p, problem, s);
}

static void rx_i_see_you(struct cache *c, struct peer *p, const struct addr *from,
			 struct step *s)
{
	const struct wccp_router_identity *r = &s->msg->router_identity;
	const char *problem = peer_version_problem(c, p, s->msg->minor);
	const char *id_problem = rx_id_problem(c, p, &r->self.id);
	bool proven;

	if (problem && peer_is_announced(p)) {
		rx_unspoken(c, p, problem, s);
	} else if (!addr_is_set(&r->self.id) || r->self.receive_id == 0) {
		rx_refuse(c, p, from, CODEC_MALFORMED, "no router id or receive id", s);
	} else if (!rx_lists_us(c, s->msg)) {
		rx_ignore(c, from, "we are not in its received-from list", s);
	} else if (id_problem) {
		rx_refuse_id(c, from, id_problem, s);
	} else if (rx_id_is_taken(c, p, &r->self.id)) {
		rx_ignore(c, from, "its router id answers at another address", s);
	} else if (rx_is_elsewhere(c, p, from, s)) {
		return;
	} else if (p->state == PEER_DRAINING) {
		rx_seen_draining(c, p, from, s);
	} else if (peer_is_announced(p)) {
		/* A flood of recordings costs no more than this. */
		if (rx_believes(c, p, from, &proven, s))
			rx_seen(c, p, from, proven, s);
	}
}

/* -- REMOVAL_QUERY ----------------------------------------------------------------- */

/*
 * Three HERE_I_AMs with the receive id of the query, 0.1 T apart (2.0 section 4.14).
 * If an I_SEE_YOU in between makes that id stale, the newer one is used.
 */
static void rx_removal_query(struct cache *c, struct peer *p, const struct addr *from,
			     struct step *s)
{
	const struct wccp_router_query *q = &s->msg->query;

	if (!addr_equal(&q->target, &c->conf.self)) {
		rx_ignore(c, from, "removal query for another web-cache", s);
		return;
	}
	if (rx_is_elsewhere(c, p, from, s) || !rx_believes_query(c, p, from, s))
		return;
	cache_mark(c, DIRTY_VIEW);
	if (p->fresh.claimed && !p->fresh.given && peer_is_announced(p) &&
	    p->state != PEER_MISMATCH)
		p->listed = true;
	if (p->state == PEER_DRAINING || p->state == PEER_WITHDRAWN) {
		rx_repeat_shutdown(c, p, s); /* it missed our SHUTDOWN */
	} else if (peer_is_announced(p) && p->timers.query_left == 0) {
		p->timers.query_left = QUERY_ANSWERS;
		p->timers.query_at = s->now;
	}
}

/* -- entry ------------------------------------------------------------------------- */

static void rx_dispatch(struct cache *c, struct peer *p, const struct addr *from,
			struct step *s)
{
	c->counters.rx[s->msg->type - WCCP_HERE_I_AM]++;
	if (s->msg->type == WCCP_I_SEE_YOU)
		rx_i_see_you(c, p, from, s);
	else if (s->msg->type == WCCP_REMOVAL_QUERY)
		rx_removal_query(c, p, from, s);
	else
		rx_ignore(c, from, "a message for routers", s);
}

/* Multicast: an I_SEE_YOU that lists us, from a router that is not in our list yet. */
static void rx_meet(struct cache *c, const struct addr *from, struct step *s)
{
	const struct addr *id = &s->msg->router_identity.self.id;
	struct peer *p;

	if (!c->up || s->msg->type != WCCP_I_SEE_YOU || !rx_lists_us(c, s->msg)) {
		rx_ignore(c, from, "not for us", s);
		return;
	}
	if (rx_id_problem(c, NULL, id)) {
		rx_refuse_id(c, from, rx_id_problem(c, NULL, id), s);
		return;
	}
	if (rx_id_is_taken(c, NULL, id)) {
		c->counters.not_for_us++;
		actions_complain(s->out, "not-for-us", from,
				 "datagram from %s ignored: its router id answers at "
				 "another address",
				 ADDR_TEXT(from));
		return;
	}
	p = cache_multicast_meet(c, from, s);
	if (!p)
		return;
	peer_start(c, p, "met by multicast", s);
	rx_dispatch(c, p, from, s);
}

/* Some routers answer from an address that HERE_I_AMs never went to.  The password proves
 * that it is a router, and its id says which one, even if the address is that of `p`. */
static struct peer *rx_find_by_id(struct cache *c, struct peer *p, const struct addr *id)
{
	struct peer *found = NULL;

	if (!c->conf.password.set ||
	    (p && p->said.heard && addr_equal(&p->said.id, id)))
		return p;
	found = cache_find_peer_by_id(c, id);
	/* What the other says of itself may be a recording. */
	if (found && p && !found->fresh.known)
		return p;
	return found ? found : p;
}

/* We also receive what other web-caches send to the group's address. */
static bool rx_is_for_routers(const struct cache *c, const struct codec_datagram *d)
{
	return cache_is_multicast(c) &&
	       (d->type == WCCP_HERE_I_AM || d->type == WCCP_REDIRECT_ASSIGN);
}

void cache_receive(struct cache *c, const struct addr *from,
		   const struct codec_datagram *d, struct step *s)
{
	struct peer *p = cache_find_peer(c, from);
	struct err err = { "" };
	enum codec_refusal r = d->refusal;

	if (r != CODEC_OK) {
		rx_refuse(c, p, from, r, codec_refusal_name(r), s);
		return;
	}
	if (d->service_type != c->conf.service.type ||
	    d->service_id != c->conf.service.id) {
		c->counters.bad_service++;
		actions_complain(s->out, "bad-service", from,
				 "datagram from %s refused: service type %u id %u",
				 ADDR_TEXT(from), d->service_type, d->service_id);
		return;
	}
	if (!p && rx_is_for_routers(c, d)) {
		c->counters.not_for_us++;
		return;
	}
	if (!p && !c->conf.password.set && !cache_multicast_admits(c, from)) {
		rx_refuse_stranger(c, from, s);
		return;
	}
	r = codec_authenticate(d, &c->conf.password);
	if (r != CODEC_OK) {
		rx_refuse(c, p, from, r, codec_refusal_name(r), s);
		return;
	}
	r = codec_decode(d, s->msg, &err);
	if (r != CODEC_OK) {
		rx_refuse(c, p, from, r, err.text, s);
		return;
	}
	p = rx_find_by_id(c, p, rx_stated_id(s->msg));
	if (p)
		rx_dispatch(c, p, from, s);
	else if (cache_multicast_admits(c, from))
		rx_meet(c, from, s);
	else
		rx_refuse_stranger(c, from, s);
}
