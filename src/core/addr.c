/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses that know their family.
 */
#include "addr.h"

#include <arpa/inet.h>
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
