/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The minor version of WCCP 2 that is spoken with each router (2.01 section 3.4),
 * and what exists from 2.01 on only: IPv6 (section 4.7), one service flag (5.1.2).
 *
 * Without negotiation the header of a first HERE_I_AM has our highest version and
 * the router may answer with less.  With it, the first one has the lowest and the V
 * bit; the router answers with its highest.  In both ways what a router's last
 * message shows decides what it is sent; a router that fell silent is met anew.
 */
#include "core/cache/cache_impl.h"

enum { IANA_IPV6 = 2 };

static bool is_ipv6(const struct cache *g)
{
	return g->conf.self.family == ADDR_V6;
}

static uint8_t highest(const struct cache *g)
{
	return g->conf.version == CACHE_V20 ? 0 : WCCP_MINOR_MAX;
}

/* What the group is about and 2.0 has no way to say; NULL: nothing.  A router that
 * does not know the flag would redirect every protocol. */
static const char *need_of_201(const struct cache *g)
{
	if (is_ipv6(g))
		return "IPv6 needs WCCP 2.01";
	if (g->conf.service.flags & WCCP_F_ONLY_PROTOCOL_0)
		return "redirect-only-protocol-0 needs WCCP 2.01";
	return NULL;
}

static uint8_t lowest(const struct cache *g)
{
	return need_of_201(g) ? 1 : 0;
}

uint16_t cache_table_family(const struct cache *g)
{
	return is_ipv6(g) ? IANA_IPV6 : 0;
}

/* A multicast message has one version, which all routers must understand. */
static uint8_t common(const struct cache *g, uint8_t minor)
{
	for (unsigned i = 0; cache_is_multicast(g) && i < g->n_peers; i++) {
		const struct peer *p = &g->peers[i];

		if (p->versioned && !p->removed && p->stated_minor < minor)
			minor = p->stated_minor;
	}
	return minor;
}

static void level(struct cache *g)
{
	uint8_t minor = common(g, highest(g));

	for (unsigned i = 0; cache_is_multicast(g) && i < g->n_peers; i++)
		if (g->peers[i].versioned)
			g->peers[i].minor = minor;
}

void peer_forget_version(struct cache *g, struct peer *p)
{
	p->versioned = false;
	p->minor = p->stated_minor = 0;
	level(g);
}

void peer_hear_version(struct cache *g, struct peer *p, uint8_t minor, struct step *s)
{
	uint8_t spoken = common(g, minor < highest(g) ? minor : highest(g));
	bool known = p->versioned && p->stated_minor == minor;

	p->stated_minor = minor;
	if (p->versioned && p->minor == spoken && (known || !cache_is_multicast(g)))
		return;
	/* Nothing worth a line when there is nothing else to expect. */
	if (p->versioned || g->conf.version != CACHE_V20)
		actions_note(s->out, NOTE_INFO, "version", &p->address,
			     "router %s answers in WCCP 2.%02u: speaking 2.%02u with it",
			     ADDR_TEXT(&p->address), minor, spoken);
	p->versioned = true;
	p->minor = spoken;
	level(g);
	g->changed = true;
}

bool peer_hello_asks_version(const struct cache *g, const struct peer *p)
{
	return g->conf.version == CACHE_NEGOTIATE && !p->versioned;
}

uint8_t peer_hello_minor(const struct cache *g, const struct peer *p)
{
	if (p->versioned)
		return p->minor < lowest(g) ? lowest(g) : p->minor;
	return peer_hello_asks_version(g, p) ? lowest(g) : highest(g);
}

const char *peer_version_problem(const struct cache *g, const struct peer *p,
				 uint8_t minor)
{
	if (p->address.family != g->conf.self.family)
		return "its address is not of our address family";
	if (minor < lowest(g))
		return need_of_201(g);
	return cache_version_problem(g);
}

const char *cache_version_problem(const struct cache *g)
{
	return highest(g) < lowest(g) ? need_of_201(g) : NULL;
}

void peer_enter_unspoken(struct cache *g, struct peer *p, const char *reason,
			 struct step *s)
{
	p->listed = false;
	if (p->state == PEER_MISMATCH)
		return;
	peer_set_state(g, p, PEER_MISMATCH, reason, s);
	actions_note(s->out, NOTE_WARNING, peer_state_event(PEER_MISMATCH), &p->address,
		     "router %s: %s", ADDR_TEXT(&p->address), reason);
}
