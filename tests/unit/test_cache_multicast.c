/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A group with a multicast address: routers are met, not configured; one HERE_I_AM
 * and one REDIRECT_ASSIGN are for all.
 */
#include "cache_bench.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#define R1 0x0a000001
#define R2 0x0a000002
#define R3 0x0a000003
#define CACHE2 0x0a000014
#define T 10000
#define GROUP_ADDRESS 0xe0010101 /* 224.1.1.1 */

static struct rtr a, b, c;

static struct rtr multicast_rtr(uint32_t address)
{
	struct rtr r = rtr_make(address);

	r.period_ms = 9 * T / 10;
	return r;
}

/* `n` routers that nobody has told us of. */
static void open_cast(unsigned n)
{
	a = multicast_rtr(R1);
	b = multicast_rtr(R2);
	c = multicast_rtr(R3);
	bench_open(n, (struct rtr *[]){ &a, &b, &c });
	a.see_at = mono_add_ms(B.now, 1000);
	b.see_at = mono_add_ms(B.now, 2500);
	c.see_at = mono_add_ms(B.now, 7000);
	B.conf.n_routers = 0;
	B.conf.multicast = addr_v4(GROUP_ADDRESS);
	bench_restart();
}

static void join(void)
{
	bench_health(true, 100);
	bench_run(4 * T);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	bench_clear();
}

static uint32_t listed_id(const struct rtr *r)
{
	for (unsigned i = 0; i < B.got.cache_view.n_routers; i++)
		if (addr_equal(&B.got.cache_view.routers[i].id, &r->id))
			return B.got.cache_view.routers[i].receive_id;
	return 0;
}

static struct cache_counters counters(void)
{
	return bench_look()->counters;
}

/* -- meeting ---------------------------------------------------------------------------- */

CASE(meeting, .teardown = bench_close, .timeout = 30)

TEST(nobody_is_known_before_the_first_answer)
{
	open_cast(0);
	bench_health(true, 100);
	bench_run(3 * T);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, NULL), 4);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, MULTICAST), 4);
	ck_assert_uint_eq(bench_look()->n_routers, 0);
	bench_last(WCCP_HERE_I_AM, MULTICAST);
	ck_assert_uint_eq(B.got.cache_view.n_routers, 0);
	bench_health(false, 0);
	ck_assert(cache_is_quiet(B.cache));
	bench_clear();
	bench_run(3 * T);
	ck_assert_uint_eq(B.n_sent, 0);
}

TEST(routers_are_met_and_all_are_in_one_message)
{
	open_cast(3);
	bench_health(true, 100);
	bench_run(5 * T);
	ck_assert_uint_eq(bench_look()->n_routers, 3);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	ck_assert_int_eq(bench_state(&b), PEER_ASSIGNED);
	ck_assert_int_eq(bench_state(&c), PEER_ASSIGNED);
	ck_assert_uint_eq(rtr_count(&a, SELF), 256);
	ck_assert_uint_eq(rtr_count(&c, SELF), 256);
	bench_last(WCCP_HERE_I_AM, MULTICAST);
	ck_assert_uint_eq(B.got.cache_view.n_routers, 3);
	/* Everything went to the group, nothing to a router of its own. */
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, NULL),
			  bench_count(WCCP_HERE_I_AM, MULTICAST));
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, NULL),
			  bench_count(WCCP_REDIRECT_ASSIGN, MULTICAST));
	bench_last(WCCP_REDIRECT_ASSIGN, MULTICAST);
	ck_assert_uint_eq(B.got.assignment.n_routers, 3);
	ck_assert_uint_eq(a.stale + b.stale + c.stale, 0);
}

TEST(rhythm_is_t_once_settled)
{
	open_cast(3);
	join();
	bench_run(10 * T);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, MULTICAST), 10);
	for (unsigned i = 1; i < 10; i++) {
		struct mono last = bench_nth(WCCP_HERE_I_AM, MULTICAST, i - 1)->at;

		ck_assert_int_eq(mono_ms_between(last, bench_nth(WCCP_HERE_I_AM,
								 MULTICAST, i)->at), T);
	}
	/* The ids of the newest I_SEE_YOUs, each of its router. */
	ck_assert_uint_eq(a.stale + b.stale + c.stale, 0);
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, NULL), 0);
}

TEST(silent_ones_are_not_hurried)
{
	open_cast(1); /* early resends are for unicast only (2.01 section 3.15) */
	join();
	a.answers = false;
	bench_run(2 * T);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, MULTICAST), 2);
}

TEST(only_what_lists_us_is_a_meeting)
{
	struct addr self;
	uint8_t octets[4096];
	size_t len;

	open_cast(1);
	a.answers = false;
	bench_health(true, 100);
	self = B.conf.self;
	B.conf.self = addr_v4(CACHE2); /* answers another web-cache */
	len = rtr_encode(&a, 0, octets, sizeof(octets));
	B.conf.self = self;
	bench_rx(&a.address, octets, len);
	ck_assert_uint_eq(bench_look()->n_routers, 0);
	ck_assert_uint_eq(counters().not_for_us, 1);
	rtr_see(&a, 0);
	ck_assert_uint_eq(bench_look()->n_routers, 1);
	ck_assert_int_eq(bench_state(&a), PEER_NEGOTIATING);
	/* And of one we know it is no answer. */
	B.conf.self = addr_v4(CACHE2);
	len = rtr_encode(&a, 0, octets, sizeof(octets));
	B.conf.self = self;
	bench_rx(&a.address, octets, len);
	ck_assert_uint_lt(bench_router(&a)->receive_id, a.receive_id);
}

TEST(messages_of_other_caches_are_ignored_quietly)
{
	struct addr other = addr_v4(CACHE2);
	struct sent hello;

	open_cast(1);
	join();
	bench_run(T);
	hello = *bench_last(WCCP_HERE_I_AM, MULTICAST);
	bench_clear();
	bench_rx(&other, hello.octets, hello.len);
	ck_assert_uint_eq(counters().not_for_us, 1);
	ck_assert_uint_eq(B.n_noted, 0);
	ck_assert_uint_eq(B.status.n_routers, 1);
}

/* Nor are they taken for routers that the list does not name. */
TEST(other_caches_are_no_strangers_to_a_list_of_routers)
{
	struct addr other = addr_v4(CACHE2);
	struct sent hello;

	open_cast(1);
	B.conf.n_routers = 1;
	B.conf.routers[0] = a.address;
	bench_restart();
	join();
	bench_run(T);
	hello = *bench_last(WCCP_HERE_I_AM, MULTICAST);
	bench_clear();
	bench_rx(&other, hello.octets, hello.len);
	ck_assert_uint_eq(counters().not_for_us, 1);
	ck_assert_uint_eq(counters().unknown_router, 0);
	ck_assert_uint_eq(B.n_noted, 0);
}

TEST(allow_list_of_routers)
{
	open_cast(2);
	B.conf.n_routers = 1;
	B.conf.routers[0] = a.address;
	bench_restart();
	join();
	ck_assert_uint_eq(bench_look()->n_routers, 1);
	ck_assert_uint_ge(counters().unknown_router, 1);
	/* One more is allowed, then the first no longer. */
	B.conf.n_routers = 2;
	B.conf.routers[1] = b.address;
	bench_conf();
	bench_run(5 * T);
	ck_assert_int_eq(bench_state(&b), PEER_ASSIGNED);
	B.conf.n_routers = 1;
	B.conf.routers[0] = b.address;
	bench_clear();
	bench_conf();
	/* Its SHUTDOWN is its own: the others are not left. */
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert(wccp_has(&B.got, WCCP_C_COMMAND));
	bench_run(3 * T);
	ck_assert_uint_eq(bench_look()->n_routers, 1);
	ck_assert_int_eq(bench_state(&b), PEER_ASSIGNED);
	bench_last(WCCP_HERE_I_AM, MULTICAST);
	ck_assert_uint_eq(listed_id(&a), 0);
	ck_assert_uint_ne(listed_id(&b), 0);
}

TEST(full_table_is_refused_and_the_forgotten_make_room)
{
	struct rtr r;

	open_cast(0);
	bench_health(true, 100);
	for (uint32_t i = 0; i < 40; i++) {
		r = rtr_make(0x0a010000 + i);
		rtr_see(&r, 0);
	}
	ck_assert_uint_eq(bench_look()->n_routers, WCCP_MAX_ROUTERS);
	ck_assert_uint_eq(counters().table_full, 8);
	ck_assert_uint_eq(bench_notes("table-full", NULL), 8);
	ck_assert_uint_eq(bench_notes("table-full", &r), 1);
	/* None of them says any more. */
	bench_run(4 * T);
	rtr_see(&r, 0);
	ck_assert_uint_eq(counters().table_full, 8);
	ck_assert_uint_eq(bench_look()->n_routers, WCCP_MAX_ROUTERS);
	ck_assert_uint_eq(bench_notes("forgotten", NULL), 1);
	ck_assert_int_eq(bench_state(&r), PEER_NEGOTIATING);
}

TEST(lost_for_long_is_forgotten)
{
	open_cast(2);
	join();
	a.answers = false;
	bench_run(4 * T);
	ck_assert_int_eq(bench_state(&a), PEER_LOST);
	ck_assert_uint_eq(bench_look()->n_routers, 2);
	bench_run(30 * T);
	ck_assert_uint_eq(bench_look()->n_routers, 1);
	ck_assert_uint_eq(bench_notes("forgotten", &a), 1);
	ck_assert_int_eq(bench_state(&b), PEER_ASSIGNED);
	a.answers = true; /* and met again */
	bench_run(5 * T);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
}

TEST(one_id_at_two_addresses_is_one_router)
{
	open_cast(2);
	b.id = a.id;
	bench_health(true, 100);
	bench_run(5 * T);
	ck_assert_uint_eq(bench_look()->n_routers, 1);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	ck_assert_uint_ge(bench_notes("not-for-us", &b), 1);
}

TEST(strangers_need_the_password)
{
	struct rtr forger;

	open_cast(1);
	ck_assert_int_eq(codec_password("eight888", &a.password, NULL), 0);
	B.conf.password = a.password;
	bench_restart();
	join();
	forger = multicast_rtr(0x0a0000fe);
	rtr_see(&forger, 0);
	ck_assert_uint_eq(bench_look()->n_routers, 1);
	ck_assert_uint_eq(counters().refused[CODEC_AUTH_MISSING], 1);
}

/* -- one choice for all -------------------------------------------------------------------- */

static void offer(struct rtr *r, uint32_t forward)
{
	r->capabilities.present |= 1u << WCCP_CAP_FORWARD;
	r->capabilities.forward = forward;
}

static void offer_t(struct rtr *r, uint16_t lower, uint16_t upper)
{
	r->capabilities.present |= 1u << WCCP_CAP_TRANSMIT_T;
	r->capabilities.transmit_t =
		(struct wccp_cap_transmit_t){ lower != upper, lower, upper };
}

TEST(methods_must_suit_all)
{
	open_cast(3);
	offer(&a, WCCP_METHOD_GRE | WCCP_METHOD_L2);
	offer(&b, WCCP_METHOD_GRE);
	offer(&c, WCCP_METHOD_L2);
	B.conf.forward = (struct cache_preference){ 2, { WCCP_METHOD_L2, WCCP_METHOD_GRE } };
	bench_restart();
	bench_health(true, 100);
	bench_run(5 * T);
	/* L2 was chosen until the second one was met, GRE since. */
	ck_assert_uint_eq(bench_router(&a)->forward, WCCP_METHOD_GRE);
	ck_assert_uint_eq(bench_router(&b)->forward, WCCP_METHOD_GRE);
	ck_assert_int_eq(bench_state(&b), PEER_ASSIGNED);
	ck_assert_int_eq(bench_state(&c), PEER_MISMATCH);
	bench_last(WCCP_HERE_I_AM, MULTICAST);
	ck_assert_uint_eq(B.got.capabilities.forward, WCCP_METHOD_GRE);
	ck_assert_uint_eq(listed_id(&c), 0);
}

TEST(one_t_for_all)
{
	open_cast(2);
	offer_t(&a, 500, 60000);
	offer_t(&b, 4000, 60000);
	B.conf.transmit_t_ms = 2000;
	bench_restart();
	bench_health(true, 100);
	bench_run(5 * T);
	ck_assert_uint_eq(bench_router(&a)->transmit_t_ms, 4000);
	ck_assert_uint_eq(bench_router(&b)->transmit_t_ms, 4000);
	bench_clear();
	bench_run(40000);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, MULTICAST), 10);
	bench_last(WCCP_HERE_I_AM, MULTICAST);
	ck_assert_uint_eq(B.got.capabilities.transmit_t.upper_ms, 4000);
}

TEST(t_is_the_default_until_another_is_offered)
{
	open_cast(1);
	offer_t(&a, 500, 60000);
	a.period_ms = 900;
	a.answers = false;
	B.conf.transmit_t_ms = 1000;
	bench_restart();
	bench_health(true, 100);
	bench_run(3 * T - 1);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, MULTICAST), 3);
	a.answers = true;
	bench_run(3 * T);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	/* When the only one falls silent, what it said holds on. */
	a.answers = false;
	bench_run(T);
	ck_assert_int_eq(bench_state(&a), PEER_LOST);
	bench_clear();
	bench_run(T);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, MULTICAST), 10);
}

TEST(timers_without_anything_in_common)
{
	open_cast(2);
	offer_t(&a, 2000, 2000);
	B.conf.transmit_t_ms = 2000; /* b speaks of no timers: 10 s */
	bench_restart();
	bench_health(true, 100);
	bench_run(3 * T);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	ck_assert_int_eq(bench_state(&b), PEER_MISMATCH);
	ck_assert_str_eq(bench_note_text("mismatch"),
			 "router 10.0.0.2 offers no timers in common with the others");
}

TEST(one_version_for_all)
{
	open_cast(2);
	a.max_minor = 1;
	B.conf.version = CACHE_NEGOTIATE;
	bench_restart();
	bench_health(true, 100);
	bench_run(2000);
	ck_assert_uint_eq(bench_router(&a)->minor, 1);
	bench_run(4 * T);
	ck_assert_uint_eq(bench_router(&a)->minor, 0);
	ck_assert_uint_eq(bench_router(&b)->minor, 0);
	ck_assert_uint_eq(bench_last(WCCP_HERE_I_AM, MULTICAST)->octets[5], 0);
	ck_assert(!B.got.cache_identity.min_version);
	ck_assert_uint_eq(bench_last(WCCP_REDIRECT_ASSIGN, MULTICAST)->octets[5], 0);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	ck_assert_int_eq(bench_state(&b), PEER_ASSIGNED);
}

/* -- assignments ------------------------------------------------------------------------------ */

TEST(repeated_for_all_by_one_message)
{
	open_cast(3);
	bench_health(true, 100);
	bench_run(T);
	a.accepts = b.accepts = c.accepts = false;
	bench_run(3 * T);
	ck_assert_uint_gt(bench_count(WCCP_REDIRECT_ASSIGN, MULTICAST), 1);
	/* Not one for each router that lacks it. */
	for (unsigned i = 1; i < bench_count(WCCP_REDIRECT_ASSIGN, MULTICAST); i++) {
		struct mono last = bench_nth(WCCP_REDIRECT_ASSIGN, MULTICAST, i - 1)->at;

		ck_assert_int_ge(mono_ms_between(last, bench_nth(WCCP_REDIRECT_ASSIGN,
								 MULTICAST, i)->at),
				 T / 10);
	}
	a.accepts = b.accepts = c.accepts = true;
	bench_run(2 * T);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	ck_assert_int_eq(bench_state(&b), PEER_ASSIGNED);
	ck_assert_int_eq(bench_state(&c), PEER_ASSIGNED);
	bench_clear();
	bench_run(10 * T);
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, NULL), 0);
}

/* -- removal query, leaving --------------------------------------------------------------------- */

TEST(removal_query_is_answered_by_unicast)
{
	struct mono start;

	open_cast(2);
	join();
	a.answers = false;
	start = B.now;
	rtr_query(&a, &B.conf.self);
	bench_run(T / 2);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 3);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &b), 0);
	for (unsigned i = 0; i < 3; i++) {
		const struct sent *x = bench_nth(WCCP_HERE_I_AM, &a, i);

		ck_assert_int_eq(mono_ms_between(start, x->at), i * T / 10);
		ck_assert_uint_eq(listed_id(&a), a.receive_id);
	}
}

TEST(shutdown_until_everyone_has_acknowledged)
{
	open_cast(3);
	join();
	c.answers = false; /* has crashed */
	bench_health(false, 0);
	bench_nth(WCCP_HERE_I_AM, MULTICAST, 0);
	ck_assert(wccp_has(&B.got, WCCP_C_COMMAND));
	ck_assert_uint_eq(B.got.commands[0].type, WCCP_CMD_SHUTDOWN);
	ck_assert_uint_eq(listed_id(&a), a.receive_id);
	ck_assert_uint_eq(listed_id(&b), b.receive_id);
	ck_assert_int_eq(bench_state(&a), PEER_DRAINING);
	/* It is no member any more at once, though it says so later. */
	ck_assert_uint_eq(a.view.n_caches, 0);
	bench_run(T);
	ck_assert_int_eq(bench_state(&a), PEER_WITHDRAWN);
	ck_assert_int_eq(bench_state(&b), PEER_WITHDRAWN);
	ck_assert_str_eq(bench_router(&b)->reason, "SHUTDOWN acknowledged");
	ck_assert_int_eq(bench_state(&c), PEER_DRAINING);
	ck_assert(!cache_is_quiet(B.cache));
	bench_run(T);
	ck_assert_int_eq(bench_state(&c), PEER_WITHDRAWN);
	ck_assert_str_eq(bench_router(&c)->reason, "SHUTDOWN not acknowledged");
	ck_assert(cache_is_quiet(B.cache));
	ck_assert_uint_le(bench_count(WCCP_HERE_I_AM, MULTICAST), 8);
	bench_clear();
	bench_run(10 * T);
	ck_assert_uint_eq(B.n_sent, 0);
}

TEST(pool_is_back)
{
	open_cast(2);
	join();
	bench_health(false, 0);
	bench_run(2 * T);
	bench_health(true, 50);
	bench_run(5 * T);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	ck_assert_int_eq(bench_state(&b), PEER_ASSIGNED);
	ck_assert_uint_eq(a.view.caches[0].weight, 50);
}

TEST(weight_is_told_to_all_at_once)
{
	open_cast(2);
	join();
	bench_run(2 * T / 10);
	bench_clear();
	bench_health(true, 7);
	bench_run(T / 10);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, MULTICAST), 1);
	ck_assert_uint_eq(a.view.caches[0].weight, 7);
	ck_assert_uint_eq(b.view.caches[0].weight, 7);
}

TEST(reload_to_unicast_and_back)
{
	open_cast(2);
	join();
	B.conf.multicast = (struct addr){ 0 };
	B.conf.n_routers = 2;
	B.conf.routers[0] = a.address;
	B.conf.routers[1] = b.address;
	bench_conf();
	bench_run(3 * T);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	ck_assert_uint_gt(bench_count(WCCP_HERE_I_AM, &b), 0);
	bench_clear();
	B.conf.multicast = addr_v4(GROUP_ADDRESS);
	bench_conf();
	bench_run(6 * T);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	ck_assert_int_eq(bench_state(&b), PEER_ASSIGNED);
	bench_clear();
	bench_run(2 * T);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, NULL), 2);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, MULTICAST), 2);
}

TEST(ipv6_multicast)
{
	struct addr r1, self, group;

	ck_assert_int_eq(addr_parse("2001:db8::1", &r1), 0);
	ck_assert_int_eq(addr_parse("2001:db8::10", &self), 0);
	ck_assert_int_eq(addr_parse("ff08::db8:1", &group), 0);
	a = rtr_make_at(&r1);
	a.max_minor = 1;
	a.period_ms = 9 * T / 10;
	bench_open(1, (struct rtr *[]){ &a });
	a.see_at = mono_add_ms(B.now, 1000);
	B.conf.n_routers = 0;
	B.conf.self = self;
	B.conf.multicast = group;
	bench_restart();
	bench_health(true, 100); /* in 2.00 there is nothing that could be said */
	bench_run(2 * T);
	ck_assert_uint_eq(B.n_sent, 0);
	ck_assert_uint_eq(bench_notes("mismatch", NULL), 1);
	B.conf.version = CACHE_V201;
	bench_conf();
	bench_run(5 * T);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
}
