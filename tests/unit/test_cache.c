/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The web-cache side of a group: joining and losing routers.  Real datagrams, virtual time.
 */
#include "cache_two.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

CASE(joining, .teardown = bench_close, .timeout = 30)

/* -- joining --------------------------------------------------------------------------- */

TEST(idle_until_the_pool_is_up)
{
	open_one();
	bench_run(60000);
	ck_assert_uint_eq(B.n_sent, 0);
	ck_assert_int_eq(bench_state(&a), PEER_IDLE);
	ck_assert(cache_is_quiet(B.cache));
	ck_assert(mono_is_never(cache_deadline(B.cache)));
}

TEST(first_hello_leaves_the_router_out)
{
	open_one();
	a.answers = false;
	bench_health(true, 100);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 1);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(B.got.minor, 0);
	ck_assert_uint_eq(B.got.cache_view.n_routers, 0);
	ck_assert_uint_eq(B.got.cache_view.n_caches, 0);
	ck_assert(!wccp_has(&B.got, WCCP_C_CAPABILITIES));
	ck_assert(!wccp_has(&B.got, WCCP_C_COMMAND));
	ck_assert_uint_eq(addr_to_v4(&B.got.cache_identity.addr), SELF);
	ck_assert(B.got.cache_identity.unassigned);
	ck_assert_int_eq(B.got.cache_identity.kind, WCCP_DATA_HASH);
	ck_assert_uint_eq(B.got.cache_identity.weight, 100);
	ck_assert_int_eq(bench_state(&a), PEER_WAITING);
	ck_assert(!cache_is_quiet(B.cache));
}

TEST(usable_without_waiting)
{
	struct mono start;

	open_one();
	a.answers = false;
	start = B.now;
	bench_health(true, 100);
	bench_skip(3);
	rtr_see(&a, 0); /* not in its view yet */
	ck_assert_int_eq(bench_state(&a), PEER_NEGOTIATING);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 2);
	ck_assert_int_eq(mono_ms_between(start, bench_last(WCCP_HERE_I_AM, &a)->at), 3);
	ck_assert_uint_eq(listed_id(&a), a.receive_id);
	rtr_add(&a, SELF, 100);
	rtr_see(&a, 0);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	/* Nothing to hurry for any more. */
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 2);
	bench_run(T - 1);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 2);
	bench_run(1);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 3);
}

TEST(every_transition_is_noted_once)
{
	open_one();
	bench_health(true, 100);
	bench_run(3 * T);
	ck_assert_uint_eq(bench_notes("waiting", &a), 1);
	ck_assert_uint_eq(bench_notes("negotiating", &a), 1);
	ck_assert_uint_eq(bench_notes("joined", &a), 1);
	ck_assert_uint_eq(bench_notes("assigned", &a), 1);
	for (unsigned i = 0; i < B.n_noted; i++)
		ck_assert_int_eq(B.noted[i].level, NOTE_INFO);
}

TEST(newest_receive_id_every_t)
{
	open_one();
	announce();
	for (unsigned i = 1; i <= 20; i++) {
		uint32_t id = a.receive_id;

		bench_run(T);
		bench_last(WCCP_HERE_I_AM, &a);
		ck_assert_uint_eq(listed_id(&a), id);
	}
	ck_assert_uint_eq(a.stale, 0);
	/* At T, behind the assignment at 1.5 T, and every T from there. */
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 20);
}

TEST(view_lists_heard_routers_and_their_caches)
{
	uint32_t before;

	open_two();
	b.answers = false;
	rtr_add(&a, CACHE2, 10);
	rtr_add(&a, CACHE3, 10);
	announce();
	bench_run(T);
	bench_last(WCCP_HERE_I_AM, &b);
	ck_assert_uint_eq(B.got.cache_view.n_routers, 1);
	ck_assert_uint_ne(listed_id(&a), 0);
	ck_assert_uint_eq(listed_id(&b), 0);
	ck_assert_uint_eq(B.got.cache_view.n_caches, 3);
	before = B.got.cache_view.change_number;

	b.answers = true;
	bench_run(2 * T);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(B.got.cache_view.n_routers, 2);
	ck_assert_uint_eq(B.got.cache_view.n_caches, 3);
	ck_assert_uint_gt(B.got.cache_view.change_number, before);
	before = B.got.cache_view.change_number;
	bench_run(5 * T);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(B.got.cache_view.change_number, before);
	ck_assert_int_eq(bench_state(&b), PEER_ASSIGNED);
}

TEST(identity_states_buckets_or_history)
{
	open_one();
	announce();
	bench_run(2 * T); /* the assignment is made and echoed */
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	bench_run(T);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert(!B.got.cache_identity.unassigned);
	ck_assert(wccp_vector_has(&B.got.cache_identity.buckets, 77));
	rtr_give(&a, SELF, 0, 0); /* flushed */
	a.accepts = false;
	bench_run(T);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	bench_run(T);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert(B.got.cache_identity.unassigned);
	ck_assert(wccp_vector_has(&B.got.cache_identity.buckets, 77));
}

TEST(dynamic_service_is_described_well_known_is_not)
{
	open_one();
	B.conf.service.flags = WCCP_F_DST_IP_HASH;
	B.conf.service.ports[0] = 80;
	bench_conf();
	bench_health(true, 1);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(B.got.service.flags, 0);
	ck_assert_uint_eq(B.got.service.ports[0], 0);
	bench_close();

	a = rtr_make(R1);
	a.service = (struct wccp_service){ .type = WCCP_SERVICE_DYNAMIC,
					   .id = 90,
					   .protocol = 6,
					   .flags = WCCP_F_SRC_IP_HASH |
						    WCCP_F_PORTS_DEFINED,
					   .ports = { 443 } };
	bench_open(1, (struct rtr *[]){ &a });
	bench_health(true, 1);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(B.got.service.id, 90);
	ck_assert_uint_eq(B.got.service.flags, a.service.flags);
	ck_assert_uint_eq(B.got.service.ports[0], 443);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
}

TEST(router_that_never_lists_us_is_not_hammered)
{
	open_one();
	a.answers = false;
	bench_health(true, 100);
	for (unsigned i = 0; i < 100; i++) {
		rtr_see(&a, 0);
		bench_run(10);
	}
	ck_assert_int_eq(bench_state(&a), PEER_NEGOTIATING);
	ck_assert_uint_le(bench_count(WCCP_HERE_I_AM, &a), 6);
}

/* -- early resend, loss ------------------------------------------------------------------ */

TEST(member_repeats_early_at_most_six_times)
{
	static const int64_t at[] = { 10000, 15000, 20000, 25000 };
	struct mono start;

	open_one();
	announce();
	bench_run(5 * T / 2 + ECHO); /* assigned, and the last answer came just now */
	bench_clear();
	start = B.now;
	a.answers = false;
	bench_run(30000 - 1);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 4);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(
			mono_ms_between(start, bench_nth(WCCP_HERE_I_AM, &a, i)->at),
			at[i]);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	bench_run(1);
	ck_assert_int_eq(bench_state(&a), PEER_LOST);
}

TEST(early_resend_ends_with_six)
{
	open_one();
	/* A time-out of 5 TB leaves room for more than six. */
	a.capabilities.present = 1u << WCCP_CAP_TIMER_SCALE;
	a.capabilities.timer_scale = (struct wccp_cap_timer_scale){
		.timeout_lower = 5, .timeout_upper = 5, .ra_lower = 1, .ra_upper = 1
	};
	announce();
	bench_run(2 * T + T / 2 + ECHO);
	a.answers = false;
	bench_clear();
	bench_run(T); /* up to and with the first unanswered one */
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 1);
	bench_run(25000);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 6);
	bench_run(3 * T);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 9);
}

TEST(waiting_router_is_asked_every_t_only)
{
	open_one();
	a.answers = false;
	bench_health(true, 100);
	bench_run(10 * T);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 11);
	ck_assert_int_eq(bench_state(&a), PEER_WAITING);
	ck_assert_uint_eq(bench_router(&a)->outstanding, 11);
}

/* 2.01 section 3.15: only where the one before was answered by a view that has us. */
TEST(no_early_repetition_where_we_are_not_in_the_view)
{
	open_one();
	a.answers = false;
	bench_health(true, 100);
	for (unsigned i = 0; i < 10; i++)
		rtr_see(&a, 0);
	ck_assert_int_eq(bench_state(&a), PEER_NEGOTIATING);
	bench_clear();
	bench_run(3 * T - 1);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 2);
}

TEST(lost_and_back)
{
	open_one();
	announce();
	bench_run(2 * T);
	a.answers = false;
	bench_run(4 * T);
	ck_assert_int_eq(bench_state(&a), PEER_LOST);
	ck_assert_uint_eq(bench_notes("lost", &a), 1);
	ck_assert_uint_eq(bench_look()->my_slots, 0);
	bench_clear();
	bench_run(3 * T);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 3);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(listed_id(&a), 0); /* as a first one */

	/* The router was restarted: ids from the start, nobody in its view. */
	a.receive_id = 0;
	rtr_remove(&a, SELF);
	a.view.change_number = 1;
	a.view.key = (struct wccp_key){ 0 };
	a.answers = true;
	bench_run(T);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	ck_assert_uint_eq(bench_router(&a)->receive_id, 2);
	bench_run(2 * T);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
}

TEST(restarted_router_is_joined_again)
{
	open_one();
	announce();
	bench_run(2 * T);
	bench_clear();
	a.receive_id = 0; /* restarted within its time-out */
	rtr_remove(&a, SELF);
	bench_run(T);
	ck_assert_uint_eq(bench_notes("joined", &a), 1);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	ck_assert_uint_eq(a.stale, 1);
}

TEST(every_restart_is_joined_at_once)
{
	open_one();
	announce();
	for (unsigned i = 0; i < 10; i++) {
		a.receive_id = 1000 * i;
		rtr_remove(&a, SELF);
		rtr_see(&a, 0);
		ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	}
}

TEST(back_from_lost_is_answered_at_once)
{
	open_one();
	announce();
	a.answers = false;
	bench_run(4 * T);
	ck_assert_int_eq(bench_state(&a), PEER_LOST);
	bench_clear();
	rtr_see(&a, 0); /* it never lost us: only its answers were lost */
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 1);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(listed_id(&a), a.receive_id);
}

TEST(timers_run_while_the_socket_is_busy)
{
	uint8_t junk[] = "not a WCCP message";
	struct mono start;

	open_one();
	announce();
	start = B.now;
	a.answers = false;
	/* No TICK ever: datagrams alone must carry the timers. */
	for (unsigned i = 0; i < 400; i++) {
		bench_skip(100);
		bench_rx(&a.address, junk, sizeof(junk));
	}
	ck_assert_int_eq(mono_ms_between(start, bench_nth(WCCP_HERE_I_AM, &a, 0)->at),
			 T);
	ck_assert_int_eq(bench_state(&a), PEER_LOST);
}
