/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capabilities: a router says what it supports, the web-cache picks one of each
 * and repeats it for ever (2.0 sections 4.4 and 4.5, 2.01 section 3.5).  What a
 * router does not mention is the default: GRE, GRE, hash, 10 s, scale 1.
 */
#include "core/cache/cache_impl.h"

#include <stdio.h>

static bool offers(const struct peer *p, enum wccp_capability cap)
{
	return p->terms.present >> cap & 1;
}

static uint32_t offered_forward(const struct peer *p)
{
	return offers(p, WCCP_CAP_FORWARD) ? p->terms.forward : WCCP_METHOD_GRE;
}

static uint32_t offered_return(const struct peer *p)
{
	return offers(p, WCCP_CAP_RETURN) ? p->terms.ret : WCCP_METHOD_GRE;
}

static uint32_t offered_assign(const struct peer *p)
{
	return offers(p, WCCP_CAP_ASSIGN) ? p->terms.assign : WCCP_ASSIGN_HASH;
}

static uint32_t wanted(const struct cache_preference *pref)
{
	uint32_t all = 0;

	for (unsigned i = 0; i < pref->n && i < 2; i++)
		all |= pref->methods[i];
	return all;
}

/* One of `offered` by preference; 0 when there is none. */
static uint32_t choose(const struct cache_preference *pref, uint32_t offered,
		       uint32_t before)
{
	if (before & offered & wanted(pref))
		return before;
	for (unsigned i = 0; i < pref->n && i < 2; i++)
		if (pref->methods[i] & offered)
			return pref->methods[i];
	return 0;
}

static uint32_t clamp(uint32_t v, uint32_t least, uint32_t most)
{
	if (v > most)
		v = most;
	return v < least ? least : v;
}

/* 2.01 section 6.11.5: 0 must not be within the range of a scale. */
static uint8_t scale_within(uint8_t wish, uint8_t lower, uint8_t upper)
{
	return (uint8_t)clamp(clamp(wish ? wish : 1, lower, upper), 1, UINT8_MAX);
}

static void agree_on_timers(const struct cache_conf *conf, struct peer *p)
{
	const struct wccp_cap_transmit_t *t = &p->terms.transmit_t;
	const struct wccp_cap_timer_scale *scale = &p->terms.timer_scale;

	p->t_ms = WCCP_TRANSMIT_T_MS;
	p->timeout_scale = p->ra_scale = 1;
	if (offers(p, WCCP_CAP_TRANSMIT_T)) {
		if (conf->transmit_t_ms)
			p->t_ms = conf->transmit_t_ms;
		p->t_ms = clamp(p->t_ms, t->lower_ms, t->upper_ms);
		p->t_ms = clamp(p->t_ms, T_LEAST_MS, UINT16_MAX);
	}
	if (offers(p, WCCP_CAP_TIMER_SCALE)) {
		p->timeout_scale = scale_within(conf->timeout_scale, scale->timeout_lower,
						scale->timeout_upper);
		p->ra_scale = scale_within(conf->ra_scale, scale->ra_lower, scale->ra_upper);
	}
}

/*
 * The method that the other members assign by.  It is frozen until the group is
 * empty (2.01 section 3.5.2), also at a router that still offers both.  0 when
 * nothing can be seen, or when they differ.
 */
static uint32_t method_of_others(const struct cache *g, const struct peer *p)
{
	uint32_t all = 0;

	for (unsigned i = 0; i < p->n_fellows; i++)
		if (!addr_equal(&p->fellows[i].addr, &g->conf.self))
			all |= p->fellows[i].method;
	return all == (WCCP_ASSIGN_HASH | WCCP_ASSIGN_MASK) ? 0 : all;
}

/* A pair must not be divided in two ways. */
static uint32_t choose_assign(const struct cache *g, const struct peer *p)
{
	uint32_t before = p->assign;

	if (!before)
		before = method_of_others(g, p);
	if (!before)
		before = cache_method_of_mate(g);
	return choose(&g->conf.assign, offered_assign(p), before);
}

/* A table is sent and understood in terms of the method. */
void peer_set_assign(struct peer *p, uint32_t assign)
{
	if (assign == p->assign)
		return;
	p->assign = assign;
	p->told = p->pending = false;
	peer_forget_table(p);
}

/* Only where several routers must agree can there be nothing left. */
static bool timers_in_common(const struct peer *p)
{
	const struct wccp_capabilities *c = &p->terms;

	if (offers(p, WCCP_CAP_TRANSMIT_T) && c->transmit_t.lower_ms > c->transmit_t.upper_ms)
		return false;
	return !offers(p, WCCP_CAP_TIMER_SCALE) ||
	       (c->timer_scale.timeout_lower <= c->timer_scale.timeout_upper &&
		c->timer_scale.ra_lower <= c->timer_scale.ra_upper);
}

static bool agree(struct cache *g, struct peer *p)
{
	const struct cache_conf *conf = &g->conf;
	uint32_t forward, ret, assign;

	peer_set_terms(g, p);
	forward = choose(&conf->forward, offered_forward(p), p->forward);
	ret = choose(&conf->ret, offered_return(p), p->ret);
	assign = choose_assign(g, p);
	agree_on_timers(conf, p);
	if (!forward || !ret || !assign || !timers_in_common(p))
		forward = ret = assign = 0;
	if (forward != p->forward || ret != p->ret || assign != p->assign) {
		p->forward = forward;
		p->ret = ret;
		peer_set_assign(p, assign);
		p->urgent = true;
		g->changed = true;
	}
	if (forward)
		cache_share_choice(g, p);
	return forward != 0;
}

/* What was agreed, to see what becomes of it. */
struct agreement {
	uint32_t forward, ret, assign, t_ms;
	uint8_t timeout_scale, ra_scale;
};

static struct agreement agreement(const struct peer *p)
{
	return (struct agreement){ p->forward, p->ret,		 p->assign,
				   p->t_ms,    p->timeout_scale, p->ra_scale };
}

static bool same_agreement(const struct agreement *a, const struct agreement *b)
{
	return a->forward == b->forward && a->ret == b->ret && a->assign == b->assign &&
	       a->t_ms == b->t_ms && a->timeout_scale == b->timeout_scale &&
	       a->ra_scale == b->ra_scale;
}

static void agreement_text(const struct agreement *a, char *text, size_t size)
{
	snprintf(text, size, "forwarding %s, return %s, %s assignment, T %u ms x %u x %u",
		 a->forward == WCCP_METHOD_L2 ? "L2" : "GRE",
		 a->ret == WCCP_METHOD_L2 ? "L2" : "GRE",
		 a->assign == WCCP_ASSIGN_MASK ? "mask" : "hash", a->t_ms,
		 a->timeout_scale, a->ra_scale);
}

bool peer_agree(struct cache *g, struct peer *p, struct step *s)
{
	struct agreement was = agreement(p), is;
	bool standing = p->listed, agreed = agree(g, p);
	char before[96], now[96];

	is = agreement(p);
	if (!agreed || same_agreement(&was, &is))
		return agreed;
	p->urgent = true; /* it waits for our word */
	g->changed = true;
	if (!standing)
		return true;
	agreement_text(&was, before, sizeof(before));
	agreement_text(&is, now, sizeof(now));
	actions_note(s->out, NOTE_INFO, "renegotiated", &p->address,
		     "router %s: %s (was %s)", ADDR_TEXT(&p->address), now, before);
	return true;
}

struct wccp_capabilities peer_choice(const struct peer *p)
{
	struct wccp_capabilities c = { .forward = p->forward,
				       .ret = p->ret,
				       .assign = p->assign };

	/* Only kinds that the router mentioned: an old one may refuse others. */
	c.present = p->terms.present &
		    (1u << WCCP_CAP_FORWARD | 1u << WCCP_CAP_ASSIGN | 1u << WCCP_CAP_RETURN |
		     1u << WCCP_CAP_TRANSMIT_T | 1u << WCCP_CAP_TIMER_SCALE);
	c.transmit_t.lower_ms = c.transmit_t.upper_ms = (uint16_t)p->t_ms;
	c.timer_scale.timeout_lower = c.timer_scale.timeout_upper = p->timeout_scale;
	c.timer_scale.ra_lower = c.timer_scale.ra_upper = p->ra_scale;
	return c;
}

void peer_note_other_method(const struct cache *g, struct peer *p, struct step *s)
{
	const struct fellow *other = NULL;

	for (unsigned i = 0; i < p->n_fellows && !other; i++)
		if (p->fellows[i].method && p->fellows[i].method != p->assign &&
		    !addr_equal(&p->fellows[i].addr, &g->conf.self))
			other = &p->fellows[i];
	if (other && !p->said_other)
		actions_note(s->out, NOTE_WARNING, "other-method", &p->address,
			     "router %s: web-cache %s assigns by %s, we by %s",
			     ADDR_TEXT(&p->address), ADDR_TEXT(&other->addr),
			     other->method == WCCP_ASSIGN_MASK ? "mask" : "hash",
			     p->assign == WCCP_ASSIGN_MASK ? "mask" : "hash");
	p->said_other = other;
}

/* -- words for a mismatch ------------------------------------------------------------- */

struct names {
	const char *kind, *one, *two;
};

static const char *method_text(const struct names *names, uint32_t methods, char *text,
			       size_t size)
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

/* Append one kind when its sides have nothing in common. */
static size_t put_mismatch(char *text, size_t size, size_t at, const struct names *names,
			   uint32_t theirs, uint32_t ours)
{
	char a[32], b[32];
	int n;

	if ((theirs & ours) || at >= size)
		return at;
	n = snprintf(text + at, size - at, "%soffers %s %s, we accept %s", at ? "; " : "",
		     names->kind, method_text(names, theirs, a, sizeof(a)),
		     method_text(names, ours, b, sizeof(b)));
	return n < 0 ? at : at + (size_t)n;
}

void peer_enter_mismatch(struct cache *g, struct peer *p, struct step *s)
{
	static const struct names forward = { "forwarding", "GRE", "L2" };
	static const struct names ret = { "packet return", "GRE", "L2" };
	static const struct names assign = { "assignment", "hash", "mask" };
	char text[256] = "";
	size_t at = 0;

	at = put_mismatch(text, sizeof(text), at, &forward, offered_forward(p),
			  wanted(&g->conf.forward));
	at = put_mismatch(text, sizeof(text), at, &ret, offered_return(p),
			  wanted(&g->conf.ret));
	put_mismatch(text, sizeof(text), at, &assign, offered_assign(p),
		     wanted(&g->conf.assign));
	if (!text[0])
		snprintf(text, sizeof(text), "offers no timers in common with the others");
	p->listed = false;
	peer_set_state(g, p, PEER_MISMATCH, "offers nothing that we accept", s);
	actions_note(s->out, NOTE_WARNING, peer_state_event(PEER_MISMATCH), &p->address,
		     "router %s %s", ADDR_TEXT(&p->address), text);
}
