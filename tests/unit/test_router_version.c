/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router side: which version a web-cache is answered in (2.01 section 3.4.2), and
 * what an answer of each version may hold.
 */
#include "router_bench.h"
#include "suite.h"

static void setup(void)
{
	struct router_conf conf = bench_conf();

	conf.echo_assignment = true;
	bench_start(&conf, 5000);
}

static void setup_v20(void)
{
	struct router_conf conf = bench_conf();

	conf.max_minor = 0;
	conf.echo_assignment = true;
	bench_start(&conf, 5000);
}

static uint8_t answered_in(struct fake *f, uint8_t minor, bool v)
{
	f->minor = minor;
	f->min_version = v;
	ck_assert_ptr_nonnull(bench_greet(f));
	return bench.seen.minor;
}

CASE(version, .setup = setup, .teardown = bench_stop)

/* V clear: its header has its highest.  V set: its lowest, and we say our highest. */
TEST(router_of_201)
{
	struct fake a = bench_cache(1);

	ck_assert_uint_eq(answered_in(&a, 0, false), 0);
	ck_assert_uint_eq(answered_in(&a, 1, false), 1);
	ck_assert_uint_eq(answered_in(&a, 7, false), 1);
	ck_assert_uint_eq(answered_in(&a, 0, true), 1);
	ck_assert_uint_eq(answered_in(&a, 1, true), 1);
}

CASE(version_2_0_only, .setup = setup_v20, .teardown = bench_stop)

TEST(router_of_20)
{
	struct fake a = bench_cache(1);

	ck_assert_uint_eq(answered_in(&a, 0, false), 0);
	ck_assert_uint_eq(answered_in(&a, 1, false), 0);
	ck_assert_uint_eq(answered_in(&a, 0, true), 0);
	ck_assert_uint_eq(answered_in(&a, 1, true), 0);
}

CASE(version_2, .setup = setup, .teardown = bench_stop)

/* 3.4.1: asked with V, seen our highest, from then on that version without V. */
TEST(negotiation_ends_in_a_member)
{
	struct fake a = bench_cache(1);

	ck_assert_uint_eq(answered_in(&a, 0, true), 1);
	ck_assert_uint_eq(answered_in(&a, 1, false), 1);
	ck_assert(bench_usable(&a));
	ck_assert_uint_eq(bench_status()->caches[0].minor, 1);
}

/* The last message counts: one that goes back to 2.0 is spoken to in 2.0. */
TEST(version_is_that_of_the_last_message)
{
	struct fake a = bench_cache(1);

	a.minor = 1;
	bench_join(&a);
	ck_assert_uint_eq(answered_in(&a, 0, false), 0);
	ck_assert(bench_usable(&a));
	bench_advance(25000);
	ck_assert_ptr_nonnull(bench_answer(&a));
	ck_assert_int_eq(bench.seen.type, WCCP_REMOVAL_QUERY);
	ck_assert_uint_eq(bench.seen.minor, 0);
}

TEST(versions_mix_in_one_group)
{
	struct fake a = bench_cache(1), b = bench_cache(2);

	b.minor = 1;
	bench_join(&a);
	bench_join(&b);
	ck_assert_uint_eq(answered_in(&a, 0, false), 0);
	ck_assert_uint_eq(answered_in(&b, 1, false), 1);
	ck_assert_uint_eq(bench_status()->caches[0].minor, 0);
	ck_assert_uint_eq(bench_status()->caches[1].minor, 1);
	/* Each sees the other, in a form that both know. */
	ck_assert_ptr_nonnull(bench_in_view(&a));
	ck_assert_int_eq(bench_in_view(&a)->kind, WCCP_DATA_HASH);
	ck_assert(!bench_in_view(&a)->extended);
}

static void assign(struct fake *a)
{
	bench_assign(a, 1, a, 1);
	bench_deliver(&a->source);
	ck_assert(bench_status()->assigned);
}

/* Component 6 is 2.0's, component 16 belongs to 2.01 (section 4.3). */
TEST(echo_has_the_form_of_the_version)
{
	struct fake a = bench_cache(1), b = bench_cache(2);

	b.minor = 1;
	bench_join(&b);
	bench_join(&a);
	bench_greet(&b);
	bench_greet(&a);
	assign(&a);
	bench_greet(&a);
	ck_assert(wccp_has(&bench.seen, WCCP_C_ASSIGNMENT));
	ck_assert(!wccp_has(&bench.seen, WCCP_C_ALT_ASSIGN_MAP));
	ck_assert(!wccp_has(&bench.seen, WCCP_C_ADDRESS_TABLE));
	bench_greet(&b);
	ck_assert(!wccp_has(&bench.seen, WCCP_C_ASSIGNMENT));
	ck_assert(wccp_has(&bench.seen, WCCP_C_ALT_ASSIGN_MAP));
	ck_assert_uint_eq(bench.seen.map.type, WCCP_AT_HASH);
	ck_assert_uint_eq(bench.seen.map.hash.n_caches, 1);
	ck_assert(addr_equal(&bench.seen.map.hash.caches[0], &a.addr));
	for (unsigned i = 0; i < WCCP_BUCKETS; i++)
		ck_assert_uint_eq(bench.seen.map.hash.buckets[i], 0);
	ck_assert(!wccp_has(&bench.seen, WCCP_C_ADDRESS_TABLE));
}

CASE(version_2_0_only_2, .setup = setup_v20, .teardown = bench_stop)

TEST(router_of_20_says_nothing_of_201)
{
	struct fake a = bench_cache(1);

	a.minor = 1;
	bench_join(&a);
	assign(&a);
	bench_hello(&a);
	bench.msg.table_family = 1; /* IPv4 in a table is legal in 2.01 */
	bench_deliver(&a.source);
	ck_assert_ptr_nonnull(bench_answer(&a));
	ck_assert(wccp_has(&bench.seen, WCCP_C_ASSIGNMENT));
	ck_assert(!wccp_has(&bench.seen, WCCP_C_ALT_ASSIGN_MAP));
	ck_assert(!wccp_has(&bench.seen, WCCP_C_ADDRESS_TABLE));
	ck_assert(!(bench.seen.capabilities.present >> WCCP_CAP_TRANSMIT_T & 1));
	ck_assert(!(bench.seen.capabilities.present >> WCCP_CAP_TIMER_SCALE & 1));
}

CASE(version_3, .setup = setup, .teardown = bench_stop)

/* Tables are not permitted in 2.0 (section 4.7), so they are not answered with one. */
TEST(table_only_for_those_who_speak_201)
{
	struct fake a = bench_cache(1);

	for (uint8_t minor = 0; minor <= 1; minor++) {
		a.minor = minor;
		bench_hello(&a);
		bench.msg.table_family = 1;
		bench_deliver(&a.source);
		ck_assert_ptr_nonnull(bench_answer(&a));
		ck_assert_uint_eq(bench.seen.table_family, minor);
	}
}
