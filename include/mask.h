/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Masks of mask assignment, and the numbers of their values (2.01 section 7).
 *
 * The bits set in a mask are numbered from the least significant: destination
 * port, source port, destination address, source address, within each from its
 * lowest bit up.  n bits make 2^n values; a value's sequence number (VSN) is its
 * bits under the mask gathered in that order.
 */
#ifndef WCCPD_MASK_H
#define WCCPD_MASK_H

#include "wccp.h"

enum {
	MASK_BITS_MAX = 10, /* that this implementation assigns by */
	MASK_SLOTS_MAX = 1 << MASK_BITS_MAX,
};

/* What Squid sends and others default to: six bits of an address. */
#define MASK_DEFAULT 0x1741

/* Number of bits set, in all four fields. */
unsigned mask_bits(const struct wccp_mask *m);
/* An empty field has no family: 0.0.0.0 equals ADDR_NONE. */
bool mask_equal(const struct wccp_mask *a, const struct wccp_mask *b);

/* The mask with only its `n` lowest bits; all of it if it has no more than `n`. */
struct wccp_mask mask_lowest(const struct wccp_mask *m, unsigned n);
/* The same bits for packets in the opposite direction. */
struct wccp_mask mask_mirror(const struct wccp_mask *m);

/* The value that has this VSN (of which the lowest mask_bits() bits count). */
struct wccp_mask mask_value(const struct wccp_mask *m, uint32_t vsn);
/* The VSN of a value, or -1 if it can match no packet because it has bits outside the
 * mask or an address of another family.  Only the first 32 bits count. */
int64_t mask_vsn(const struct wccp_mask *m, const struct wccp_mask *value);

#define MASK_TEXT_MAX 192
/* "dst 0x1741, dport 0x1" ("nothing" for an empty mask); returns `text`. */
const char *mask_text(const struct wccp_mask *m, char text[MASK_TEXT_MAX]);

#endif
