/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A service and its mirror have one table, whatever happens to either.
 */
#include "pair_world.h"
#include "suite.h"

CASE(pair, .timeout = 60)

TEST_LOOP(alike_at_all_times, 0, 2)
{
	pair_begin(true, _i);
	pair_up(1);
	pair_run(3 * T_MS);
	pair_up(2);
	pair_run(3 * T_MS);
	pair_up(0); /* the lowest: takes over */
	pair_run(3 * T_MS);
	pair_expect(true, true, true);
	pair_crash(1);
	pair_run(6 * T_MS);
	pair_expect(true, false, true);
	pair_down(0);
	pair_run(3 * T_MS);
	pair_expect(false, false, true);
	ck_assert_int_eq(W.unlike_ms, 0);
	ck_assert_uint_eq(W.unlikes, 0);
	pair_end();
}

/* The bench itself: two groups that decide for themselves differ in the end. */
static bool lose_mirror_hellos(const struct packet *p)
{
	return p->service == 1 && p->octets[3] == WCCP_HERE_I_AM && p->from == 1;
}

/* A member that one service loses for a while, and the other not at all. */
static void disturb_one(void)
{
	pair_up(0);
	pair_up(1);
	pair_up(2);
	pair_run(4 * T_MS);
	W.lost = lose_mirror_hellos;
	pair_run(6 * T_MS);
	W.lost = NULL;
	pair_run(6 * T_MS);
}

/* One that pairs, among others that do not and assign: it says what it sees. */
TEST_LOOP(the_tables_of_others_are_compared, 0, 2)
{
	pair_begin(false, _i);
	W.paired = true;
	pair_start_cache(1);
	W.paired = false;
	disturb_one();
	ck_assert(pair_conflict(0));
	ck_assert_uint_gt(W.unlikes, 0);
	pair_down(0); /* the next one to assign pairs them */
	pair_run(3 * T_MS);
	W.unlikes = 0;
	pair_run(3 * T_MS);
	ck_assert(pair_alike(0));
	ck_assert_uint_eq(W.unlikes, 0);
	pair_end();
}

TEST(alone_they_diverge)
{
	pair_begin(false, false);
	disturb_one();
	ck_assert(!pair_alike(0));
	pair_end();
}

TEST_LOOP(a_member_of_one_is_none_of_both, 0, 2)
{
	pair_begin(true, _i);
	pair_up(0);
	pair_up(1);
	pair_up(2);
	pair_run(4 * T_MS);
	W.lost = lose_mirror_hellos;
	pair_run(6 * T_MS);
	/* It is still seen by service 80, and has nothing there. */
	ck_assert_uint_eq(pair_look(0, 0)->n_caches, 3);
	pair_expect(true, false, true);
	W.lost = NULL;
	pair_run(6 * T_MS);
	pair_expect(true, true, true);
	pair_end();
}

/* The lowest web-cache and one router, or all of them, hear nothing of each other in
 * the mirror. */
static bool cut_from_one(const struct packet *p)
{
	return p->service == 1 && (p->from == 0 || p->to == 0) &&
	       (p->from == CACHES + 1 || p->to == CACHES + 1);
}

static bool cut_from_all(const struct packet *p)
{
	return p->service == 1 && (p->from == 0 || p->to == 0);
}

TEST_LOOP(who_hears_less_leaves_both_to_the_other, 0, 4)
{
	unsigned before;

	pair_begin(true, _i & 1);
	W.lost = _i & 2 ? cut_from_all : cut_from_one;
	pair_up(0);
	pair_up(1);
	pair_up(2);
	pair_run(9 * T_MS);
	/* Not seen by all, hence nothing for it; its table would be another one. */
	pair_expect(false, true, true);
	before = W.assignments[0] + W.assignments[1];
	pair_run(20 * T_MS);
	ck_assert_uint_eq(W.assignments[0] + W.assignments[1], before);
	pair_expect(false, true, true);
	W.lost = NULL;
	pair_run(9 * T_MS);
	pair_expect(true, true, true);
	ck_assert_int_eq(W.unlike_ms, 0);
	pair_end();
}

/* One that does not spoof, and has the lowest address. */
TEST(a_member_of_one_that_assigns_is_reported)
{
	pair_begin(true, false);
	pair_up(1);
	pair_up(2);
	pair_run(3 * T_MS);
	ck_assert_uint_eq(W.halves, 0);
	W.paired = false;
	pair_start_cache(0);
	pair_health(0, 0, true, 100);
	pair_run(6 * T_MS);
	ck_assert_uint_gt(W.halves, 0);
	/* It withdraws, and all is well. */
	pair_health(0, 0, false, 0);
	pair_run(3 * T_MS);
	W.halves = 0;
	pair_run(3 * T_MS);
	ck_assert_uint_eq(W.halves, 0);
	pair_expect(false, true, true);
	pair_end();
}

static unsigned lose_left;

static bool lose_mirror_assignments(const struct packet *p)
{
	if (p->service != 1 || p->octets[3] != WCCP_REDIRECT_ASSIGN || lose_left == 0)
		return false;
	lose_left--;
	return true;
}

TEST(a_lost_assignment_is_soon_repeated)
{
	pair_begin(true, false);
	pair_up(0);
	pair_run(3 * T_MS);
	lose_left = 2; /* one to each router */
	W.lost = lose_mirror_assignments;
	pair_up(1);
	pair_run(3 * T_MS);
	ck_assert_uint_eq(lose_left, 0);
	pair_expect(true, true, false);
	ck_assert_int_gt(W.unlike_ms, 0);
	ck_assert_int_le(W.unlike_ms, T_MS / 10 + 100);
	pair_end();
}

TEST(sent_in_the_same_instant)
{
	pair_begin(true, false);
	pair_up(0);
	pair_up(1);
	while (W.assignments[0] + W.assignments[1] == 0) {
		while (pair_tick_due())
			;
		W.now = pair_next_deadline();
	}
	/* pair_tick_due() ended the instant in which the first of them was sent. */
	ck_assert_uint_eq(W.assignments[0], ROUTERS);
	ck_assert_uint_eq(W.assignments[1], ROUTERS);
	pair_end();
}

/* Other web-caches have left two different tables behind. */
TEST(the_first_wins_at_takeover)
{
	static struct router_status before[SERVICES];
	unsigned moved = 0, healed = 0, differed = 0;

	pair_begin(false, false);
	disturb_one();
	before[0] = *pair_look(0, 0);
	before[1] = *pair_look(0, 1);
	/* 10.0.0.10 is replaced by one that pairs them, within 3 T. */
	pair_crash(0);
	W.paired = true;
	pair_up(0);
	pair_run(5 * T_MS);
	for (unsigned b = 0; b < WCCP_BUCKETS; b++) {
		uint32_t now = pair_bucket_owner(pair_look(0, 0), b);

		differed += pair_bucket_owner(&before[0], b) !=
			    pair_bucket_owner(&before[1], b);
		moved += now != pair_bucket_owner(&before[0], b);
		healed += now != pair_bucket_owner(&before[1], b);
	}
	ck_assert_uint_gt(differed, 0);
	ck_assert_uint_eq(moved, 0);
	ck_assert_uint_eq(healed, differed);
	ck_assert(pair_alike(0) && pair_alike(1));
	pair_end();
}

TEST_LOOP(a_restart_moves_nothing, 0, 2)
{
	static struct router_status before;

	pair_begin(true, _i);
	disturb_one();
	before = *pair_look(0, 0);
	pair_crash(0);
	pair_run(T_MS / 2);
	pair_up(0);
	pair_run(6 * T_MS);
	for (unsigned b = 0; !_i && b < WCCP_BUCKETS; b++)
		ck_assert_uint_eq(pair_bucket_owner(pair_look(0, 0), b),
				  pair_bucket_owner(&before, b));
	for (unsigned v = 0; _i && v < before.masks.n_values; v++)
		ck_assert_uint_eq(
			pair_value_owner(&pair_look(0, 0)->masks,
					 &before.masks.values[v].match),
			addr_to_v4(&before.masks.caches[before.masks.values[v].cache]));
	ck_assert(pair_alike(0) && pair_alike(1));
	pair_end();
}

TEST(half_a_pair_gets_nothing)
{
	pair_begin(true, false);
	pair_stop_router(0, 1);
	pair_stop_router(1, 1);
	pair_up(0);
	pair_run(6 * T_MS);
	ck_assert(!pair_look(0, 0)->assigned);
	ck_assert_uint_eq(W.splits, 1);
	ck_assert_str_eq(W.split,
			 "no router has its mirror: neither is assigned to anybody");
	/* One router knows the mirror: that is enough to begin. */
	pair_start_router(1, 1);
	pair_run(4 * T_MS);
	ck_assert(pair_look(0, 0)->assigned && pair_look(1, 1)->assigned);
	ck_assert_uint_eq(W.splits, 1);
	pair_start_router(0, 1);
	pair_run(4 * T_MS);
	pair_expect(true, false, false);
	pair_end();
}

TEST_LOOP(unpaired_they_go_on_alone, 0, 2)
{
	pair_begin(true, _i);
	pair_up(0);
	pair_run(3 * T_MS);
	cache_unpair(W.groups[0][_i]);
	W.paired = false;
	pair_stop_router(0, 1);
	pair_stop_router(1, 1);
	pair_up(1);
	pair_run(8 * T_MS);
	ck_assert(pair_look(0, 0)->assigned);
	ck_assert_uint_gt(pair_owned(0, 0, 1), 0);
	cache_free(W.groups[0][0]);
	W.groups[0][0] = NULL;
	pair_run(T_MS);
	pair_end();
}

/* Either may be freed first. */
TEST_LOOP(a_mate_may_be_freed, 0, 2)
{
	pair_begin(true, false);
	pair_up(0);
	pair_run(3 * T_MS);
	cache_free(W.groups[0][_i]);
	W.groups[0][_i] = NULL;
	W.paired = false;
	pair_run(6 * T_MS);
	ck_assert(pair_look(0, !_i)->assigned);
	ck_assert_uint_eq(pair_owned(0, !_i, 0), 256);
	pair_end();
}

static void strike(void)
{
	unsigned i = pair_any(CACHES);

	switch (pair_any(6)) {
	case 0:
		pair_crash(i);
		break;
	case 1:
		pair_down(i);
		break;
	case 2:
		pair_stop_router(i % ROUTERS, pair_any(2));
		break;
	default:
		pair_up(i);
		break;
	}
	for (unsigned j = 0; j < ROUTERS; j++)
		for (unsigned k = 0; k < SERVICES; k++)
			if (!W.routers[j][k])
				pair_start_router(j, k);
}

TEST_LOOP(alike_whatever_happens, 1, 21)
{
	pair_begin(true, _i & 1);
	W.random = (uint64_t)_i;
	W.loss_percent = 20;
	for (unsigned n = 0; n < 30; n++) {
		strike();
		pair_run(pair_any(3 * T_MS));
	}
	for (unsigned i = 0; i < CACHES; i++)
		pair_up(i);
	W.loss_percent = 0;
	pair_run(9 * T_MS);
	pair_expect(true, true, true);
	pair_end();
}

/* Whatever a network makes of the messages, all is well when it ends. */
TEST_LOOP(bent_messages_leave_nothing_behind, 1, 11)
{
	pair_begin(true, _i & 1);
	W.random = (uint64_t)_i;
	W.bend_percent = 20;
	W.bent = true;
	for (unsigned n = 0; n < 30; n++) {
		strike();
		pair_run(pair_any(2 * T_MS));
	}
	for (unsigned i = 0; i < CACHES; i++)
		pair_up(i);
	W.bend_percent = 0;
	pair_run(20 * T_MS);
	pair_expect(true, true, true);
	pair_end();
}
