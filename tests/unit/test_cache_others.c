/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Other web-caches that spoil the division of the traffic: weights of another scale, two
 * that assign, one that should and does not.
 */
#include "cache_two.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

CASE(others, .teardown = bench_close, .timeout = 30)

#define LOWER2 0x0a000007 /* 10.0.0.7: before us, after LOWER */

/* -- weights ------------------------------------------------------------------------ */

static unsigned unlike(void)
{
	return bench_notes("unlike-weight", NULL);
}

TEST(weights_of_another_scale_are_told_once_per_change)
{
	open_one();
	rtr_add(&a, CACHE2, 10000); /* as Squid does, unless told */
	bench_health(true, 100);
	bench_run(10 * T);
	ck_assert_uint_eq(unlike(), 1);
	ck_assert_ptr_nonnull(strstr(bench_note_text("unlike-weight"),
				     "web-cache 10.0.0.20 states weight 10000 beside "
				     "our 100, so this box gets next to nothing.  Set "
				     "weight = 10000"));
	rtr_add(&a, CACHE2, 300);
	bench_run(10 * T);
	ck_assert_uint_eq(unlike(), 1);
	rtr_add(&a, CACHE2, 10000);
	bench_run(10 * T);
	ck_assert_uint_eq(unlike(), 2);
	for (unsigned i = 0; i < B.n_noted; i++)
		if (strcmp(B.noted[i].event, "unlike-weight") == 0)
			ck_assert(B.noted[i].rate_limited);
}

/* One that knows no weights states 0 from the beginning; one that had another is
 * leaving, which is as it should be. */
TEST(weight_0_is_odd_unless_it_is_drained)
{
	open_one();
	rtr_add(&a, CACHE2, 0);
	bench_health(true, 100);
	bench_run(10 * T);
	ck_assert_uint_eq(unlike(), 1);
	ck_assert_ptr_nonnull(strstr(bench_note_text("unlike-weight"),
				     "states weight 0 beside our 100"));
	rtr_add(&a, CACHE2, 100);
	bench_run(10 * T);
	rtr_add(&a, CACHE2, 0);
	bench_run(10 * T);
	ck_assert_uint_eq(unlike(), 1);
	ck_assert_uint_eq(bench_notes("other-drains", NULL), 1);
}

/* A box whose pool is nearly down is not another scale. */
TEST(usual_weights_are_nothing_special)
{
	static const uint16_t usual[] = { 100, 1, 25, 400, 3200 };

	open_one();
	for (unsigned i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		rtr_add(&a, CACHE2 + i, usual[i]);
	bench_health(true, usual[0]);
	rtr_add(&a, CACHE2 + 1, 4);
	bench_run(10 * T);
	ck_assert_uint_eq(unlike(), 1); /* 1 of 100, until it was 4 */
}

/* -- two that assign ----------------------------------------------------------------- */

/* The other one assigns over ours after each of our assignments. */
static void fight(unsigned times, uint32_t rival)
{
	static uint32_t number;

	for (unsigned i = 0; i < times; i++) {
		bench_run(T);
		a.view.key = (struct wccp_key){ addr_v4(rival), ++number };
		rtr_give(&a, SELF, 0, 0);
		rtr_give(&a, rival, 0, 256);
	}
	bench_run(T);
}

TEST(a_rival_is_named)
{
	open_one();
	rtr_add(&a, CACHE2, 100);
	settle();
	fight(1, CACHE2);
	ck_assert_uint_eq(bench_notes("rival-assigns", NULL), 0);
	fight(10, CACHE2);
	ck_assert_uint_eq(bench_notes("rival-assigns", NULL), 1);
	ck_assert_ptr_nonnull(strstr(bench_note_text("rival-assigns"),
				     "router 10.0.0.1: its table is assigned by "
				     "web-cache 10.0.0.10 and by web-cache 10.0.0.20 in "
				     "turn"));
	ck_assert_ptr_nonnull(strstr(bench_note_text("rival-assigns"),
				     "is to assign, 10.0.0.10: see why 10.0.0.20"));
	fight(120, CACHE2); /* 20 minutes more */
	ck_assert_uint_eq(bench_notes("rival-assigns", NULL), 2);
}

/* Whoever joins with a lower address takes the role over, and may leave again. */
TEST(roles_that_change_with_the_membership_are_no_rivals)
{
	open_one();
	rtr_add(&a, CACHE2, 100);
	settle();
	for (unsigned i = 0; i < 6; i++) {
		rtr_add(&a, LOWER, 100);
		bench_run(T);
		a.view.key = (struct wccp_key){ addr_v4(LOWER), i + 1 };
		bench_run(2 * T);
		rtr_remove(&a, LOWER);
		bench_run(4 * T);
		ck_assert(addr_equal(&a.view.key.cache, &B.conf.self));
	}
	ck_assert_uint_eq(bench_notes("rival-assigns", NULL), 0);
}

/* -- the lowest does not assign -------------------------------------------------------- */

static unsigned assigned(void)
{
	return bench_count(WCCP_REDIRECT_ASSIGN, &a);
}

static void join_idle(void)
{
	open_one();
	rtr_add(&a, LOWER, 100);
	bench_health(true, 100);
}

TEST(the_next_stands_in_for_a_lowest_that_does_not_assign)
{
	join_idle();
	bench_run(6 * T - 100);
	ck_assert_uint_eq(assigned(), 0);
	ck_assert(!bench_look()->designated);
	bench_run(T);
	ck_assert_uint_eq(bench_notes("idle-designated", NULL), 1);
	ck_assert_ptr_nonnull(strstr(bench_note_text("idle-designated"),
				     "web-cache 10.0.0.5 has the lowest address"));
	ck_assert_uint_eq(assigned(), 1);
	ck_assert_uint_eq(rtr_count(&a, SELF), 128);
	ck_assert_uint_eq(rtr_count(&a, LOWER), 128);
	ck_assert(bench_look()->designated);
	ck_assert(addr_equal(&B.status.designated_cache, &B.conf.self));
	bench_run(60 * T);
	ck_assert_uint_eq(assigned(), 1);
	ck_assert_uint_eq(bench_notes("idle-designated", NULL), 1);
}

TEST(it_stops_when_the_lowest_assigns_after_all)
{
	join_idle();
	bench_run(7 * T);
	ck_assert_uint_eq(assigned(), 1);
	a.view.key = (struct wccp_key){ addr_v4(LOWER), 1 };
	rtr_give(&a, LOWER, 0, 256);
	rtr_give(&a, SELF, 0, 0);
	bench_run(20 * T);
	ck_assert_uint_eq(assigned(), 1);
	ck_assert(!bench_look()->designated);
	ck_assert_uint_eq(rtr_count(&a, LOWER), 256);
}

/* Once it is known not to assign, a change does not have to cost the table. */
TEST(the_next_change_is_waited_for_less)
{
	join_idle();
	bench_run(7 * T);
	rtr_add(&a, CACHE3, 100);
	bench_run(4 * T + 100);
	ck_assert_uint_eq(assigned(), 2);
	ck_assert_uint_gt(rtr_count(&a, CACHE3), 80);
	ck_assert_uint_eq(bench_notes("idle-designated", NULL), 1);
}

TEST(each_further_one_waits_longer)
{
	join_idle();
	rtr_add(&a, LOWER2, 100);
	bench_run(7 * T);
	ck_assert_uint_eq(assigned(), 0);
	bench_run(2 * T);
	ck_assert_uint_eq(assigned(), 1);
}

TEST(a_lowest_that_assigns_is_left_alone)
{
	join_idle();
	bench_run(2 * T);
	a.view.key = (struct wccp_key){ addr_v4(LOWER), 1 };
	rtr_give(&a, LOWER, 0, 128);
	rtr_give(&a, SELF, 128, 128);
	bench_run(20 * T);
	ck_assert_uint_eq(assigned(), 0);
	ck_assert_uint_eq(bench_notes("idle-designated", NULL), 0);
}

/* Nor is one whose table, from before we came, gives us nothing. */
TEST(who_has_anything_is_left_with_it)
{
	open_one();
	rtr_add(&a, LOWER, 100);
	rtr_give(&a, LOWER, 0, 256);
	bench_health(true, 100);
	bench_run(20 * T);
	ck_assert_uint_eq(assigned(), 0);
}

/* Where web-caches choose T, the lowest may have a longer one than ours. */
TEST(a_short_t_does_not_make_us_hasty)
{
	join_idle();
	a.capabilities.present = 1u << WCCP_CAP_TRANSMIT_T;
	a.capabilities.transmit_t =
		(struct wccp_cap_transmit_t){ true, 500, 60000 };
	B.conf.transmit_t_ms = 500;
	bench_conf();
	bench_run(5 * T);
	ck_assert_uint_eq(bench_router(&a)->transmit_t_ms, 500);
	ck_assert_uint_eq(assigned(), 0);
	bench_run(3 * T);
	ck_assert_uint_eq(assigned(), 1);
}
