/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Routers that do not answer: one warning with what it may be, and again at growing
 * intervals.
 */
#include "cache_two.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

CASE(unanswered, .teardown = bench_close, .timeout = 30)

#define MINUTES(n) ((int64_t)(n) * 60000)

static const char *text(void)
{
	return bench_note_text("no-answer");
}

TEST(one_warning_after_three_then_at_growing_intervals)
{
	static const unsigned at[] = { 0, 10, 40, 100, 160, 220 }; /* minutes after it */

	open_one();
	a.answers = false;
	bench_health(true, 100);
	bench_run(3 * T - 1);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 3);
	ck_assert_uint_eq(bench_notes("no-answer", &a), 0);
	bench_run(MINUTES(239));
	ck_assert_uint_eq(bench_notes("no-answer", &a), 6);
	for (unsigned i = 0, n = 0; i < B.n_noted; i++) {
		int64_t ms;

		if (strcmp(B.noted[i].event, "no-answer") != 0)
			continue;
		ck_assert_int_eq(B.noted[i].level, NOTE_WARNING);
		ms = mono_ms_between(B.noted[0].at, B.noted[i].at);
		ck_assert_int_eq(ms, 3 * T + MINUTES(at[n++]));
	}
}

TEST(causes_come_in_order_of_likelihood)
{
	static const char *const order[] = {
		"10.0.0.1: no answer to 3 HERE_I_AMs", "(1) it has a password",
		"(2) its group-list does not have our address, 10.0.0.10",
		"(3) the service is not configured", "(4) UDP port 2048",
		"(5) there is no route",
	};
	const char *at;

	open_one();
	a.answers = false;
	bench_health(true, 100);
	bench_run(3 * T);
	at = text();
	for (unsigned i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		at = strstr(at, order[i]);
		ck_assert_msg(at != NULL, "\"%s\" not in its place in %s", order[i],
			      text());
	}
	ck_assert_ptr_nonnull(strstr(bench_router(&a)->reason, "password (none here)"));
	ck_assert_int_eq(bench_state(&a), PEER_WAITING);
}

TEST(with_a_password_that_is_the_first_suspect)
{
	open_one();
	a.answers = false;
	ck_assert_int_eq(codec_password("ours", &B.conf.password, NULL), 0);
	bench_conf();
	a.password = B.conf.password;
	bench_health(true, 100);
	bench_run(3 * T);
	ck_assert_ptr_nonnull(strstr(text(), "(1) its password is not ours"));
}

/* C7: an https service of another priority than the group there has. */
TEST(a_dynamic_service_says_what_it_is)
{
	open_one();
	a.answers = false;
	B.conf.service = (struct wccp_service){ .type = WCCP_SERVICE_DYNAMIC,
						.id = 70,
						.priority = 231,
						.protocol = 6,
						.flags = WCCP_F_PORTS_DEFINED |
							 WCCP_F_DST_IP_HASH,
						.ports = { 443, 8443 } };
	B.conf.version = CACHE_V201;
	bench_restart();
	bench_health(true, 100);
	bench_run(3 * T);
	ck_assert_ptr_nonnull(strstr(text(), "(4) the group there has another "));
	ck_assert_ptr_nonnull(strstr(text(), "priority 231, protocol 6, flags 0x12, "
					     "ports 443, 8443"));
	ck_assert_ptr_nonnull(strstr(text(), "it does not know WCCP 2.01"));
}

static void say_unreachable(const char *why)
{
	struct cache_event ev = { .type = CACHE_EV_UNREACHABLE, .now = B.now };
	static struct wccp_msg scratch;
	static struct actions out;

	ev.u.unreachable.router = a.address;
	ev.u.unreachable.why = why;
	actions_reset(&out);
	cache_step(B.cache, &ev, &scratch, &out);
	ck_assert_uint_eq(out.n, 0);
}

TEST(what_the_network_says_comes_first)
{
	open_one();
	a.answers = false;
	bench_health(true, 100);
	say_unreachable("no route to host");
	bench_run(3 * T);
	ck_assert_ptr_nonnull(strstr(text(), "(1) no route to host"));
	ck_assert_str_eq(bench_router(&a)->reason, "no route to host");
}

TEST(an_answer_ends_it_and_the_next_silence_is_told_at_once)
{
	open_one();
	a.answers = false;
	bench_health(true, 100);
	say_unreachable("no route to host");
	bench_run(5 * T);
	ck_assert_uint_eq(bench_notes("no-answer", &a), 1);
	a.answers = true;
	bench_run(4 * T);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	a.answers = false;
	bench_clear();
	bench_run(6 * T);
	ck_assert_int_eq(bench_state(&a), PEER_LOST);
	ck_assert_uint_eq(bench_notes("no-answer", &a), 1);
	ck_assert_ptr_nonnull(strstr(text(), "(1) it is down"));
	ck_assert_ptr_null(strstr(text(), "no route to host"));
	ck_assert_ptr_nonnull(strstr(bench_router(&a)->reason, "time-out"));
}

TEST(each_router_for_itself)
{
	open_two();
	b.answers = false;
	bench_health(true, 100);
	bench_run(6 * T);
	ck_assert_uint_eq(bench_notes("no-answer", &a), 0);
	ck_assert_uint_eq(bench_notes("no-answer", &b), 1);
}

/* Few lost datagrams are everyday life. */
TEST(two_unanswered_are_nothing)
{
	open_one();
	a.answers = false;
	bench_health(true, 100);
	bench_run(2 * T - 1);
	a.answers = true;
	bench_run(10 * T);
	ck_assert_uint_eq(bench_notes("no-answer", &a), 0);
}

/* Some routers answer those, too, that they do not take in. */
TEST(answered_and_never_listed)
{
	open_one();
	a.answers = false; /* by itself: we are not to get into its view */
	bench_health(true, 100);
	for (unsigned i = 0; i < 60; i++) {
		rtr_see(&a, 0);
		bench_run(T);
		if (i == 2)
			ck_assert_uint_eq(bench_notes("not-listed", &a), 0);
	}
	ck_assert_int_eq(bench_state(&a), PEER_NEGOTIATING);
	ck_assert_uint_eq(bench_notes("not-listed", &a), 1);
	ck_assert_uint_eq(bench_notes("no-answer", &a), 0);
	ck_assert_ptr_nonnull(strstr(bench_note_text("not-listed"),
				     "(1) its group-list does not have our address, "
				     "10.0.0.10"));
	ck_assert_ptr_nonnull(strstr(bench_router(&a)->reason, "does not take us in"));
	a.answers = true;
	bench_run(3 * T);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
}

/* The interface is back: what could not be sent is sent again, not when T is over. */
TEST(nobody_waits_for_t_when_the_network_is_back)
{
	open_two();
	announce();
	a.answers = false;
	bench_run(T + T / 2);
	bench_clear();
	a.answers = true;
	bench_reachable();
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 1);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &b), 0); /* it has answered */
	ck_assert_uint_eq(bench_router(&a)->outstanding, 0);
}
