/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Masks and value sequence numbers.
 *
 * Everything is done on a flat form: the octets of the four fields, starting with the
 * one that holds the lowest VSN bits.  Numbering bits is then plain counting.
 */
#include "mask.h"

#include <stdio.h>
#include <string.h>

enum {
	AT_DPORT = 0,
	AT_SPORT = 2,
	AT_DST = 4,
	AT_SRC = 20,
	FLAT_LEN = 36,
};

struct flat {
	uint8_t octets[FLAT_LEN];
};

static void mask_flatten_addr(uint8_t *at, const struct addr *a)
{
	size_t len = addr_len(a);

	for (size_t i = 0; i < len; i++)
		at[i] = a->octets[len - 1 - i];
}

static struct flat mask_flatten(const struct wccp_mask *m)
{
	struct flat f = { { (uint8_t)m->dport, (uint8_t)(m->dport >> 8),
			    (uint8_t)m->sport, (uint8_t)(m->sport >> 8) } };

	mask_flatten_addr(f.octets + AT_DST, &m->dst);
	mask_flatten_addr(f.octets + AT_SRC, &m->src);
	return f;
}

/* An address without any bit set is ADDR_NONE, as in the codec. */
static struct addr mask_unflatten_addr(const uint8_t *at, enum addr_family family)
{
	struct addr a = { .family = family };
	size_t len = addr_len(&a);
	uint8_t any = 0;

	for (size_t i = 0; i < len; i++)
		any |= a.octets[i] = at[len - 1 - i];
	return any ? a : (struct addr){ 0 };
}

/* The addresses get the families of those in `as`. */
static struct wccp_mask mask_unflatten(const struct flat *f, const struct wccp_mask *as)
{
	const uint8_t *o = f->octets;

	return (struct wccp_mask){
		.src = mask_unflatten_addr(o + AT_SRC, as->src.family),
		.dst = mask_unflatten_addr(o + AT_DST, as->dst.family),
		.sport = (uint16_t)(o[AT_SPORT] | o[AT_SPORT + 1] << 8),
		.dport = (uint16_t)(o[AT_DPORT] | o[AT_DPORT + 1] << 8),
	};
}

unsigned mask_bits(const struct wccp_mask *m)
{
	struct flat f = mask_flatten(m);
	unsigned n = 0;

	for (unsigned i = 0; i < FLAT_LEN; i++)
		n += (unsigned)__builtin_popcount(f.octets[i]);
	return n;
}

/* May `b` be compared with `a`, as far as families go? */
static bool mask_family_fits(const struct addr *a, const struct addr *b)
{
	return a->family == b->family || !a->family || !b->family;
}

/* No bit set is the same in each family. */
static bool mask_addr_equal(const struct addr *a, const struct addr *b)
{
	static const struct addr none;

	if (a->family == b->family)
		return addr_equal(a, b);
	return memcmp(a->octets, none.octets, addr_len(a)) == 0 &&
	       memcmp(b->octets, none.octets, addr_len(b)) == 0;
}

bool mask_equal(const struct wccp_mask *a, const struct wccp_mask *b)
{
	return a->sport == b->sport && a->dport == b->dport &&
	       mask_addr_equal(&a->src, &b->src) && mask_addr_equal(&a->dst, &b->dst);
}

struct wccp_mask mask_lowest(const struct wccp_mask *m, unsigned n)
{
	struct flat f = mask_flatten(m);

	for (unsigned i = 0; i < FLAT_LEN * 8; i++) {
		uint8_t bit = (uint8_t)(1u << (i & 7));

		if (!(f.octets[i >> 3] & bit))
			continue;
		if (n > 0)
			n--;
		else
			f.octets[i >> 3] &= (uint8_t)~bit;
	}
	return mask_unflatten(&f, m);
}

struct wccp_mask mask_mirror(const struct wccp_mask *m)
{
	return (struct wccp_mask){
		.src = m->dst, .dst = m->src, .sport = m->dport, .dport = m->sport
	};
}

struct wccp_mask mask_value(const struct wccp_mask *m, uint32_t vsn)
{
	struct flat f = mask_flatten(m);

	for (unsigned i = 0; i < FLAT_LEN; i++) {
		uint8_t value = 0;

		for (unsigned left = f.octets[i]; left; left &= left - 1) {
			value |= vsn & 1 ? (uint8_t)(left & -left) : 0;
			vsn >>= 1;
		}
		f.octets[i] = value;
	}
	return mask_unflatten(&f, m);
}

int64_t mask_vsn(const struct wccp_mask *m, const struct wccp_mask *value)
{
	struct flat f = mask_flatten(m), v = mask_flatten(value);
	uint32_t vsn = 0;
	unsigned at = 0;

	if (!mask_family_fits(&m->src, &value->src) ||
	    !mask_family_fits(&m->dst, &value->dst))
		return -1;
	for (unsigned i = 0; i < FLAT_LEN; i++) {
		if (v.octets[i] & ~f.octets[i])
			return -1;
		for (unsigned left = f.octets[i]; left && at < 32; left &= left - 1)
			vsn |= (uint32_t)!!(v.octets[i] & (left & -left)) << at++;
	}
	return vsn;
}

/* -- for people ------------------------------------------------------------------ */

static size_t mask_put_text(char *text, size_t at, const char *name, const char *value)
{
	int n;

	if (at >= MASK_TEXT_MAX)
		return at;
	n = snprintf(text + at, MASK_TEXT_MAX - at, "%s%s %s", at ? ", " : "", name,
		     value);
	return n < 0 ? at : at + (size_t)n;
}

static size_t mask_put_port(char *text, size_t at, const char *name, uint16_t port)
{
	char hex[8];

	snprintf(hex, sizeof(hex), "0x%x", port);
	return port ? mask_put_text(text, at, name, hex) : at;
}

/* IPv4 masks in hexadecimal, as people write them; IPv6 masks like an address. */
static size_t mask_put_addr(char *text, size_t at, const char *name,
			    const struct addr *a)
{
	char hex[16];

	if (a->family == ADDR_V6)
		return mask_put_text(text, at, name, ADDR_TEXT(a));
	snprintf(hex, sizeof(hex), "0x%x", (unsigned)addr_to_v4(a));
	return addr_to_v4(a) ? mask_put_text(text, at, name, hex) : at;
}

const char *mask_text(const struct wccp_mask *m, char text[MASK_TEXT_MAX])
{
	size_t at = 0;

	at = mask_put_addr(text, at, "src", &m->src);
	at = mask_put_addr(text, at, "dst", &m->dst);
	at = mask_put_port(text, at, "sport", m->sport);
	at = mask_put_port(text, at, "dport", m->dport);
	return at ? text : strcpy(text, "nothing");
}
