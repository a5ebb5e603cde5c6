/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When to log what is seen again and again. */
#include "suite.h"
#include "wccpd/senders/sightings.h"

static struct sightings s;
static uint64_t n;

static struct mono at(int64_t ms)
{
	return mono_add_ms((struct mono){ 1000000000 }, ms);
}

static void set_up(void)
{
	s = (struct sightings){ 0 };
	n = 0;
}

CASE(sightings, .setup = set_up)

TEST(what_passes_quickly_is_not_told)
{
	ck_assert(!sightings_add(&s, 1, 5, at(0), &n));
	ck_assert(!sightings_add(&s, 1, 1, at(SIGHTINGS_PATIENCE_MS - 1), &n));
	ck_assert(sightings_add(&s, 1, 1, at(SIGHTINGS_PATIENCE_MS), &n));
	ck_assert_uint_eq(n, 7);
}

TEST(intervals_grow_up_to_an_hour)
{
	int64_t last = 0, gaps[12] = { 0 };
	unsigned lines = 0;

	for (int64_t ms = 0; lines < 12; ms += 1000)
		if (sightings_add(&s, 1, 1, at(ms), &n)) {
			gaps[lines++] = ms - last;
			last = ms;
		}
	ck_assert_int_eq(gaps[0], SIGHTINGS_PATIENCE_MS);
	ck_assert_int_eq(gaps[1], SIGHTINGS_PAUSE_MS);
	ck_assert_int_eq(gaps[2], 2 * SIGHTINGS_PAUSE_MS);
	ck_assert_int_eq(gaps[10], SIGHTINGS_PAUSE_MAX_MS);
	ck_assert_int_eq(gaps[11], SIGHTINGS_PAUSE_MAX_MS);
	ck_assert_uint_eq(n, SIGHTINGS_PAUSE_MAX_MS / 1000);
}

TEST(long_after_it_begins_anew)
{
	const int64_t later = 10000 + SIGHTINGS_FORGET_MS;

	sightings_add(&s, 1, 1, at(0), &n);
	ck_assert(sightings_add(&s, 1, 1, at(10000), &n));
	ck_assert(!sightings_add(&s, 1, 1, at(later), &n));
	ck_assert(sightings_add(&s, 1, 1, at(later + SIGHTINGS_PATIENCE_MS), &n));
	ck_assert_uint_eq(n, 2);
}

/* A thousand invented senders, each seen every second for ten minutes. */
TEST(invented_keys_cost_few_lines)
{
	unsigned lines = 0;

	for (int64_t ms = 0; ms < 600000; ms += 1000)
		for (uint64_t key = 1; key <= 1000; key++)
			lines += sightings_add(&s, key, 1, at(ms), &n);
	ck_assert_uint_le(lines, 10 * SIGHTINGS_LINES);
	lines = 0;
	for (int64_t ms = 600000; ms < 1200000; ms += 1000)
		for (uint64_t key = 1; key <= SIGHTINGS_MAX; key++)
			lines += sightings_add(&s, key, 1, at(ms), &n);
	ck_assert_uint_gt(lines, 0);
	ck_assert_uint_le(lines, 11 * SIGHTINGS_LINES);
}
