/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Received datagrams: which ones to believe, and what they mean for the router that
 * sent them.
 */
#include "core/cache/cache_impl.h"

#include <string.h>

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

/* -- refusals ---------------------------------------------------------------------- */

static bool rx_is_auth_failure(enum codec_refusal r)
{
	return r == CODEC_AUTH_MISSING || r == CODEC_AUTH_UNEXPECTED ||
	       r == CODEC_AUTH_FAILED;
}

static void rx_refuse(struct cache *c, struct peer *p, const struct addr *from,
		      enum codec_refusal r, const char *why, struct step *s)
{
	c->counters.refused[r]++;
	actions_complain(s->out, codec_refusal_name(r), from,
			 "datagram from %s refused: %s", ADDR_TEXT(from), why);
	if (p && rx_is_auth_failure(r))
		peer_event(c, p, PEER_EV_BAD_DIGEST, codec_refusal_name(r), s);
}

static void rx_refuse_stranger(struct cache *c, const struct addr *from, struct step *s)
{
	c->counters.unknown_router++;
	actions_complain(s->out, "unknown-router", from,
			 "datagram from %s refused: not a router of this service",
			 ADDR_TEXT(from));
}

static void rx_ignore(struct cache *c, const struct addr *from, const char *why,
		      struct step *s)
{
	c->counters.not_for_us++;
	if (cache_is_multicast(c))
		return; /* messages for other web-caches are heard all the time */
	actions_complain(s->out, "not-for-us", from, "datagram from %s ignored: %s",
			 ADDR_TEXT(from), why);
}

/* -- I_SEE_YOU: taking in what it says --------------------------------------------- */

static uint32_t rx_listed_method(const struct wccp_cache_id *id)
{
	switch (id->kind) {
	case WCCP_DATA_HASH:
		return WCCP_ASSIGN_HASH;
	case WCCP_DATA_MASK:
	case WCCP_DATA_ALT_MASK:
		return WCCP_ASSIGN_MASK;
	default:
		return 0;
	}
}

static void rx_take_entry(struct peer *p, const struct wccp_cache_id *id, unsigned at)
{
	struct view_entry *e = &p->said.entries[p->said.n_entries++];

	e->addr = id->addr;
	e->weight = id->kind == WCCP_DATA_NONE ? 0 : id->weight;
	e->at = (uint8_t)at;
	e->method = rx_listed_method(id);
	e->stated = 0;
}

/* Take each web-cache once.  The view rarely changes, so compare with the last one
 * first. */
static void rx_take_view(struct peer *p, const struct wccp_router_view *v)
{
	unsigned before = p->said.n_entries;
	bool same = true;

	p->said.n_entries = 0;
	for (unsigned i = 0; i < v->n_caches && p->said.n_entries < WCCP_MAX_CACHES;
	     i++) {
		const struct wccp_cache_id *id = &v->caches[i];

		same = same && i < before &&
		       addr_equal(&p->said.entries[i].addr, &id->addr);
		if (same || peer_find_entry(p, &id->addr) < 0)
			rx_take_entry(p, id, i);
	}
}

static void rx_take_id(struct cache *c, struct peer *p, const struct addr *id,
		       struct step *s)
{
	if (addr_equal(&p->said.id, id))
		return;
	if (addr_is_set(&p->said.id)) {
		actions_note(s->out, NOTE_WARNING, "router-id", &p->address,
			     "router %s: its id is %s now (was %s)",
			     ADDR_TEXT(&p->address), ADDR_TEXT(id),
			     ADDR_TEXT(&p->said.id));
		p->assigned.sent = false; /* the assignment went to another router */
	}
	p->said.id = *id;
	cache_mark(c, DIRTY_STATUS);
}

/* Some routers take assignments from any web-cache: log it and do no more. */
static void rx_note_usurper(struct cache *c, const struct peer *p, struct step *s)
{
	const struct addr *cache = &p->said.key.cache;

	if (!addr_is_set(cache) || addr_equal(cache, &c->conf.self) ||
	    cache_conf_allows(&c->conf, cache))
		return;
	actions_complain(
		s->out, "stranger-assigns", &p->address,
		"router %s has taken an assignment from %s, which is not in the "
		"list of web-caches allowed",
		ADDR_TEXT(&p->address), ADDR_TEXT(cache));
}

static void rx_take_in(struct cache *c, struct peer *p, struct step *s)
{
	const struct wccp_msg *m = s->msg;
	const struct wccp_router_view *v = &m->router_view;

	peer_hear_version(c, p, m->minor, s);
	rx_take_id(c, p, &m->router_identity.self.id, s);
	p->said.heard = true;
	p->said.receive_id = m->router_identity.self.receive_id;
	p->said.change_number = v->change_number;
	peer_note_turns(c, p, &v->key, s);
	/* The key in its first answer is older than our acquaintance: it is not a
	 * change. */
	if (peer_is_live(p) && !key_equal(&p->said.key, &v->key))
		p->said.key_changed = true;
	p->said.key = v->key;
	rx_note_usurper(c, p, s);
	p->said.n_routers = v->n_routers;
	memcpy(p->said.routers, v->routers, v->n_routers * sizeof(v->routers[0]));
	p->said.offer = (struct wccp_capabilities){ 0 };
	if (wccp_has(m, WCCP_C_CAPABILITIES))
		p->said.offer = m->capabilities;
	rx_take_view(p, v);
}

/* -- I_SEE_YOU: what follows ------------------------------------------------------- */

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

static void rx_seen_draining(struct cache *c, struct peer *p, bool acknowledged,
			     struct step *s)
{
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

static void rx_take_answer(struct cache *c, struct peer *p, struct step *s)
{
	bool first = !p->listed;
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
	p->listed = true;
	peer_note_other_method(c, p, s);
	peer_note_foreign_mask(c, p, s);
	peer_compare_tables(c, p, s);
	peer_note_half_member(c, p, s);
	rx_follow_view(c, p, s);
	peer_check_echo(c, p, s);
	if (rx_answer_now(p, first))
		peer_hello_at(c, p, s->now);
}

static void rx_seen(struct cache *c, struct peer *p, struct step *s)
{
	struct peer before = *p;

	rx_take_in(c, p, s);
	rx_take_answer(c, p, s);
	/* By multicast, what is agreed with one is agreed with all. */
	if (cache_is_multicast(c) || !peer_tells_the_same(&before, p))
		cache_mark(c, DIRTY_VIEW);
}

/* Does another router that we list have this id already? */
static bool rx_id_is_taken(struct cache *c, const struct peer *p, const struct addr *id)
{
	for (unsigned i = 0; i < c->n_peers; i++)
		if (&c->peers[i] != p && c->peers[i].listed &&
		    addr_equal(&c->peers[i].said.id, id))
			return true;
	return false;
}

static bool rx_lists_us(const struct cache *c, const struct wccp_msg *m)
{
	return addr_find(m->router_identity.from, m->router_identity.n_from,
			 &c->conf.self) >= 0;
}

static void rx_i_see_you(struct cache *c, struct peer *p, const struct addr *from,
			 struct step *s)
{
	const struct wccp_router_identity *r = &s->msg->router_identity;
	bool acknowledged = rx_acknowledges_shutdown(s->msg, &c->conf.self);
	const char *problem = peer_version_problem(c, p, s->msg->minor);

	if (problem && peer_is_announced(p)) {
		/* This version could not describe us, or not even name us. */
		p->version.known = true;
		cache_mark(c, DIRTY_VIEW);
		rx_restart_timers(c, p, s->now);
		peer_enter_unspoken(c, p, problem, s);
	} else if (!addr_is_set(&r->self.id) || r->self.receive_id == 0) {
		rx_refuse(c, p, from, CODEC_MALFORMED, "no router id or receive id", s);
	} else if (!rx_lists_us(c, s->msg)) {
		rx_ignore(c, from, "we are not in its received-from list", s);
	} else if (rx_id_is_taken(c, p, &r->self.id)) {
		rx_ignore(c, from, "its router id answers at another address", s);
	} else if (p->state == PEER_DRAINING) {
		cache_mark(c, DIRTY_VIEW);
		rx_take_in(c, p, s);
		rx_seen_draining(c, p, acknowledged, s);
	} else if (peer_is_announced(p)) {
		rx_seen(c, p, s);
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
	cache_mark(c, DIRTY_VIEW);
	if (p->said.heard && q->router.receive_id != 0 &&
	    addr_equal(&p->said.id, &q->router.id)) {
		p->said.receive_id = q->router.receive_id;
		if (peer_is_announced(p) && p->state != PEER_MISMATCH)
			p->listed = true;
	}
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
	p->far = s->far;
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
	struct peer *p;

	if (!c->up || s->msg->type != WCCP_I_SEE_YOU || !rx_lists_us(c, s->msg)) {
		rx_ignore(c, from, "not for us", s);
		return;
	}
	if (rx_id_is_taken(c, NULL, &s->msg->router_identity.self.id)) {
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
	/* Some routers answer from an address that HERE_I_AMs never went to.  The
	 * password proves that it is a router, and its id says which one. */
	if (!p && c->conf.password.set)
		p = cache_find_peer_by_id(c, rx_stated_id(s->msg));
	if (p)
		rx_dispatch(c, p, from, s);
	else if (cache_multicast_admits(c, from))
		rx_meet(c, from, s);
	else
		rx_refuse_stranger(c, from, s);
}
