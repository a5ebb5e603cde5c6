/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Assignment of slots: fair shares and provably few moves, on many random inputs
 * from a fixed seed, for 256 buckets and for any other number of slots.
 */
#include "assign.h"
#include "suite.h"

#include <stdio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static uint32_t seed = 20120815;

/* xorshift: the same numbers on every machine. */
static uint32_t any(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % below;
}

struct input {
	unsigned n, n_slots;
	uint16_t weights[ASSIGN_MAX];
	uint8_t old[ASSIGN_SLOTS_MAX];
};

static struct assign_table nobody(void)
{
	struct assign_table t;

	memset(t.owners, ASSIGN_NOBODY, sizeof(t.owners));
	return t;
}

static void any_weights(struct input *in)
{
	unsigned style = any(4);

	for (unsigned i = 0; i < in->n; i++) {
		static const uint32_t range[] = { 1, 3, 10, 65536 };

		in->weights[i] = (uint16_t)any(range[style]);
		if (style == 0)
			in->weights[i] = 100;
		if (any(8) == 0)
			in->weights[i] = 0;
	}
}

static void any_old(struct input *in)
{
	unsigned style = any(4);

	memset(in->old, ASSIGN_NOBODY, sizeof(in->old));
	for (unsigned b = 0; b < in->n_slots; b++) {
		if (style == 0)
			continue; /* nobody has anything */
		if (style == 1) /* anybody, also candidates that are gone */
			in->old[b] = (uint8_t)any(in->n + 2);
		else if (style == 2) /* most with few */
			in->old[b] = (uint8_t)any(any(in->n) + 1);
		else if (any(5)) /* evenly, with holes */
			in->old[b] = (uint8_t)(b % in->n);
	}
}

static struct input any_input(unsigned n, unsigned n_slots)
{
	struct input in = { .n = n, .n_slots = n_slots };

	any_weights(&in);
	any_old(&in);
	return in;
}

static unsigned count(const uint8_t *owners, unsigned n_slots, unsigned owner)
{
	unsigned n = 0;

	for (unsigned i = 0; i < n_slots; i++)
		n += owners[i] == owner;
	return n;
}

/* -- an independent statement of what is right ---------------------------------- */

static uint64_t weight_of(const struct input *in, unsigned i, uint64_t *total)
{
	*total = 0;
	for (unsigned k = 0; k < in->n; k++)
		*total += in->weights[k];
	if (*total)
		return in->weights[i];
	*total = in->n;
	return 1;
}

static unsigned floor_of(const struct input *in, unsigned i)
{
	uint64_t total, w = weight_of(in, i, &total);
	unsigned q = 0;

	while ((q + 1) * total <= in->n_slots * w)
		q++;
	return q;
}

static bool is_fractional(const struct input *in, unsigned i)
{
	uint64_t total, w = weight_of(in, i, &total);

	return floor_of(in, i) * total != in->n_slots * w;
}

/* By trying every choice of who gets one more than the floor. */
static unsigned fewest_by_search(const struct input *in)
{
	unsigned floors[ASSIGN_MAX], had[ASSIGN_MAX];
	bool fractional[ASSIGN_MAX];
	unsigned best = 0;

	for (unsigned i = 0; i < in->n; i++) {
		floors[i] = floor_of(in, i);
		fractional[i] = is_fractional(in, i);
		had[i] = count(in->old, in->n_slots, i);
	}
	for (uint32_t choice = 0; choice < 1u << in->n; choice++) {
		unsigned sum = 0, kept = 0;
		bool allowed = true;

		for (unsigned i = 0; i < in->n; i++) {
			unsigned quota = floors[i] + (choice >> i & 1);

			if ((choice >> i & 1) && !fractional[i])
				allowed = false;
			sum += quota;
			kept += had[i] < quota ? had[i] : quota;
		}
		if (allowed && sum == in->n_slots && kept > best)
			best = kept;
	}
	return in->n_slots - best;
}

/* By counting: floors keep what they can, each spare unit saves at most one. */
static unsigned fewest_by_formula(const struct input *in)
{
	unsigned kept = 0, spare = in->n_slots, savers = 0;

	for (unsigned i = 0; i < in->n; i++) {
		unsigned least = floor_of(in, i);
		unsigned had = count(in->old, in->n_slots, i);

		spare -= least;
		kept += had < least ? had : least;
		savers += is_fractional(in, i) && had > least;
	}
	return in->n_slots - kept - (savers < spare ? savers : spare);
}

static void check_shares(const struct input *in, const uint8_t *out)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < in->n; i++) {
		unsigned has = count(out, in->n_slots, i), least = floor_of(in, i);

		ck_assert_uint_ge(has, least);
		ck_assert_uint_le(has, least + is_fractional(in, i));
		sum += has;
	}
	ck_assert_uint_eq(sum, in->n_slots);
}

static unsigned differences(const uint8_t *a, const uint8_t *b, unsigned n_slots)
{
	unsigned n = 0;

	for (unsigned i = 0; i < n_slots; i++)
		n += a[i] != b[i];
	return n;
}

static void check_one(const struct input *in, unsigned fewest)
{
	uint8_t out[ASSIGN_SLOTS_MAX], again[ASSIGN_SLOTS_MAX], in_place[ASSIGN_SLOTS_MAX];
	const unsigned slots = in->n_slots;
	unsigned moves;

	memset(out, 0xa5, sizeof(out));
	moves = assign_slots(in->weights, in->n, in->old, out, slots);
	check_shares(in, out);
	ck_assert_uint_eq(moves, differences(in->old, out, slots));
	ck_assert_uint_eq(moves, fewest);
	for (unsigned i = slots; i < sizeof(out); i++)
		ck_assert_uint_eq(out[i], 0xa5);

	memcpy(in_place, in->old, sizeof(in_place));
	ck_assert_uint_eq(assign_slots(in->weights, in->n, in_place, in_place, slots),
			  moves);
	ck_assert_mem_eq(in_place, out, slots);

	ck_assert_uint_eq(assign_slots(in->weights, in->n, out, again, slots), 0);
	ck_assert_mem_eq(again, out, slots);
}

CASE(assign, .timeout = 60)

TEST(few_candidates_against_search)
{
	for (unsigned round = 0; round < 1200; round++) {
		unsigned slots = round & 1 ? ASSIGN_BUCKETS : 1u << any(11);
		struct input in = any_input(1 + any(8), slots);
		unsigned fewest = fewest_by_search(&in);

		ck_assert_uint_eq(fewest, fewest_by_formula(&in));
		check_one(&in, fewest);
	}
}

TEST(any_number_against_formula)
{
	for (unsigned n = 1; n <= ASSIGN_MAX; n++)
		for (unsigned bits = 0; bits <= 10; bits++)
			for (unsigned round = 0; round < 20; round++) {
				struct input in = any_input(n, 1u << bits);

				check_one(&in, fewest_by_formula(&in));
			}
}

TEST(buckets_are_256_slots)
{
	for (unsigned round = 0; round < 100; round++) {
		struct input in = any_input(1 + any(32), ASSIGN_BUCKETS);
		uint8_t slots[ASSIGN_BUCKETS];
		struct assign_table t;

		memcpy(t.owners, in.old, sizeof(t.owners));
		ck_assert_uint_eq(assign_buckets(in.weights, in.n, &t, &t),
				  assign_slots(in.weights, in.n, in.old, slots,
					       ASSIGN_BUCKETS));
		ck_assert_mem_eq(t.owners, slots, sizeof(slots));
	}
}

/* More than there is room for: what fits, and nothing behind it. */
TEST(capacities_hold)
{
	static uint8_t out[ASSIGN_SLOTS_MAX + 8], old[ASSIGN_SLOTS_MAX + 8];
	uint16_t weights[ASSIGN_MAX + 1];

	memset(out, 0xa5, sizeof(out));
	memset(old, ASSIGN_NOBODY, sizeof(old));
	for (unsigned i = 0; i <= ASSIGN_MAX; i++)
		weights[i] = 65535;
	ck_assert_uint_eq(assign_slots(weights, ASSIGN_MAX + 1, old, out, sizeof(out)),
			  ASSIGN_SLOTS_MAX);
	ck_assert_uint_eq(count(out, ASSIGN_SLOTS_MAX, ASSIGN_MAX - 1), 16);
	ck_assert_uint_eq(count(out, sizeof(out), 0xa5), 8);
}

/* -- cases that people know the answer of ---------------------------------------- */

TEST(third_cache_moves_a_third)
{
	const uint16_t equal[] = { 100, 100, 100 };
	struct assign_table t = nobody();
	unsigned moves;

	ck_assert_uint_eq(assign_buckets(equal, 2, &t, &t), 256);
	ck_assert_uint_eq(assign_count(&t, 0), 128);
	ck_assert_uint_eq(assign_count(&t, 1), 128);
	moves = assign_buckets(equal, 3, &t, &t);
	ck_assert(moves == 85 || moves == 86);
	ck_assert_uint_eq(assign_count(&t, 2), moves);
}

TEST(cache_leaves_and_returns)
{
	const uint16_t both[] = { 1, 1 }, second[] = { 0, 1 };
	struct assign_table t = nobody();

	assign_buckets(both, 2, &t, &t);
	ck_assert_uint_eq(assign_buckets(second, 2, &t, &t), 128);
	ck_assert_uint_eq(assign_count(&t, 0), 0);
	ck_assert_uint_eq(assign_buckets(both, 2, &t, &t), 128);
	ck_assert_uint_eq(assign_count(&t, 0), 128);
}

TEST(weights_are_shares)
{
	const uint16_t weights[] = { 1, 3 }, extremes[] = { 65535, 1, 65535 };
	const uint16_t zeros[] = { 0, 0, 0, 0 };
	struct assign_table t = nobody();

	assign_buckets(weights, 2, &t, &t);
	ck_assert_uint_eq(assign_count(&t, 0), 64);
	ck_assert_uint_eq(assign_count(&t, 1), 192);
	t = nobody();
	assign_buckets(extremes, 3, &t, &t);
	ck_assert_uint_eq(assign_count(&t, 0), 128);
	ck_assert_uint_eq(assign_count(&t, 1), 0);
	assign_buckets(zeros, 4, &t, &t);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(assign_count(&t, i), 64);
}

TEST(no_candidate_no_owner)
{
	struct assign_table t = nobody();
	const uint16_t one[] = { 7 };

	ck_assert_uint_eq(assign_buckets(NULL, 0, &t, &t), 0);
	assign_buckets(one, 1, &t, &t);
	ck_assert_uint_eq(assign_count(&t, 0), 256);
	ck_assert_uint_eq(assign_buckets(NULL, 0, &t, &t), 256);
	ck_assert_uint_eq(assign_count(&t, ASSIGN_NOBODY), 256);
}

TEST(leftover_goes_to_who_has_it)
{
	/* Shares 85 1/3: the one unit must stay where it was, index 1. */
	const uint16_t equal[] = { 1, 1, 1 };
	struct assign_table t;

	for (unsigned b = 0; b < ASSIGN_BUCKETS; b++)
		t.owners[b] = (uint8_t)((b + 1) % 3);
	ck_assert_uint_eq(assign_count(&t, 1), 86);
	ck_assert_uint_eq(assign_buckets(equal, 3, &t, &t), 0);
}
