/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses that know their family.
 */
#include "addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t addr_to_v4(const struct addr *a)
{
	if (a->family != ADDR_V4)
		return 0;
	return (uint32_t)a->octets[0] << 24 | (uint32_t)a->octets[1] << 16 |
	       (uint32_t)a->octets[2] << 8 | a->octets[3];
}

static size_t addr_family_len(unsigned family)
{
	switch (family) {
	case ADDR_V4:
		return 4;
	case ADDR_V6:
		return 16;
	default:
		return 0;
	}
}

struct addr addr_from_octets(enum addr_family family, const uint8_t *octets)
{
	struct addr a = { .family = ADDR_NONE };
	size_t len = addr_family_len(family);

	if (len) {
		a.family = (uint8_t)family;
		memcpy(a.octets, octets, len);
	}
	return a;
}

size_t addr_len(const struct addr *a)
{
	return addr_family_len(a->family);
}

bool addr_is_set(const struct addr *a)
{
	return a->family != ADDR_NONE;
}

bool addr_is_multicast(const struct addr *a)
{
	if (a->family == ADDR_V4)
		return a->octets[0] >> 4 == 0xe;
	return a->family == ADDR_V6 && a->octets[0] == 0xff;
}

bool addr_is_host(const struct addr *a)
{
	static const struct addr loopback6 = { .family = ADDR_V6, .octets[15] = 1 };

	if (!addr_is_set(a) || addr_is_multicast(a))
		return false;
	if (a->family == ADDR_V6)
		return !addr_equal(a, &loopback6);
	return a->octets[0] != 0 && a->octets[0] != 127 && addr_to_v4(a) != UINT32_MAX;
}

int addr_compare(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->octets, b->octets, addr_len(a));
}

int addr_find(const struct addr *list, size_t n, const struct addr *a)
{
	for (size_t i = 0; i < n; i++)
		if (addr_equal(&list[i], a))
			return (int)i;
	return -1;
}

int addr_parse(const char *text, struct addr *out)
{
	uint8_t octets[16];

	if (inet_pton(AF_INET, text, octets) == 1)
		*out = addr_from_octets(ADDR_V4, octets);
	else if (inet_pton(AF_INET6, text, octets) == 1)
		*out = addr_from_octets(ADDR_V6, octets);
	else
		return -1;
	return 0;
}

const char *addr_text(const struct addr *a, struct addr_text *out)
{
	int family = a->family == ADDR_V4 ? AF_INET : AF_INET6;

	if (!addr_is_set(a) || !inet_ntop(family, a->octets, out->s, sizeof(out->s)))
		memcpy(out->s, "-", 2);
	return out->s;
}

/* -- prefixes ---------------------------------------------------------------------- */

struct addr_prefix addr_prefix_of(const struct addr *a)
{
	return (struct addr_prefix){ *a, (uint8_t)(8 * addr_len(a)) };
}

bool addr_prefix_is_one(const struct addr_prefix *p)
{
	return addr_is_set(&p->addr) && p->bits == 8 * addr_len(&p->addr);
}

bool addr_prefix_has(const struct addr_prefix *p, const struct addr *a)
{
	unsigned whole = p->bits / 8, rest = p->bits % 8;

	if (p->addr.family != a->family ||
	    memcmp(p->addr.octets, a->octets, whole) != 0)
		return false;
	return !rest || (p->addr.octets[whole] ^ a->octets[whole]) >> (8 - rest) == 0;
}

static bool addr_has_bits_behind(const struct addr *a, unsigned bits)
{
	for (unsigned i = bits; i < 8 * addr_len(a); i++)
		if (a->octets[i / 8] >> (7 - i % 8) & 1)
			return true;
	return false;
}

/* One to three digits. */
static int addr_prefix_parse_length(const char *text, unsigned most, unsigned *out)
{
	size_t n = strspn(text, "0123456789");

	if (n == 0 || n > 3 || text[n])
		return -1;
	*out = (unsigned)atoi(text);
	return *out <= most ? 0 : -1;
}

int addr_prefix_parse(const char *text, struct addr_prefix *out, struct err *err)
{
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	char address[ADDR_STRLEN] = "";
	unsigned bits;

	if (n < sizeof(address))
		memcpy(address, text, n);
	if (addr_parse(address, &out->addr) < 0)
		return err_set(err, "\"%.64s\" is neither an address nor a prefix", text);
	bits = 8 * (unsigned)addr_len(&out->addr);
	if (slash && addr_prefix_parse_length(slash + 1, bits, &bits) < 0)
		return err_set(err, "\"%.64s\": the length of a prefix is 0 to %u", text,
			       8 * (unsigned)addr_len(&out->addr));
	if (addr_has_bits_behind(&out->addr, bits))
		return err_set(err, "\"%.64s\" has bits set behind its length", text);
	out->bits = (uint8_t)bits;
	return 0;
}

const char *addr_prefix_text(const struct addr_prefix *p, struct addr_prefix_text *out)
{
	if (addr_prefix_is_one(p) || !addr_is_set(&p->addr))
		snprintf(out->s, sizeof(out->s), "%s", ADDR_TEXT(&p->addr));
	else
		snprintf(out->s, sizeof(out->s), "%s/%u", ADDR_TEXT(&p->addr), p->bits);
	return out->s;
}
