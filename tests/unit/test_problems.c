/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What counts as a problem, and what is said of it. */
#include "wccpd/tell/problems.h"
#include "suite.h"

#include <string.h>

static const struct mono NOW = { 100 * 1000000000LL };

static struct mono ago(int64_t ms)
{
	return mono_add_ms(NOW, -ms);
}

/* The only problem, or NULL; the list is dropped by the next call. */
static const json_t *only(json_t *list)
{
	static json_t *last;

	json_decref(last);
	last = list;
	ck_assert_uint_le(json_array_size(list), 1);
	return json_array_get(list, 0);
}

static void expect(json_t *list, const char *about, int since_s, const char *text)
{
	const json_t *p = only(list);

	ck_assert_ptr_nonnull(p);
	ck_assert_str_eq(json_string_value(json_object_get(p, "text")), text);
	ck_assert_int_eq(json_integer_value(json_object_get(p, "since_s")), since_s);
	if (about)
		ck_assert_str_eq(json_string_value(json_object_get(p, "about")), about);
}

/* -- delivery -------------------------------------------------------------------------- */

static json_t *of_delivery(enum delivery_state state)
{
	struct delivery d = { .state = state, .since = ago(7000), .reason = "a filter" };
	json_t *list = json_array();

	problems_add_delivery(list, "web", &d, NOW);
	return list;
}

TEST(delivery)
{
	ck_assert_ptr_null(only(of_delivery(DELIVERY_GOOD)));
	ck_assert_ptr_null(only(of_delivery(DELIVERY_DOUBTFUL)));
	expect(of_delivery(DELIVERY_UNPROVEN), NULL, 7, "not announced: a filter");
	expect(of_delivery(DELIVERY_FAILING), NULL, 7,
	       "delivery fails, new connections are given back: a filter");
	expect(of_delivery(DELIVERY_WITHDRAWN), NULL, 7,
	       "delivery fails, withdrawn: a filter");
}

/* -- routers --------------------------------------------------------------------------- */

static json_t *of_router(enum peer_state state, unsigned outstanding, int64_t lasted_ms)
{
	static struct cache_status st;
	json_t *list = json_array();

	st.n_routers = 1;
	st.routers[0] = (struct cache_router_status){
		.address = addr_v4(0x0a000001),
		.state = state,
		.outstanding = outstanding,
		.since = ago(lasted_ms),
		.transmit_t_ms = 10000,
		.reason = "why",
	};
	problems_add_routers(list, "web", &st, NOW);
	return list;
}

TEST(routers_that_do_their_work)
{
	static const enum peer_state fine[] = { PEER_IDLE, PEER_ASSIGNED, PEER_DRAINING,
						PEER_WITHDRAWN };

	for (unsigned i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		ck_assert_ptr_null(only(of_router(fine[i], 9, 90000)));
	/* For a while each of these is in the course of things. */
	ck_assert_ptr_null(only(of_router(PEER_WAITING, 3, 30000)));
	ck_assert_ptr_null(only(of_router(PEER_NEGOTIATING, 0, 40000)));
	ck_assert_ptr_null(only(of_router(PEER_JOINED, 0, 60000)));
}

TEST(routers_that_do_not)
{
	expect(of_router(PEER_WAITING, 4, 40000), "10.0.0.1", 40,
	       "waiting for first answer: why");
	expect(of_router(PEER_NEGOTIATING, 0, 41000), "10.0.0.1", 41, "negotiating: why");
	expect(of_router(PEER_JOINED, 0, 61000), "10.0.0.1", 61, "joined: why");
	expect(of_router(PEER_LOST, 0, 0), "10.0.0.1", 0, "lost: why");
	expect(of_router(PEER_MISMATCH, 0, 0), "10.0.0.1", 0, "capability mismatch: why");
	expect(of_router(PEER_AUTH_FAILED, 0, 0), "10.0.0.1", 0,
	       "authentication failed: why");
}

/* -- pools ----------------------------------------------------------------------------- */

static json_t *of_pool(enum health_state state, unsigned min)
{
	static struct conf_instance conf = { .name = "s1", .port = 3129, .weight = 1 };
	static struct conf_pool pool_conf = { .name = "web" };
	static struct instance in[2];
	struct pool p = { .conf = &pool_conf, .n_instances = 2, .instances = { in, in + 1 } };
	json_t *list = json_array();

	pool_conf.min_instances = min;
	for (unsigned i = 0; i < 2; i++)
		in[i] = (struct instance){ .conf = &conf, .pool = &pool_conf,
					   .health.state = HEALTH_UP };
	in[0].health.state = state;
	in[0].health.since = ago(5000);
	in[0].health.reason = "checks failed";
	in[0].failure = "no answer";
	problems_add_pool(list, &p, NOW);
	return list;
}

TEST(instances)
{
	ck_assert_ptr_null(only(of_pool(HEALTH_UP, 1)));
	expect(of_pool(HEALTH_DOWN, 1), "web/s1", 5,
	       "down, port 3129: checks failed; last check: no answer");
	/* The check of before says nothing of one that is not there. */
	expect(of_pool(HEALTH_ABSENT, 1), "web/s1", 5, "absent, port 3129: checks failed");
}

TEST(a_pool_with_too_few)
{
	json_t *list = of_pool(HEALTH_DOWN, 2);

	ck_assert_uint_eq(json_array_size(list), 2);
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(list, 0), "text")),
			 "down: 1 of 2 instances count, 2 needed");
	json_decref(list);
}
