/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How few buckets an assignment moves, and who had them before.
 */
#include "cache_two.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

CASE(moving, .teardown = bench_close, .timeout = 30)

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
		n += wccp_vector_has(&x->buckets, i) &&
		     !wccp_vector_has(&y->buckets, i);
	return n;
}

/* -- few moves, weights ------------------------------------------------------------------------ */

TEST(third_cache_moves_a_third)
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

TEST(half_dies_and_comes_back)
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

TEST(weights_make_shares)
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

TEST(same_shares_no_assignment)
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

TEST(restart_starts_from_the_table_of_the_routers)
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
	ck_assert_uint_eq(bench_look()->my_slots, 86);
	bench_run(SETTLE);
	bench_last(WCCP_REDIRECT_ASSIGN, &a);
	ck_assert_uint_eq(B.got.assignment.key.change_number, 42);
	ck_assert_uint_eq(moved(&before, &a, SELF) + moved(&before, &a, CACHE2) +
				  moved(&before, &a, CACHE3),
			  0);
}

TEST(taking_over_starts_from_the_table_of_the_other)
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

TEST(restarted_router_gets_the_table_it_had)
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

TEST(key_at_the_end_of_its_range)
{
	open_one();
	a.view.key = (struct wccp_key){ addr_v4(SELF), 0xffffffff };
	settle();
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	ck_assert_uint_ne(a.view.key.change_number, 0xffffffff);
}

TEST(full_house)
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

/* -- whose buckets are and were ------------------------------------------------------------------ */

static uint32_t handover(unsigned bucket)
{
	return addr_to_v4(&bench_look()->handover[bucket]);
}

TEST(handover_names_the_previous_owner)
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
	ck_assert_uint_eq(B.status.my_slots, 0); /* not looked yet */
	bench_look();
	ck_assert_uint_eq(B.status.my_slots, 128);
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

TEST(handover_of_a_third_cache)
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

TEST(history_is_not_ownership)
{
	open_one();
	rtr_add(&a, LOWER, 1);
	rtr_give(&a, LOWER, 0, 256);
	a.view.caches[0].unassigned = true;
	announce();
	ck_assert_uint_eq(handover(0), 0);
}

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

TEST(own_assignment_is_known_in_any_bit_order)
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

TEST(duplicates_in_a_view_count_once)
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
