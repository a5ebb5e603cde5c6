/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The designated web-cache: election, intersection of views, when an assignment is
 * made and repeated.
 */
#include "cache_two.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

CASE(assigning, .teardown = bench_close, .timeout = 30)

/* -- the assignment itself -------------------------------------------------------------- */

TEST(assigned_after_one_and_a_half_t)
{
	struct mono start;

	open_one();
	announce();
	start = B.now;
	bench_run(SETTLE - 1);
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, NULL), 0);
	bench_run(1);
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, &a), 1);
	ck_assert_int_eq(
		mono_ms_between(start, bench_last(WCCP_REDIRECT_ASSIGN, &a)->at),
		SETTLE);
	ck_assert(wccp_has(&B.got, WCCP_C_ASSIGNMENT));
	ck_assert(!wccp_has(&B.got, WCCP_C_ALT_ASSIGNMENT));
	ck_assert_uint_eq(addr_to_v4(&B.got.assignment.key.cache), SELF);
	ck_assert_uint_eq(B.got.assignment.key.change_number, 1);
	ck_assert_uint_eq(count_in_got(SELF), 256);
	/* A HERE_I_AM close behind it, so that the echo need not wait for T; but not
	 * so close that it may arrive first and make the receive id stale. */
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 1);
	bench_run(ECHO - 1);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 1);
	bench_run(1);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 2);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	ck_assert_uint_eq(bench_look()->my_slots, 256);
	ck_assert_uint_eq(bench_notes("assignment-sent", NULL), 1);
	ck_assert_uint_eq(bench_notes("assignment-acknowledged", &a), 1);
	ck_assert_str_eq(
		bench_note_text("assignment-sent"),
		"key 10.0.0.10/1 to 1 routers, 256 buckets move: 10.0.0.10 256");
	bench_run(20 * T);
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, &a), 1);
}

TEST(every_router_is_listed_with_its_newest_ids)
{
	open_two();
	a.view.change_number = 70;
	b.view.change_number = 900;
	announce();
	bench_run(SETTLE);
	bench_last(WCCP_REDIRECT_ASSIGN, &b);
	ck_assert_uint_eq(B.got.assignment.n_routers, 2);
	ck_assert_uint_eq(addr_to_v4(&B.got.assignment.routers[0].id), R1);
	ck_assert_uint_eq(B.got.assignment.routers[0].change_number, 71);
	ck_assert_uint_eq(B.got.assignment.routers[1].change_number, 901);
	ck_assert_uint_eq(a.refused + b.refused, 0);
	ck_assert_uint_eq(rtr_count(&a, SELF), 256);
	ck_assert_uint_eq(rtr_count(&b, SELF), 256);
}

TEST(router_id_is_not_its_address)
{
	a = rtr_make(R1);
	a.id = addr_v4(0xc0a8ff01);
	bench_open(1, (struct rtr *[]){ &a });
	settle();
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	ck_assert_uint_eq(addr_to_v4(&bench_router(&a)->id), 0xc0a8ff01);
}

TEST(each_change_waits_anew_but_not_for_ever)
{
	open_one();
	settle();
	rtr_add(&a, CACHE2, 100);
	rtr_see(&a, 0);
	bench_run(T);
	ck_assert_uint_eq(counters().assignments_sent, 1);
	rtr_add(&a, CACHE3, 100); /* in the last moment */
	rtr_see(&a, 0);
	bench_run(SETTLE - 1);
	ck_assert_uint_eq(counters().assignments_sent, 1);
	bench_run(1);
	ck_assert_uint_eq(counters().assignments_sent, 2);
	/* One whose membership never rests: within 5 T it must have a table. */
	for (unsigned i = 0; i < 50; i++) {
		a.view.change_number++;
		rtr_see(&a, 0);
		bench_run(T / 10);
	}
	ck_assert_uint_eq(counters().assignments_sent, 3);
}

/* -- election ------------------------------------------------------------------------------- */

TEST(lowest_address_is_designated)
{
	open_one();
	rtr_add(&a, LOWER, 100);
	announce();
	bench_run(4 * T); /* less than until we stand in */
	ck_assert(!bench_look()->designated);
	ck_assert_uint_eq(addr_to_v4(&bench_look()->designated_cache), LOWER);
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, NULL), 0);

	rtr_remove(&a, LOWER);
	resettle();
	ck_assert(bench_look()->designated);
	ck_assert_uint_eq(rtr_count(&a, SELF), 256);
}

TEST(addresses_are_compared_as_numbers)
{
	/* As little-endian integers 9.1.0.1 is above 10.0.0.2. */
	a = rtr_make(R1);
	bench_open(1, (struct rtr *[]){ &a });
	rtr_add(&a, 0x09010001, 100); /* 9.1.0.1 < 10.0.0.10 */
	announce();
	bench_run(3 * T);
	ck_assert(!bench_look()->designated);
	ck_assert_uint_eq(addr_to_v4(&bench_look()->designated_cache), 0x09010001);
	rtr_remove(&a, 0x09010001);
	rtr_add(&a, 0x0b000001, 100); /* 11.0.0.1 > 10.0.0.10 */
	resettle();
	ck_assert(bench_look()->designated);
	bench_last(WCCP_REDIRECT_ASSIGN, &a);
	ck_assert_uint_eq(addr_to_v4(&B.got.assignment.hash.caches[0]), SELF);
}

TEST(only_caches_that_every_router_sees)
{
	open_two();
	rtr_add(&a, LOWER, 100); /* lowest, but only one router sees it */
	rtr_add(&a, CACHE2, 100);
	rtr_add(&b, CACHE2, 100);
	rtr_add(&b, CACHE3, 100);
	announce();
	bench_run(SETTLE);
	ck_assert(bench_look()->designated);
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, &a), 1);
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, &b), 1);
	bench_last(WCCP_REDIRECT_ASSIGN, &a);
	ck_assert_uint_eq(B.got.assignment.hash.n_caches, 2);
	ck_assert_uint_eq(count_in_got(SELF), 128);
	ck_assert_uint_eq(count_in_got(CACHE2), 128);
	for (unsigned r = 0; r < 2; r++) {
		ck_assert_uint_eq(rtr_count(r ? &b : &a, SELF), 128);
		ck_assert_uint_eq(rtr_count(r ? &b : &a, CACHE2), 128);
	}
	/* Not counted: a router that hears us no more. */
	a.answers = false;
	bench_run(4 * T + SETTLE);
	ck_assert_int_eq(bench_state(&a), PEER_LOST);
	bench_last(WCCP_REDIRECT_ASSIGN, &b);
	ck_assert_uint_eq(B.got.assignment.n_routers, 1);
	ck_assert_uint_eq(B.got.assignment.hash.n_caches, 3);
	ck_assert_uint_eq(count_in_got(CACHE3), 85);
}

TEST(router_that_does_not_list_us_does_not_vote)
{
	open_two();
	settle();
	b.answers = false;
	rtr_remove(&b, SELF);
	rtr_add(&b, LOWER, 100);
	rtr_see(&b, 0);
	ck_assert(bench_look()->designated);
	ck_assert_uint_eq(B.status.n_caches, 2);
}

TEST(no_assignment_after_leaving)
{
	open_one();
	announce();
	bench_run(T);
	bench_health(false, 0);
	bench_run(10 * T);
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, NULL), 0);
	ck_assert(!bench_look()->designated);
}

/* -- until it is echoed ----------------------------------------------------------------------- */

TEST(repeated_every_t_until_echoed)
{
	open_one();
	announce();
	a.accepts = false;
	bench_run(SETTLE);
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, &a), 1);
	bench_run(20 * T);
	/* A few at once, each upon an answer that shows the old key; then every T. */
	ck_assert_uint_ge(bench_count(WCCP_REDIRECT_ASSIGN, &a), 21);
	ck_assert_uint_le(bench_count(WCCP_REDIRECT_ASSIGN, &a), 1 + 5 + 20);
	for (unsigned i = 1; i < bench_count(WCCP_REDIRECT_ASSIGN, &a); i++) {
		struct mono last = bench_nth(WCCP_REDIRECT_ASSIGN, &a, i - 1)->at;

		ck_assert_int_ge(
			mono_ms_between(last,
					bench_nth(WCCP_REDIRECT_ASSIGN, &a, i)->at),
			T / 10);
		ck_assert_uint_eq(B.got.assignment.key.change_number, 1);
	}
	ck_assert_uint_eq(counters().assignments_sent, 1);
	ck_assert_uint_eq(counters().assignments_resent,
			  bench_count(WCCP_REDIRECT_ASSIGN, &a) - 1);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);

	a.accepts = true;
	bench_run(T);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	ck_assert_uint_eq(bench_notes("assignment-acknowledged", &a), 1);
	bench_clear();
	bench_run(10 * T);
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, &a), 0);
}

TEST(lost_assignment_and_silent_router)
{
	struct mono first;

	open_one();
	announce();
	bench_run(T);
	a.answers = false;
	a.accepts = false;
	bench_run(SETTLE - T);
	first = bench_last(WCCP_REDIRECT_ASSIGN, &a)->at;
	bench_run(T);
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, &a), 2);
	ck_assert_int_eq(
		mono_ms_between(first, bench_last(WCCP_REDIRECT_ASSIGN, &a)->at), T);
}

TEST(stale_receive_id_race)
{
	open_one();
	announce();
	bench_run(SETTLE - 1);
	a.receive_id++; /* an I_SEE_YOU that crosses our assignment */
	bench_run(1);
	ck_assert_uint_eq(a.refused, 1);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	bench_run(T / 10 + ECHO); /* not after T: the answer showed the old key */
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, &a), 2);
	ck_assert_uint_eq(a.refused, 1);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
}

TEST(assignment_goes_before_the_hello_of_the_same_moment)
{
	open_one();
	a.capabilities.present = 1u << WCCP_CAP_TIMER_SCALE;
	a.capabilities.timer_scale = (struct wccp_cap_timer_scale){
		.timeout_lower = 1, .timeout_upper = 1, .ra_lower = 2, .ra_upper = 2
	};
	announce();
	bench_run(3 * T); /* 1.5 RB, and the third HERE_I_AM is due */
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, &a), 1);
	ck_assert_uint_eq(a.refused, 0);
	ck_assert_uint_eq(rtr_count(&a, SELF), 256);
}

TEST(only_the_router_that_missed_it_gets_it_again)
{
	open_two();
	announce();
	b.accepts = false;
	bench_run(SETTLE + T / 10 + ECHO);
	b.accepts = true;
	bench_run(T);
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, &a), 1);
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, &b), 3);
	bench_last(WCCP_REDIRECT_ASSIGN, &b);
	ck_assert_uint_eq(B.got.assignment.n_routers, 2);
	ck_assert_int_eq(bench_state(&b), PEER_ASSIGNED);
}

TEST(flushed_table_is_assigned_again)
{
	open_one();
	settle();
	a.view.key = (struct wccp_key){ 0 };
	rtr_give(&a, SELF, 0, 0);
	bench_run(T + ECHO);
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, &a), 1);
	ck_assert_uint_eq(rtr_count(&a, SELF), 256);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
}

TEST(nothing_is_repeated_while_members_change)
{
	open_one();
	rtr_add(&a, CACHE2, 100);
	announce();
	a.accepts = false;
	bench_run(SETTLE);
	bench_clear();
	rtr_remove(&a, CACHE2); /* the unacknowledged table names it */
	rtr_see(&a, 0);
	bench_run(SETTLE - 1);
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, &a), 0);
	bench_run(1);
	bench_last(WCCP_REDIRECT_ASSIGN, &a);
	ck_assert_uint_eq(count_in_got(SELF), 256);
	ck_assert_uint_eq(B.got.assignment.key.change_number, 2);
}

TEST(another_service_does_not_cancel_it)
{
	struct rtr other;

	open_one();
	announce();
	other = a;
	other.service = (struct wccp_service){ .type = WCCP_SERVICE_DYNAMIC, .id = 90 };
	other.view.key = (struct wccp_key){ addr_v4(SELF), 1 };
	for (unsigned i = 0; i < 15; i++) {
		bench_run(T / 10);
		rtr_see(&other, 0);
	}
	bench_run(SETTLE);
	ck_assert_uint_eq(counters().bad_service, 15);
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, &a), 1);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
}

TEST(membership_change_without_a_move_is_confirmed)
{
	open_one();
	settle();
	/* One came and went between two answers; the router waits for a table. */
	rtr_add(&a, CACHE2, 100);
	rtr_remove(&a, CACHE2);
	resettle();
	bench_last(WCCP_REDIRECT_ASSIGN, &a);
	ck_assert_uint_eq(B.got.assignment.key.change_number, 2);
	ck_assert_ptr_nonnull(
		strstr(bench_note_text("assignment-sent"), " 0 buckets move"));
}
