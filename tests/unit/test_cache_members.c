/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of web-caches that are allowed: others may join the group, but they get
 * nothing from us, do not become the designated one, and are reported.
 */
#include "cache_bench.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#define R1 0x0a000001
#define CACHE2 0x0a000014
#define STRANGER 0x0a000005 /* lower than us: it would be the designated one */
#define T 10000
#define SETTLE (3 * T / 2)

static struct rtr a;

static void open_listed(void)
{
	a = rtr_make(R1);
	bench_open(1, (struct rtr *[]){ &a });
	B.conf.n_allowed = 2;
	B.conf.allowed[0] = addr_v4(SELF);
	B.conf.allowed[1] = addr_v4(CACHE2);
	bench_restart();
}

static struct wccp_key key(uint32_t cache, uint32_t number)
{
	return (struct wccp_key){ addr_v4(cache), number };
}

CASE(allowed, .teardown = bench_close, .timeout = 30)

TEST(a_stranger_gets_nothing_and_is_reported)
{
	open_listed();
	rtr_add(&a, STRANGER, 60000);
	rtr_add(&a, CACHE2, 100);
	bench_health(true, 100);
	bench_run(4 * T);
	ck_assert(bench_look()->designated);
	ck_assert(addr_equal(&B.status.designated_cache, &B.conf.self));
	ck_assert_uint_eq(rtr_count(&a, SELF), 128);
	ck_assert_uint_eq(rtr_count(&a, CACHE2), 128);
	ck_assert_uint_eq(rtr_count(&a, STRANGER), 0);
	/* Once, and not with every message of a router. */
	ck_assert_uint_eq(bench_notes("stranger", NULL), 1);
	ck_assert_str_eq(
		bench_note_text("stranger"),
		"web-cache 10.0.0.5 is in the group and not in the list of those "
		"allowed: it gets nothing from us");
	/* Gone and back, it is news. */
	rtr_remove(&a, STRANGER);
	bench_run(T);
	rtr_add(&a, STRANGER, 100);
	bench_run(T);
	ck_assert_uint_eq(bench_notes("stranger", NULL), 2);
}

/* The scanner that assigns everything to itself with the greatest key there is. */
TEST(its_assignments_are_overruled)
{
	open_listed();
	rtr_add(&a, STRANGER, 100);
	bench_health(true, 100);
	bench_run(3 * T);
	ck_assert_uint_eq(rtr_count(&a, SELF), 256);
	for (int i = 0; i < 3; i++) {
		a.view.key = key(STRANGER, UINT32_MAX);
		rtr_give(&a, SELF, 0, 0);
		rtr_give(&a, STRANGER, 0, 256);
		bench_run(T + 100);
		ck_assert_uint_eq(rtr_count(&a, STRANGER), 0);
		ck_assert_uint_eq(rtr_count(&a, SELF), 256);
	}
	ck_assert_uint_eq(bench_notes("stranger-assigns", &a), 3);
	ck_assert_uint_eq(bench_notes("yielded", NULL), 0);
}

/* Not even when it pretends to hear more routers than we do. */
TEST(we_do_not_yield_to_it)
{
	open_listed();
	rtr_add(&a, STRANGER, 100);
	a.view.n_routers = 2;
	a.view.routers[0] = addr_v4(R1);
	a.view.routers[1] = addr_v4(R1 + 1);
	bench_health(true, 100);
	bench_run(T);
	a.view.key = key(STRANGER, 7);
	rtr_give(&a, STRANGER, 0, 256);
	bench_run(5 * T);
	ck_assert_uint_eq(bench_notes("yielded", NULL), 0);
	ck_assert_uint_eq(rtr_count(&a, SELF), 256);
}

TEST(no_flow_is_handed_to_it)
{
	open_listed();
	rtr_add(&a, STRANGER, 100);
	rtr_add(&a, CACHE2, 100);
	rtr_give(&a, STRANGER, 0, 128);
	rtr_give(&a, CACHE2, 128, 128);
	a.view.key = key(CACHE2, 1);
	bench_health(true, 100);
	bench_run(T);
	bench_look();
	ck_assert(!addr_is_set(&B.status.handover[0]));
	ck_assert_uint_eq(addr_to_v4(&B.status.handover[255]), CACHE2);
}

/* Allowed by a reload, it is one of us after the usual time. */
TEST(a_reload_may_allow_it)
{
	open_listed();
	rtr_add(&a, STRANGER, 100);
	bench_health(true, 100);
	bench_run(3 * T);
	B.conf.n_allowed = 0;
	bench_conf();
	ck_assert(!bench_look()->designated);
	ck_assert_uint_eq(addr_to_v4(&B.status.designated_cache), STRANGER);
	B.conf.n_allowed = 1;
	bench_conf();
	bench_run(T + SETTLE);
	ck_assert(bench_look()->designated);
	ck_assert_uint_eq(rtr_count(&a, SELF), 256);
}
