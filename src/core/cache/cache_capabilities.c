/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capabilities: a router says what it supports, the web-cache picks one of each kind
 * and states its choice in every HERE_I_AM (2.0 sections 4.4 and 4.5, 2.01 section
 * 3.5).  Kinds that a router does not mention have their defaults: GRE, GRE, hash, 10
 * s, scale 1.
 */
#include "core/cache/cache_impl.h"

#include <stdio.h>

static bool peer_offers(const struct peer *p, enum wccp_capability cap)
{
	return p->terms.present >> cap & 1;
}

static uint32_t peer_offered_forward(const struct peer *p)
{
	return peer_offers(p, WCCP_CAP_FORWARD) ? p->terms.forward : WCCP_METHOD_GRE;
}

static uint32_t peer_offered_return(const struct peer *p)
{
	return peer_offers(p, WCCP_CAP_RETURN) ? p->terms.ret : WCCP_METHOD_GRE;
}

static uint32_t peer_offered_assign(const struct peer *p)
{
	return peer_offers(p, WCCP_CAP_ASSIGN) ? p->terms.assign : WCCP_ASSIGN_HASH;
}

static uint32_t capabilities_wanted(const struct cache_preference *pref)
{
	uint32_t all = 0;

	for (unsigned i = 0; i < pref->n && i < 2; i++)
		all |= pref->methods[i];
	return all;
}

/* The one chosen before if it still fits, else the preferred one of `offered`; 0 if
 * none fits. */
static uint32_t capabilities_choose(const struct cache_preference *pref,
				    uint32_t offered, uint32_t before)
{
	if (before & offered & capabilities_wanted(pref))
		return before;
	for (unsigned i = 0; i < pref->n && i < 2; i++)
		if (pref->methods[i] & offered)
			return pref->methods[i];
	return 0;
}

static uint32_t capabilities_clamp(uint32_t v, uint32_t least, uint32_t most)
{
	if (v > most)
		v = most;
	return v < least ? least : v;
}

/* A scale is never 0, even if the router offers a range that begins there (2.01
 * section 6.11.5). */
static uint8_t capabilities_scale_within(uint8_t wish, uint8_t lower, uint8_t upper)
{
	return (uint8_t)capabilities_clamp(
		capabilities_clamp(wish ? wish : 1, lower, upper), 1, UINT8_MAX);
}

static void peer_agree_timers(const struct cache_conf *conf, struct peer *p)
{
	const struct wccp_cap_transmit_t *t = &p->terms.transmit_t;
	const struct wccp_cap_timer_scale *scale = &p->terms.timer_scale;

	p->agreed.t_ms = WCCP_TRANSMIT_T_MS;
	p->agreed.timeout_scale = p->agreed.ra_scale = 1;
	if (peer_offers(p, WCCP_CAP_TRANSMIT_T)) {
		if (conf->transmit_t_ms)
			p->agreed.t_ms = conf->transmit_t_ms;
		p->agreed.t_ms =
			capabilities_clamp(p->agreed.t_ms, t->lower_ms, t->upper_ms);
		p->agreed.t_ms =
			capabilities_clamp(p->agreed.t_ms, T_LEAST_MS, UINT16_MAX);
	}
	if (peer_offers(p, WCCP_CAP_TIMER_SCALE)) {
		p->agreed.timeout_scale = capabilities_scale_within(
			conf->timeout_scale, scale->timeout_lower,
			scale->timeout_upper);
		p->agreed.ra_scale = capabilities_scale_within(
			conf->ra_scale, scale->ra_lower, scale->ra_upper);
	}
}

/*
 * The method by which the other members assign.  It cannot change before the group is
 * empty (2.01 section 3.5.2), even if the router still offers both.  Returns 0 if its
 * view shows no method, or both.
 */
static uint32_t peer_method_of_others(const struct cache *c, const struct peer *p)
{
	uint32_t all = 0;

	for (unsigned i = 0; i < p->said.n_entries; i++)
		if (!addr_equal(&p->said.entries[i].addr, &c->conf.self))
			all |= p->said.entries[i].method;
	return all == (WCCP_ASSIGN_HASH | WCCP_ASSIGN_MASK) ? 0 : all;
}

/* A service and its mirror must be assigned by the same method. */
static uint32_t peer_choose_assign(const struct cache *c, const struct peer *p)
{
	uint32_t before = p->agreed.assign;

	if (!before)
		before = peer_method_of_others(c, p);
	if (!before)
		before = cache_method_of_mate(c);
	return capabilities_choose(&c->conf.assign, peer_offered_assign(p), before);
}

/* The range of one router is never empty; the intersection of several may be. */
static bool peer_timers_in_common(const struct peer *p)
{
	const struct wccp_capabilities *c = &p->terms;

	if (peer_offers(p, WCCP_CAP_TRANSMIT_T) &&
	    c->transmit_t.lower_ms > c->transmit_t.upper_ms)
		return false;
	return !peer_offers(p, WCCP_CAP_TIMER_SCALE) ||
	       (c->timer_scale.timeout_lower <= c->timer_scale.timeout_upper &&
		c->timer_scale.ra_lower <= c->timer_scale.ra_upper);
}

/* -- one choice for all ------------------------------------------------------------ */

/* The offer, with defaults for the kinds it does not mention. */
static struct wccp_capabilities
capabilities_in_full(const struct wccp_capabilities *offer)
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

static uint16_t capabilities_higher(uint16_t a, uint16_t b)
{
	return a > b ? a : b;
}

static uint16_t capabilities_lower(uint16_t a, uint16_t b)
{
	return a < b ? a : b;
}

static void capabilities_narrow(struct wccp_capabilities *c,
				const struct wccp_capabilities *by)
{
	struct wccp_cap_transmit_t *t = &c->transmit_t;
	struct wccp_cap_timer_scale *k = &c->timer_scale;
	const struct wccp_cap_timer_scale *bk = &by->timer_scale;

	c->present |= by->present;
	c->forward &= by->forward;
	c->ret &= by->ret;
	c->assign &= by->assign;
	t->lower_ms = capabilities_higher(t->lower_ms, by->transmit_t.lower_ms);
	t->upper_ms = capabilities_lower(t->upper_ms, by->transmit_t.upper_ms);
	k->timeout_lower =
		(uint8_t)capabilities_higher(k->timeout_lower, bk->timeout_lower);
	k->timeout_upper =
		(uint8_t)capabilities_lower(k->timeout_upper, bk->timeout_upper);
	k->ra_lower = (uint8_t)capabilities_higher(k->ra_lower, bk->ra_lower);
	k->ra_upper = (uint8_t)capabilities_lower(k->ra_upper, bk->ra_upper);
}

/* What it offers, as far as it can be used: L2 only on a common link. */
static struct wccp_capabilities peer_usable_offer(const struct peer *p)
{
	struct wccp_capabilities c = p->said.offer;

	if (p->far) {
		c.forward &= ~(uint32_t)WCCP_METHOD_L2;
		c.ret &= ~(uint32_t)WCCP_METHOD_L2;
	}
	return c;
}

static void peer_set_terms(const struct cache *c, struct peer *p)
{
	p->terms = peer_usable_offer(p);
	if (!cache_is_multicast(c))
		return;
	p->terms = capabilities_in_full(&p->terms);
	for (unsigned i = 0; i < c->n_peers; i++) {
		const struct peer *other = &c->peers[i];
		struct wccp_capabilities by = peer_usable_offer(other);

		if (other == p || !other->listed)
			continue;
		by = capabilities_in_full(&by);
		capabilities_narrow(&p->terms, &by);
		if (p->agreed.forward)
			continue;
		p->agreed.forward =
			other->agreed.forward; /* one for all, kept if possible */
		p->agreed.ret = other->agreed.ret;
		peer_set_assign(p, other->agreed.assign);
	}
}

static void cache_share_choice(struct cache *c, const struct peer *p)
{
	for (unsigned i = 0; cache_is_multicast(c) && i < c->n_peers; i++) {
		struct peer *other = &c->peers[i];

		if (other == p || !other->listed)
			continue;
		other->terms = p->terms;
		peer_set_assign(other, p->agreed.assign);
		other->agreed = p->agreed;
	}
}

/* -- agreeing ---------------------------------------------------------------------- */

static bool peer_agree_methods(struct cache *c, struct peer *p)
{
	const struct cache_conf *conf = &c->conf;
	uint32_t forward, ret, assign;

	peer_set_terms(c, p);
	forward = capabilities_choose(&conf->forward, peer_offered_forward(p),
				      p->agreed.forward);
	ret = capabilities_choose(&conf->ret, peer_offered_return(p), p->agreed.ret);
	assign = peer_choose_assign(c, p);
	peer_agree_timers(conf, p);
	if (!forward || !ret || !assign || !peer_timers_in_common(p))
		forward = ret = assign = 0;
	if (forward != p->agreed.forward || ret != p->agreed.ret ||
	    assign != p->agreed.assign) {
		p->agreed.forward = forward;
		p->agreed.ret = ret;
		peer_set_assign(p, assign);
		p->hello.now = true;
		cache_mark(c, DIRTY_STATUS);
	}
	if (forward)
		cache_share_choice(c, p);
	return forward != 0;
}

static bool peer_agreed_equal(const struct peer_agreed *a, const struct peer_agreed *b)
{
	return a->forward == b->forward && a->ret == b->ret && a->assign == b->assign &&
	       a->t_ms == b->t_ms && a->timeout_scale == b->timeout_scale &&
	       a->ra_scale == b->ra_scale;
}

static void peer_agreed_text(const struct peer_agreed *a, char *text, size_t size)
{
	snprintf(text, size,
		 "forwarding %s, return %s, %s assignment, T %u ms x %u x %u",
		 a->forward == WCCP_METHOD_L2 ? "L2" : "GRE",
		 a->ret == WCCP_METHOD_L2 ? "L2" : "GRE",
		 a->assign == WCCP_ASSIGN_MASK ? "mask" : "hash", a->t_ms,
		 a->timeout_scale, a->ra_scale);
}

bool peer_agree(struct cache *c, struct peer *p, struct step *s)
{
	struct peer_agreed was = p->agreed;
	bool standing = p->listed, agreed = peer_agree_methods(c, p);
	char before[96], now[96];

	if (!agreed || peer_agreed_equal(&was, &p->agreed))
		return agreed;
	p->hello.now = true; /* it waits for our choice */
	cache_mark(c, DIRTY_STATUS);
	if (!standing)
		return true;
	peer_agreed_text(&was, before, sizeof(before));
	peer_agreed_text(&p->agreed, now, sizeof(now));
	actions_note(s->out, NOTE_INFO, "renegotiated", &p->address,
		     "router %s: %s (was %s)", ADDR_TEXT(&p->address), now, before);
	return true;
}

struct wccp_capabilities peer_choice(const struct peer *p)
{
	struct wccp_capabilities c = { .forward = p->agreed.forward,
				       .ret = p->agreed.ret,
				       .assign = p->agreed.assign };

	/* Only kinds that the router mentioned: an old router may refuse the others. */
	c.present =
		p->terms.present & (1u << WCCP_CAP_FORWARD | 1u << WCCP_CAP_ASSIGN |
				    1u << WCCP_CAP_RETURN | 1u << WCCP_CAP_TRANSMIT_T |
				    1u << WCCP_CAP_TIMER_SCALE);
	c.transmit_t.lower_ms = c.transmit_t.upper_ms = (uint16_t)p->agreed.t_ms;
	c.timer_scale.timeout_lower = c.timer_scale.timeout_upper =
		p->agreed.timeout_scale;
	c.timer_scale.ra_lower = c.timer_scale.ra_upper = p->agreed.ra_scale;
	return c;
}

void peer_note_other_method(const struct cache *c, struct peer *p, struct step *s)
{
	const struct view_entry *other = NULL;

	for (unsigned i = 0; i < p->said.n_entries && !other; i++)
		if (p->said.entries[i].method &&
		    p->said.entries[i].method != p->agreed.assign &&
		    !addr_equal(&p->said.entries[i].addr, &c->conf.self))
			other = &p->said.entries[i];
	if (other && !p->noted.other_method)
		actions_note(s->out, NOTE_WARNING, "other-method", &p->address,
			     "router %s: web-cache %s assigns by %s, we by %s",
			     ADDR_TEXT(&p->address), ADDR_TEXT(&other->addr),
			     other->method == WCCP_ASSIGN_MASK ? "mask" : "hash",
			     p->agreed.assign == WCCP_ASSIGN_MASK ? "mask" : "hash");
	p->noted.other_method = other;
}

/* -- words for a mismatch ---------------------------------------------------------- */

struct capability_names {
	const char *kind, *one, *two;
};

static const char *capabilities_method_text(const struct capability_names *names,
					    uint32_t methods, char *text, size_t size)
{
	switch (methods) {
	case 0:
		return "nothing";
	case 1:
		return names->one;
	case 2:
		return names->two;
	case 3:
		snprintf(text, size, "%s or %s", names->one, names->two);
		return text;
	default:
		snprintf(text, size, "methods 0x%x", methods);
		return text;
	}
}

/* Append a clause about one kind of capability if the two sides have nothing in
 * common. */
static size_t capabilities_put_mismatch(char *text, size_t size, size_t at,
					const struct capability_names *names,
					uint32_t theirs, uint32_t ours)
{
	char a[32], b[32];
	int n;

	if ((theirs & ours) || at >= size)
		return at;
	n = snprintf(text + at, size - at, "%soffers %s %s, we accept %s",
		     at ? "; " : "", names->kind,
		     capabilities_method_text(names, theirs, a, sizeof(a)),
		     capabilities_method_text(names, ours, b, sizeof(b)));
	return n < 0 ? at : at + (size_t)n;
}

void peer_enter_mismatch(struct cache *c, struct peer *p, struct step *s)
{
	static const struct capability_names forward = { "forwarding", "GRE", "L2" };
	static const struct capability_names ret = { "packet return", "GRE", "L2" };
	static const struct capability_names assign = { "assignment", "hash", "mask" };
	char text[256] = "";
	size_t at = 0;

	at = capabilities_put_mismatch(text, sizeof(text), at, &forward,
				       peer_offered_forward(p),
				       capabilities_wanted(&c->conf.forward));
	at = capabilities_put_mismatch(text, sizeof(text), at, &ret,
				       peer_offered_return(p),
				       capabilities_wanted(&c->conf.ret));
	capabilities_put_mismatch(text, sizeof(text), at, &assign,
				  peer_offered_assign(p),
				  capabilities_wanted(&c->conf.assign));
	if (!text[0])
		snprintf(text, sizeof(text),
			 "offers no timers in common with the others");
	p->listed = false;
	if (!peer_event(c, p, PEER_EV_NOTHING_FITS, NULL, s))
		return;
	actions_note(s->out, NOTE_WARNING, peer_state_event(PEER_MISMATCH), &p->address,
		     "router %s %s%s", ADDR_TEXT(&p->address), text,
		     p->far ? " (with L2 left out: it needs a common link, and this router "
			      "is behind a gateway, or the interface is an ipvlan)"
			    : "");
}
