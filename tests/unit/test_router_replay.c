/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router side: what web-caches once said, sent again by somebody else.
 */
#include "router_bench.h"
#include "suite.h"

enum { T = WCCP_TRANSMIT_T_MS };

static void setup(void)
{
	struct router_conf conf = bench_conf();

	ck_assert_int_eq(codec_password("secret", &conf.password, NULL), 0);
	bench_start(&conf, 5000);
}

CASE(replay, .setup = setup, .teardown = bench_stop)

static void say_again(const struct fake *old)
{
	bench_hello(old);
	bench_deliver(&old->source);
}

TEST(old_hellos_change_nothing)
{
	struct fake a = bench_cache(1), old, older;

	bench_greet(&a);
	older = a;
	older.weight = 7;
	bench_greet(&a);
	old = a;
	old.weight = 8;
	bench_greet(&a);
	ck_assert(bench_usable(&a));
	for (unsigned i = 0; i < 100; i++) {
		say_again(i % 2 ? &old : &older);
		ck_assert(!bench_changed());
		ck_assert_uint_eq(bench_status()->caches[0].weight, a.weight);
	}
	ck_assert_uint_eq(bench_counters()->bad_receive_id, 100);
	/* The id that it was sent before all that still counts. */
	a.weight = 50;
	bench_greet(&a);
	ck_assert_uint_eq(bench_status()->caches[0].weight, 50);
	ck_assert_uint_eq(bench_counters()->bad_receive_id, 100);
}

/* Who has gone does not stay. */
TEST(old_hellos_keep_nobody)
{
	struct fake a = bench_cache(1), old;

	bench_greet(&a);
	old = a;
	bench_join(&a);
	for (unsigned i = 0; i < 31; i++) {
		say_again(&old);
		bench_advance(T / 10);
	}
	ck_assert(!bench_usable(&a));
}

TEST(answers_to_old_hellos_are_paced)
{
	struct fake a = bench_cache(1), old;
	unsigned answers = 0;

	bench_greet(&a);
	old = a;
	bench_join(&a);
	for (unsigned i = 0; i < 2000; i++) {
		say_again(&old);
		answers += bench_sends();
		bench_advance(T / 1000);
	}
	ck_assert_uint_le(answers, 8 + 16 + 1);
	ck_assert_uint_ge(answers, 16);
	ck_assert_ptr_nonnull(bench_greet(&a)); /* a right id always is answered */
}

TEST(old_shutdown_does_not_keep_anybody_out)
{
	struct fake a = bench_cache(1), old;

	bench_greet(&a);
	old = a;
	bench_join(&a);
	bench_shutdown(&a);
	bench_deliver(&a.source);
	ck_assert(!bench_usable(&a));
	a.receive_id = 0;
	bench_greet(&a);
	bench_shutdown(&old);
	bench_deliver(&old.source);
	bench_greet(&a);
	ck_assert(bench_usable(&a));
	/* Nor does it remove a member. */
	bench_shutdown(&old);
	bench_deliver(&old.source);
	ck_assert(bench_usable(&a));
	ck_assert_uint_eq(bench_counters()->removed_by_shutdown, 1);
}

/* Nor does it change how a member is answered. */
TEST(old_hello_by_multicast)
{
	struct router_conf conf = bench_conf();
	struct addr unicast, group = addr_v4(0xe0000101);
	struct fake a = bench_cache(1), old;

	conf.multicast = group;
	bench_stop();
	bench_start(&conf, 5000);
	unicast = bench.to;
	bench_greet(&a);
	old = a;
	bench_join(&a);
	bench.to = group;
	say_again(&old);
	ck_assert(!bench_status()->caches[0].multicast);
	bench.to = unicast;
	ck_assert_ptr_nonnull(bench_greet(&a));
}
