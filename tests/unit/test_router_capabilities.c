/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router side: capabilities, and what freezes with the first member.
 */
#include "router_bench.h"
#include "suite.h"

static void setup(void)
{
	struct router_conf conf = bench_conf();

	conf.advertise_timers = true;
	conf.transmit_t = (struct wccp_cap_transmit_t){ true, 500, 60000 };
	conf.timer_scale = (struct wccp_cap_timer_scale){ true, 1, 5, 1, 5 };
	bench_start(&conf, 5000);
}

static void choose(struct fake *f, uint32_t forward, uint32_t ret, uint32_t assign)
{
	f->capabilities.present =
		1u << WCCP_CAP_FORWARD | 1u << WCCP_CAP_RETURN | 1u << WCCP_CAP_ASSIGN;
	f->capabilities.forward = forward;
	f->capabilities.ret = ret;
	f->capabilities.assign = assign;
}

static void choose_timers(struct fake *f, uint16_t ms, uint8_t timeout, uint8_t ra)
{
	f->capabilities.present |=
		1u << WCCP_CAP_TRANSMIT_T | 1u << WCCP_CAP_TIMER_SCALE;
	f->capabilities.transmit_t = (struct wccp_cap_transmit_t){ false, ms, ms };
	f->capabilities.timer_scale =
		(struct wccp_cap_timer_scale){ false, timeout, timeout, ra, ra };
}

CASE(capabilities, .setup = setup, .teardown = bench_stop)

TEST(absent_means_gre_gre_hash)
{
	struct fake a = bench_cache(1);

	bench_join(&a);
	ck_assert_uint_eq(bench_status()->caches[0].forward, WCCP_METHOD_GRE);
	ck_assert_uint_eq(bench_status()->caches[0].ret, WCCP_METHOD_GRE);
	ck_assert_uint_eq(bench_status()->caches[0].assign, WCCP_ASSIGN_HASH);
	ck_assert_uint_eq(bench_status()->transmit_t_ms, 10000);
}

TEST(methods_are_each_caches_own)
{
	struct fake a = bench_cache(1), b = bench_cache(2);

	choose(&a, WCCP_METHOD_L2, WCCP_METHOD_GRE, WCCP_ASSIGN_HASH);
	choose(&b, WCCP_METHOD_GRE, WCCP_METHOD_L2, WCCP_ASSIGN_HASH);
	bench_join(&a);
	bench_join(&b);
	ck_assert_uint_eq(bench_status()->caches[0].forward, WCCP_METHOD_L2);
	ck_assert_uint_eq(bench_status()->caches[0].ret, WCCP_METHOD_GRE);
	ck_assert_uint_eq(bench_status()->caches[1].forward, WCCP_METHOD_GRE);
	ck_assert_uint_eq(bench_status()->caches[1].ret, WCCP_METHOD_L2);
	bench_greet(&a);
	ck_assert(!bench_changed());
	a.capabilities.forward =
		WCCP_METHOD_GRE; /* restarted with another preference */
	bench_greet(&a);
	ck_assert(bench_changed());
	ck_assert_uint_eq(bench_status()->caches[0].forward, WCCP_METHOD_GRE);
}

TEST(unacceptable_choices)
{
	static const uint32_t choices[][3] = {
		{ WCCP_METHOD_GRE | WCCP_METHOD_L2, 1, 1 }, /* two bits */
		{ 0, 1, 1 },
		{ 4, 1, 1 },
		{ 1, 3, 1 },
		{ 1, 0, 1 },
		{ 1, 1, WCCP_ASSIGN_MASK },
		{ 1, 1, 3 },
		{ 1, 1, 0 },
	};
	unsigned n = sizeof(choices) / sizeof(choices[0]);

	for (unsigned i = 0; i < n; i++) {
		struct fake a = bench_cache(1);

		choose(&a, choices[i][0], choices[i][1], choices[i][2]);
		ck_assert_ptr_nonnull(bench_greet(&a));
		/* Answered, so that it can see our offer, but not in the view. */
		ck_assert_ptr_nonnull(bench_greet(&a));
		ck_assert_ptr_null(bench_in_view(&a));
		ck_assert(!bench_usable(&a));
		ck_assert_uint_eq(bench_counters()->bad_capability, i + 1);
		ck_assert_ptr_nonnull(bench_note("bad-capability"));
	}
}

TEST(method_that_is_not_offered)
{
	struct router_conf conf = bench_conf();
	struct fake a = bench_cache(1);

	bench_stop();
	conf.forward = WCCP_METHOD_L2;
	bench_start(&conf, 5000);
	bench_greet(&a);
	bench_greet(&a); /* GRE by default */
	ck_assert(!bench_usable(&a));
	ck_assert_uint_eq(bench_counters()->bad_capability, 1);
	choose(&a, WCCP_METHOD_L2, WCCP_METHOD_GRE, WCCP_ASSIGN_HASH);
	bench_greet(&a);
	ck_assert(bench_usable(&a));
}

TEST(l2_is_for_neighbours_only)
{
	struct fake a = bench_cache(1), b = bench_cache(2);

	bench.off_link = true;
	choose(&a, WCCP_METHOD_L2, WCCP_METHOD_GRE, WCCP_ASSIGN_HASH);
	ck_assert_uint_eq(bench_greet(&a)->capabilities.forward, WCCP_METHOD_GRE);
	ck_assert_uint_eq(bench.seen.capabilities.ret, WCCP_METHOD_GRE);
	bench_greet(&a);
	ck_assert(!bench_usable(&a));
	a.capabilities.forward = WCCP_METHOD_GRE;
	a.capabilities.ret = WCCP_METHOD_L2;
	bench_greet(&a);
	ck_assert(!bench_usable(&a));
	ck_assert_uint_eq(bench_counters()->bad_capability, 2);
	a.capabilities.ret = WCCP_METHOD_GRE;
	bench_greet(&a);
	ck_assert(bench_usable(&a));
	/* Another one's place is its own affair. */
	bench.off_link = false;
	choose(&b, WCCP_METHOD_L2, WCCP_METHOD_L2, WCCP_ASSIGN_HASH);
	bench_join(&b);
	ck_assert(bench_usable(&b));
}

TEST(timers_freeze_with_the_first)
{
	struct fake a = bench_cache(1), b = bench_cache(2);
	const struct wccp_msg *m;

	choose_timers(&a, 2000, 3, 2);
	m = bench_greet(&a);
	ck_assert(m->capabilities.transmit_t.is_range);
	ck_assert_uint_eq(m->capabilities.transmit_t.lower_ms, 500);
	ck_assert_uint_eq(m->capabilities.transmit_t.upper_ms, 60000);
	ck_assert(m->capabilities.timer_scale.is_range);
	ck_assert_uint_eq(m->capabilities.timer_scale.timeout_upper, 5);
	m = bench_greet(&a);
	ck_assert(bench_usable(&a));
	ck_assert(!m->capabilities.transmit_t.is_range);
	ck_assert_uint_eq(m->capabilities.transmit_t.lower_ms, 2000);
	ck_assert(!m->capabilities.timer_scale.is_range);
	ck_assert_uint_eq(m->capabilities.timer_scale.timeout_lower, 3);
	ck_assert_uint_eq(m->capabilities.timer_scale.ra_lower, 2);
	ck_assert_uint_eq(bench_status()->transmit_t_ms, 2000);

	choose_timers(&b, 3000, 3, 2);
	bench_greet(&b);
	bench_greet(&b);
	ck_assert(!bench_usable(&b));
	choose_timers(&b, 2000, 3, 1);
	bench_greet(&b);
	ck_assert(!bench_usable(&b));
	choose_timers(&b, 2000, 3, 2);
	bench_greet(&b);
	ck_assert(bench_usable(&b));

	/* Frozen until the last has left, not just the first. */
	bench_shutdown(&a);
	bench_deliver(&a.source);
	ck_assert_uint_eq(bench_status()->transmit_t_ms, 2000);
	bench_shutdown(&b);
	bench_deliver(&b.source);
	ck_assert_uint_eq(bench_status()->transmit_t_ms, 10000);
	b = bench_cache(2);
	ck_assert(bench_greet(&b)->capabilities.transmit_t.is_range);
}

TEST(timers_outside_of_the_range)
{
	struct fake a = bench_cache(1);

	choose_timers(&a, 499, 1, 1);
	bench_greet(&a);
	bench_greet(&a);
	choose_timers(&a, 60001, 1, 1);
	bench_greet(&a);
	choose_timers(&a, 10000, 6, 1);
	bench_greet(&a);
	choose_timers(&a, 10000, 1, 6);
	bench_greet(&a);
	choose_timers(&a, 10000, 1, 1);
	a.capabilities.transmit_t = (struct wccp_cap_transmit_t){ true, 10000, 20000 };
	bench_greet(&a);
	ck_assert(!bench_usable(&a));
	ck_assert_uint_eq(bench_counters()->bad_capability, 5);
	choose_timers(&a, 500, 5, 5);
	bench_greet(&a);
	ck_assert(bench_usable(&a));
}

TEST(without_an_offer_only_the_default_timers)
{
	struct router_conf conf = bench_conf();
	struct fake a = bench_cache(1);

	bench_stop();
	bench_start(&conf, 5000);
	choose_timers(&a, 2000, 1, 1);
	bench_greet(&a);
	bench_greet(&a);
	ck_assert(!bench_usable(&a));
	choose_timers(&a, 10000, 1, 1);
	bench_greet(&a);
	ck_assert(bench_usable(&a));
}

TEST(frozen_timers_time)
{
	struct fake a = bench_cache(1);

	choose_timers(&a, 1000, 2, 1); /* TB is 2 s */
	bench_join(&a);
	bench_advance(4999);
	ck_assert_uint_eq(bench_sends(), 0);
	bench_advance(1);
	ck_assert_uint_eq(bench_answer(&a)->type, WCCP_REMOVAL_QUERY);
	bench_advance(999);
	ck_assert(bench_usable(&a));
	bench_advance(1);
	ck_assert(!bench_usable(&a));
}

TEST(candidate_may_be_as_slow_as_offered)
{
	struct fake slow = bench_cache(1), quick = bench_cache(2);

	choose_timers(&slow, 60000, 5, 1);
	bench_greet(&slow);
	bench_advance(60000); /* six times the default T */
	bench_greet(&slow);
	ck_assert(bench_usable(&slow));
	ck_assert_uint_eq(bench_status()->transmit_t_ms, 60000);

	/* What a member agrees upon does not shorten a candidate's life. */
	bench_stop();
	setup();
	slow.receive_id = 0;
	bench_greet(&slow);
	bench_advance(12000);
	choose_timers(&quick, 500, 1, 1);
	bench_join(&quick);
	ck_assert(mono_before(bench.now, router_deadline(bench.r)));
	ck_assert_uint_eq(bench_status()->n_caches, 2);
	bench_advance(3 * 5 * 60000 - 12000);
	ck_assert_uint_eq(bench_status()->n_caches, 0);
}
