/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router side: groups of IPv6 web-caches (2.01 section 4.7), and that a group is of
 * one address family.
 */
#include "router_bench.h"
#include "suite.h"

static struct addr address(const char *text)
{
	struct addr a;

	ck_assert_int_eq(addr_parse(text, &a), 0);
	return a;
}

static void use_ipv6(void)
{
	bench.id = address("2001:db8::fe");
	bench.to = address("2001:db8::ff");
}

static void use_ipv4(void)
{
	bench.id = ROUTER_ID;
	bench.to = addr_v4(0x0a0001fe);
}

static void start(uint8_t max_minor)
{
	struct router_conf conf = bench_conf();

	conf.id6 = address("2001:db8::fe");
	conf.max_minor = max_minor;
	conf.echo_assignment = true;
	bench_start(&conf, 5000);
}

static void setup(void)
{
	start(1);
}

CASE(ipv6, .setup = setup, .teardown = bench_stop)

TEST(whole_life_of_a_member)
{
	struct fake a = bench_cache6(1), b = bench_cache6(2);
	struct fake both[2];

	use_ipv6();
	bench_join(&a);
	bench_join(&b);
	ck_assert_uint_eq(bench.seen.minor, 1);
	ck_assert_uint_eq(bench.seen.table_family, 2);
	ck_assert(addr_equal(&bench.seen.router_identity.self.id, &bench.id));
	ck_assert(addr_equal(&bench.seen.router_identity.sent_to, &bench.to));
	ck_assert_ptr_nonnull(bench_in_view(&a));
	ck_assert_ptr_nonnull(bench_in_view(&b));
	ck_assert_uint_eq(bench_status()->family, ADDR_V6);
	ck_assert(addr_equal(&bench_status()->routers[0], &bench.id));

	bench_greet(&a);
	both[0] = a;
	both[1] = b;
	bench_assign(&a, 1, both, 2);
	bench_deliver(&a.source);
	ck_assert_uint_eq(bench_counters()->assignments, 1);
	bench_greet(&b);
	ck_assert(addr_equal(&bench.seen.router_view.key.cache, &a.addr));
	ck_assert(wccp_has(&bench.seen, WCCP_C_ALT_ASSIGN_MAP));
	ck_assert(addr_equal(&bench.seen.map.hash.caches[1], &b.addr));

	bench_shutdown(&b);
	bench_deliver(&b.source);
	ck_assert_ptr_nonnull(bench_answer(&b));
	ck_assert_uint_eq(bench.seen.n_commands, 1);
	ck_assert(addr_equal(&bench.seen.commands[0].cache, &b.addr));

	bench_advance(25000);
	ck_assert_ptr_nonnull(bench_sent_to(&a.source));
	ck_assert_int_eq(bench.seen.type, WCCP_REMOVAL_QUERY);
	ck_assert(addr_equal(&bench.seen.query.router.id, &bench.id));
	ck_assert(addr_equal(&bench.seen.query.target, &a.addr));
	bench_advance(5000);
	ck_assert_uint_eq(bench_status()->n_caches, 0);
}

TEST(first_member_decides_the_family)
{
	struct fake four = bench_cache(1), six = bench_cache6(1);

	/* Before there is a member both are answered, each with its router id. */
	ck_assert_ptr_nonnull(bench_greet(&four));
	use_ipv6();
	ck_assert_ptr_nonnull(bench_greet(&six));
	ck_assert(addr_equal(&bench.seen.router_identity.self.id, &bench.id));
	ck_assert_ptr_nonnull(bench_greet(&six));
	ck_assert(bench_usable(&six));
	/* From now on it is a group of IPv6. */
	use_ipv4();
	ck_assert_ptr_null(bench_greet(&four));
	ck_assert(!bench_usable(&four));
	ck_assert_uint_eq(bench_counters()->bad_family, 1);
	ck_assert_ptr_nonnull(bench_note("bad-family"));
	/* Until nobody is left. */
	use_ipv6();
	bench_shutdown(&six);
	bench_deliver(&six.source);
	ck_assert_uint_eq(bench_status()->family, ADDR_NONE);
	use_ipv4();
	four.receive_id = 0;
	bench_join(&four);
	ck_assert_uint_eq(bench_status()->family, ADDR_V4);
	use_ipv6();
	six.receive_id = 0;
	ck_assert_ptr_null(bench_greet(&six));
	ck_assert_uint_eq(bench_counters()->bad_family, 2);
}

/* 2.0 has no address table: there is no way to answer. */
TEST(ipv6_needs_201)
{
	struct fake a = bench_cache6(1);

	use_ipv6();
	a.minor = 0;
	ck_assert_ptr_null(bench_greet(&a));
	ck_assert_uint_eq(bench_counters()->bad_family, 1);
	a.min_version = true; /* it can do more */
	ck_assert_ptr_nonnull(bench_greet(&a));
	ck_assert_uint_eq(bench.seen.minor, 1);
}

TEST(router_of_20_has_no_ipv6)
{
	struct fake a = bench_cache6(1);

	bench_stop();
	start(0);
	use_ipv6();
	ck_assert_ptr_null(bench_greet(&a));
	a.min_version = true;
	ck_assert_ptr_null(bench_greet(&a));
	ck_assert_uint_eq(bench_counters()->bad_family, 2);
}

TEST(without_a_router_id_of_ipv6)
{
	struct router_conf conf = bench_conf();
	struct fake a = bench_cache6(1);

	bench_stop();
	bench_start(&conf, 5000);
	use_ipv6();
	ck_assert_ptr_null(bench_greet(&a));
	ck_assert_uint_eq(bench_counters()->bad_family, 1);
}

/* The answer could not state both where it goes and whom it is for. */
TEST(address_and_source_are_of_one_family)
{
	struct fake a = bench_cache6(1);

	a.source = addr_v4(0x0a000001);
	use_ipv6();
	ck_assert_ptr_null(bench_greet(&a));
	ck_assert_uint_eq(bench_counters()->bad_family, 1);
}

/* The most that can be in a message still fits into it. */
TEST(full_group)
{
	struct fake f[WCCP_MAX_CACHES];

	use_ipv6();
	for (unsigned i = 0; i < WCCP_MAX_CACHES; i++) {
		f[i] = bench_cache6(i + 1);
		for (unsigned k = 0; k < WCCP_MAX_ROUTERS - 1; k++) {
			f[i].others[k] = address("2001:db8:1::");
			f[i].others[k].octets[15] = (uint8_t)(k + 1);
		}
		f[i].n_others = WCCP_MAX_ROUTERS - 1;
		bench_join(&f[i]);
	}
	bench_greet(&f[0]);
	bench_assign(&f[0], 1, f, WCCP_MAX_CACHES);
	bench_deliver(&f[0].source);
	ck_assert_uint_eq(bench_counters()->assignments, 1);
	ck_assert_ptr_nonnull(bench_greet(&f[31]));
	ck_assert_uint_eq(bench.seen.router_view.n_caches, WCCP_MAX_CACHES);
	ck_assert_uint_eq(bench.seen.router_view.n_routers, WCCP_MAX_ROUTERS);
	ck_assert(wccp_has(&bench.seen, WCCP_C_ALT_ASSIGN_MAP));
}
