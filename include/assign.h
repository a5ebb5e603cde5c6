/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who gets which of the 256 buckets.
 */
#ifndef ASSIGN_H
#define ASSIGN_H

#include "wccp.h"

#define ASSIGN_NOBODY 0xff

/* Candidates at most: web-caches of a group, or instances of a pool. */
enum { ASSIGN_MAX = 64 };

/* A bucket table: owners[b] is an index into a list of candidates, or
 * ASSIGN_NOBODY. */
struct assign_table {
	uint8_t owners[WCCP_BUCKETS];
};

/*
 * Spread the buckets over `n` candidates (up to ASSIGN_MAX) by `weights`.
 *
 * Each candidate gets the floor or the ceiling of its ideal share
 * 256 * weight / total; among all tables that do, `out` is one with the fewest
 * buckets moved from `old` (buckets of nobody must move anyhow).  A weight of 0
 * gets nothing while another has weight; when all are 0 they count as equal.
 * With n == 0 every bucket is nobody's.  `old` and `out` may be the same.
 * Deterministic: the same input gives the same table.
 *
 * Returns the number of buckets whose owner differs from `old`.
 */
unsigned assign_buckets(const uint16_t *weights, unsigned n,
			const struct assign_table *old, struct assign_table *out);

/* Buckets that candidate `i` owns. */
unsigned assign_count(const struct assign_table *t, unsigned i);

#endif
