/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random packets. */
#include "decide.h"

#include <netinet/in.h>
#include <string.h>

enum { ETHERNET = 14, SEGMENT = 24 /* octets of payload */ };

/* -- octets ------------------------------------------------------------------------ */

static void put(struct sample *s, const void *octets, unsigned n)
{
	memcpy(s->frame + s->len, octets, n);
	s->len += n;
}

static void put8(struct sample *s, unsigned v)
{
	s->frame[s->len++] = (uint8_t)v;
}

static void put16(struct sample *s, unsigned v)
{
	put8(s, v >> 8);
	put8(s, v);
}

static void put_random(struct sample *s, unsigned n)
{
	while (n--)
		put8(s, chance_below(256));
}

static void set16(struct sample *s, unsigned at, unsigned v)
{
	s->frame[at] = (uint8_t)(v >> 8);
	s->frame[at + 1] = (uint8_t)v;
}

uint16_t sample_checksum(const uint8_t *octets, unsigned len)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < len; i += 2)
		sum += (uint32_t)(octets[i] << 8 | octets[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* -- what the packet is ------------------------------------------------------------ */

static struct addr random_addr(unsigned family)
{
	struct addr a = { .family = (uint8_t)family };
	unsigned known;

	for (unsigned i = 0; i < addr_len(&a); i++)
		a.octets[i] = (uint8_t)chance_below(256);
	if (family == ADDR_V4) {
		a.octets[0] = (uint8_t)(1 + chance_below(126));
		known = 2;
	} else {
		a.octets[0] = (uint8_t)(0x20 + chance_below(0x20));
		known = 6;
	}
	if (chance(60))
		memcpy(a.octets,
		       family == ADDR_V4 ? "\x0a\x01" : "\x20\x01\x0d\xb8\x00\x01",
		       known);
	return a;
}

static struct addr parse(const char *v4, const char *v6, unsigned family)
{
	struct addr a = { 0 };

	addr_parse(family == ADDR_V6 ? v6 : v4, &a);
	return a;
}

static void choose_addresses(struct sample *s)
{
	s->src = random_addr(s->family);
	s->dst = random_addr(s->family);
	if (chance(5))
		s->src = world_cache(s->family, chance_below(CACHES));
	if (chance(1))
		s->dst = parse("10.0.9.1", "2001:db8:9::1", s->family);
	if (chance(1))
		s->dst = parse("239.1.2.3", "ff05::77", s->family);
	if (chance(1))
		s->dst = parse("169.254.169.254", "febf::78", s->family);
	if (chance(1))
		s->dst = parse("127.1.2.3", "ff02::1", s->family);
	if (chance(1) && s->family == ADDR_V6)
		s->dst = parse("", "febf::77", s->family);
	if (chance(1) && s->family == ADDR_V6)
		s->src = parse("", "fe80::77", s->family);
}

/* Beside or at the end of a range of a redirect list; 0: it has none. */
static uint16_t port_at_edge(const struct routerd_conf_service *s)
{
	const struct redirect_rule *r = &s->rules[s->n_rules ? chance_below(s->n_rules) : 0];
	const struct redirect_rule_end *e = chance(50) ? &r->src : &r->dst;

	if (!e->has_ports)
		return 0;
	return (uint16_t)((chance(50) ? e->low : e->high) + chance_below(3) - 1);
}

static uint16_t choose_port(const struct routerd_conf_service *conf,
			    const struct wccp_service *wanted)
{
	uint16_t port = wanted->ports[chance_below(3)];

	if (chance(20) && port_at_edge(conf))
		return port_at_edge(conf);
	if (port && chance(80))
		return port;
	return (uint16_t)(chance(30) ? 80 : chance_below(65536));
}

static uint8_t choose_protocol(const struct wccp_service *wanted)
{
	static const uint8_t others[] = { 1, 47, 50, 89, 132 };

	if (wanted->protocol && chance(80))
		return wanted->protocol;
	return chance(60)   ? IPPROTO_TCP
	       : chance(50) ? IPPROTO_UDP
			    : others[chance_below(sizeof(others))];
}

static void choose(struct sample *s, const struct world *w)
{
	unsigned aim = chance_below(w->conf.n_services);
	const struct wccp_service *wanted = &w->status[aim].service;

	choose_addresses(s);
	s->ttl = (uint8_t)(chance(3) ? 1 : 2 + chance_below(254));
	s->protocol = choose_protocol(wanted);
	s->wccp = s->protocol == IPPROTO_GRE && chance(30);
	s->whole = true;
	s->shows_ports = s->protocol == IPPROTO_TCP || s->protocol == IPPROTO_UDP;
	if (!s->shows_ports)
		return;
	s->sport = choose_port(&w->conf.services[aim], wanted);
	s->dport = choose_port(&w->conf.services[aim], wanted);
}

/* -- headers ----------------------------------------------------------------------- */

static void put_payload(struct sample *s)
{
	if (s->shows_ports) {
		put16(s, s->sport);
		put16(s, s->dport);
		put_random(s, SEGMENT - 4);
	} else if (s->wccp) {
		put(s, "\0\0\x88\x3e", 4);
		put_random(s, SEGMENT - 4);
	} else {
		put8(s, 0xff); /* no GRE of WCCP by chance */
		put_random(s, SEGMENT - 1);
	}
}

/* Where it lies in the datagram; later ones show no ports. */
static unsigned choose_offset(struct sample *s, bool *more)
{
	unsigned offset = chance(40) ? 0 : 1 + chance_below(8000);

	*more = offset == 0 || chance(50);
	s->whole = false;
	if (offset) {
		s->shows_ports = false;
		s->sport = s->dport = 0;
	}
	return offset;
}

static void put_ipv4(struct sample *s, bool fragment, unsigned options)
{
	bool more = false;
	unsigned offset = fragment ? choose_offset(s, &more) : 0;
	unsigned header = 20 + 4 * options;

	put8(s, 0x40 | header / 4);
	put8(s, chance_below(256));
	put16(s, header + SEGMENT);
	put_random(s, 2);
	put16(s, offset | (more ? 0x2000 : 0) | (!fragment && chance(50) ? 0x4000 : 0));
	put8(s, s->ttl);
	put8(s, s->protocol);
	put16(s, 0);
	put(s, s->src.octets, 4);
	put(s, s->dst.octets, 4);
	for (unsigned i = 0; i < 4 * options; i++)
		put8(s, 1); /* no operation */
	set16(s, s->l3 + 10, sample_checksum(s->frame + s->l3, header));
	put_payload(s);
}

/* Extension headers with the Fragment header among them; `next` is where the number
 * of each header goes. */
static void put_extension(struct sample *s, unsigned *next)
{
	static const uint8_t kinds[] = { 0, 43, 60, 51 };
	uint8_t kind = kinds[chance_below(4)];
	unsigned units = 1 + chance_below(3);

	s->frame[*next] = kind;
	*next = s->len;
	put8(s, 0);
	if (kind == 51) { /* counts words of 4 octets, without two */
		put8(s, units);
		put_random(s, 4 * units + 6);
	} else {
		put8(s, units);
		put_random(s, 8 * units + 6);
	}
}

static void put_fragment(struct sample *s, unsigned *next)
{
	bool more = false;
	unsigned offset = 0;

	s->frame[*next] = 44;
	*next = s->len;
	if (!chance(10)) /* else one that is all there is: no fragment */
		offset = choose_offset(s, &more);
	put8(s, 0);
	put8(s, 0);
	put16(s, offset << 3 | more);
	put_random(s, 4);
}

static void put_ipv6(struct sample *s, bool fragment, unsigned extensions)
{
	unsigned next = s->l3 + 6, before = chance_below(extensions + 1);

	put8(s, 0x60 | chance_below(16));
	put_random(s, 3);
	put16(s, 0);
	put8(s, 0);
	put8(s, s->ttl);
	put(s, s->src.octets, 16);
	put(s, s->dst.octets, 16);
	for (unsigned i = 0; i < (fragment ? before : extensions); i++)
		put_extension(s, &next);
	if (fragment)
		put_fragment(s, &next);
	/* In a later fragment nothing but the rest is behind its header. */
	for (unsigned i = before; fragment && i < extensions; i++)
		if (s->shows_ports || s->whole)
			put_extension(s, &next);
	s->frame[next] = s->protocol;
	put_payload(s);
	set16(s, s->l3 + 4, s->len - s->l3 - 40);
}

static void put_ethernet(struct sample *s)
{
	put_random(s, 12); /* the addresses are put there when it is sent */
	if (s->foreign) {
		put16(s, chance(80) ? 0x8100 : 0x88a8);
		put16(s, chance(50) ? 7 : chance_below(65536));
	}
	put16(s, s->family == ADDR_V6 ? 0x86dd : 0x0800);
	s->l3 = s->len;
}

/* Tagged frames, and those of the VLAN without their tags, come in; what leaves does so
 * on any interface, and mostly has come in on the first. */
static void choose_place(struct sample *s, enum kind kind)
{
	s->leaving = kind == LEAVING;
	s->at = s->leaving ? (enum where)chance_below(PLACES)
		: chance(kind == VLAN ? 50 : 20) ? OF_VLAN
						 : TRUNK;
	s->from = chance(70) ? TRUNK : (enum where)(1 + chance_below(PLACES));
	s->foreign = kind == VLAN && s->at == TRUNK;
}

void sample_make(struct sample *s, enum kind kind, const struct world *w)
{
	bool v6 = kind == IPV6 || (kind != IPV4 && chance(50));
	bool fragment = kind == FRAGMENT || (kind == EXTENDED && chance(10));
	unsigned extended = kind == EXTENDED ? 1 + chance_below(v6 ? 4 : 10) : 0;

	memset(s, 0, offsetof(struct sample, frame));
	s->family = v6 ? ADDR_V6 : ADDR_V4;
	choose(s, w);
	choose_place(s, kind);
	put_ethernet(s);
	if (v6 && kind == EXTENDED && !fragment && chance(3)) {
		extended = 9; /* one more than is looked through */
		s->foreign = true;
	}
	if (v6)
		put_ipv6(s, fragment, extended);
	else
		put_ipv4(s, fragment, extended);
}
