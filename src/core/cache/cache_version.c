/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The minor version of WCCP 2 that is spoken with each router (2.01 section 3.4), and
 * what only exists since 2.01: IPv6 (section 4.7), one service flag (5.1.2).
 *
 * Without negotiation our first HERE_I_AM has our highest version, and the router may
 * answer with a lower one.  With negotiation, the first one has the lowest version and
 * the V bit, and the router answers with its highest.  Either way the version of a
 * router's last message decides what we send it; after silence we start over.
 */
#include "core/cache/cache_impl.h"

enum { IANA_IPV6 = 2 };

static bool version_is_ipv6(const struct cache *c)
{
	return c->conf.self.family == ADDR_V6;
}

static uint8_t version_highest(const struct cache *c)
{
	return c->conf.version == CACHE_V20 ? 0 : WCCP_MINOR_MAX;
}

/* Why the group cannot be described in 2.0; NULL if it can.  A router that does not
 * know the flag would redirect every protocol. */
static const char *version_need_of_201(const struct cache *c)
{
	if (version_is_ipv6(c))
		return "IPv6 needs WCCP 2.01";
	if (c->conf.service.flags & WCCP_F_ONLY_PROTOCOL_0)
		return "redirect-only-protocol-0 needs WCCP 2.01";
	return NULL;
}

static uint8_t version_lowest(const struct cache *c)
{
	return version_need_of_201(c) ? 1 : 0;
}

uint16_t cache_table_family(const struct cache *c)
{
	return version_is_ipv6(c) ? IANA_IPV6 : 0;
}

/* A multicast message has one version, so every router must understand it. */
static uint8_t version_common(const struct cache *c, uint8_t minor)
{
	for (unsigned i = 0; cache_is_multicast(c) && i < c->n_peers; i++) {
		const struct peer *p = &c->peers[i];

		if (p->version.known && !p->removed && p->version.stated < minor)
			minor = p->version.stated;
	}
	return minor;
}

static void version_level(struct cache *c)
{
	uint8_t minor = version_common(c, version_highest(c));

	for (unsigned i = 0; cache_is_multicast(c) && i < c->n_peers; i++)
		if (c->peers[i].version.known)
			c->peers[i].version.spoken = minor;
}

void peer_forget_version(struct cache *c, struct peer *p)
{
	p->version.known = false;
	p->version.spoken = p->version.stated = 0;
	version_level(c);
}

void peer_hear_version(struct cache *c, struct peer *p, uint8_t minor, struct step *s)
{
	uint8_t spoken = version_common(
		c, minor < version_highest(c) ? minor : version_highest(c));
	bool known = p->version.known && p->version.stated == minor;

	p->version.stated = minor;
	if (p->version.known && p->version.spoken == spoken &&
	    (known || !cache_is_multicast(c)))
		return;
	/* Nothing to log if no other version was to be expected. */
	if (p->version.known || c->conf.version != CACHE_V20)
		actions_note(
			s->out, NOTE_INFO, "version", &p->address,
			"router %s answers in WCCP 2.%02u: speaking 2.%02u with it",
			ADDR_TEXT(&p->address), minor, spoken);
	p->version.known = true;
	p->version.spoken = spoken;
	version_level(c);
	cache_mark(c, DIRTY_STATUS);
}

bool peer_hello_asks_version(const struct cache *c, const struct peer *p)
{
	return c->conf.version == CACHE_NEGOTIATE && !p->version.known;
}

uint8_t peer_hello_minor(const struct cache *c, const struct peer *p)
{
	if (p->version.known)
		return p->version.spoken < version_lowest(c) ? version_lowest(c)
							     : p->version.spoken;
	return peer_hello_asks_version(c, p) ? version_lowest(c) : version_highest(c);
}

const char *peer_version_problem(const struct cache *c, const struct peer *p,
				 uint8_t minor)
{
	if (p->address.family != c->conf.self.family)
		return "its address is not of our address family";
	if (minor < version_lowest(c))
		return version_need_of_201(c);
	return cache_version_problem(c);
}

const char *cache_version_problem(const struct cache *c)
{
	return version_highest(c) < version_lowest(c) ? version_need_of_201(c) : NULL;
}

void peer_enter_unspoken(struct cache *c, struct peer *p, const char *reason,
			 struct step *s)
{
	p->listed = false;
	if (!peer_event(c, p, PEER_EV_UNSPEAKABLE, reason, s))
		return;
	actions_note(s->out, NOTE_WARNING, peer_state_event(PEER_MISMATCH), &p->address,
		     "router %s: %s", ADDR_TEXT(&p->address), reason);
}
