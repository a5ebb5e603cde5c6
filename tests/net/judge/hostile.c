/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets that nobody should send: random ones, spoilt one to four times.  Nobody says
 * what the program ought to do with each; that it does nothing forbidden is seen from
 * their octets (rules.c).
 */
#include "judge.h"

#include <netinet/in.h>
#include <string.h>

static void put16_at(struct sample *s, unsigned at, unsigned v)
{
	s->frame[at] = (uint8_t)(v >> 8);
	s->frame[at + 1] = (uint8_t)v;
}

static void put32_at(struct sample *s, unsigned at, uint32_t v)
{
	put16_at(s, at, v >> 16);
	put16_at(s, at + 2, v & 0xffff);
}

/* Where the packet begins that was redirected, or seldom what wraps it: if that is
 * spoilt, the program has nothing to do with it. */
static unsigned some_header(const struct sample *s)
{
	return s->inner_at && chance(90) ? s->inner_at : ETHERNET;
}

static void open_gap(struct sample *s, unsigned at, unsigned n)
{
	if (s->len + n > FRAME_MAX || at > s->len)
		return;
	memmove(s->frame + at + n, s->frame + at, s->len - at);
	memset(s->frame + at, 0, n);
	s->len += n;
	if (s->inner_at >= at)
		s->inner_at += n;
}

/* -- ways to spoil it -------------------------------------------------------------- */

static void change_octet(struct sample *s)
{
	unsigned at = chance(10) ? 12 : some_header(s);
	unsigned n = s->len - at < 40 ? s->len - at : 40;

	s->frame[at + chance_below(n)] = (uint8_t)chance_below(256);
}

static void flip_bit(struct sample *s)
{
	s->frame[some_header(s) + chance_below(24)] ^= (uint8_t)(1 << chance_below(8));
}

static void change_address(struct sample *s)
{
	put32_at(s, some_header(s) + 12 + 4 * chance_below(2), packet_nasty_address());
}

static void change_length(struct sample *s)
{
	put16_at(s, some_header(s) + 2, chance_below(chance(80) ? 200 : 65536));
}

static void change_fragment(struct sample *s)
{
	static const uint16_t some[] = { 0x2000, 0x0001, 0x2001, 0x1fff, 0x8000, 0x4000 };

	put16_at(s, some_header(s) + 6, some[chance_below(6)]);
}

static void change_protocol(struct sample *s)
{
	static const uint8_t some[] = { 0, 1, 2, 4, 6, 6, 17, 41, 47, 50, 89, 132, 255 };

	s->frame[some_header(s) + 9] = some[chance_below(sizeof(some))];
}

static void change_port(struct sample *s)
{
	static const uint16_t some[] = { 22, 53, 80, 443, 2048, 3128, 3129, 3130, 5000,
					 8080 };

	put16_at(s, some_header(s) + 20 + 2 * chance_below(2), some[chance_below(10)]);
}

/* Checksum, routing, key, sequence number, strict route, recursion, flags, version. */
static void change_gre(struct sample *s)
{
	static const uint16_t flags[] = { 0x8000, 0x4000, 0x2000, 0x1000, 0x0800,
					  0x0100, 0x0008, 0x0001 };
	static const uint16_t protocols[] = { 0x0800, 0x86dd, 0x6558, 0x880b, 0x883f };

	if (!s->inner_at)
		return;
	if (chance(70))
		put16_at(s, s->inner_at - 8, flags[chance_below(8)]);
	else
		put16_at(s, s->inner_at - 6, protocols[chance_below(5)]);
}

static void change_ethertype(struct sample *s)
{
	static const uint16_t some[] = { 0x0806, 0x86dd, 0x8847, 0x8864 };

	put16_at(s, 12, some[chance_below(4)]);
}

static void add_tags(struct sample *s)
{
	for (unsigned n = 1 + chance_below(2); n; n--) {
		open_gap(s, 12, 4);
		put16_at(s, 12, chance(50) ? 0x8100 : 0x88a8);
		put16_at(s, 14, chance_below(65536));
	}
}

static void add_options(struct sample *s)
{
	static const uint8_t kinds[] = { 0, 1, 7, 68, 131, 137, 148 };
	unsigned at = some_header(s), words = 1 + chance_below(10);
	unsigned old = s->frame[at] & 15;

	if (old + words > 15 || (s->frame[at] & 0xf0) != 0x40)
		return;
	open_gap(s, at + 4 * old, 4 * words);
	for (unsigned i = 0; i < 4 * words; i++)
		s->frame[at + 4 * old + i] = chance(60) ? kinds[chance_below(7)]
							: (uint8_t)chance_below(12);
	s->frame[at] = (uint8_t)(0x40 | (old + words));
	put16_at(s, at + 2, s->len - at);
}

/* IP in IP, or GRE of WCCP within GRE of WCCP. */
static void add_wrapping(struct sample *s)
{
	bool gre = chance(60);
	unsigned at = some_header(s), n = gre ? WRAP : 20;
	uint8_t header[20];

	memcpy(header, s->frame + at, sizeof(header));
	open_gap(s, at, n);
	memcpy(s->frame + at, header, sizeof(header));
	s->frame[at] = 0x45;
	put16_at(s, at + 2, s->len - at);
	put16_at(s, at + 6, 0);
	s->frame[at + 9] = gre ? IPPROTO_GRE : 4;
	if (gre)
		put32_at(s, at + 20, WCCP_GRE_PROTO);
	if (chance(50))
		put32_at(s, at + 16, chance(50) ? SELF : packet_nasty_address());
}

static void remove_wrapping(struct sample *s)
{
	if (!s->inner_at)
		return;
	memmove(s->frame + ETHERNET, s->frame + s->inner_at, s->len - s->inner_at);
	s->len -= s->inner_at - ETHERNET;
	s->inner_at = 0;
}

static void change_end(struct sample *s)
{
	unsigned n = chance_below(60);

	if (chance(50) && s->len + n <= FRAME_MAX)
		s->len += n;
	else if (s->len > ETHERNET + 20 + n)
		s->len -= n;
	if (s->len < s->inner_at + 20)
		s->inner_at = 0;
}

static void close_checksums(struct sample *s)
{
	unsigned at = some_header(s), n = (s->frame[at] & 15) * 4u;

	if (n < 20 || at + n > s->len)
		return;
	put16_at(s, at + 10, 0);
	put16_at(s, at + 10, packet_checksum(s->frame + at, n));
}

void hostile_make(struct sample *s, const struct plan *plan)
{
	static void (*const ways[])(struct sample *) = {
		change_octet,	 flip_bit,    change_address, change_length,
		change_fragment, change_port, change_protocol, add_options,
		add_wrapping,	 change_end,
	};
	static void (*const rare[])(struct sample *) = {
		change_gre, change_ethertype, add_tags, remove_wrapping,
	};

	packet_make(s, (enum kind)chance_below(VLAN), plan);
	for (unsigned n = 1 + chance_below(3); n; n--)
		if (chance(10))
			rare[chance_below(sizeof(rare) / sizeof(rare[0]))](s);
		else
			ways[chance_below(sizeof(ways) / sizeof(ways[0]))](s);
	if (chance(70))
		close_checksums(s);
	if (s->len < ETHERNET + 40)
		s->len = ETHERNET + 40; /* a test run wants a whole header of IPv6 */
}
