/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leaving routers: SHUTDOWN, and the answers to removal queries.
 */
#include "cache_two.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

CASE(leaving, .teardown = bench_close, .timeout = 30)

/* -- removal query ------------------------------------------------------------------------- */

TEST(removal_query_gets_three_answers)
{
	struct addr self = addr_v4(SELF), other = addr_v4(CACHE2);
	struct mono start;

	open_one();
	announce();
	a.answers = false;
	bench_run(4321); /* an I_SEE_YOU was lost on the way: */
	a.receive_id += 3;
	start = B.now;
	bench_clear();
	rtr_query(&a, &self);
	bench_run(3000);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 3);
	for (unsigned i = 0; i < 3; i++) {
		const struct sent *x = bench_nth(WCCP_HERE_I_AM, &a, i);

		ck_assert_int_eq(mono_ms_between(start, x->at), i * T / 10);
		ck_assert_uint_eq(listed_id(&a), a.receive_id);
	}
	bench_clear();
	rtr_query(&a, &other);
	bench_run(900);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 0);
	ck_assert_uint_eq(counters().not_for_us, 1);
}

TEST(removal_query_flood_is_one_series)
{
	struct addr self = addr_v4(SELF);

	open_one();
	announce();
	a.answers = false;
	for (unsigned i = 0; i < 500; i++) {
		rtr_query(&a, &self);
		bench_run(1);
	}
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 1);
}

/* -- leaving --------------------------------------------------------------------------------- */

TEST(shutdown_acknowledged)
{
	open_two();
	announce();
	bench_health(false, 0);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert(wccp_has(&B.got, WCCP_C_COMMAND));
	ck_assert_uint_eq(B.got.n_commands, 1);
	ck_assert_uint_eq(B.got.commands[0].type, WCCP_CMD_SHUTDOWN);
	ck_assert_uint_eq(addr_to_v4(&B.got.commands[0].cache), SELF);
	ck_assert_int_eq(bench_state(&a), PEER_WITHDRAWN);
	ck_assert_int_eq(bench_state(&b), PEER_WITHDRAWN);
	ck_assert_str_eq(bench_router(&a)->reason, "SHUTDOWN acknowledged");
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, NULL), 2);
	ck_assert_uint_eq(a.view.n_caches, 0);
	ck_assert(cache_is_quiet(B.cache));
	bench_run(100 * T);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, NULL), 2);

	bench_health(true, 50);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	ck_assert_int_eq(bench_state(&b), PEER_JOINED);
}

TEST(response_for_another_is_none)
{
	uint8_t octets[4096];
	size_t len;

	open_one();
	announce();
	a.answers = false;
	bench_health(false, 0);
	len = rtr_encode(&a, WCCP_CMD_SHUTDOWN_RESPONSE, octets, sizeof(octets));
	octets[len - 1] ^= 1; /* the address, which is the end of the message */
	bench_rx(&a.address, octets, len);
	ck_assert_int_eq(bench_state(&a), PEER_DRAINING);
	bench_rx(&a.address, octets, len); /* nor is a repetition anything */
	ck_assert_int_eq(bench_state(&a), PEER_DRAINING);
	len = rtr_encode(&a, WCCP_CMD_SHUTDOWN_RESPONSE, octets, sizeof(octets));
	bench_rx(&a.address, octets, len);
	ck_assert_int_eq(bench_state(&a), PEER_WITHDRAWN);
}

TEST(shutdown_given_up)
{
	open_one();
	announce();
	a.answers = false;
	bench_health(false, 0);
	ck_assert_int_eq(bench_state(&a), PEER_DRAINING);
	ck_assert(!cache_is_quiet(B.cache));
	bench_run(4 * T / 10);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 5);
	ck_assert_int_eq(bench_state(&a), PEER_DRAINING);
	bench_run(T / 10);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 5);
	ck_assert_int_eq(bench_state(&a), PEER_WITHDRAWN);
	ck_assert_str_eq(bench_router(&a)->reason, "SHUTDOWN not acknowledged");
	ck_assert_uint_eq(bench_notes("withdrawn", &a), 1);
	ck_assert(cache_is_quiet(B.cache));
}

TEST(shutdown_with_a_stale_id_is_repeated_at_once)
{
	struct mono start;

	open_one();
	announce();
	a.receive_id += 7; /* I_SEE_YOUs that we never got */
	start = B.now;
	bench_health(false, 0);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 2);
	ck_assert_int_eq(mono_ms_between(start, bench_last(WCCP_HERE_I_AM, &a)->at), 0);
	ck_assert(wccp_has(&B.got, WCCP_C_COMMAND));
	ck_assert_int_eq(bench_state(&a), PEER_WITHDRAWN);
	ck_assert_uint_eq(a.view.n_caches, 0);
}

TEST(gone_from_the_view_is_withdrawn)
{
	open_one();
	announce();
	a.answers = false;
	bench_health(false, 0);
	rtr_remove(&a, SELF);
	rtr_see(&a, 0);
	ck_assert_int_eq(bench_state(&a), PEER_WITHDRAWN);
	ck_assert_str_eq(bench_router(&a)->reason, "no longer in its view");
}

TEST(router_without_shutdown_is_not_hammered)
{
	open_one();
	announce();
	a.obeys = false;
	bench_health(false, 0);
	bench_run(10 * T);
	ck_assert_uint_le(bench_count(WCCP_HERE_I_AM, &a), 8);
	ck_assert_int_eq(bench_state(&a), PEER_WITHDRAWN);
}

TEST(pool_back_before_the_answer)
{
	open_one();
	announce();
	a.answers = false;
	bench_health(false, 0);
	bench_run(100);
	a.answers = true;
	bench_health(true, 100);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	bench_run(3 * T);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
}

TEST(never_heard_is_not_told_goodbye)
{
	open_one();
	a.answers = false;
	bench_health(true, 100);
	bench_health(false, 0);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 1);
	ck_assert_int_eq(bench_state(&a), PEER_IDLE);
	ck_assert(cache_is_quiet(B.cache));
}

TEST(shutdown_is_for_ever)
{
	open_one();
	announce();
	bench_shutdown();
	ck_assert_int_eq(bench_state(&a), PEER_WITHDRAWN);
	bench_clear();
	bench_health(true, 100);
	bench_run(10 * T);
	ck_assert_uint_eq(B.n_sent, 0);
	ck_assert(cache_is_quiet(B.cache));
}

TEST(query_after_a_lost_shutdown)
{
	struct addr self = addr_v4(SELF);

	open_one();
	announce();
	a.answers = false;
	bench_health(false, 0);
	bench_run(T);
	ck_assert_int_eq(bench_state(&a), PEER_WITHDRAWN);
	bench_clear();
	rtr_query(&a, &self);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 1);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert(wccp_has(&B.got, WCCP_C_COMMAND));
	ck_assert_uint_eq(listed_id(&a), a.receive_id);
	bench_run(10 * T);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 1);
}
