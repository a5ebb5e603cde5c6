/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Agreeing with routers, and what a new configuration changes of it.
 */
#include "cache_two.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

CASE(agreeing, .teardown = bench_close, .timeout = 30)

/* -- capabilities ------------------------------------------------------------------------------ */

static void offer(struct rtr *r, uint32_t forward, uint32_t ret, uint32_t assign)
{
	r->capabilities = (struct wccp_capabilities){
		.present = 1u << WCCP_CAP_FORWARD | 1u << WCCP_CAP_RETURN |
			   1u << WCCP_CAP_ASSIGN,
		.forward = forward,
		.ret = ret,
		.assign = assign,
	};
}

TEST(first_preference_on_offer)
{
	open_two();
	offer(&a, WCCP_METHOD_GRE | WCCP_METHOD_L2, WCCP_METHOD_GRE,
	      WCCP_ASSIGN_HASH | WCCP_ASSIGN_MASK);
	b.capabilities.present = 0; /* says nothing: GRE, GRE, hash */
	B.conf.forward =
		(struct cache_preference){ 2, { WCCP_METHOD_L2, WCCP_METHOD_GRE } };
	B.conf.ret = B.conf.forward;
	bench_conf();
	announce();
	ck_assert_uint_eq(bench_router(&a)->forward, WCCP_METHOD_L2);
	ck_assert_uint_eq(bench_router(&a)->ret, WCCP_METHOD_GRE);
	ck_assert_uint_eq(bench_router(&a)->assign, WCCP_ASSIGN_HASH);
	ck_assert_uint_eq(bench_router(&b)->forward, WCCP_METHOD_GRE);
	bench_run(T);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert(wccp_has(&B.got, WCCP_C_CAPABILITIES));
	ck_assert_uint_eq(B.got.capabilities.present, a.capabilities.present);
	ck_assert_uint_eq(B.got.capabilities.forward, WCCP_METHOD_L2);
	ck_assert_uint_eq(B.got.capabilities.ret, WCCP_METHOD_GRE);
	ck_assert_uint_eq(B.got.capabilities.assign, WCCP_ASSIGN_HASH);
	bench_last(WCCP_HERE_I_AM, &b);
	ck_assert(!wccp_has(&B.got, WCCP_C_CAPABILITIES));
}

/* Frames need a common link. */
TEST(no_l2_through_a_gateway)
{
	open_two();
	offer(&a, WCCP_METHOD_GRE | WCCP_METHOD_L2, WCCP_METHOD_GRE | WCCP_METHOD_L2,
	      WCCP_ASSIGN_HASH);
	b.capabilities = a.capabilities;
	a.far = true;
	B.conf.forward =
		(struct cache_preference){ 2, { WCCP_METHOD_L2, WCCP_METHOD_GRE } };
	B.conf.ret = B.conf.forward;
	bench_conf();
	announce();
	ck_assert_uint_eq(bench_router(&a)->forward, WCCP_METHOD_GRE);
	ck_assert_uint_eq(bench_router(&a)->ret, WCCP_METHOD_GRE);
	ck_assert_uint_eq(bench_router(&b)->forward, WCCP_METHOD_L2);
	/* Another route: agreed on anew. */
	b.far = true;
	bench_run(3 * T);
	ck_assert_uint_eq(bench_router(&b)->forward, WCCP_METHOD_GRE);
	ck_assert_uint_eq(bench_router(&b)->ret, WCCP_METHOD_GRE);
	B.conf.forward = (struct cache_preference){ 1, { WCCP_METHOD_L2 } };
	bench_conf();
	ck_assert_int_eq(bench_state(&a), PEER_MISMATCH);
	ck_assert_int_eq(bench_state(&b), PEER_MISMATCH);
}

TEST(only_kinds_that_the_router_mentioned)
{
	open_one();
	a.capabilities.present = 1u << WCCP_CAP_RETURN;
	a.capabilities.ret = WCCP_METHOD_GRE;
	B.conf.transmit_t_ms = 3000; /* a wish that this router does not know of */
	bench_conf();
	announce();
	ck_assert_uint_eq(bench_router(&a)->transmit_t_ms, T);
	bench_run(T);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(B.got.capabilities.present, 1u << WCCP_CAP_RETURN);
}

TEST(choice_stays_while_it_is_offered)
{
	open_one();
	offer(&a, WCCP_METHOD_GRE, WCCP_METHOD_GRE, WCCP_ASSIGN_HASH);
	B.conf.forward =
		(struct cache_preference){ 2, { WCCP_METHOD_L2, WCCP_METHOD_GRE } };
	bench_conf();
	announce();
	a.capabilities.forward |= WCCP_METHOD_L2;
	bench_run(T);
	ck_assert_uint_eq(bench_router(&a)->forward, WCCP_METHOD_GRE);
	a.capabilities.forward = WCCP_METHOD_L2;
	bench_clear();
	bench_run(T);
	ck_assert_uint_eq(bench_router(&a)->forward, WCCP_METHOD_L2);
	ck_assert_uint_ge(B.n_changed, 1);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(B.got.capabilities.forward, WCCP_METHOD_L2);
}

TEST(mismatch_stays_with_its_router)
{
	open_two();
	offer(&a, WCCP_METHOD_L2, WCCP_METHOD_GRE, WCCP_ASSIGN_MASK);
	bench_health(true, 100);
	bench_run(3 * T);
	ck_assert_int_eq(bench_state(&a), PEER_MISMATCH);
	ck_assert_int_eq(bench_state(&b), PEER_ASSIGNED);
	ck_assert_uint_eq(rtr_count(&b, SELF), 256);
	ck_assert_uint_eq(bench_notes("mismatch", &a), 1);
	ck_assert_str_eq(bench_note_text("mismatch"),
			 "router 10.0.0.1 offers forwarding L2, we accept GRE; "
			 "offers assignment mask, we accept hash");
	/* Not a member there, but it is asked again and again. */
	ck_assert_uint_eq(a.view.n_caches, 0);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 4);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(listed_id(&a), 0);
	ck_assert(!wccp_has(&B.got, WCCP_C_CAPABILITIES));
	bench_last(WCCP_HERE_I_AM, &b);
	ck_assert_uint_eq(listed_id(&a), 0);

	offer(&a, WCCP_METHOD_L2 | WCCP_METHOD_GRE, WCCP_METHOD_GRE, WCCP_ASSIGN_HASH);
	bench_run(T);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	bench_run(2 * T);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	ck_assert_int_eq(bench_state(&b), PEER_ASSIGNED);
}

TEST(router_that_stops_offering_what_we_use)
{
	open_two();
	announce();
	offer(&a, WCCP_METHOD_L2, WCCP_METHOD_GRE, WCCP_ASSIGN_HASH);
	bench_run(T);
	ck_assert_int_eq(bench_state(&a), PEER_MISMATCH);
	ck_assert_uint_eq(bench_router(&a)->forward, 0);
	bench_run(T);
	bench_last(WCCP_HERE_I_AM, &b);
	ck_assert_uint_eq(listed_id(&a), 0);
	ck_assert_uint_ne(listed_id(&b), 0);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(listed_id(&a), 0);
}

TEST(each_router_by_the_method_it_offers)
{
	open_two();
	offer(&a, WCCP_METHOD_GRE, WCCP_METHOD_GRE,
	      WCCP_ASSIGN_HASH | WCCP_ASSIGN_MASK);
	offer(&b, WCCP_METHOD_GRE, WCCP_METHOD_GRE, WCCP_ASSIGN_HASH);
	a.by_mask = true;
	B.conf.assign =
		(struct cache_preference){ 2, { WCCP_ASSIGN_MASK, WCCP_ASSIGN_HASH } };
	bench_conf();
	announce();
	ck_assert_uint_eq(bench_router(&a)->assign, WCCP_ASSIGN_MASK);
	ck_assert_uint_eq(bench_router(&b)->assign, WCCP_ASSIGN_HASH);
}

static void offer_t(struct rtr *r, bool is_range, uint16_t lower, uint16_t upper)
{
	r->capabilities.present |= 1u << WCCP_CAP_TRANSMIT_T;
	r->capabilities.transmit_t =
		(struct wccp_cap_transmit_t){ is_range, lower, upper };
}

TEST(transmit_t_is_negotiated)
{
	static const struct {
		bool is_range;
		uint16_t lower, upper;
		uint32_t wish, agreed;
	} cases[] = {
		{ true, 500, 60000, 2000, 2000 }, { true, 5000, 60000, 2000, 5000 },
		{ true, 500, 1000, 2000, 1000 },  { false, 4000, 4000, 2000, 4000 },
		{ true, 500, 60000, 0, 10000 },	  { false, 1, 1, 2000, 100 },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		open_one();
		offer_t(&a, cases[i].is_range, cases[i].lower, cases[i].upper);
		B.conf.transmit_t_ms = cases[i].wish;
		bench_conf();
		announce();
		ck_assert_uint_eq(bench_router(&a)->transmit_t_ms, cases[i].agreed);
		bench_run(cases[i].agreed);
		ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 1);
		bench_last(WCCP_HERE_I_AM, &a);
		ck_assert(!B.got.capabilities.transmit_t.is_range);
		ck_assert_uint_eq(B.got.capabilities.transmit_t.upper_ms,
				  cases[i].agreed);
		bench_close();
	}
}

/* 2.01 section 3.1: before its first I_SEE_YOU there is nothing to choose from. */
TEST(t_is_the_default_until_another_is_offered)
{
	open_one();
	a.answers = false;
	offer_t(&a, true, 500, 60000);
	B.conf.transmit_t_ms = 1000;
	bench_restart();
	bench_health(true, 100);
	bench_run(3 * T - 1);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 3);
	a.answers = true;
	bench_run(1);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	bench_clear();
	bench_run(1000);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 1);
}

/* Whatever it is sent for. */
TEST(choice_is_in_every_hello)
{
	struct addr self = addr_v4(SELF);
	unsigned n;

	open_one();
	offer(&a, WCCP_METHOD_GRE | WCCP_METHOD_L2, WCCP_METHOD_GRE | WCCP_METHOD_L2,
	      WCCP_ASSIGN_HASH);
	offer_t(&a, true, 500, 60000);
	bench_health(true, 100);
	bench_run(5 * T);
	rtr_query(&a, &self);
	bench_run(T);
	bench_health(true, 50);
	bench_health(false, 0);
	n = bench_count(WCCP_HERE_I_AM, &a);
	ck_assert_uint_ge(n, 11);
	for (unsigned i = 1; i < n; i++) {
		bench_nth(WCCP_HERE_I_AM, &a, i);
		ck_assert_uint_eq(B.got.capabilities.present, a.capabilities.present);
		ck_assert_uint_eq(B.got.capabilities.forward, WCCP_METHOD_GRE);
		ck_assert_uint_eq(B.got.capabilities.ret, WCCP_METHOD_GRE);
		ck_assert_uint_eq(B.got.capabilities.assign, WCCP_ASSIGN_HASH);
		ck_assert_uint_eq(B.got.capabilities.transmit_t.lower_ms, T);
	}
	ck_assert_uint_eq(B.got.commands[0].type, WCCP_CMD_SHUTDOWN);
}

TEST(scales_stretch_the_time_outs)
{
	open_one();
	a.capabilities.present = 1u << WCCP_CAP_TIMER_SCALE;
	a.capabilities.timer_scale = (struct wccp_cap_timer_scale){ .is_range = true,
								    .timeout_lower = 1,
								    .timeout_upper = 5,
								    .ra_lower = 1,
								    .ra_upper = 2 };
	B.conf.timeout_scale = 2;
	B.conf.ra_scale = 4;
	bench_conf();
	announce();
	bench_run(3 * T - 1); /* 1.5 RB with the agreed scale of 2 */
	ck_assert_uint_eq(counters().assignments_sent, 0);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(B.got.capabilities.timer_scale.timeout_upper, 2);
	ck_assert_uint_eq(B.got.capabilities.timer_scale.ra_lower, 2);
	a.answers = false;
	bench_run(1);
	ck_assert_uint_eq(counters().assignments_sent, 1);
	bench_run(5 * T - 2); /* last heard at 2 T */
	ck_assert_int_ne(bench_state(&a), PEER_LOST);
	bench_run(2);
	ck_assert_int_eq(bench_state(&a), PEER_LOST);
}

/* -- weight, configuration ------------------------------------------------------------------ */

TEST(weight_is_announced_at_once)
{
	open_one();
	announce();
	bench_health(true, 40);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(B.got.cache_identity.weight, 40);
	ck_assert_uint_eq(a.view.caches[0].weight, 40);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 1);
	bench_health(true, 40);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 1);

	/* Two changes faster than the router answers: the second would carry a
	 * stale receive id, so it waits for the answer. */
	a.answers = false;
	bench_health(true, 30);
	bench_health(true, 20);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 2);
	rtr_see(&a, 0);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 3);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(B.got.cache_identity.weight, 20);
	ck_assert_uint_eq(listed_id(&a), a.receive_id);
}

TEST(reload_touches_only_what_changed)
{
	struct mono since;

	open_two();
	B.conf.n_routers = 1;
	bench_conf();
	bench_health(true, 100);
	bench_run(2 * T);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &b), 0);
	since = bench_router(&a)->since;
	bench_clear();

	B.conf.n_routers = 2;
	bench_conf();
	ck_assert_int_eq(bench_state(&b), PEER_JOINED);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	ck_assert_int_eq(bench_router(&a)->since.ns, since.ns);

	B.conf.routers[0] = b.address; /* now without the first */
	B.conf.n_routers = 1;
	bench_clear();
	bench_conf();
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert(wccp_has(&B.got, WCCP_C_COMMAND));
	ck_assert_uint_eq(a.view.n_caches, 0);
	ck_assert_uint_eq(bench_look()->n_routers, 1);
	ck_assert_int_eq(bench_state(&b), PEER_JOINED);
	bench_run(4 * T);
	ck_assert_int_eq(bench_state(&b), PEER_ASSIGNED);
	bench_last(WCCP_HERE_I_AM, &b);
	ck_assert_uint_eq(B.got.cache_view.n_routers, 1);
}

TEST(removed_and_back_before_the_answer)
{
	open_one();
	announce();
	a.answers = false;
	B.conf.n_routers = 0;
	bench_conf();
	ck_assert_int_eq(bench_state(&a), PEER_DRAINING);
	a.answers = true;
	B.conf.n_routers = 1;
	bench_conf();
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	bench_health(false, 0);
	ck_assert_int_eq(bench_state(&a), PEER_WITHDRAWN); /* and not forgotten */
}

TEST(router_being_left_is_in_no_view_of_others)
{
	open_two();
	announce();
	a.answers = false;
	B.conf.routers[0] = b.address;
	B.conf.n_routers = 1;
	bench_conf();
	ck_assert_int_eq(bench_state(&a), PEER_DRAINING);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(B.got.cache_view.n_routers, 2);
	ck_assert_uint_eq(listed_id(&a), a.receive_id);
	bench_health(true, 7);
	bench_last(WCCP_HERE_I_AM, &b);
	ck_assert_uint_eq(B.got.cache_view.n_routers, 1);
	ck_assert_uint_eq(listed_id(&b), b.receive_id - 1);
}

TEST(reload_of_preferences_and_password)
{
	open_one();
	offer(&a, WCCP_METHOD_GRE | WCCP_METHOD_L2, WCCP_METHOD_GRE, WCCP_ASSIGN_HASH);
	announce();
	B.conf.forward = (struct cache_preference){ 1, { WCCP_METHOD_L2 } };
	bench_conf();
	ck_assert_uint_eq(bench_router(&a)->forward, WCCP_METHOD_L2);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(B.got.capabilities.forward, WCCP_METHOD_L2);
	B.conf.ret = (struct cache_preference){ 1, { WCCP_METHOD_L2 } };
	bench_conf();
	ck_assert_int_eq(bench_state(&a), PEER_MISMATCH);
	B.conf.ret = (struct cache_preference){ 1, { WCCP_METHOD_GRE } };
	bench_conf();
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	ck_assert_int_eq(codec_password("new", &B.conf.password, NULL), 0);
	a.password = B.conf.password;
	bench_conf();
	bench_run(T);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	ck_assert_uint_eq(counters().refused[CODEC_AUTH_FAILED], 0);
}

TEST(reload_without_a_change_says_nothing)
{
	open_one();
	announce();
	bench_clear();
	for (int i = 0; i < 100; i++)
		bench_conf();
	ck_assert_uint_eq(B.n_sent, 0);
	ck_assert_uint_eq(B.n_changed, 0);
}

TEST(many_reloads_do_not_grow_the_list)
{
	open_one();
	a.answers = false;
	bench_health(true, 1);
	for (uint32_t i = 0; i < 500; i++) {
		for (uint32_t k = 0; k < WCCP_MAX_ROUTERS; k++)
			B.conf.routers[k] = addr_v4(0xac100000 + i * 100 + k);
		B.conf.n_routers = WCCP_MAX_ROUTERS;
		bench_clear();
		bench_conf();
		/* Heard once, so that each must be said goodbye. */
		for (uint32_t k = 0; k < WCCP_MAX_ROUTERS; k++) {
			struct rtr r = rtr_make(addr_to_v4(&B.conf.routers[k]));

			rtr_see(&r, 0);
		}
	}
	ck_assert_uint_eq(bench_look()->n_routers, WCCP_MAX_ROUTERS);
	ck_assert_uint_eq(addr_to_v4(&B.status.routers[31].address),
			  0xac100000 + 499 * 100 + 31);
}
