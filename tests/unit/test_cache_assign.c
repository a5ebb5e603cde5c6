/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The designated web-cache: election, intersection of views, when an assignment
 * is made and repeated, how few buckets move, and who had them before.
 */
#include "cache_bench.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define R1 0x0a000001
#define R2 0x0a000002
#define CACHE2 0x0a000014 /* 10.0.0.20, after us */
#define CACHE3 0x0a00001e /* 10.0.0.30 */
#define LOWER 0x0a000005  /* 10.0.0.5, before us */
#define T 10000
#define SETTLE (3 * T / 2)
#define ECHO 50 /* from an assignment to the HERE_I_AM behind it */

static struct rtr a, b;

static void open_one(void)
{
	a = rtr_make(R1);
	bench_open(1, (struct rtr *[]){ &a });
}

static void open_two(void)
{
	a = rtr_make(R1);
	b = rtr_make(R2);
	bench_open(2, (struct rtr *[]){ &a, &b });
}

static void announce(void)
{
	bench_health(true, 100);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	bench_clear();
}

/* Up to the first assignment, echoed. */
static void settle(void)
{
	announce();
	bench_run(SETTLE + ECHO);
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, &a), 1);
	bench_clear();
}

/* Wait for the next assignment that comes of a change just made. */
static void resettle(void)
{
	bench_clear();
	bench_run(T + SETTLE + ECHO);
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, &a), 1);
}

static struct cache_counters counters(void)
{
	return bench_look()->counters;
}

static struct addr owner_in_got(unsigned bucket)
{
	const struct wccp_hash_table *t = &B.got.assignment.hash;

	ck_assert_uint_lt(t->buckets[bucket], t->n_caches);
	return t->caches[t->buckets[bucket]];
}

static unsigned count_in_got(uint32_t cache)
{
	struct addr c = addr_v4(cache);
	unsigned n = 0;

	for (unsigned i = 0; i < WCCP_BUCKETS; i++) {
		struct addr owner = owner_in_got(i);

		n += addr_equal(&owner, &c);
	}
	return n;
}

/* Buckets of a router's table that changed hands since `before`. */
static unsigned moved(const struct rtr *before, const struct rtr *after, uint32_t cache)
{
	struct addr c = addr_v4(cache);
	const struct wccp_cache_id *x = NULL, *y = NULL;
	unsigned n = 0;

	for (unsigned i = 0; i < before->view.n_caches; i++)
		if (addr_equal(&before->view.caches[i].addr, &c))
			x = &before->view.caches[i];
	for (unsigned i = 0; i < after->view.n_caches; i++)
		if (addr_equal(&after->view.caches[i].addr, &c))
			y = &after->view.caches[i];
	ck_assert(x && y);
	for (unsigned i = 0; i < WCCP_BUCKETS; i++)
		n += wccp_vector_has(&x->buckets, i) && !wccp_vector_has(&y->buckets, i);
	return n;
}

/* -- the assignment itself -------------------------------------------------------------- */

START_TEST(assigned_after_one_and_a_half_t)
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
		mono_ms_between(start, bench_last(WCCP_REDIRECT_ASSIGN, &a)->at), SETTLE);
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
	ck_assert_uint_eq(bench_look()->my_buckets, 256);
	ck_assert_uint_eq(bench_notes("assignment-sent", NULL), 1);
	ck_assert_uint_eq(bench_notes("assignment-acknowledged", &a), 1);
	ck_assert_str_eq(bench_note_text("assignment-sent"),
			 "key 10.0.0.10/1 to 1 routers, 256 buckets move: 10.0.0.10 256");
	bench_run(20 * T);
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, &a), 1);
}
END_TEST

START_TEST(every_router_is_listed_with_its_newest_ids)
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
END_TEST

START_TEST(router_id_is_not_its_address)
{
	a = rtr_make(R1);
	a.id = addr_v4(0xc0a8ff01);
	bench_open(1, (struct rtr *[]){ &a });
	settle();
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	ck_assert_uint_eq(addr_to_v4(&bench_router(&a)->id), 0xc0a8ff01);
}
END_TEST

START_TEST(each_change_waits_anew_but_not_for_ever)
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
END_TEST

/* -- election ------------------------------------------------------------------------------- */

START_TEST(lowest_address_is_designated)
{
	open_one();
	rtr_add(&a, LOWER, 100);
	announce();
	bench_run(10 * T);
	ck_assert(!bench_look()->designated);
	ck_assert_uint_eq(addr_to_v4(&bench_look()->designated_cache), LOWER);
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, NULL), 0);

	rtr_remove(&a, LOWER);
	resettle();
	ck_assert(bench_look()->designated);
	ck_assert_uint_eq(rtr_count(&a, SELF), 256);
}
END_TEST

START_TEST(addresses_are_compared_as_numbers)
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
END_TEST

START_TEST(only_caches_that_every_router_sees)
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
END_TEST

START_TEST(router_that_does_not_list_us_does_not_vote)
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
END_TEST

/* -- until it is echoed ----------------------------------------------------------------------- */

START_TEST(repeated_every_t_until_echoed)
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
			mono_ms_between(last, bench_nth(WCCP_REDIRECT_ASSIGN, &a, i)->at),
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
END_TEST

START_TEST(lost_assignment_and_silent_router)
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
END_TEST

START_TEST(stale_receive_id_race)
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
END_TEST

START_TEST(assignment_goes_before_the_hello_of_the_same_moment)
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
END_TEST

START_TEST(only_the_router_that_missed_it_gets_it_again)
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
END_TEST

START_TEST(flushed_table_is_assigned_again)
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
END_TEST

START_TEST(nothing_is_repeated_while_members_change)
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
END_TEST

START_TEST(another_service_does_not_cancel_it)
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
END_TEST

START_TEST(membership_change_without_a_move_is_confirmed)
{
	open_one();
	settle();
	/* One came and went between two answers; the router waits for a table. */
	rtr_add(&a, CACHE2, 100);
	rtr_remove(&a, CACHE2);
	resettle();
	bench_last(WCCP_REDIRECT_ASSIGN, &a);
	ck_assert_uint_eq(B.got.assignment.key.change_number, 2);
	ck_assert_ptr_nonnull(strstr(bench_note_text("assignment-sent"), " 0 buckets move"));
}
END_TEST

/* -- few moves, weights ------------------------------------------------------------------------ */

START_TEST(third_cache_moves_a_third)
{
	struct rtr before;
	unsigned moves;

	open_one();
	rtr_add(&a, CACHE2, 100);
	settle();
	ck_assert_uint_eq(rtr_count(&a, SELF), 128);
	ck_assert_uint_eq(rtr_count(&a, CACHE2), 128);
	before = a;
	rtr_add(&a, CACHE3, 100);
	resettle();
	moves = moved(&before, &a, SELF) + moved(&before, &a, CACHE2);
	ck_assert(moves == 85 || moves == 86);
	ck_assert_uint_eq(rtr_count(&a, CACHE3), moves);
}
END_TEST

START_TEST(half_dies_and_comes_back)
{
	open_one();
	rtr_add(&a, CACHE2, 100);
	settle();
	rtr_remove(&a, CACHE2);
	resettle();
	ck_assert_uint_eq(rtr_count(&a, SELF), 256);
	ck_assert_ptr_nonnull(
		strstr(bench_note_text("assignment-sent"), " 128 buckets move"));
	rtr_add(&a, CACHE2, 100);
	resettle();
	ck_assert_uint_eq(rtr_count(&a, SELF), 128);
	ck_assert_uint_eq(rtr_count(&a, CACHE2), 128);
	ck_assert_ptr_nonnull(
		strstr(bench_note_text("assignment-sent"), " 128 buckets move"));
}
END_TEST

START_TEST(weights_make_shares)
{
	open_one();
	rtr_add(&a, CACHE2, 300);
	settle();
	ck_assert_uint_eq(rtr_count(&a, SELF), 64);
	ck_assert_uint_eq(rtr_count(&a, CACHE2), 192);
	rtr_add(&a, CACHE2, 100); /* weight only: the change number stays */
	resettle();
	ck_assert_uint_eq(rtr_count(&a, SELF), 128);
	bench_health(true, 0); /* up, but nothing for us */
	resettle();
	ck_assert_uint_eq(rtr_count(&a, SELF), 0);
	ck_assert_uint_eq(rtr_count(&a, CACHE2), 256);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
}
END_TEST

START_TEST(same_shares_no_assignment)
{
	open_one();
	rtr_add(&a, CACHE2, 100);
	settle();
	rtr_add(&a, CACHE2, 50);
	bench_health(true, 50); /* both half: the same table */
	bench_clear();
	bench_run(5 * T);
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, &a), 0);
}
END_TEST

START_TEST(restart_starts_from_the_table_of_the_routers)
{
	struct rtr before;

	open_one();
	rtr_add(&a, CACHE2, 100);
	rtr_add(&a, CACHE3, 100);
	rtr_add(&a, SELF, 100);
	rtr_give(&a, CACHE3, 0, 85);
	rtr_give(&a, SELF, 85, 86);
	rtr_give(&a, CACHE2, 171, 85);
	a.view.key = (struct wccp_key){ addr_v4(SELF), 41 }; /* of our last life */
	before = a;
	bench_health(true, 100);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	ck_assert_uint_eq(bench_look()->my_buckets, 86);
	bench_run(SETTLE);
	bench_last(WCCP_REDIRECT_ASSIGN, &a);
	ck_assert_uint_eq(B.got.assignment.key.change_number, 42);
	ck_assert_uint_eq(moved(&before, &a, SELF) + moved(&before, &a, CACHE2) +
				  moved(&before, &a, CACHE3),
			  0);
}
END_TEST

START_TEST(taking_over_starts_from_the_table_of_the_other)
{
	struct rtr before;

	open_one();
	rtr_add(&a, LOWER, 100);
	rtr_add(&a, CACHE2, 100);
	announce();
	bench_run(2 * T);
	rtr_give(&a, LOWER, 0, 86); /* the other one's assignment */
	rtr_give(&a, SELF, 86, 85);
	rtr_give(&a, CACHE2, 171, 85);
	a.view.key = (struct wccp_key){ addr_v4(LOWER), 9 };
	bench_run(2 * T);
	ck_assert_uint_eq(counters().assignments_sent, 0);
	before = a;
	rtr_remove(&a, LOWER);
	resettle();
	ck_assert_uint_eq(moved(&before, &a, SELF) + moved(&before, &a, CACHE2), 0);
	ck_assert_uint_eq(rtr_count(&a, SELF), 128);
	ck_assert_uint_eq(rtr_count(&a, CACHE2), 128);
}
END_TEST

START_TEST(restarted_router_gets_the_table_it_had)
{
	struct rtr before;

	open_one();
	rtr_add(&a, CACHE2, 100);
	settle();
	rtr_add(&a, CACHE3, 100);
	resettle();
	before = a;
	for (unsigned i = 0; i < a.view.n_caches; i++) {
		a.view.caches[i].unassigned = true;
		memset(&a.view.caches[i].buckets, 0, sizeof(a.view.caches[i].buckets));
	}
	a.view.key = (struct wccp_key){ 0 };
	a.view.change_number = 1;
	a.receive_id = 0;
	resettle();
	ck_assert_uint_eq(moved(&before, &a, SELF) + moved(&before, &a, CACHE2) +
				  moved(&before, &a, CACHE3),
			  0);
}
END_TEST

START_TEST(key_at_the_end_of_its_range)
{
	open_one();
	a.view.key = (struct wccp_key){ addr_v4(SELF), 0xffffffff };
	settle();
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	ck_assert_uint_ne(a.view.key.change_number, 0xffffffff);
}
END_TEST

START_TEST(full_house)
{
	open_one();
	for (uint32_t i = 1; i < WCCP_MAX_CACHES; i++)
		rtr_add(&a, SELF + i, 100);
	settle();
	bench_look();
	ck_assert_uint_eq(B.status.n_caches, WCCP_MAX_CACHES);
	for (unsigned i = 0; i < WCCP_MAX_CACHES; i++) {
		ck_assert_uint_eq(B.status.caches[i].buckets, 8);
		ck_assert(B.status.caches[i].seen_by_all);
	}
}
END_TEST

/* -- whose buckets are and were ------------------------------------------------------------------ */

static uint32_t handover(unsigned bucket)
{
	return addr_to_v4(&bench_look()->handover[bucket]);
}

START_TEST(handover_names_the_previous_owner)
{
	open_one();
	rtr_add(&a, LOWER, 100); /* it assigns */
	rtr_give(&a, LOWER, 0, 256);
	announce();
	ck_assert_uint_eq(handover(0), LOWER);
	ck_assert_uint_eq(handover(255), LOWER);
	rtr_give(&a, LOWER, 0, 128);
	rtr_give(&a, SELF, 128, 128);
	rtr_see(&a, 0);
	ck_assert_uint_eq(B.n_changed, 1);
	ck_assert_uint_eq(B.status.my_buckets, 0); /* not looked yet */
	bench_look();
	ck_assert_uint_eq(B.status.my_buckets, 128);
	ck_assert(wccp_vector_has(&B.status.mine, 200));
	ck_assert(!wccp_vector_has(&B.status.mine, 100));
	ck_assert_uint_eq(handover(200), LOWER); /* ours now, its before */
	rtr_see(&a, 0);
	ck_assert_uint_eq(B.n_changed, 1); /* nothing new */
	ck_assert_uint_eq(handover(200), LOWER);
	rtr_remove(&a, LOWER);
	rtr_see(&a, 0);
	ck_assert_uint_eq(handover(200), 0); /* nobody to hand to */
	ck_assert_uint_eq(B.n_changed, 2);
}
END_TEST

START_TEST(handover_of_a_third_cache)
{
	open_two();
	rtr_add(&a, LOWER, 1);
	rtr_add(&b, LOWER, 1);
	rtr_add(&b, CACHE3, 1);
	announce();
	rtr_give(&a, LOWER, 0, 10);
	rtr_give(&b, CACHE3, 20, 10);
	rtr_see(&a, 0);
	rtr_see(&b, 0);
	ck_assert_uint_eq(handover(5), LOWER);
	ck_assert_uint_eq(handover(25), CACHE3);
	ck_assert_uint_eq(handover(100), 0);
	rtr_remove(&b, CACHE3); /* in no view any more */
	rtr_see(&b, 0);
	ck_assert_uint_eq(handover(25), 0);
	ck_assert_uint_eq(handover(5), LOWER);
}
END_TEST

START_TEST(history_is_not_ownership)
{
	open_one();
	rtr_add(&a, LOWER, 1);
	rtr_give(&a, LOWER, 0, 256);
	a.view.caches[0].unassigned = true;
	announce();
	ck_assert_uint_eq(handover(0), 0);
}
END_TEST

/* A router that numbers the bits of each octet of its vectors the other way. */
static void reverse_bits(struct rtr *r)
{
	for (unsigned i = 0; i < r->view.n_caches; i++) {
		struct wccp_bucket_vector v = { 0 };

		for (unsigned k = 0; k < WCCP_BUCKETS; k++)
			if (wccp_vector_has(&r->view.caches[i].buckets, k))
				wccp_vector_add(&v, k ^ 7);
		r->view.caches[i].buckets = v;
	}
}

START_TEST(own_assignment_is_known_in_any_bit_order)
{
	unsigned odd = 0;

	open_one();
	rtr_add(&a, CACHE2, 157); /* so that the border is inside an octet */
	settle();
	reverse_bits(&a);
	rtr_see(&a, 0);
	bench_look();
	for (unsigned k = 0; k < WCCP_BUCKETS; k++) {
		bool other = addr_is_set(&B.status.handover[k]);

		ck_assert(wccp_vector_has(&B.status.mine, k) != other);
		odd += wccp_vector_has(&B.status.mine, k) !=
		       wccp_vector_has(&a.view.caches[1].buckets, k);
	}
	ck_assert_uint_gt(odd, 0); /* or this would test nothing */
	ck_assert_uint_eq(B.n_changed, 0);
}
END_TEST

START_TEST(duplicates_in_a_view_count_once)
{
	open_one();
	announce();
	a.view.caches[1] = a.view.caches[0];
	a.view.caches[2] = a.view.caches[0];
	a.view.n_caches = 3;
	bench_run(2 * T);
	bench_last(WCCP_REDIRECT_ASSIGN, &a);
	ck_assert_uint_eq(B.got.assignment.hash.n_caches, 1);
}
END_TEST

START_TEST(no_assignment_after_leaving)
{
	open_one();
	announce();
	bench_run(T);
	bench_health(false, 0);
	bench_run(10 * T);
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, NULL), 0);
	ck_assert(!bench_look()->designated);
}
END_TEST

/* -- main ------------------------------------------------------------------------------------------ */

static TCase *cache_case(Suite *s, const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, NULL, bench_close);
	tcase_set_timeout(tc, 30);
	suite_add_tcase(s, tc);
	return tc;
}

static void add_making(Suite *s)
{
	TCase *tc = cache_case(s, "making");

	tcase_add_test(tc, assigned_after_one_and_a_half_t);
	tcase_add_test(tc, every_router_is_listed_with_its_newest_ids);
	tcase_add_test(tc, router_id_is_not_its_address);
	tcase_add_test(tc, each_change_waits_anew_but_not_for_ever);
	tcase_add_test(tc, lowest_address_is_designated);
	tcase_add_test(tc, addresses_are_compared_as_numbers);
	tcase_add_test(tc, only_caches_that_every_router_sees);
	tcase_add_test(tc, router_that_does_not_list_us_does_not_vote);
	tcase_add_test(tc, no_assignment_after_leaving);
}

static void add_repeating(Suite *s)
{
	TCase *tc = cache_case(s, "repeating");

	tcase_add_test(tc, repeated_every_t_until_echoed);
	tcase_add_test(tc, lost_assignment_and_silent_router);
	tcase_add_test(tc, stale_receive_id_race);
	tcase_add_test(tc, assignment_goes_before_the_hello_of_the_same_moment);
	tcase_add_test(tc, only_the_router_that_missed_it_gets_it_again);
	tcase_add_test(tc, flushed_table_is_assigned_again);
	tcase_add_test(tc, nothing_is_repeated_while_members_change);
	tcase_add_test(tc, another_service_does_not_cancel_it);
	tcase_add_test(tc, membership_change_without_a_move_is_confirmed);
}

static void add_moving(Suite *s)
{
	TCase *tc = cache_case(s, "moving");

	tcase_add_test(tc, third_cache_moves_a_third);
	tcase_add_test(tc, half_dies_and_comes_back);
	tcase_add_test(tc, weights_make_shares);
	tcase_add_test(tc, same_shares_no_assignment);
	tcase_add_test(tc, restart_starts_from_the_table_of_the_routers);
	tcase_add_test(tc, taking_over_starts_from_the_table_of_the_other);
	tcase_add_test(tc, restarted_router_gets_the_table_it_had);
	tcase_add_test(tc, key_at_the_end_of_its_range);
	tcase_add_test(tc, full_house);
}

static void add_knowing(Suite *s)
{
	TCase *tc = cache_case(s, "knowing");

	tcase_add_test(tc, handover_names_the_previous_owner);
	tcase_add_test(tc, handover_of_a_third_cache);
	tcase_add_test(tc, history_is_not_ownership);
	tcase_add_test(tc, own_assignment_is_known_in_any_bit_order);
	tcase_add_test(tc, duplicates_in_a_view_count_once);
}

int main(void)
{
	Suite *s = suite_create("group_assign");
	SRunner *sr = srunner_create(s);
	int failed;

	add_making(s);
	add_repeating(s);
	add_moving(s);
	add_knowing(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
