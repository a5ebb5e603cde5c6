/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router side: who gets in, what the answers say, how one leaves.
 */
#include "router_bench.h"
#include "suite.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static void setup(void)
{
	struct router_conf conf = bench_conf();

	bench_start(&conf, 5000);
}

static void setup_dynamic(void)
{
	struct router_conf conf = bench_conf();

	conf.service_type = WCCP_SERVICE_DYNAMIC;
	conf.service_id = 80;
	bench_start(&conf, 5000);
}

/* -- joining ---------------------------------------------------------------- */

CASE(joining, .setup = setup, .teardown = bench_stop)

TEST(usable_after_the_receive_id_came_back)
{
	struct fake a = bench_cache(1);
	const struct wccp_msg *m = bench_greet(&a);

	ck_assert_ptr_nonnull(m);
	ck_assert_uint_eq(m->type, WCCP_I_SEE_YOU);
	ck_assert_uint_ne(m->router_identity.self.receive_id, 0);
	ck_assert_uint_eq(m->router_view.n_caches, 0);
	ck_assert(!bench_usable(&a));
	ck_assert(!bench_changed());
	m = bench_greet(&a);
	ck_assert_ptr_nonnull(bench_in_view(&a));
	ck_assert(bench_usable(&a));
	ck_assert(bench_changed());
	ck_assert_str_eq(bench_note("service-found"),
			 "%WCCP-5-SERVICEFOUND: Service web-cache acquired on WCCP client 10.0.0.1");
	ck_assert_uint_eq(m->router_view.n_routers, 1);
	ck_assert_uint_eq(addr_to_v4(&m->router_view.routers[0]), ROUTER_V4);
	ck_assert_uint_eq(bench_counters()->bad_receive_id, 0);
}

TEST(answer_names_addresses_and_capabilities)
{
	struct fake a = bench_cache(1);
	const struct wccp_msg *m = bench_greet(&a);
	struct addr sent_to = addr_v4(0x0a0001fe);

	ck_assert_uint_eq(addr_to_v4(&m->router_identity.self.id), ROUTER_V4);
	ck_assert(addr_equal(&m->router_identity.sent_to, &sent_to));
	ck_assert_uint_eq(m->router_identity.n_from, 1);
	ck_assert(addr_equal(&m->router_identity.from[0], &a.addr));
	ck_assert(wccp_has(m, WCCP_C_CAPABILITIES));
	ck_assert_uint_eq(m->capabilities.forward, WCCP_METHOD_GRE | WCCP_METHOD_L2);
	ck_assert_uint_eq(m->capabilities.ret, WCCP_METHOD_GRE | WCCP_METHOD_L2);
	ck_assert_uint_eq(m->capabilities.assign, WCCP_ASSIGN_HASH);
	ck_assert(!(m->capabilities.present >> WCCP_CAP_TRANSMIT_T & 1));
	ck_assert(!wccp_has(m, WCCP_C_ASSIGNMENT));
	ck_assert(!wccp_has(m, WCCP_C_COMMAND));
	ck_assert_uint_eq(m->service.priority, 0); /* well-known: all zero */
	ck_assert_uint_eq(m->minor, 0);
}

TEST(answers_to_the_source_not_the_identity)
{
	struct fake a = bench_cache(1);

	a.source = addr_v4(0x0a000901);
	router_allow(bench.r,
		     (struct addr_prefix[]){ addr_prefix_of(&a.addr),
					     addr_prefix_of(&a.source) },
		     2);
	bench_join(&a);
	ck_assert(addr_equal(&bench.seen.router_identity.from[0], &a.addr));
}

TEST(wrong_receive_id_is_answered_and_discarded)
{
	struct fake a = bench_cache(1);
	uint32_t right;

	bench_greet(&a);
	right = a.receive_id;
	a.receive_id = right + 77;
	ck_assert_ptr_nonnull(bench_greet(&a));
	ck_assert_uint_eq(a.receive_id, right + 1);
	ck_assert(!bench_usable(&a));
	ck_assert_uint_eq(bench_counters()->bad_receive_id, 1);
	ck_assert_ptr_nonnull(bench_note("bad-receive-id"));
	/* The one before the last was sent to it, too, and counts once. */
	a.receive_id = right;
	bench_greet(&a);
	ck_assert(bench_usable(&a));
	ck_assert_uint_eq(bench_counters()->bad_receive_id, 1);
	a.receive_id = right;
	bench_greet(&a);
	ck_assert_uint_eq(bench_counters()->bad_receive_id, 2);
	bench_greet(&a);
	ck_assert_uint_eq(bench_counters()->bad_receive_id, 2);
}

TEST(receive_id_of_another_cache_does_not_count)
{
	struct fake a = bench_cache(1), b = bench_cache(2);

	bench_greet(&a);
	bench_greet(&b);
	ck_assert_uint_eq(b.receive_id, a.receive_id + 1);
	b.receive_id = a.receive_id;
	bench_greet(&b);
	ck_assert(!bench_usable(&b));
	bench_greet(&a);
	ck_assert(bench_usable(&a));
}

TEST(receive_id_wraps_past_zero)
{
	struct router_conf conf = bench_conf();
	struct fake a = bench_cache(1);

	bench_stop();
	bench_start(&conf, 0xffffffff);
	bench_greet(&a);
	ck_assert_uint_eq(a.receive_id, 0xffffffff);
	bench_greet(&a);
	ck_assert_uint_eq(a.receive_id, 1);
	ck_assert(bench_usable(&a));
	bench_stop();
	bench_start(&conf, 0x100000000);
	a = bench_cache(1);
	bench_greet(&a);
	ck_assert_uint_eq(a.receive_id, 1);
}

/* One router, two groups: messages of the one do not use up ids of the other. */
TEST(receive_ids_are_each_groups_own)
{
	struct router_conf conf = bench_conf();
	struct fake a = bench_cache(1), b = bench_cache(1);
	struct router *first = bench.r, *second;
	uint32_t id, change;

	bench_greet(&a);
	id = a.receive_id;
	change = a.change_number;
	conf.service_type = WCCP_SERVICE_DYNAMIC;
	conf.service_id = 80;
	second = router_new(&conf, bench.now);
	ck_assert_ptr_nonnull(second);
	bench.r = second;
	bench.conf = conf;
	for (unsigned i = 0; i < 5; i++)
		bench_greet(&b);
	ck_assert(bench_usable(&b));
	bench.r = first;
	bench.conf = bench_conf();
	bench_greet(&a);
	ck_assert(bench_usable(&a));
	ck_assert_uint_eq(a.receive_id, id + 1);
	ck_assert_uint_eq(a.change_number, change + 1);
	router_free(second);
}

TEST(next_life_begins_with_other_numbers)
{
	struct router_conf conf = bench_conf();
	struct fake a = bench_cache(1), old;

	bench_join(&a);
	for (unsigned i = 0; i < 50; i++)
		bench_greet(&a);
	old = a;
	bench_stop();
	bench_start(&conf, 6000); /* a second later */
	ck_assert_ptr_nonnull(bench_greet(&a));
	ck_assert(!bench_usable(&a));
	ck_assert_uint_gt(a.receive_id, old.receive_id);
	ck_assert_uint_gt(a.change_number, old.change_number);
}

/* 2.01 section 3.3: most of it is ignored. */
TEST(discarded_hello_changes_nothing)
{
	struct fake a = bench_cache(1), bad;
	uint32_t change;

	bench_join(&a);
	change = a.change_number;
	bad = a;
	bad.receive_id += 5;
	bad.weight = 7;
	bad.capabilities.present = 1u << WCCP_CAP_FORWARD;
	bad.capabilities.forward = WCCP_METHOD_L2;
	bad.n_others = 1;
	bad.others[0] = addr_v4(0x0a0000fd);
	ck_assert_ptr_nonnull(bench_greet(&bad));
	ck_assert_uint_eq(bad.receive_id, a.receive_id + 1);
	ck_assert(!bench_changed());
	ck_assert_uint_eq(bench_in_view(&a)->weight, 100);
	ck_assert_uint_eq(bench_status()->caches[0].forward, WCCP_METHOD_GRE);
	ck_assert_uint_eq(bench_status()->n_routers, 1);
	ck_assert_uint_eq(bench_status()->change_number, change);
}

TEST(squid_lists_unseen_routers_with_id_zero)
{
	struct fake a = bench_cache(1);

	bench_hello(&a);
	bench.msg.cache_view.n_routers = 2;
	bench.msg.cache_view.routers[0] = (struct wccp_router_id){ ROUTER_ID, 0 };
	bench.msg.cache_view.routers[1] =
		(struct wccp_router_id){ addr_v4(0x0a0000fd), 0 };
	bench_deliver(&a.source);
	ck_assert_ptr_nonnull(bench_answer(&a));
	ck_assert_uint_eq(bench_counters()->bad_receive_id, 0);
	bench_hello(&a);
	bench.msg.cache_view.n_routers = 2;
	bench.msg.cache_view.routers[1] =
		(struct wccp_router_id){ addr_v4(0x0a0000fd), 0 };
	bench_deliver(&a.source);
	ck_assert(bench_usable(&a));
	ck_assert_uint_eq(bench_status()->n_routers, 1);
}

TEST(change_number_counts_membership_changes)
{
	struct fake a = bench_cache(1), b = bench_cache(2);
	uint32_t start = bench_status()->change_number;

	bench_greet(&a);
	ck_assert_uint_eq(a.change_number, start);
	a.n_others = 1;
	a.others[0] = addr_v4(0x0a0000fd);
	bench_greet(&a); /* joins, and reports a router: one change */
	ck_assert_uint_eq(a.change_number, start + 1);
	bench_greet(&a);
	ck_assert_uint_eq(a.change_number, start + 1);
	ck_assert(!bench_changed());
	bench_join(&b);
	ck_assert_uint_eq(b.change_number, start + 2);
	ck_assert_uint_eq(bench.seen.router_view.n_routers, 2);
	b.n_others = 1;
	b.others[0] = addr_v4(0x0a0000fc);
	bench_greet(&b);
	ck_assert_uint_eq(b.change_number, start + 3);
	ck_assert_uint_eq(bench.seen.router_view.n_routers, 3);
	a.n_others = 0;
	bench_greet(&a);
	ck_assert_uint_eq(a.change_number, start + 4);
	ck_assert_uint_eq(bench.seen.router_view.n_routers, 2);
}

TEST(more_routers_than_fit_are_cut_not_overrun)
{
	struct fake a = bench_cache(1), b = bench_cache(2);

	for (unsigned i = 0; i < WCCP_MAX_ROUTERS - 1; i++) {
		a.others[i] = addr_v4(0x0a010000 + i);
		b.others[i] = addr_v4(0x0a020000 + i);
	}
	a.n_others = b.n_others = WCCP_MAX_ROUTERS - 1;
	bench_join(&a);
	ck_assert_uint_eq(bench_status()->n_routers, WCCP_MAX_ROUTERS);
	bench_join(&b);
	ck_assert_uint_eq(bench_status()->n_routers, WCCP_MAX_ROUTERS);
	ck_assert_ptr_nonnull(bench_note("too-many-routers"));
	ck_assert_uint_gt(bench_counters()->full, 0);
}

TEST(version_of_the_answer)
{
	struct fake a = bench_cache(1);

	a.minor = 1;
	ck_assert_uint_eq(bench_greet(&a)->minor, 1);
	a.minor = 0;
	ck_assert_uint_eq(bench_greet(&a)->minor, 0);
	a.min_version = true; /* 2.0 is its minimum: our highest */
	ck_assert_uint_eq(bench_greet(&a)->minor, 1);
	a.min_version = false;
	a.minor = 9;
	ck_assert_uint_eq(bench_greet(&a)->minor, 1);
	ck_assert_uint_eq(bench_status()->caches[0].minor, 9);
}

TEST(address_table_is_answered_with_one)
{
	struct router_conf conf = bench_conf();
	struct fake a = bench_cache(1), b = bench_cache(2);

	bench_stop();
	ck_assert_int_eq(addr_parse("2001:db8::fe", &conf.id), 0);
	bench_start(&conf, 5000);
	ck_assert_int_eq(addr_parse("2001:db8::ff", &bench.to), 0);
	ck_assert_int_eq(addr_parse("2001:db8::1", &a.addr), 0);
	a.source = a.addr;
	a.minor = 1;
	bench_hello(&a);
	bench.msg.table_family = 2;
	bench_deliver(&a.source);
	ck_assert_ptr_nonnull(bench_answer(&a));
	ck_assert_uint_eq(bench.seen.table_family, 2);
	ck_assert(addr_equal(&bench.seen.router_identity.self.id, &conf.id));
	/* IPv4 in an IPv6 group could not be told to the others. */
	ck_assert_ptr_null(bench_greet(&b));
	ck_assert_uint_eq(bench_counters()->bad_family, 1);
}

/* -- the description of the service --------------------------------------------- */

static void describe(uint16_t port)
{
	bench.msg.service.priority = 200;
	bench.msg.service.protocol = IPPROTO_TCP;
	bench.msg.service.flags = WCCP_F_SRC_IP_HASH | WCCP_F_PORTS_DEFINED;
	bench.msg.service.ports[0] = port;
}

static const struct wccp_msg *greet_about(struct fake *f, uint16_t port)
{
	bench_hello(f);
	describe(port);
	bench_deliver(&f->source);
	return bench_answer(f);
}

CASE(dynamic_service, .setup = setup_dynamic, .teardown = bench_stop)

TEST(first_description_wins)
{
	struct fake a = bench_cache(1), b = bench_cache(2);

	/* Until somebody is a member, nothing is decided. */
	ck_assert_uint_eq(greet_about(&a, 80)->service.ports[0], 80);
	ck_assert(!bench_status()->described);
	ck_assert_uint_eq(greet_about(&b, 443)->service.ports[0], 443);
	greet_about(&a, 80);
	ck_assert(bench_status()->described);
	ck_assert_uint_eq(bench_status()->service.ports[0], 80);
	ck_assert_uint_eq(bench_status()->service.priority, 200);
	ck_assert_ptr_null(greet_about(&b, 443));
	ck_assert_uint_eq(bench_counters()->conflicting_service, 1);
	ck_assert_ptr_nonnull(bench_note("conflicting-service"));
	/* What lies behind the first zero is no part of a description. */
	bench_hello(&b);
	describe(80);
	bench.msg.service.ports[2] = 999;
	bench_deliver(&b.source);
	ck_assert_ptr_nonnull(bench_answer(&b));
	ck_assert_uint_eq(bench.seen.service.ports[0], 80);
	ck_assert_uint_eq(bench.seen.service.ports[2], 0);
}

TEST(every_field_of_a_description_counts)
{
	struct fake a = bench_cache(1), b = bench_cache(2);

	greet_about(&a, 80);
	greet_about(&a, 80);
	for (unsigned i = 0; i < 5; i++) {
		struct wccp_service *s = &bench.msg.service;

		bench_hello(&b);
		describe(80);
		s->priority ^= i == 0;
		s->protocol ^= i == 1;
		s->flags ^= i == 2 ? WCCP_F_DST_IP_ALT_HASH : 0;
		s->flags ^= i == 3 ? WCCP_F_PORTS_SOURCE : 0;
		s->ports[1] = i == 4 ? 443 : 0;
		bench_deliver(&b.source);
		ck_assert_ptr_null(bench_answer(&b));
		ck_assert_uint_eq(bench_counters()->conflicting_service, i + 1);
	}
}

TEST(ports_without_their_flag_describe_nothing)
{
	struct fake f[] = { bench_cache(1), bench_cache(1), bench_cache(2) };

	for (unsigned i = 0; i < 3; i++) {
		if (i == 1)
			f[1] = f[0]; /* comes back as a member */
		bench_hello(&f[i]);
		describe((uint16_t)(80 + i));
		bench.msg.service.flags = WCCP_F_SRC_IP_HASH;
		bench_deliver(&f[i].source);
		ck_assert_ptr_nonnull(bench_answer(&f[i]));
	}
	ck_assert(bench_status()->described);
	ck_assert_uint_eq(bench.status.service.ports[0], 0);
}

TEST(description_ends_with_the_group)
{
	struct fake a = bench_cache(1), b = bench_cache(2);

	greet_about(&a, 80);
	greet_about(&a, 80);
	ck_assert_str_eq(bench_note("service-found"),
			 "%WCCP-5-SERVICEFOUND: Service 80 acquired on WCCP client 10.0.0.1");
	bench_advance(30000);
	ck_assert(!bench_usable(&a));
	ck_assert(!bench_status()->described);
	greet_about(&b, 443);
	greet_about(&b, 443);
	ck_assert(bench_usable(&b));
	ck_assert_uint_eq(bench_status()->service.ports[0], 443);
}

CASE(well_known_service, .setup = setup, .teardown = bench_stop)

TEST(web_cache_service_is_known)
{
	const struct router_status *s = bench_status();

	ck_assert(s->described);
	ck_assert_uint_eq(s->service.protocol, IPPROTO_TCP);
	ck_assert_uint_eq(s->service.priority, 240);
	ck_assert_uint_eq(s->service.ports[0], 80);
	ck_assert_uint_eq(s->service.flags, WCCP_F_DST_IP_HASH | WCCP_F_PORTS_DEFINED);
}

TEST(no_other_well_known_service)
{
	struct router_conf conf = bench_conf();
	struct fake a = bench_cache(1);

	bench_stop();
	conf.service_id = 1;
	bench_start(&conf, 5000);
	ck_assert_ptr_null(bench_greet(&a));
	ck_assert_uint_eq(bench_counters()->conflicting_service, 1);
}

/* -- leaving ---------------------------------------------------------------- */

TEST(shutdown_removes_and_is_acknowledged)
{
	struct fake a = bench_cache(1), b = bench_cache(2);
	struct fake both[2];
	const struct wccp_msg *m;

	bench_join(&a);
	bench_join(&b);
	bench_greet(&a);
	both[0] = a;
	both[1] = b;
	bench_assign(&a, 1, both, 2);
	bench_deliver(&a.source);
	ck_assert(bench_status()->assigned);

	bench_shutdown(&b);
	bench_deliver(&b.source);
	m = bench_answer(&b);
	ck_assert_uint_eq(m->n_commands, 1);
	ck_assert_uint_eq(m->commands[0].type, WCCP_CMD_SHUTDOWN_RESPONSE);
	ck_assert(addr_equal(&m->commands[0].cache, &b.addr));
	ck_assert_ptr_null(bench_in_view(&b));
	ck_assert_str_eq(bench_note("service-lost"),
			 "%WCCP-1-SERVICELOST: Service web-cache lost on WCCP client 10.0.0.2");
	ck_assert(bench_changed());
	ck_assert_uint_eq(b.change_number, a.change_number + 1);
	ck_assert_uint_eq(bench_status()->n_caches, 1);
	ck_assert_uint_eq(bench_status()->caches[0].buckets, 128);
	ck_assert_uint_eq(bench_status()->table.n_caches, 1);
	for (unsigned i = 0; i < WCCP_BUCKETS; i++)
		ck_assert_uint_eq(bench_status()->table.buckets[i],
				  i % 2 ? WCCP_BUCKET_NONE : 0);
	ck_assert_uint_eq(bench_counters()->removed_by_shutdown, 1);
}

TEST(shutdown_of_a_stranger_is_acknowledged_too)
{
	struct fake a = bench_cache(1), b = bench_cache(2);

	bench_join(&a);
	for (unsigned i = 0; i < 2; i++) {
		bench_shutdown(&b);
		bench_deliver(&b.source);
		ck_assert_ptr_nonnull(bench_answer(&b));
		ck_assert_uint_eq(bench.seen.n_commands, 1);
		ck_assert(!bench_changed());
	}
	ck_assert_uint_eq(bench_status()->n_caches, 1);
	ck_assert_uint_eq(bench_counters()->removed_by_shutdown, 0);
}

TEST(shutdown_with_an_old_id_gets_the_new_one)
{
	struct fake a = bench_cache(1);

	bench_join(&a);
	a.receive_id--;
	bench_shutdown(&a);
	bench_deliver(&a.source);
	ck_assert(bench_usable(&a));
	ck_assert_uint_eq(bench_answer(&a)->n_commands, 0);
	ck_assert_uint_eq(bench_counters()->bad_receive_id, 1);
	bench_shutdown(&a);
	bench_deliver(&a.source);
	ck_assert(!bench_usable(&a));
	ck_assert_uint_eq(bench_answer(&a)->n_commands, 1);
}

TEST(shutdown_for_somebody_else_is_none)
{
	struct fake a = bench_cache(1), b = bench_cache(2);

	bench_join(&a);
	bench_join(&b);
	bench_shutdown(&a);
	bench.msg.commands[0].cache = b.addr;
	bench_deliver(&a.source);
	ck_assert_uint_eq(bench_answer(&a)->n_commands, 0);
	ck_assert(bench_usable(&a));
	ck_assert(bench_usable(&b));
}
