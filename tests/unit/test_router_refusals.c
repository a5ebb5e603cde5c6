/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router side: who and what is refused.
 */
#include "router_bench.h"
#include "suite.h"

#include <string.h>

static void setup(void)
{
	struct router_conf conf = bench_conf();

	bench_start(&conf, 5000);
}

CASE(refusals, .setup = setup, .teardown = bench_stop)

TEST(garbage_is_counted_by_reason)
{
	struct fake a = bench_cache(1);
	uint8_t octets[64] = { 0, 0, 0, 10, 2, 0, 0, 200 };

	bench_octets(&a.source, octets, sizeof(octets));
	ck_assert_uint_eq(bench_counters()->refused[CODEC_TRUNCATED], 1);
	octets[4] = 1;
	bench_octets(&a.source, octets, sizeof(octets));
	ck_assert_uint_eq(bench_counters()->refused[CODEC_BAD_VERSION], 1);
	bench_octets(&a.source, octets, 0);
	ck_assert_uint_eq(bench_counters()->refused[CODEC_TRUNCATED], 2);
	ck_assert_uint_eq(bench_sends(), 0);
	ck_assert_ptr_nonnull(bench_note("truncated"));
	ck_assert(bench.out.list[0].rate_limited);
}

TEST(messages_for_caches_are_ignored)
{
	struct fake a = bench_cache(1);

	bench_join(&a);
	bench.msg = bench.seen; /* our own I_SEE_YOU comes back */
	bench_deliver(&a.source);
	ck_assert_uint_eq(bench.out.n, 0);
	ck_assert_uint_eq(bench_counters()->rx[WCCP_I_SEE_YOU - WCCP_HERE_I_AM], 1);
}

TEST(another_service_is_not_ours)
{
	struct fake a = bench_cache(1);

	bench_hello(&a);
	bench.msg.service.type = WCCP_SERVICE_DYNAMIC; /* same id, other type */
	bench_deliver(&a.source);
	ck_assert_uint_eq(bench_sends(), 0);
	ck_assert_uint_eq(bench_counters()->bad_service, 1);
	bench_hello(&a);
	bench.msg.service.id = 1; /* same type, other id */
	bench_deliver(&a.source);
	ck_assert_uint_eq(bench_sends(), 0);
	ck_assert_uint_eq(bench_counters()->bad_service, 2);
}

TEST(password_is_needed_first)
{
	struct router_conf conf = bench_conf();
	struct fake a = bench_cache(1);
	struct err err;

	bench_stop();
	ck_assert_int_eq(codec_password("12345678", &conf.password, &err), 0);
	bench_start(&conf, 5000);
	bench_join(&a);

	bench.conf.password.set = false;
	bench_hello(&a);
	bench_deliver(&a.source);
	ck_assert_uint_eq(bench_counters()->refused[CODEC_AUTH_MISSING], 1);
	ck_assert_ptr_nonnull(bench_note("auth-missing"));
	ck_assert_int_eq(codec_password("1234567", &bench.conf.password, &err), 0);
	bench_shutdown(&a);
	bench_deliver(&a.source);
	ck_assert_uint_eq(bench_counters()->refused[CODEC_AUTH_FAILED], 1);
	ck_assert_uint_eq(bench_sends(), 0);
	ck_assert(bench_usable(&a));
}

TEST(only_listed_caches_are_answered)
{
	struct router_conf conf = bench_conf();
	struct fake a = bench_cache(1), b = bench_cache(2);

	bench_stop();
	conf.n_allowed = 1;
	conf.allowed[0] = addr_prefix_of(&a.addr);
	bench_start(&conf, 5000);
	bench_join(&a);
	ck_assert_ptr_null(bench_greet(&b));
	ck_assert_uint_eq(bench_counters()->not_allowed, 1);
	b.addr = a.addr; /* says that it is the one that may */
	ck_assert_ptr_null(bench_greet(&b));
	ck_assert_uint_eq(bench_counters()->not_allowed, 2);
	ck_assert_uint_eq(bench_status()->n_caches, 1);
}

/* While it runs: a member that is not listed any more is as good as silent. */
TEST(another_list)
{
	struct fake a = bench_cache(1), b = bench_cache(2);

	bench_join(&a);
	router_allow(bench.r, (struct addr_prefix[]){ addr_prefix_of(&b.addr) }, 1);
	ck_assert(bench_usable(&a));
	ck_assert_ptr_null(bench_greet(&a));
	ck_assert_uint_eq(bench_counters()->not_allowed, 1);
	bench_join(&b);
	router_allow(bench.r, NULL, 0);
	ck_assert_ptr_nonnull(bench_greet(&a));
	ck_assert(bench_usable(&a));
}

TEST(no_address_is_no_identity)
{
	struct fake a = bench_cache(1);

	a.addr = (struct addr){ .family = ADDR_NONE };
	ck_assert_ptr_null(bench_greet(&a));
	ck_assert_uint_eq(bench_counters()->bad_family, 1);
	ck_assert_ptr_nonnull(strstr(bench_note("bad-family"), "it states no address"));
	ck_assert_uint_eq(bench_status()->n_caches, 0);
}

TEST(members_address_from_another_source)
{
	struct fake a = bench_cache(1), thief = bench_cache(1);

	bench_join(&a);
	thief.source = addr_v4(0x0a000909);
	thief.receive_id = a.receive_id;
	ck_assert_ptr_null(bench_greet(&thief));
	ck_assert_uint_eq(bench_counters()->wrong_source, 1);
	bench_shutdown(&thief);
	bench_deliver(&thief.source);
	ck_assert_uint_eq(bench_counters()->wrong_source, 2);
	ck_assert(bench_usable(&a));
	bench_greet(&a);
	ck_assert_uint_eq(bench_counters()->bad_receive_id, 0);
}

TEST(id_sent_to_one_source_is_none_for_another)
{
	struct fake a = bench_cache(1);
	struct addr other = addr_v4(0x0a000909);

	router_allow(bench.r,
		     (struct addr_prefix[]){ addr_prefix_of(&a.addr),
					     addr_prefix_of(&other) },
		     2);
	a.source = addr_v4(0x0a000909);
	bench_greet(&a);
	a.source = a.addr;
	bench_greet(&a);
	ck_assert(!bench_usable(&a));
	/* One that speaks for itself is spoken for by nobody else. */
	a.source = addr_v4(0x0a000909);
	bench_greet(&a);
	ck_assert_uint_eq(bench_counters()->wrong_source, 1);
	a.source = a.addr;
	bench_greet(&a);
	ck_assert(bench_usable(&a));
}

/* A prefix says who may join, not who may speak for whom. */
TEST(prefixes_in_the_list)
{
	struct fake a = bench_cache(1), thief = bench_cache(2), b = bench_cache(3);
	struct addr_prefix list[2] = { { a.addr, 30 }, addr_prefix_of(&b.addr) };

	list[0].addr.octets[3] &= 0xfc;
	router_allow(bench.r, list, 2);
	bench_join(&a);
	thief.addr = a.addr;
	ck_assert_ptr_null(bench_greet(&thief));
	ck_assert_uint_eq(bench_counters()->bad_address +
				  bench_counters()->wrong_source,
			  1);
	thief.addr = thief.source;
	bench_join(&thief);
	b.source = addr_v4(addr_to_v4(&list[0].addr) + 4); /* just beside it */
	ck_assert_ptr_null(bench_greet(&b));
	ck_assert_uint_eq(bench_counters()->not_allowed, 1);
}

/* Whoever may join could take the place, and the packets, of another. */
TEST(without_a_list_the_address_is_that_of_the_source)
{
	struct fake a = bench_cache(1), owner = bench_cache(2);

	a.addr = owner.addr;
	ck_assert_ptr_null(bench_greet(&a));
	ck_assert_uint_eq(bench_counters()->bad_address, 1);
	ck_assert_ptr_nonnull(bench_note("bad-address"));
	ck_assert(bench.out.list[0].rate_limited);
	bench_join(&owner);
	ck_assert(bench_usable(&owner));
}

TEST(no_host_has_such_an_address)
{
	static const uint32_t addresses[] = {
		0xe0000101, 0xefffffff, 0xffffffff, 0x7f000001, 0x00000001,
	};
	struct fake a = bench_cache(1);

	for (unsigned i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		a.addr = a.source = addr_v4(addresses[i]);
		ck_assert_ptr_null(bench_greet(&a));
		ck_assert_uint_eq(bench_counters()->bad_address, i + 1);
	}
	a.addr = a.source = bench.conf.id;
	ck_assert_ptr_null(bench_greet(&a));
	a.addr = a.source = bench.to;
	ck_assert_ptr_null(bench_greet(&a));
	ck_assert_uint_eq(bench_counters()->bad_address, 7);
	ck_assert_uint_eq(bench_status()->n_caches, 0);
}

TEST(group_of_32_is_full)
{
	struct fake last = bench_cache(100);

	for (unsigned i = 1; i <= WCCP_MAX_CACHES; i++) {
		struct fake f = bench_cache(i);

		bench_join(&f);
	}
	ck_assert_uint_eq(bench.seen.router_view.n_caches, WCCP_MAX_CACHES);
	ck_assert_ptr_null(bench_greet(&last));
	ck_assert_uint_eq(bench_counters()->full, 1);
	ck_assert_ptr_nonnull(bench_note("full"));
	ck_assert_uint_eq(bench_status()->n_caches, WCCP_MAX_CACHES);
}

/* Some devices take four web-caches. */
TEST(a_device_with_room_for_few)
{
	struct router_conf conf = bench_conf();
	struct fake first, f;

	bench_stop();
	conf.max_caches = 4;
	bench_start(&conf, 1000);
	first = bench_cache(1);
	bench_join(&first);
	for (unsigned n = 2; n <= 4; n++) {
		f = bench_cache(n);
		bench_join(&f);
	}
	ck_assert_uint_eq(bench_counters()->full, 0);
	f = bench_cache(5);
	bench_greet(&f);
	bench_greet(&f); /* the receive id is right */
	ck_assert(!bench_usable(&f));
	ck_assert_ptr_nonnull(bench_note("full"));
	ck_assert_uint_eq(bench_counters()->full, 1);
	/* Members stay, and a place that gets free can be taken. */
	bench_shutdown(&first);
	bench_deliver(&first.source);
	bench_greet(&f);
	ck_assert(bench_usable(&f));
}

/* Anybody can forge a source, to which the answer then goes: it is short, and there is
 * not one for each. */
TEST(strangers_are_answered_briefly)
{
	struct fake a, f = bench_cache(40);
	const struct wccp_msg *answer;

	for (unsigned n = 1; n <= 20; n++) {
		a = bench_cache(n);
		bench_join(&a);
	}
	answer = bench_greet(&f);
	ck_assert_ptr_nonnull(answer);
	ck_assert_uint_eq(answer->router_view.n_caches, 0);
	ck_assert_uint_eq(answer->router_view.n_routers, 0);
	ck_assert(!wccp_has(answer, WCCP_C_ASSIGNMENT));
	ck_assert(wccp_has(answer, WCCP_C_CAPABILITIES));
	answer = bench_greet(&f); /* it has the receive id, so it has been heard there */
	ck_assert_uint_eq(answer->router_view.n_caches, 21);
	/* A member is told all, even if it has forgotten the id. */
	f.receive_id = 0;
	answer = bench_greet(&f);
	ck_assert_uint_eq(answer->router_view.n_caches, 21);
}

TEST(strangers_are_answered_seldom)
{
	struct fake f = bench_cache(40), other = bench_cache(41);
	unsigned answered = 0;

	for (unsigned i = 0; i < 1000; i++) { /* in 10 s */
		bench_advance(10);
		f.receive_id = 0;
		answered += bench_greet(&f) != NULL;
	}
	ck_assert_uint_ge(answered, 8);
	ck_assert_uint_le(answered, 8 + 8);
	ck_assert_uint_eq(bench_counters()->unanswered, 1000 - answered);
	ck_assert_ptr_nonnull(bench_note("unanswered"));
	bench_join(&other);
}

TEST(inventions_do_not_fill_the_group)
{
	struct fake a = bench_cache(1), b = bench_cache(2);

	bench_join(&a);
	for (unsigned i = 0; i < 1000; i++) {
		struct fake f = bench_cache(1000 + i);

		bench_advance(1);
		ck_assert_ptr_nonnull(bench_greet(&f));
	}
	ck_assert_uint_eq(bench_status()->n_caches, WCCP_MAX_CACHES);
	bench_join(&b);
	ck_assert(bench_usable(&a));
}
