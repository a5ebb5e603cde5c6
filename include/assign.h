/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who gets which slot: which of the 256 buckets of hash assignment, or of the values of
 * a mask.
 */
#ifndef WCCPD_ASSIGN_H
#define WCCPD_ASSIGN_H

#include <stdint.h>

#define ASSIGN_NOBODY 0xff

enum {
	ASSIGN_BUCKETS = 256, /* of hash assignment */
	ASSIGN_MAX = 64, /* candidates: web-caches of a group, or instances of a pool */
	ASSIGN_SLOTS_MAX = 1024,
};

/* A bucket table: owners[b] is an index into a list of candidates, or
 * ASSIGN_NOBODY. */
struct assign_table {
	uint8_t owners[ASSIGN_BUCKETS];
};

/*
 * Spread `n_slots` slots (up to ASSIGN_SLOTS_MAX) over `n` candidates (up to
 * ASSIGN_MAX) by `weights`; `old` and `out` hold the owner of each slot.
 *
 * Each candidate gets the floor or the ceiling of its ideal share n_slots * weight /
 * total; among all tables that do, `out` is one with the fewest slots moved from `old`
 * (slots without an owner have to move anyway).  A weight of 0 gets nothing while any
 * other weight is positive; if all are 0, they count as equal.  With n == 0 no slot
 * gets an owner.  `old` and `out` may be the same.  Deterministic: the same input gives
 * the same table.
 *
 * Returns the number of slots whose owner differs from `old`.
 */
unsigned assign_slots(const uint16_t *weights, unsigned n, const uint8_t *old,
		      uint8_t *out, unsigned n_slots);

/*
 * One table for two places whose tables so far are `old` and `second`.  As above with
 * respect to `old`; where there is a choice of which slots stay or move, the one that
 * agrees with `second` is taken.  (That need not be the fewest moves from `second`,
 * because `old` decides the quotas.)
 */
void assign_alike(const uint16_t *weights, unsigned n, const uint8_t *old,
		  const uint8_t *second, uint8_t *out, unsigned n_slots);

/* The same for the 256 buckets. */
unsigned assign_buckets(const uint16_t *weights, unsigned n,
			const struct assign_table *old, struct assign_table *out);

/* Buckets that candidate `i` owns. */
unsigned assign_count(const struct assign_table *t, unsigned i);

#endif
