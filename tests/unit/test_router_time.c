/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router side: what happens when nobody speaks.
 */
#include "router_bench.h"
#include "suite.h"

static void setup(void)
{
	struct router_conf conf = bench_conf();

	bench_start(&conf, 5000);
}

CASE(time, .setup = setup, .teardown = bench_stop)

TEST(nothing_to_wait_for)
{
	ck_assert(mono_is_never(router_deadline(bench.r)));
}

TEST(query_at_25_removal_at_30)
{
	struct fake a = bench_cache(1);
	const struct wccp_msg *m;
	uint32_t id;

	bench_join(&a);
	id = a.receive_id;
	bench_advance(24999);
	ck_assert_uint_eq(bench.out.n, 0);
	bench_advance(1);
	m = bench_answer(&a);
	ck_assert_uint_eq(m->type, WCCP_REMOVAL_QUERY);
	ck_assert(addr_equal(&m->query.target, &a.addr));
	ck_assert_uint_eq(addr_to_v4(&m->query.router.id), ROUTER_V4);
	ck_assert_uint_eq(m->query.router.receive_id, id);
	ck_assert_uint_eq(addr_to_v4(&m->query.sent_to), 0x0a0001fe);
	bench_advance(4999);
	ck_assert_uint_eq(bench.out.n, 0); /* asked once */
	ck_assert(bench_usable(&a));
	bench_advance(1);
	ck_assert(!bench_usable(&a));
	ck_assert(bench_changed());
	ck_assert_str_eq(bench_note("service-lost"),
			 "%WCCP-1-SERVICELOST: Service web-cache lost on WCCP client 10.0.0.1");
	ck_assert_uint_eq(bench_counters()->removed_by_timeout, 1);
	ck_assert_uint_eq(bench_status()->n_caches, 0);
}

TEST(answer_to_the_query_ends_the_silence)
{
	struct fake a = bench_cache(1);

	bench_join(&a);
	bench_advance(26000);
	ck_assert_uint_eq(bench_sends(), 1);
	bench_greet(&a);
	bench_advance(24999);
	ck_assert(bench_usable(&a));
	ck_assert_uint_eq(bench_sends(), 0);
	bench_advance(1);
	ck_assert_uint_eq(bench_sends(), 1); /* a new silence, a new query */
}

TEST(discarded_hellos_do_not_end_the_silence)
{
	struct fake a = bench_cache(1);

	bench_join(&a);
	bench_advance(20000);
	a.receive_id = 12345;
	bench_greet(&a);
	bench_advance(9999);
	ck_assert(bench_usable(&a));
	bench_advance(1);
	ck_assert(!bench_usable(&a));
}

TEST(hello_after_the_time_does_not_revive)
{
	struct fake a = bench_cache(1);

	bench_join(&a);
	bench.now = mono_add_ms(bench.now, 30000); /* no tick came */
	bench_greet(&a);
	ck_assert_ptr_nonnull(bench_note("service-lost"));
	ck_assert(!bench_usable(&a));
}

TEST(candidates_are_forgotten)
{
	struct fake a = bench_cache(1);

	bench_greet(&a);
	ck_assert_uint_eq(bench_status()->n_caches, 1);
	bench_advance(30000);
	ck_assert_uint_eq(bench_status()->n_caches, 0);
	ck_assert_ptr_null(bench_note("service-lost"));
	ck_assert_uint_eq(bench_sends(), 0);
	ck_assert(mono_is_never(router_deadline(bench.r)));
}

TEST(silent_one_is_purged_from_the_table)
{
	struct fake both[2] = { bench_cache(1), bench_cache(2) };

	bench_join(&both[0]);
	bench_join(&both[1]);
	bench_greet(&both[0]);
	bench_assign(&both[0], 1, both, 2);
	bench_deliver(&both[0].source);
	bench_advance(20000);
	bench_greet(&both[0]);
	bench_advance(10000);
	ck_assert(!bench_usable(&both[1]));
	ck_assert_uint_eq(bench_status()->table.n_caches, 1);
	ck_assert_uint_eq(bench_status()->table.buckets[1], WCCP_BUCKET_NONE);
	ck_assert_uint_eq(bench_status()->caches[0].buckets, 128);
}

/* Member 1 speaks every 10 s, so that only the assignment can be late. */
static void live(struct fake *f, int64_t ms)
{
	for (; ms > 0; ms -= 10000) {
		bench_advance(ms < 10000 ? ms : 10000);
		if (bench_note("assignment-flushed"))
			return;
		bench_greet(f);
	}
}

TEST(table_is_flushed_when_no_assignment_follows_a_change)
{
	struct fake a = bench_cache(1);

	bench_join(&a);
	bench_assign(&a, 1, &a, 1);
	bench_deliver(&a.source);
	live(&a, 200000); /* no change: it stays for ever */
	ck_assert(bench_status()->assigned);
	a.n_others = 1;
	a.others[0] = addr_v4(0x0a0000fd);
	bench_greet(&a);
	live(&a, 40000);
	/* A second change does not put it off. */
	a.others[0] = addr_v4(0x0a0000fc);
	bench_greet(&a);
	bench_advance(9999);
	ck_assert(bench_status()->assigned);
	bench_advance(1);
	ck_assert(!bench_status()->assigned);
	ck_assert(bench_changed());
	ck_assert_uint_eq(bench_counters()->flushes, 1);
	ck_assert_uint_eq(bench_status()->key.change_number, 0);
}

/* 5 RB, and RB is the agreed scale times the agreed T. */
TEST(flush_follows_the_agreed_scale)
{
	struct router_conf conf = bench_conf();
	struct fake a = bench_cache(1);

	bench_stop();
	conf.advertise_timers = true;
	conf.transmit_t = (struct wccp_cap_transmit_t){ true, 500, 60000 };
	conf.timer_scale = (struct wccp_cap_timer_scale){ true, 1, 5, 1, 5 };
	bench_start(&conf, 5000);
	a.capabilities.present = 1u << WCCP_CAP_TRANSMIT_T | 1u << WCCP_CAP_TIMER_SCALE;
	a.capabilities.transmit_t = (struct wccp_cap_transmit_t){ false, 1000, 1000 };
	a.capabilities.timer_scale = (struct wccp_cap_timer_scale){ false, 1, 1, 3, 3 };
	bench_join(&a);
	bench_assign(&a, 1, &a, 1);
	bench_deliver(&a.source);
	a.n_others = 1;
	a.others[0] = addr_v4(0x0a0000fd);
	bench_greet(&a);
	for (unsigned i = 0; i < 14; i++) {
		bench_advance(1000);
		bench_greet(&a);
	}
	bench_advance(999);
	ck_assert(bench_status()->assigned);
	bench_advance(1);
	ck_assert(!bench_status()->assigned);
}

TEST(assignment_in_time_keeps_the_table)
{
	struct fake a = bench_cache(1);

	bench_join(&a);
	bench_assign(&a, 1, &a, 1);
	bench_deliver(&a.source);
	a.n_others = 1;
	a.others[0] = addr_v4(0x0a0000fd);
	bench_greet(&a);
	live(&a, 40000);
	bench_assign(&a, 2, &a, 1);
	bench_deliver(&a.source);
	live(&a, 200000);
	ck_assert(bench_status()->assigned);
	ck_assert_uint_eq(bench_counters()->flushes, 0);
}
