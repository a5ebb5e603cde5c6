/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What routers say: which datagrams are believed, and what follows from them for
 * the state of that one router.
 */
#include "core/cache/cache_impl.h"

#include <string.h>

/* -- whom a datagram is from ------------------------------------------------------------ */

static struct peer *peer_at(struct cache *g, const struct addr *address)
{
	for (unsigned i = 0; i < g->n_peers; i++)
		if (addr_equal(&g->peers[i].address, address))
			return &g->peers[i];
	return NULL;
}

static struct peer *peer_called(struct cache *g, const struct addr *id)
{
	for (unsigned i = 0; i < g->n_peers; i++)
		if (g->peers[i].heard && addr_equal(&g->peers[i].id, id))
			return &g->peers[i];
	return NULL;
}

static const struct addr *stated_id(const struct wccp_msg *m)
{
	static const struct addr none;

	if (m->type == WCCP_I_SEE_YOU)
		return &m->router_identity.self.id;
	if (m->type == WCCP_REMOVAL_QUERY)
		return &m->query.router.id;
	return &none;
}

/* -- refusals ------------------------------------------------------------------------------ */

static bool is_auth_failure(enum codec_refusal r)
{
	return r == CODEC_AUTH_MISSING || r == CODEC_AUTH_UNEXPECTED ||
	       r == CODEC_AUTH_FAILED;
}

/*
 * The source address of what does not authenticate may be forged: it must not be
 * able to talk us out of a router that works.
 */
static void note_auth_failure(struct cache *g, struct peer *p, enum codec_refusal r,
			      struct step *s)
{
	if (p->state == PEER_WAITING || p->state == PEER_NEGOTIATING ||
	    p->state == PEER_LOST)
		peer_enter(g, p, PEER_AUTH_FAILED, codec_refusal_name(r), s);
}

static void refuse(struct cache *g, struct peer *p, const struct addr *from,
		   enum codec_refusal r, const char *why, struct step *s)
{
	g->counters.refused[r]++;
	actions_complain(s->out, codec_refusal_name(r), from, "datagram from %s refused: %s",
			 ADDR_TEXT(from), why);
	if (p && is_auth_failure(r))
		note_auth_failure(g, p, r, s);
}

static void refuse_stranger(struct cache *g, const struct addr *from, struct step *s)
{
	g->counters.unknown_router++;
	actions_complain(s->out, "unknown-router", from,
			 "datagram from %s refused: not a router of this service",
			 ADDR_TEXT(from));
}

static void refuse_not_for_us(struct cache *g, const struct addr *from, const char *why,
			      struct step *s)
{
	g->counters.not_for_us++;
	if (cache_is_multicast(g))
		return; /* everybody hears what is for others, all the time */
	actions_complain(s->out, "not-for-us", from, "datagram from %s ignored: %s",
			 ADDR_TEXT(from), why);
}

/* -- I_SEE_YOU: taking in what it says ----------------------------------------------------- */

int peer_find_fellow(const struct peer *p, const struct addr *cache)
{
	for (unsigned i = 0; i < p->n_fellows; i++)
		if (addr_equal(&p->fellows[i].addr, cache))
			return (int)i;
	return -1;
}

static uint32_t listed_method(const struct wccp_cache_id *c)
{
	switch (c->kind) {
	case WCCP_DATA_HASH:
		return WCCP_ASSIGN_HASH;
	case WCCP_DATA_MASK:
	case WCCP_DATA_ALT_MASK:
		return WCCP_ASSIGN_MASK;
	default:
		return 0;
	}
}

static void take_fellow(struct peer *p, const struct wccp_cache_id *c, unsigned at)
{
	struct fellow *f = &p->fellows[p->n_fellows++];

	f->addr = c->addr;
	f->weight = c->kind == WCCP_DATA_NONE ? 0 : c->weight;
	f->at = (uint8_t)at;
	f->method = listed_method(c);
	f->stated = 0;
}

/* Each once.  Mostly they are those of the last time, in the same order. */
static void take_fellows(struct peer *p, const struct wccp_router_view *v)
{
	unsigned before = p->n_fellows;
	bool same = true;

	p->n_fellows = 0;
	for (unsigned i = 0; i < v->n_caches && p->n_fellows < WCCP_MAX_CACHES; i++) {
		const struct wccp_cache_id *c = &v->caches[i];

		same = same && i < before && addr_equal(&p->fellows[i].addr, &c->addr);
		if (same || peer_find_fellow(p, &c->addr) < 0)
			take_fellow(p, c, i);
	}
}

static void take_id(struct cache *g, struct peer *p, const struct addr *id,
		    struct step *s)
{
	if (addr_equal(&p->id, id))
		return;
	if (addr_is_set(&p->id)) {
		actions_note(s->out, NOTE_WARNING, "router-id", &p->address,
			     "router %s: its id is %s now (was %s)",
			     ADDR_TEXT(&p->address), ADDR_TEXT(id), ADDR_TEXT(&p->id));
		p->told = false; /* to whom we spoke was another */
	}
	p->id = *id;
	g->changed = true;
}

/* It may say no more than that it listens to anybody. */
static void note_usurper(struct cache *g, const struct peer *p, struct step *s)
{
	const struct addr *cache = &p->key.cache;

	if (!addr_is_set(cache) || addr_equal(cache, &g->conf.self) ||
	    cache_conf_allows(&g->conf, cache))
		return;
	actions_complain(s->out, "stranger-assigns", &p->address,
			 "router %s has taken an assignment from %s, which is not in the "
			 "list of web-caches allowed",
			 ADDR_TEXT(&p->address), ADDR_TEXT(cache));
}

static void take_in(struct cache *g, struct peer *p, struct step *s)
{
	const struct wccp_msg *m = s->msg;
	const struct wccp_router_view *v = &m->router_view;

	peer_hear_version(g, p, m->minor, s);
	take_id(g, p, &m->router_identity.self.id, s);
	p->heard = true;
	p->receive_id = m->router_identity.self.receive_id;
	p->change_number = v->change_number;
	/* The key that we meet it with was there before us: no news. */
	if (peer_is_live(p) && !key_equal(&p->key, &v->key))
		p->rekeyed = true;
	p->key = v->key;
	note_usurper(g, p, s);
	p->n_routers = v->n_routers;
	memcpy(p->routers, v->routers, v->n_routers * sizeof(v->routers[0]));
	p->offer = (struct wccp_capabilities){ 0 };
	if (wccp_has(m, WCCP_C_CAPABILITIES))
		p->offer = m->caps;
	take_fellows(p, v);
}

/* -- I_SEE_YOU: what follows ----------------------------------------------------------------- */

static bool acknowledges_shutdown(const struct wccp_msg *m, const struct addr *self)
{
	if (!wccp_has(m, WCCP_C_COMMAND))
		return false;
	for (unsigned i = 0; i < m->n_commands; i++)
		if (m->commands[i].type == WCCP_CMD_SHUTDOWN_RESPONSE &&
		    addr_equal(&m->commands[i].cache, self))
			return true;
	return false;
}

/* Out of turn, so it is not one of the paced tries; and not for ever, to a router
 * that does not know the command. */
static void repeat_shutdown(struct cache *g, struct peer *p, struct step *s)
{
	struct mono next = p->hello_at;

	if (p->quick_left == 0)
		return;
	p->quick_left--;
	if (cache_is_multicast(g) && p->state == PEER_DRAINING && !p->removed) {
		cache_multicast_shutdown(g, s);
		return;
	}
	peer_shutdown(g, p, s);
	p->hello_at = next;
}

static void seen_while_leaving(struct cache *g, struct peer *p, bool acknowledged,
			       struct step *s)
{
	const char *reason = NULL;

	if (acknowledged)
		reason = "SHUTDOWN acknowledged";
	else if (peer_find_fellow(p, &g->conf.self) < 0)
		reason = "no longer in its view";
	if (reason) {
		p->hello_at = MONO_NEVER;
		peer_enter(g, p, PEER_WITHDRAWN, reason, s);
		return;
	}
	/* Neither: our receive id was stale.  Say it again with the right one. */
	if (p->receive_id != p->shutdown_id)
		repeat_shutdown(g, p, s);
}

static void follow_view(struct cache *g, struct peer *p, struct step *s)
{
	int self = peer_find_fellow(p, &g->conf.self);

	if (self < 0) {
		if (peer_is_live(p))
			p->quick_left = QUICK_MAX;
		peer_enter(g, p, PEER_NEGOTIATING,
			   peer_is_live(p) ? "no longer in its view" : "it answers", s);
	} else if (peer_has_slots(p, self)) {
		peer_enter(g, p, PEER_ASSIGNED, "in its view with buckets", s);
	} else {
		peer_enter(g, p, PEER_JOINED, "in its view without buckets", s);
	}
}

/* Not waiting for T where waiting costs time to be usable. */
static bool answer_at_once(struct peer *p, bool first)
{
	if (first || p->urgent)
		return true;
	if (p->state != PEER_NEGOTIATING || p->quick_left == 0)
		return false;
	p->quick_left--;
	return true;
}

static void it_answers(const struct cache *g, struct peer *p, struct mono now)
{
	p->outstanding = 0;
	p->forget_at = MONO_NEVER;
	if (!cache_is_multicast(g))
		p->hello_at = mono_add_ms(p->hello_sent, p->t_ms);
	p->dead_at = mono_add_ms(now, 3 * (int64_t)p->timeout_scale * p->t_ms);
}

static void seen(struct cache *g, struct peer *p, struct step *s)
{
	bool first = !p->listed;
	bool agreed = peer_agree(g, p, s);

	peer_take_table(g, p, s->msg);
	it_answers(g, p, s->now);
	if (!agreed) {
		/* Not joining there (2.0 section 4.4).  HERE_I_AMs that leave the
		 * router out go on: its answers show when it changes its mind. */
		if (p->state != PEER_MISMATCH)
			peer_enter_mismatch(g, p, s);
		return;
	}
	p->listed = true;
	peer_note_other_method(g, p, s);
	peer_note_foreign(g, p, s);
	peer_compare_tables(g, p, s);
	peer_note_half_member(g, p, s);
	follow_view(g, p, s);
	peer_check_echo(g, p, s);
	if (answer_at_once(p, first))
		peer_hello_at(g, p, s->now);
}

/* Of what we know of it: is it the same as far as the view of the group, the election
 * and the table of slots depend on it? */
static bool tells_the_same(const struct peer *a, const struct peer *b)
{
	return a->state == b->state && a->listed == b->listed &&
	       addr_equal(&a->id, &b->id) && a->change_number == b->change_number &&
	       key_equal(&a->key, &b->key) && a->rekeyed == b->rekeyed &&
	       a->assign == b->assign && a->foreign == b->foreign &&
	       a->n_routers == b->n_routers && a->n_fellows == b->n_fellows &&
	       a->n_slots == b->n_slots &&
	       memcmp(a->routers, b->routers, a->n_routers * sizeof(a->routers[0])) == 0 &&
	       memcmp(a->fellows, b->fellows, a->n_fellows * sizeof(a->fellows[0])) == 0 &&
	       memcmp(a->owners, b->owners, a->n_slots) == 0;
}

static void seen_again(struct cache *g, struct peer *p, struct step *s)
{
	struct peer before = *p;

	take_in(g, p, s);
	seen(g, p, s);
	/* By multicast, what is agreed with one is agreed with all. */
	if (cache_is_multicast(g) || !tells_the_same(&before, p))
		g->news = true;
}

/* Another peer that has this id already, and is not just a memory. */
static bool id_is_taken(struct cache *g, const struct peer *p, const struct addr *id)
{
	for (unsigned i = 0; i < g->n_peers; i++)
		if (&g->peers[i] != p && g->peers[i].listed &&
		    addr_equal(&g->peers[i].id, id))
			return true;
	return false;
}

static bool lists_us(const struct cache *g, const struct wccp_msg *m)
{
	return addr_find(m->router_identity.from, m->router_identity.n_from,
			 &g->conf.self) >= 0;
}

static void i_see_you(struct cache *g, struct peer *p, const struct addr *from,
		      struct step *s)
{
	const struct wccp_router_identity *r = &s->msg->router_identity;
	bool acknowledged = acknowledges_shutdown(s->msg, &g->conf.self);
	const char *problem = peer_version_problem(g, p, s->msg->minor);

	if (problem && peer_is_announced(p)) {
		/* In such a version we could not be described, or even named. */
		p->versioned = true;
		g->news = true;
		it_answers(g, p, s->now);
		peer_enter_unspoken(g, p, problem, s);
	} else if (!addr_is_set(&r->self.id) || r->self.receive_id == 0) {
		refuse(g, p, from, CODEC_MALFORMED, "no router id or receive id", s);
	} else if (!lists_us(g, s->msg)) {
		refuse_not_for_us(g, from, "we are not in its received-from list", s);
	} else if (id_is_taken(g, p, &r->self.id)) {
		refuse_not_for_us(g, from, "its router id answers at another address", s);
	} else if (p->state == PEER_DRAINING) {
		g->news = true;
		take_in(g, p, s);
		seen_while_leaving(g, p, acknowledged, s);
	} else if (peer_is_announced(p)) {
		seen_again(g, p, s);
	}
}

/* -- REMOVAL_QUERY ------------------------------------------------------------------------- */

/*
 * Three HERE_I_AMs with the receive id of the query, 0.1 T apart (2.0 section
 * 4.14).  An I_SEE_YOU in between makes that id stale; then the newer one is used.
 */
static void removal_query(struct cache *g, struct peer *p, const struct addr *from,
			  struct step *s)
{
	const struct wccp_router_query *q = &s->msg->query;

	if (!addr_equal(&q->target, &g->conf.self)) {
		refuse_not_for_us(g, from, "removal query for another web-cache", s);
		return;
	}
	g->news = true;
	if (p->heard && q->router.receive_id != 0 && addr_equal(&p->id, &q->router.id)) {
		p->receive_id = q->router.receive_id;
		if (peer_is_announced(p) && p->state != PEER_MISMATCH)
			p->listed = true;
	}
	if (p->state == PEER_DRAINING || p->state == PEER_WITHDRAWN) {
		repeat_shutdown(g, p, s); /* it missed ours */
	} else if (peer_is_announced(p) && p->query_left == 0) {
		p->query_left = QUERY_ANSWERS;
		p->query_at = s->now;
	}
}

/* -- entry ----------------------------------------------------------------------------------- */

static void dispatch(struct cache *g, struct peer *p, const struct addr *from,
		     struct step *s)
{
	g->counters.rx[s->msg->type - WCCP_HERE_I_AM]++;
	if (s->msg->type == WCCP_I_SEE_YOU)
		i_see_you(g, p, from, s);
	else if (s->msg->type == WCCP_REMOVAL_QUERY)
		removal_query(g, p, from, s);
	else
		refuse_not_for_us(g, from, "a message for routers", s);
}

/* A router is met by an I_SEE_YOU that lists us; the messages of other web-caches
 * to the group reach us, too. */
static void stranger_to_meet(struct cache *g, const struct addr *from, struct step *s)
{
	struct peer *p;

	if (!g->up || s->msg->type != WCCP_I_SEE_YOU || !lists_us(g, s->msg)) {
		refuse_not_for_us(g, from, "not for us", s);
		return;
	}
	if (id_is_taken(g, NULL, &s->msg->router_identity.self.id)) {
		g->counters.not_for_us++;
		actions_complain(s->out, "not-for-us", from,
				 "datagram from %s ignored: its router id answers at "
				 "another address",
				 ADDR_TEXT(from));
		return;
	}
	p = cache_meet(g, from, s);
	if (!p)
		return;
	peer_start(g, p, "met by multicast", s);
	dispatch(g, p, from, s);
}

/* What other web-caches say to the group's address comes to us as well. */
static bool is_for_routers(const struct cache *g, const struct codec_datagram *d)
{
	return cache_is_multicast(g) &&
	       (d->type == WCCP_HERE_I_AM || d->type == WCCP_REDIRECT_ASSIGN);
}

void cache_receive(struct cache *g, const struct addr *from,
		   const struct codec_datagram *d, struct step *s)
{
	struct peer *p = peer_at(g, from);
	struct err err = { "" };
	enum codec_refusal r = d->refusal;

	if (r != CODEC_OK) {
		refuse(g, p, from, r, codec_refusal_name(r), s);
		return;
	}
	if (d->service_type != g->conf.service.type ||
	    d->service_id != g->conf.service.id) {
		g->counters.bad_service++;
		actions_complain(s->out, "bad-service", from,
				 "datagram from %s refused: service type %u id %u",
				 ADDR_TEXT(from), d->service_type, d->service_id);
		return;
	}
	if (!p && is_for_routers(g, d)) {
		g->counters.not_for_us++;
		return;
	}
	if (!p && !g->conf.password.set && !cache_admits(g, from)) {
		refuse_stranger(g, from, s);
		return;
	}
	r = codec_authenticate(d, &g->conf.password);
	if (r != CODEC_OK) {
		refuse(g, p, from, r, codec_refusal_name(r), s);
		return;
	}
	r = codec_decode(d, s->msg, &err);
	if (r != CODEC_OK) {
		refuse(g, p, from, r, err.text, s);
		return;
	}
	/* Some routers answer from an address that HERE_I_AMs never went to.  A
	 * password proves that it is one; the id it states, which. */
	if (!p && g->conf.password.set)
		p = peer_called(g, stated_id(s->msg));
	if (p)
		dispatch(g, p, from, s);
	else if (cache_admits(g, from))
		stranger_to_meet(g, from, s);
	else
		refuse_stranger(g, from, s);
}
