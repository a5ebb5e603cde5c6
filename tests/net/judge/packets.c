/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random packets. */
#include "judge.h"

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

static struct ip4 datagrams[DATAGRAMS];

/* -- octets ------------------------------------------------------------------------ */

static void put8(struct sample *s, unsigned v)
{
	s->frame[s->len++] = (uint8_t)v;
}

static void put16(struct sample *s, unsigned v)
{
	put8(s, v >> 8);
	put8(s, v);
}

static void put32(struct sample *s, uint32_t v)
{
	put16(s, v >> 16);
	put16(s, v);
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

uint16_t packet_checksum(const uint8_t *octets, unsigned len)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < len; i += 2)
		sum += (uint32_t)(octets[i] << 8 | octets[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void close_checksum(struct sample *s, unsigned at, unsigned header)
{
	set16(s, at + 10, 0);
	set16(s, at + 10, packet_checksum(s->frame + at, header));
}

/* -- addresses --------------------------------------------------------------------- */

const uint8_t *packet_router_mac(unsigned router)
{
	static const uint8_t macs[ROUTERS][6] = { { 2, 0, 0, 0, 9, 1 },
						  { 2, 0, 0, 0, 9, 4 },
						  { 2, 0, 0, 0, 9, 5 } };

	return macs[router];
}

/* Those that a packet should rather not have. */
uint32_t packet_nasty_address(void)
{
	static const uint32_t list[] = {
		SELF,
		ADDRESS(10, 5, 0, 9),	/* of lo */
		ADDRESS(10, 7, 0, 1),	/* of another interface */
		ADDRESS(10, 7, 0, 77),	/* behind that */
		ADDRESS(10, 2, 0, 255), /* broadcast */
		ADDRESS(10, 7, 255, 255),
		ADDRESS(10, 2, 0, 77), /* a neighbour */
		ADDRESS(10, 2, 0, 1),  /* routers, other web-caches */
		ADDRESS(10, 0, 9, 1),
		ADDRESS(10, 2, 0, 3),
		ADDRESS(10, 2, 0, 6),
		ADDRESS(0, 0, 0, 0),
		ADDRESS(0, 1, 2, 3),
		ADDRESS(127, 0, 0, 1),
		ADDRESS(127, 255, 1, 2),
		ADDRESS(169, 254, 169, 254),
		ADDRESS(169, 255, 0, 1),
		ADDRESS(223, 255, 255, 255),
		ADDRESS(224, 0, 0, 5),
		ADDRESS(239, 255, 255, 250),
		ADDRESS(240, 0, 0, 1),
		ADDRESS(255, 255, 255, 254),
		ADDRESS(255, 255, 255, 255),
	};

	return list[chance_below(sizeof(list) / sizeof(list[0]))];
}

static uint32_t random_host(void)
{
	return ADDRESS(11 + chance_below(80), 0, 0, 0) | chance_below(1 << 24);
}

static uint32_t random_client(void)
{
	return chance(70) ? ADDRESS(10, 1, 0, 0) + chance_below(1 << 16) : random_host();
}

static uint32_t random_server(void)
{
	return chance(70) ? ADDRESS(198, 51, 100, 0) + chance_below(256) : random_host();
}

/* -- what a packet is -------------------------------------------------------------- */

static uint16_t random_port(void)
{
	static const uint16_t usual[] = { 80, 443, 8080, 5000 };

	return chance(80) ? usual[chance_below(4)] : (uint16_t)chance_below(65536);
}

static uint8_t random_ttl(void)
{
	static const uint8_t edges[] = { 0, 1, 1, 2, 64, 65, 255 };

	return chance(60) ? (uint8_t)(3 + chance_below(250)) : edges[chance_below(7)];
}

static uint8_t random_flags(void)
{
	static const uint8_t usual[] = { SYN, SYN, SYN, ACK, ACK, PSH | ACK, SYN | ACK,
					 FIN | ACK, RST };

	return chance(90) ? usual[chance_below(sizeof(usual))]
			  : (uint8_t)chance_below(256);
}

static bool has_ports(const struct ip4 *p)
{
	return (p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP) && !p->offset;
}

static unsigned least(const struct ip4 *p)
{
	unsigned header = 20 + 4 * p->options;

	if (!has_ports(p))
		return header + 8;
	return header + (p->protocol == IPPROTO_TCP ? 20 : 8);
}

static void choose_flow(struct ip4 *p)
{
	const struct flow *f = &flows[chance_below(FLOWS)];

	p->src = f->client;
	p->dst = f->server;
	p->sport = f->client_port;
	p->dport = f->server_port;
	p->protocol = IPPROTO_TCP;
}

static void choose_tuple(struct ip4 *p)
{
	static const uint8_t protocols[] = { 1, 17, 47, 50, 132, 0, 255 };

	p->src = random_client();
	p->dst = random_server();
	p->sport = random_port();
	p->dport = random_port();
	p->protocol = chance(80) ? IPPROTO_TCP : protocols[chance_below(7)];
	if (chance(30))
		choose_flow(p);
	if (chance(8))
		p->src = packet_nasty_address();
	if (chance(8))
		p->dst = packet_nasty_address();
	p->id = (uint16_t)chance_below(65536);
}

void packet_begin(void)
{
	for (unsigned i = 0; i < DATAGRAMS; i++)
		choose_tuple(&datagrams[i]);
}

static void choose_fragment(struct ip4 *p)
{
	*p = datagrams[chance_below(DATAGRAMS)];
	p->offset = chance(35) ? 0 : (uint16_t)(1 + chance_below(8000));
	p->more = p->offset == 0 || chance(50);
}

static unsigned choose_length(const struct ip4 *p)
{
	unsigned len = least(p) + chance_below(40);

	/* Round the length that is too long once it is wrapped. */
	return chance(8) ? MTU - WRAP - 3 + chance_below(7) : len;
}

static void choose(struct ip4 *p, enum kind kind)
{
	memset(p, 0, sizeof(*p));
	if (kind == FRAGMENTS || (kind == OPTIONS && chance(20)))
		choose_fragment(p);
	else
		choose_tuple(p);
	p->ttl = random_ttl();
	p->tos = (uint8_t)chance_below(256);
	p->flags = random_flags();
	p->df = !p->more && !p->offset && chance(60);
	p->options = kind == OPTIONS ? 1 + chance_below(10) : 0;
	p->source_routed = p->options > 1 && chance(10);
	p->len = choose_length(p);
}

/* -- its octets -------------------------------------------------------------------- */

/* A source route, or another option of that length; somewhere among words of no
 * operation. */
static void put_options(struct sample *s, const struct ip4 *p)
{
	static const uint8_t routes[] = { 131, 137 }, harmless[] = { 7, 68, 148, 30 };
	unsigned at = p->options > 1 ? chance_below(p->options - 1) : p->options;

	for (unsigned i = 0; i < p->options; i++) {
		if (i != at) {
			put32(s, 0x01010101);
			continue;
		}
		put8(s, p->source_routed ? routes[chance_below(2)]
					 : harmless[chance_below(4)]);
		put8(s, 7);
		put8(s, 4);
		put32(s, packet_nasty_address());
		put8(s, 1);
		i++;
	}
}

static void put_ip4(struct sample *s, const struct ip4 *p)
{
	unsigned at = s->len, header = 20 + 4 * p->options;

	put8(s, 0x40 | header / 4);
	put8(s, p->tos);
	put16(s, p->len);
	put16(s, p->id);
	put16(s, p->offset | (p->more ? 0x2000 : 0) | (p->df ? 0x4000 : 0));
	put8(s, p->ttl);
	put8(s, p->protocol);
	put16(s, 0);
	put32(s, p->src);
	put32(s, p->dst);
	put_options(s, p);
	set16(s, at + 10, packet_checksum(s->frame + at, header));
}

static void put_payload(struct sample *s, const struct ip4 *p, unsigned end)
{
	if (has_ports(p)) {
		put16(s, p->sport);
		put16(s, p->dport);
	}
	if (has_ports(p) && p->protocol == IPPROTO_TCP) {
		put_random(s, 9);
		put8(s, p->flags);
	}
	if (p->protocol == IPPROTO_GRE && !has_ports(p))
		put8(s, 0x80); /* not of WCCP by chance: it has a checksum */
	put_random(s, end - s->len);
}

static void put_packet(struct sample *s, const struct ip4 *p)
{
	unsigned end = s->len + p->len;

	put_ip4(s, p);
	put_payload(s, p, end);
}

/* -- how it comes ------------------------------------------------------------------ */

static uint32_t random_sender(void)
{
	unsigned n = chance_below(100);

	if (n < 40)
		return router_ids[chance_below(ROUTERS)];
	if (n < 70)
		return router_addresses[chance_below(ROUTERS)];
	if (n < 90)
		return others[chance_below(OTHERS)];
	return chance(50) ? packet_nasty_address() : random_host();
}

/* What WCCP never puts there. */
static void make_odd(struct sample *s)
{
	switch (chance_below(4)) {
	case 0:
		s->frame[ETHERNET + 20] = 0x20; /* a key */
		break;
	case 1:
		set16(s, ETHERNET + 22, 0x0800);
		break;
	case 2:
		s->frame[ETHERNET + 6] = 0x20; /* a fragment */
		s->first.more = true;
		break;
	default:
		s->first.protocol = s->frame[ETHERNET + 9] = 46;
	}
	close_checksum(s, ETHERNET, 20);
	s->odd = true;
}

static void choose_header(struct sample *s, const struct plan *plan)
{
	const struct wccp_service *aim =
		&plan->services[chance_below(plan->n_services)].service;

	s->header[0] = aim->type == WCCP_SERVICE_DYNAMIC;
	s->header[1] = aim->id;
	s->header[2] = (uint8_t)chance_below(256);
	s->header[3] = (uint8_t)chance_below(256);
	if (chance(20))
		s->header[0] |= 2;
	if (chance(10))
		s->header[0] |= 4;
	if (chance(30)) /* between web-caches: tries, and that it comes back */
		s->header[0] |= (uint8_t)(chance_below(32) << 3);
	if (chance(10))
		s->header[chance_below(2)] = (uint8_t)chance_below(256);
}

static void put_wrapped(struct sample *s, const struct plan *plan)
{
	s->first = (struct ip4){
		.src = random_sender(),
		.dst = chance(95) ? SELF : packet_nasty_address(),
		.protocol = IPPROTO_GRE,
		.ttl = random_ttl(),
		.tos = (uint8_t)chance_below(256),
		.id = (uint16_t)chance_below(65536),
		.len = s->inner.len + WRAP,
	};
	choose_header(s, plan);
	put_ip4(s, &s->first);
	put32(s, WCCP_GRE_PROTO);
	for (unsigned i = 0; i < 4; i++)
		put8(s, s->header[i]);
	s->inner_at = s->len;
	put_packet(s, &s->inner);
}

/* Spoil a packet that is at `at`. */
static void make_unsound(struct sample *s, struct ip4 *p, unsigned at)
{
	static const uint8_t first[] = { 0x65, 0x44, 0x05, 0x40, 0x55 };

	p->unsound = true;
	switch (chance_below(4)) {
	case 0:
		s->frame[at] = first[chance_below(sizeof(first))];
		break;
	case 1: /* shorter than its header, or not even one */
		set16(s, at + 2, chance_below(20));
		break;
	case 2: /* no room for all of the ports' header */
		set16(s, at + 2, chance_below(has_ports(p) ? least(p) : 20));
		break;
	default: /* longer than what is there */
		set16(s, at + 2, s->len - at + 1 + chance_below(100));
	}
}

/* The outer packet ends before the inner one does. */
static void make_overhanging(struct sample *s)
{
	s->inner.unsound = true;
	s->first.len = WRAP + chance_below(s->inner.len);
	set16(s, ETHERNET + 2, s->first.len);
	close_checksum(s, ETHERNET, 20);
}

static void put_ethernet(struct sample *s)
{
	unsigned n = chance_below(100);

	put_random(s, 6); /* ours, put there when it is sent */
	if (n < 75)
		memcpy(s->from, packet_router_mac(chance_below(ROUTERS)), 6);
	else
		memcpy(s->from, "\x02\x00\x00\x00\x00", 5), s->from[5] = (uint8_t)n;
	for (unsigned i = 0; i < 6; i++)
		put8(s, s->from[i]);
	if (s->tagged) {
		put16(s, chance(80) ? 0x8100 : 0x88a8);
		put16(s, chance_below(65536));
	}
	put16(s, 0x0800);
}

void packet_make(struct sample *s, enum kind kind, const struct plan *plan)
{
	struct ip4 *p;

	memset(s, 0, offsetof(struct sample, frame));
	s->to_us = chance(98);
	s->tagged = kind == VLAN && chance(90);
	s->mark = chance(50) ? 0 : chance_below(UINT32_MAX);
	s->gre = chance(60);
	p = s->gre ? &s->inner : &s->first;
	choose(p, kind);
	put_ethernet(s);
	if (!s->gre) {
		put_packet(s, p);
		if (chance(2))
			make_unsound(s, p, s->len - p->len);
		return;
	}
	put_wrapped(s, plan);
	if (chance(3))
		make_odd(s);
	else if (chance(2))
		make_unsound(s, p, s->inner_at);
	else if (chance(1))
		make_unsound(s, &s->first, s->inner_at - WRAP);
	else if (chance(1))
		make_overhanging(s);
}
