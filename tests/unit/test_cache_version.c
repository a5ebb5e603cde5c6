/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The web-cache side of a group: which minor version is spoken with which router
 * (2.01 section 3.4), and groups of IPv6 addresses (section 4.7).
 */
#include "cache_bench.h"
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define R1 0x0a000001
#define R2 0x0a000002
#define CACHE2 0x0a000014
#define T 10000

static struct rtr a, b;

static void open_with(enum cache_version version, unsigned n, uint8_t max_a, uint8_t max_b)
{
	a = rtr_make(R1);
	b = rtr_make(R2);
	a.max_minor = max_a;
	b.max_minor = max_b;
	bench_open(n, (struct rtr *[]){ &a, &b });
	B.conf.version = version;
	bench_restart();
}

static unsigned minor_in(const struct sent *x)
{
	return x->octets[5];
}

static unsigned last_minor(enum wccp_type type, const struct rtr *to)
{
	return minor_in(bench_last(type, to));
}

/* -- one router ------------------------------------------------------------------------- */

CASE(version, .teardown = bench_close, .timeout = 30)

TEST(v20_is_all_that_is_said)
{
	open_with(CACHE_V20, 1, 1, 0);
	bench_health(true, 100);
	bench_run(3 * T);
	for (unsigned i = 0; i < B.n_sent; i++)
		ck_assert_uint_eq(minor_in(&B.sent[i]), 0);
	bench_nth(WCCP_HERE_I_AM, &a, 0);
	ck_assert(!B.got.cache_identity.min_version);
	ck_assert_uint_eq(bench_router(&a)->minor, 0);
	ck_assert_uint_eq(bench_notes("version", NULL), 0);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
}

TEST(v201_is_the_maximum)
{
	open_with(CACHE_V201, 1, 1, 0);
	bench_health(true, 100);
	ck_assert_uint_eq(minor_in(bench_nth(WCCP_HERE_I_AM, &a, 0)), 1);
	ck_assert(!B.got.cache_identity.min_version);
	ck_assert_uint_eq(bench_router(&a)->minor, 1);
	bench_run(2 * T);
	ck_assert_uint_eq(last_minor(WCCP_HERE_I_AM, &a), 1);
	ck_assert(!wccp_has(&B.got, WCCP_C_ADDRESS_TABLE)); /* IPv4 needs none */
	ck_assert_uint_eq(last_minor(WCCP_REDIRECT_ASSIGN, &a), 1);
	ck_assert(!wccp_has(&B.got, WCCP_C_ADDRESS_TABLE));
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
}

TEST(v201_router_answers_lower)
{
	open_with(CACHE_V201, 1, 0, 0);
	bench_health(true, 100);
	bench_run(3 * T);
	ck_assert_uint_eq(minor_in(bench_nth(WCCP_HERE_I_AM, &a, 0)), 1);
	for (unsigned i = 1; i < bench_count(WCCP_HERE_I_AM, &a); i++)
		ck_assert_uint_eq(minor_in(bench_nth(WCCP_HERE_I_AM, &a, i)), 0);
	ck_assert_uint_eq(last_minor(WCCP_REDIRECT_ASSIGN, &a), 0);
	ck_assert_uint_eq(bench_router(&a)->minor, 0);
	ck_assert_uint_eq(bench_notes("version", &a), 1);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
}

/* What the V bit is for: an old router that drops what is too new for it. */
TEST(negotiation_reaches_a_router_that_drops_newer_headers)
{
	open_with(CACHE_V201, 1, 0, 0);
	a.ignores_newer = true;
	bench_health(true, 100);
	bench_run(3 * T);
	ck_assert_int_eq(bench_state(&a), PEER_WAITING);
	B.conf.version = CACHE_NEGOTIATE;
	bench_clear();
	bench_conf();
	ck_assert_uint_eq(minor_in(bench_nth(WCCP_HERE_I_AM, &a, 0)), 0);
	ck_assert(B.got.cache_identity.min_version);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	ck_assert_uint_eq(bench_router(&a)->minor, 0);
}

TEST(negotiation_finds_the_highest)
{
	open_with(CACHE_NEGOTIATE, 1, 1, 0);
	bench_health(true, 100);
	ck_assert_uint_eq(minor_in(bench_nth(WCCP_HERE_I_AM, &a, 0)), 0);
	ck_assert(B.got.cache_identity.min_version);
	/* Answered: V clear and the highest of both, from then on. */
	bench_run(3 * T);
	for (unsigned i = 1; i < bench_count(WCCP_HERE_I_AM, &a); i++) {
		ck_assert_uint_eq(minor_in(bench_nth(WCCP_HERE_I_AM, &a, i)), 1);
		ck_assert(!B.got.cache_identity.min_version);
	}
	ck_assert_uint_eq(last_minor(WCCP_REDIRECT_ASSIGN, &a), 1);
	ck_assert_uint_eq(bench_router(&a)->minor, 1);
	ck_assert_str_eq(bench_note_text("version"),
			 "router 10.0.0.1 answers in WCCP 2.01: speaking 2.01 with it");
}

TEST(router_of_the_future_is_met_with_what_we_know)
{
	open_with(CACHE_NEGOTIATE, 1, 7, 0);
	bench_health(true, 100);
	bench_run(2 * T);
	ck_assert_uint_eq(last_minor(WCCP_HERE_I_AM, &a), 1);
	ck_assert_uint_eq(bench_router(&a)->minor, 1);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
}

/* The version is that of the last message, not of the best one. */
TEST(router_that_steps_back_is_followed)
{
	open_with(CACHE_NEGOTIATE, 1, 1, 0);
	bench_health(true, 100);
	bench_run(2 * T);
	bench_clear();
	a.max_minor = 0;
	bench_run(T);
	ck_assert_uint_eq(bench_router(&a)->minor, 0);
	ck_assert_uint_eq(bench_notes("version", &a), 1);
	bench_run(T);
	ck_assert_uint_eq(last_minor(WCCP_HERE_I_AM, &a), 0);
	ck_assert(!B.got.cache_identity.min_version);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
}

TEST(lost_router_is_asked_anew)
{
	open_with(CACHE_NEGOTIATE, 1, 0, 0);
	bench_health(true, 100);
	bench_run(2 * T);
	a.answers = false;
	bench_run(4 * T);
	ck_assert_int_eq(bench_state(&a), PEER_LOST);
	bench_run(T);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert(B.got.cache_identity.min_version);
	a.max_minor = 1; /* a better box came in its place */
	a.answers = true;
	bench_run(T);
	ck_assert_uint_eq(bench_router(&a)->minor, 1);
	ck_assert_uint_eq(last_minor(WCCP_HERE_I_AM, &a), 1);
}

/* An I_SEE_YOU that is not for us must not tell us what its sender understands. */
TEST(version_of_a_message_for_others_does_not_count)
{
	struct addr self;
	uint8_t octets[4096];
	size_t len;

	open_with(CACHE_NEGOTIATE, 1, 1, 0);
	bench_health(true, 100);
	self = B.conf.self;
	B.conf.self = addr_v4(CACHE2); /* whom the bench's routers answer */
	a.minor = 0;
	len = rtr_encode(&a, 0, octets, sizeof(octets));
	B.conf.self = self;
	bench_rx(&a.address, octets, len);
	ck_assert_uint_eq(bench_look()->counters.not_for_us, 1);
	ck_assert_uint_eq(bench_router(&a)->minor, 1);
}

TEST(reload_changes_the_version)
{
	open_with(CACHE_V20, 1, 1, 0);
	bench_health(true, 100);
	bench_run(2 * T);
	B.conf.version = CACHE_NEGOTIATE;
	bench_conf();
	ck_assert_uint_eq(bench_router(&a)->minor, 1);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	bench_run(T);
	ck_assert_uint_eq(last_minor(WCCP_HERE_I_AM, &a), 1);
	B.conf.version = CACHE_V20;
	bench_conf();
	ck_assert_uint_eq(last_minor(WCCP_HERE_I_AM, &a), 0);
	ck_assert_uint_eq(bench_router(&a)->minor, 0);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
}

/* The flag is 2.01's; a router that does not know it would redirect every protocol. */
TEST(protocol_0_alone_needs_201)
{
	a = rtr_make(R1);
	a.max_minor = 1;
	a.service = (struct wccp_service){ .type = WCCP_SERVICE_DYNAMIC,
					   .id = 70,
					   .flags = WCCP_F_ONLY_PROTOCOL_0 |
						    WCCP_F_SRC_IP_HASH };
	bench_open(1, (struct rtr *[]){ &a });
	B.conf.version = CACHE_V20;
	bench_restart();
	bench_health(true, 100);
	bench_run(T);
	ck_assert_int_eq(bench_state(&a), PEER_MISMATCH);
	ck_assert_str_eq(bench_router(&a)->reason,
			 "redirect-only-protocol-0 needs WCCP 2.01");
	ck_assert_uint_eq(B.n_sent, 0);
	B.conf.version = CACHE_NEGOTIATE;
	bench_conf();
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	for (unsigned i = 0; i < bench_count(WCCP_HERE_I_AM, &a); i++) {
		bench_nth(WCCP_HERE_I_AM, &a, i);
		ck_assert_uint_eq(B.got.minor, 1);
		ck_assert_uint_eq(B.got.service.flags, a.service.flags);
	}
	a.max_minor = 0;
	bench_run(T);
	ck_assert_int_eq(bench_state(&a), PEER_MISMATCH);
}

/* -- routers of different versions ------------------------------------------------------------ */

TEST(each_router_is_spoken_to_in_its_version)
{
	open_with(CACHE_NEGOTIATE, 2, 1, 0);
	bench_health(true, 100);
	bench_run(3 * T);
	ck_assert_uint_eq(bench_router(&a)->minor, 1);
	ck_assert_uint_eq(bench_router(&b)->minor, 0);
	ck_assert_uint_eq(last_minor(WCCP_HERE_I_AM, &a), 1);
	ck_assert_uint_eq(last_minor(WCCP_HERE_I_AM, &b), 0);
	/* The same assignment, built for each. */
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, NULL), 2);
	ck_assert_uint_eq(last_minor(WCCP_REDIRECT_ASSIGN, &a), 1);
	ck_assert_uint_eq(B.got.assignment.n_routers, 2);
	ck_assert_uint_eq(last_minor(WCCP_REDIRECT_ASSIGN, &b), 0);
	ck_assert_uint_eq(B.got.assignment.n_routers, 2);
	ck_assert_uint_eq(rtr_count(&a, SELF), 256);
	ck_assert_uint_eq(rtr_count(&b, SELF), 256);
	ck_assert_uint_eq(bench_look()->counters.assignments_sent, 1);
}

/* -- IPv6 --------------------------------------------------------------------------------------- */

static struct addr v6(const char *text)
{
	struct addr x;

	ck_assert_int_eq(addr_parse(text, &x), 0);
	return x;
}

static void open_v6(enum cache_version version, uint8_t max_minor)
{
	struct addr r1 = v6("2001:db8::1"), r2 = v6("2001:db8::2");

	a = rtr_make_at(&r1);
	b = rtr_make_at(&r2);
	a.id = v6("2001:db8:ffff::1");
	a.max_minor = b.max_minor = max_minor;
	bench_open(2, (struct rtr *[]){ &a, &b });
	B.conf.version = version;
	B.conf.self = v6("2001:db8::10");
	bench_restart();
}

static unsigned v6_count(const struct rtr *r, const char *cache)
{
	struct addr x = v6(cache);
	unsigned n = 0;

	for (unsigned i = 0; i < r->view.n_caches; i++)
		for (unsigned k = 0; k < WCCP_BUCKETS; k++)
			n += addr_equal(&r->view.caches[i].addr, &x) &&
			     wccp_vector_has(&r->view.caches[i].buckets, k);
	return n;
}

static void v6_add(struct rtr *r, const char *cache, uint16_t weight)
{
	r->view.change_number++;
	r->view.caches[r->view.n_caches++] = (struct wccp_cache_id){
		.addr = v6(cache),
		.kind = WCCP_DATA_HASH,
		.unassigned = true,
		.weight = weight,
	};
}

TEST(ipv6_group_in_full)
{
	struct addr id = v6("2001:db8:ffff::1");

	open_v6(CACHE_V201, 1);
	v6_add(&a, "2001:db8::9:1", 100); /* above us: ::9:1 > ::10 */
	v6_add(&b, "2001:db8::9:1", 100);
	bench_health(true, 100);
	bench_nth(WCCP_HERE_I_AM, &a, 0);
	ck_assert_uint_eq(B.got.minor, 1);
	ck_assert_uint_eq(B.got.table_family, 2);
	ck_assert(addr_equal(&B.got.cache_identity.addr, &B.conf.self));
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	ck_assert(addr_equal(&bench_router(&a)->id, &id));
	bench_run(2 * T);
	ck_assert(bench_look()->designated);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	ck_assert_int_eq(bench_state(&b), PEER_ASSIGNED);
	ck_assert_uint_eq(v6_count(&a, "2001:db8::10"), 128);
	ck_assert_uint_eq(v6_count(&b, "2001:db8::9:1"), 128);
	bench_last(WCCP_REDIRECT_ASSIGN, &a);
	ck_assert_uint_eq(B.got.table_family, 2);
	ck_assert(addr_equal(&B.got.assignment.key.cache, &B.conf.self));
	bench_health(false, 0);
	ck_assert_int_eq(bench_state(&a), PEER_WITHDRAWN);
	ck_assert_int_eq(bench_state(&b), PEER_WITHDRAWN);
}

TEST(ipv6_negotiates_from_201_on)
{
	open_v6(CACHE_NEGOTIATE, 1);
	bench_health(true, 100);
	bench_nth(WCCP_HERE_I_AM, &a, 0);
	ck_assert_uint_eq(B.got.minor, 1); /* the lowest that can carry it */
	ck_assert(B.got.cache_identity.min_version);
	bench_run(2 * T);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
}

TEST(ipv6_is_refused_in_20)
{
	open_v6(CACHE_V20, 1);
	bench_health(true, 100);
	bench_run(10 * T);
	ck_assert_int_eq(bench_state(&a), PEER_MISMATCH);
	ck_assert_str_eq(bench_router(&a)->reason, "IPv6 needs WCCP 2.01");
	ck_assert_uint_eq(bench_notes("mismatch", &a), 1);
	ck_assert_uint_eq(B.n_sent, 0); /* nothing that it could say is legal */
	B.conf.version = CACHE_V201;
	bench_conf();
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
}

TEST(ipv6_at_a_router_of_20)
{
	open_v6(CACHE_V201, 1);
	a.max_minor = 0;
	a.answers = false;
	bench_health(true, 100);
	bench_run(2 * T);
	ck_assert_int_eq(bench_state(&a), PEER_WAITING);
	/* Over IPv6, but its message can only have IPv4 addresses in it. */
	a.id = addr_v4(R1);
	for (unsigned i = 0; i < 3; i++) {
		struct rtr old = a;
		struct addr self = B.conf.self;
		uint8_t octets[4096];
		size_t len;

		old.address = addr_v4(R1);
		B.conf.self = addr_v4(SELF);
		len = rtr_encode(&old, 0, octets, sizeof(octets));
		B.conf.self = self;
		bench_rx(&a.address, octets, len);
	}
	ck_assert_int_eq(bench_state(&a), PEER_MISMATCH);
	ck_assert_str_eq(bench_router(&a)->reason, "IPv6 needs WCCP 2.01");
	ck_assert_uint_eq(bench_notes("mismatch", &a), 1);
	bench_clear();
	bench_run(T); /* it is asked on, in what it would have to speak */
	ck_assert_uint_eq(last_minor(WCCP_HERE_I_AM, &a), 1);
	ck_assert_uint_eq(B.got.cache_view.n_routers, 1);
	ck_assert_int_eq(bench_state(&b), PEER_ASSIGNED);
	/* One that was updated is joined. */
	a.id = a.address;
	a.max_minor = 1;
	a.answers = true;
	bench_run(2 * T);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
}

TEST(router_of_the_other_family)
{
	struct addr r2 = v6("2001:db8::2");

	a = rtr_make(R1);
	b = rtr_make_at(&r2);
	bench_open(2, (struct rtr *[]){ &a, &b });
	bench_health(true, 100);
	bench_run(2 * T);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	ck_assert_int_eq(bench_state(&b), PEER_MISMATCH);
	ck_assert_str_eq(bench_router(&b)->reason,
			 "its address is not of our address family");
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &b), 0);
}

TEST(ipv6_full_house_fits_a_datagram)
{
	struct addr r[RTRS_MAX];
	static struct rtr routers[RTRS_MAX];
	struct rtr *list[RTRS_MAX];

	for (unsigned i = 0; i < RTRS_MAX; i++) {
		char text[32];

		snprintf(text, sizeof(text), "2001:db8::1:%x", i + 1);
		r[i] = v6(text);
		routers[i] = rtr_make_at(&r[i]);
		routers[i].max_minor = 1;
		list[i] = &routers[i];
	}
	bench_open(RTRS_MAX, list);
	B.conf.version = CACHE_V201;
	B.conf.self = v6("2001:db8::10");
	bench_restart();
	for (unsigned i = 1; i < WCCP_MAX_CACHES; i++) {
		char text[32];

		snprintf(text, sizeof(text), "2001:db8::2:%x", i);
		for (unsigned k = 0; k < RTRS_MAX; k++)
			v6_add(&routers[k], text, 100);
	}
	bench_health(true, 100);
	bench_run(2 * T);
	ck_assert_uint_eq(bench_notes("encode", NULL), 0);
	for (unsigned k = 0; k < RTRS_MAX; k++) {
		ck_assert_int_eq(bench_state(&routers[k]), PEER_ASSIGNED);
		ck_assert_uint_eq(v6_count(&routers[k], "2001:db8::10"), 8);
	}
}
