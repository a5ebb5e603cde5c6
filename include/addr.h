/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An IP address that knows its family.  Octets are in network order, so that
 * comparing them octet by octet is comparing addresses numerically on every
 * machine.
 */
#ifndef WCCPD_ADDR_H
#define WCCPD_ADDR_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum addr_family {
	ADDR_NONE = 0, /* unspecified; every octet is zero */
	ADDR_V4 = 4,
	ADDR_V6 = 6,
};

struct addr {
	uint8_t family;     /* enum addr_family */
	uint8_t octets[16]; /* 4 in use for ADDR_V4, the rest zero */
};

#define ADDR_STRLEN 46 /* longest text of an IPv6 address, with its NUL */

/* Room for an addr_text() result: `ADDR_TEXT(a)` yields a C string that lives as long
 * as the enclosing block. */
struct addr_text {
	char s[ADDR_STRLEN];
};
#define ADDR_TEXT(a) (addr_text((a), &(struct addr_text){ { 0 } }))

/* From an IPv4 address in host order (0x0a000001 is 10.0.0.1). */
static inline struct addr addr_v4(uint32_t host_order)
{
	return (struct addr){
		.family = ADDR_V4,
		.octets = { (uint8_t)(host_order >> 24), (uint8_t)(host_order >> 16),
			    (uint8_t)(host_order >> 8), (uint8_t)host_order },
	};
}
/* The IPv4 address in host order; 0 if `a` is of another family. */
uint32_t addr_to_v4(const struct addr *a);
/* From 4 (ADDR_V4) or 16 (ADDR_V6) octets in network order. */
struct addr addr_from_octets(enum addr_family family, const uint8_t *octets);

/* Number of octets in use: 0, 4 or 16. */
size_t addr_len(const struct addr *a);
bool addr_is_set(const struct addr *a);
/* A step of a large group calls this thousands of times, and two words are compared fast
 * under sanitizers, too.  Unused octets are zero.  (eBPF programs include this header as
 * well, and have no <string.h>.) */
static inline bool addr_equal(const struct addr *a, const struct addr *b)
{
	uint64_t x[2], y[2];

	__builtin_memcpy(&x[0], a->octets, 8);
	__builtin_memcpy(&x[1], a->octets + 8, 8);
	__builtin_memcpy(&y[0], b->octets, 8);
	__builtin_memcpy(&y[1], b->octets + 8, 8);
	return a->family == b->family && x[0] == y[0] && x[1] == y[1];
}

/* 224.0.0.0/4, ff00::/8 */
bool addr_is_multicast(const struct addr *a);
/* Can another host have this address?  Not if it is unset, multicast, loopback, in
 * 0.0.0.0/8, or 255.255.255.255. */
bool addr_is_host(const struct addr *a);

/* <0, 0, >0; families first (none, v4, v6), then numerically. */
int addr_compare(const struct addr *a, const struct addr *b);
/* Index of `a` in `list`, or -1. */
int addr_find(const struct addr *list, size_t n, const struct addr *a);

/* Numeric text to address.  -1 if the text is not an address. */
int addr_parse(const char *text, struct addr *out);
/* Address to text ("-" when unset); returns out->s. */
const char *addr_text(const struct addr *a, struct addr_text *out);

/* All addresses whose first `bits` bits are those of `addr`. */
struct addr_prefix {
	struct addr addr;
	uint8_t bits;
};

/* Room for an addr_prefix_text() result, as ADDR_TEXT() is for an address. */
struct addr_prefix_text {
	char s[ADDR_STRLEN + 4];
};
#define ADDR_PREFIX_TEXT(p)                                                            \
	(addr_prefix_text((p), &(struct addr_prefix_text){ { 0 } }))

/* The prefix that contains this address and no other. */
struct addr_prefix addr_prefix_of(const struct addr *a);
bool addr_prefix_is_one(const struct addr_prefix *p);
bool addr_prefix_has(const struct addr_prefix *p, const struct addr *a);
/* ADDRESS or ADDRESS/LENGTH, with no bits set beyond the length.  -1: `err` says what
 * is wrong with the text. */
int addr_prefix_parse(const char *text, struct addr_prefix *out, struct err *err);
/* The length is left out if the prefix is a single address.  Returns out->s. */
const char *addr_prefix_text(const struct addr_prefix *p, struct addr_prefix_text *out);

#endif
