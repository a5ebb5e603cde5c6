/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bucket assignment: fair shares and provably few moves, on many random inputs
 * from a fixed seed.
 */
#include "assign.h"

#include <check.h>
#include <stdio.h>
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
	unsigned n;
	uint16_t weights[WCCP_MAX_CACHES];
	struct assign_table old;
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

	in->old = nobody();
	for (unsigned b = 0; b < WCCP_BUCKETS; b++) {
		if (style == 0)
			continue; /* nobody has anything */
		if (style == 1) /* anybody, also candidates that are gone */
			in->old.owners[b] = (uint8_t)any(in->n + 2);
		else if (style == 2) /* most with few */
			in->old.owners[b] = (uint8_t)any(any(in->n) + 1);
		else if (any(5)) /* evenly, with holes */
			in->old.owners[b] = (uint8_t)(b % in->n);
	}
}

static struct input any_input(unsigned n)
{
	struct input in = { .n = n };

	any_weights(&in);
	any_old(&in);
	return in;
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

	while ((q + 1) * total <= 256 * w)
		q++;
	return q;
}

static bool is_fractional(const struct input *in, unsigned i)
{
	uint64_t total, w = weight_of(in, i, &total);

	return floor_of(in, i) * total != 256 * w;
}

/* By trying every choice of who gets one more than the floor. */
static unsigned fewest_by_search(const struct input *in)
{
	unsigned best = 0;

	for (uint32_t choice = 0; choice < 1u << in->n; choice++) {
		unsigned sum = 0, kept = 0;
		bool allowed = true;

		for (unsigned i = 0; i < in->n; i++) {
			unsigned quota = floor_of(in, i) + (choice >> i & 1);
			unsigned had = assign_count(&in->old, i);

			if ((choice >> i & 1) && !is_fractional(in, i))
				allowed = false;
			sum += quota;
			kept += had < quota ? had : quota;
		}
		if (allowed && sum == WCCP_BUCKETS && kept > best)
			best = kept;
	}
	return WCCP_BUCKETS - best;
}

/* By counting: floors keep what they can, each spare unit saves at most one. */
static unsigned fewest_by_formula(const struct input *in)
{
	unsigned kept = 0, spare = WCCP_BUCKETS, savers = 0;

	for (unsigned i = 0; i < in->n; i++) {
		unsigned least = floor_of(in, i);
		unsigned had = assign_count(&in->old, i);

		spare -= least;
		kept += had < least ? had : least;
		savers += is_fractional(in, i) && had > least;
	}
	return WCCP_BUCKETS - kept - (savers < spare ? savers : spare);
}

static void check_shares(const struct input *in, const struct assign_table *out)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < in->n; i++) {
		unsigned has = assign_count(out, i), least = floor_of(in, i);

		ck_assert_uint_ge(has, least);
		ck_assert_uint_le(has, least + is_fractional(in, i));
		sum += has;
	}
	ck_assert_uint_eq(sum, WCCP_BUCKETS);
}

static unsigned differences(const struct assign_table *a, const struct assign_table *b)
{
	unsigned n = 0;

	for (unsigned i = 0; i < WCCP_BUCKETS; i++)
		n += a->owners[i] != b->owners[i];
	return n;
}

static void check_one(const struct input *in, unsigned fewest)
{
	struct assign_table out, again, in_place = in->old;
	unsigned moves = assign_buckets(in->weights, in->n, &in->old, &out);

	check_shares(in, &out);
	ck_assert_uint_eq(moves, differences(&in->old, &out));
	ck_assert_uint_eq(moves, fewest);

	ck_assert_uint_eq(assign_buckets(in->weights, in->n, &in_place, &in_place), moves);
	ck_assert_mem_eq(&in_place, &out, sizeof(out));

	ck_assert_uint_eq(assign_buckets(in->weights, in->n, &out, &again), 0);
	ck_assert_mem_eq(&again, &out, sizeof(out));
}

START_TEST(few_candidates_against_search)
{
	for (unsigned round = 0; round < 600; round++) {
		struct input in = any_input(1 + any(8));
		unsigned fewest = fewest_by_search(&in);

		ck_assert_uint_eq(fewest, fewest_by_formula(&in));
		check_one(&in, fewest);
	}
}
END_TEST

START_TEST(any_number_against_formula)
{
	for (unsigned n = 1; n <= WCCP_MAX_CACHES; n++)
		for (unsigned round = 0; round < 100; round++) {
			struct input in = any_input(n);

			check_one(&in, fewest_by_formula(&in));
		}
}
END_TEST

/* -- cases that people know the answer of ---------------------------------------- */

START_TEST(third_cache_moves_a_third)
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
END_TEST

START_TEST(cache_leaves_and_returns)
{
	const uint16_t both[] = { 1, 1 }, second[] = { 0, 1 };
	struct assign_table t = nobody();

	assign_buckets(both, 2, &t, &t);
	ck_assert_uint_eq(assign_buckets(second, 2, &t, &t), 128);
	ck_assert_uint_eq(assign_count(&t, 0), 0);
	ck_assert_uint_eq(assign_buckets(both, 2, &t, &t), 128);
	ck_assert_uint_eq(assign_count(&t, 0), 128);
}
END_TEST

START_TEST(weights_are_shares)
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
END_TEST

START_TEST(no_candidate_no_owner)
{
	struct assign_table t = nobody();
	const uint16_t one[] = { 7 };

	ck_assert_uint_eq(assign_buckets(NULL, 0, &t, &t), 0);
	assign_buckets(one, 1, &t, &t);
	ck_assert_uint_eq(assign_count(&t, 0), 256);
	ck_assert_uint_eq(assign_buckets(NULL, 0, &t, &t), 256);
	ck_assert_uint_eq(assign_count(&t, ASSIGN_NOBODY), 256);
}
END_TEST

START_TEST(leftover_goes_to_who_has_it)
{
	/* Shares 85 1/3: the one unit must stay where it was, index 1. */
	const uint16_t equal[] = { 1, 1, 1 };
	struct assign_table t;

	for (unsigned b = 0; b < WCCP_BUCKETS; b++)
		t.owners[b] = (uint8_t)((b + 1) % 3);
	ck_assert_uint_eq(assign_count(&t, 1), 86);
	ck_assert_uint_eq(assign_buckets(equal, 3, &t, &t), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("assign");
	TCase *tc = tcase_create("assign");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, few_candidates_against_search);
	tcase_add_test(tc, any_number_against_formula);
	tcase_add_test(tc, third_cache_moves_a_third);
	tcase_add_test(tc, cache_leaves_and_returns);
	tcase_add_test(tc, weights_are_shares);
	tcase_add_test(tc, no_candidate_no_owner);
	tcase_add_test(tc, leftover_goes_to_who_has_it);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
