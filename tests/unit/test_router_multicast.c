/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router side: web-caches that speak to the group's multicast address, and the
 * scheduled I_SEE_YOU that answers them (2.01 section 3.1).
 */
#include "../datagram.h"
#include "router_bench.h"
#include "suite.h"

#define GROUP addr_v4(0xe0000105) /* 224.0.1.5 */

enum { T = 10000, LEAST_MS = 8100, MOST_MS = 9900 };

static void setup(void)
{
	struct router_conf conf = bench_conf();

	conf.multicast = GROUP;
	bench_start(&conf, 5000);
}

static void by_multicast(const struct fake *f)
{
	bench.to = GROUP;
	bench_hello(f);
	bench_deliver(&f->source);
}

static void by_unicast(const struct fake *f)
{
	bench.to = addr_v4(0x0a0001fe);
	bench_hello(f);
	bench_deliver(&f->source);
}

/* Until the next datagram to the group is sent; it is in bench.seen then. */
static const struct wccp_msg *await(int64_t at_most_ms)
{
	static const struct addr group = { ADDR_V4, { 224, 0, 1, 5 } };

	while (at_most_ms > 0) {
		int64_t step = at_most_ms < 50 ? at_most_ms : 50;

		bench_advance(step);
		at_most_ms -= step;
		if (bench_sent_to(&group))
			return &bench.seen;
	}
	return NULL;
}

static bool is_for(const struct fake *f)
{
	const struct wccp_router_identity *ri = &bench.seen.router_identity;

	return addr_find(ri->from, ri->n_from, &f->addr) >= 0;
}

static void join(struct fake *f)
{
	by_multicast(f);
	ck_assert_ptr_nonnull(await(T));
	bench_take(f);
	by_multicast(f);
	ck_assert(bench_usable(f));
}

CASE(multicast, .setup = setup, .teardown = bench_stop)

TEST(answer_comes_later_and_to_the_group)
{
	struct fake a = bench_cache(1);
	struct addr group = GROUP;

	by_multicast(&a);
	ck_assert_uint_eq(bench_sends(), 0);
	ck_assert_ptr_nonnull(await(T));
	ck_assert_int_eq(bench.seen.type, WCCP_I_SEE_YOU);
	ck_assert(addr_equal(&bench.seen.router_identity.sent_to, &group));
	ck_assert_uint_eq(bench.seen.router_identity.n_from, 1);
	ck_assert_uint_eq(bench.seen.router_view.n_caches, 0);
	bench_take(&a);
	by_multicast(&a);
	ck_assert_uint_eq(bench_sends(), 0);
	ck_assert(bench_usable(&a));
	ck_assert(bench_status()->caches[0].multicast);
	ck_assert_ptr_nonnull(await(T));
	ck_assert_ptr_nonnull(bench_in_view(&a));
}

/* Every 0.9 T, give or take 10 %, and not always the same. */
TEST(interval_and_jitter)
{
	struct fake a = bench_cache(1);
	struct mono last;
	int64_t least = T, most = 0;

	join(&a);
	ck_assert_ptr_nonnull(await(T));
	last = bench.now;
	for (unsigned i = 0; i < 200; i++) {
		int64_t gap;

		bench_take(&a);
		by_multicast(&a);
		ck_assert_ptr_nonnull(await(T));
		gap = mono_ms_between(last, bench.now);
		/* await() looks every 50 ms. */
		ck_assert_int_ge(gap, LEAST_MS - 50);
		ck_assert_int_le(gap, MOST_MS + 50);
		least = gap < least ? gap : least;
		most = gap > most ? gap : most;
		last = bench.now;
	}
	ck_assert_int_lt(least, LEAST_MS + 200);
	ck_assert_int_gt(most, MOST_MS - 200);
}

/* Two routers started in the same moment do not stay in step. */
TEST(routers_differ)
{
	struct router_conf conf = bench_conf();
	struct fake a = bench_cache(1);
	struct mono first[2], second[2];

	for (unsigned i = 0; i < 2; i++) {
		bench_stop();
		conf.multicast = GROUP;
		conf.id = addr_v4(ROUTER_V4 + i);
		bench_start(&conf, 5000);
		a.receive_id = 0;
		by_multicast(&a);
		first[i] = router_deadline(bench.r);
		ck_assert_ptr_nonnull(await(T));
		bench_take(&a);
		by_multicast(&a);
		second[i] = router_deadline(bench.r);
	}
	ck_assert_int_ne(first[0].ns, first[1].ns);
	ck_assert_int_ne(second[0].ns, second[1].ns);
}

TEST(one_message_for_all_with_one_receive_id)
{
	struct fake a = bench_cache(1), b = bench_cache(2), c = bench_cache(3);
	uint32_t id;

	join(&a);
	join(&b);
	ck_assert_ptr_nonnull(await(T));
	ck_assert_uint_eq(bench.seen.router_identity.n_from, 2);
	id = bench.seen.router_identity.self.receive_id;
	bench_take(&a);
	bench_take(&b);
	by_multicast(&a);
	by_multicast(&b);
	by_multicast(&c);
	ck_assert_uint_eq(bench_counters()->bad_receive_id, 0);
	ck_assert_ptr_nonnull(await(T));
	ck_assert_uint_eq(bench.seen.router_identity.n_from, 3);
	ck_assert_uint_eq(bench.seen.router_identity.self.receive_id, id + 1);
	ck_assert(is_for(&a) && is_for(&b) && is_for(&c));
	/* Without the newest id it does not count, and is answered in time. */
	by_multicast(&a);
	ck_assert_uint_eq(bench_counters()->bad_receive_id, 1);
	ck_assert_uint_eq(bench_sends(), 0);
	ck_assert_ptr_nonnull(await(T));
	bench_take(&a);
	by_multicast(&a);
	ck_assert_uint_eq(bench_counters()->bad_receive_id, 1);
}

/* One that is not a member is listed only after it was heard. */
TEST(candidates_are_answered_once)
{
	struct fake a = bench_cache(1), b = bench_cache(2);

	join(&a);
	by_multicast(&b);
	ck_assert_ptr_nonnull(await(T));
	ck_assert(is_for(&b));
	bench_take(&a);
	by_multicast(&a);
	ck_assert_ptr_nonnull(await(T));
	ck_assert(is_for(&a));
	ck_assert(!is_for(&b));
}

TEST(nobody_to_answer_is_silence)
{
	struct fake a = bench_cache(1);

	by_multicast(&a);
	ck_assert_ptr_nonnull(await(T));
	ck_assert_ptr_null(await(100000));
	ck_assert(mono_is_never(router_deadline(bench.r)));
}

/* Whoever comes when it is quiet waits for the jitter only; but strangers cannot
 * make us speak more often than every 0.9 T. */
TEST(first_answer_is_soon_and_the_next_is_not)
{
	struct fake a = bench_cache(1), b = bench_cache(2);

	by_multicast(&a);
	ck_assert_ptr_nonnull(await(T * 9 / 100 + 50));
	by_multicast(&b);
	ck_assert_ptr_null(await(LEAST_MS - 100));
	ck_assert_ptr_nonnull(await(MOST_MS - LEAST_MS + 200));
	ck_assert(is_for(&b));
}

TEST(mixed_group)
{
	struct fake a = bench_cache(1), b = bench_cache(2);

	join(&a);
	by_unicast(&b);
	ck_assert_uint_eq(bench_sends(), 1);
	ck_assert_ptr_nonnull(bench_answer(&b));
	ck_assert(addr_equal(&bench.seen.router_identity.sent_to, &bench.to));
	by_unicast(&b);
	ck_assert(bench_usable(&b));
	ck_assert_ptr_nonnull(await(T));
	ck_assert(is_for(&a));
	ck_assert(!is_for(&b));
	ck_assert_ptr_nonnull(bench_in_view(&b));
	/* Each has the id that it was sent. */
	bench_take(&a);
	by_multicast(&a);
	by_unicast(&b);
	ck_assert_uint_eq(bench_counters()->bad_receive_id, 1); /* a's was newer */
	ck_assert_ptr_nonnull(bench_answer(&b));
	by_unicast(&b);
	ck_assert_uint_eq(bench_counters()->bad_receive_id, 1);
}

/* 3.14: the query goes to the one, and its answers are unicast like ours to them. */
TEST(removal_query_is_unicast)
{
	struct fake a = bench_cache(1);
	struct addr group = GROUP;
	struct mono heard;

	join(&a);
	heard = bench.now;
	while (!bench_sent_to(&a.source) &&
	       mono_ms_between(heard, bench.now) < 3 * T - 100)
		bench_advance(50);
	ck_assert_ptr_nonnull(bench_sent_to(&a.source));
	ck_assert_int_eq(bench.seen.type, WCCP_REMOVAL_QUERY);
	ck_assert_int_ge(mono_ms_between(heard, bench.now), 5 * T / 2);
	ck_assert(addr_equal(&bench.seen.query.sent_to, &group));
	/* It has the id of the last multicast I_SEE_YOU. */
	a.receive_id = bench.seen.query.router.receive_id;
	by_unicast(&a);
	ck_assert_ptr_nonnull(bench_answer(&a));
	ck_assert(!bench_status()->caches[0].multicast);
	bench_advance(3 * T - 1000);
	ck_assert(bench_usable(&a));
	by_multicast(&a);
	ck_assert_uint_eq(bench_sends(), 0);
	ck_assert(bench_status()->caches[0].multicast);
}

TEST(assignment_by_multicast)
{
	struct fake a = bench_cache(1), b = bench_cache(2);
	struct fake both[2];

	join(&a);
	join(&b);
	ck_assert_ptr_nonnull(await(T));
	bench_take(&a);
	bench_take(&b);
	both[0] = a;
	both[1] = b;
	bench.to = GROUP;
	bench_assign(&a, 1, both, 2);
	bench_deliver(&a.source);
	ck_assert_uint_eq(bench_counters()->assignments, 1);
	ck_assert_uint_eq(bench_status()->caches[1].buckets, WCCP_BUCKETS / 2);
	ck_assert_ptr_nonnull(await(T));
	ck_assert_uint_eq(bench.seen.router_view.key.change_number, 1);
	/* The id of the message before is not the last any more. */
	bench_assign(&a, 2, both, 2);
	bench_deliver(&a.source);
	ck_assert_uint_eq(bench_counters()->assignments, 1);
	ck_assert_uint_eq(bench_counters()->bad_receive_id, 1);
}

static void shut_down(const struct fake *f)
{
	bench.to = GROUP;
	bench_shutdown(f);
	bench_deliver(&f->source);
}

static bool is_dismissed(const struct fake *f)
{
	for (unsigned i = 0; i < bench.seen.n_commands; i++)
		if (bench.seen.commands[i].type == WCCP_CMD_SHUTDOWN_RESPONSE &&
		    addr_equal(&bench.seen.commands[i].cache, &f->addr))
			return true;
	return false;
}

/* Out at once; told so with everybody else. */
TEST(shutdown_is_answered_in_the_next_message)
{
	struct fake a = bench_cache(1), b = bench_cache(2);

	join(&a);
	join(&b);
	ck_assert_ptr_nonnull(await(T));
	bench_take(&a);
	by_multicast(&a);
	bench_take(&b);
	shut_down(&b);
	ck_assert(!bench_usable(&b));
	ck_assert_uint_eq(bench_counters()->removed_by_shutdown, 1);
	ck_assert_uint_eq(bench_sends(), 0);
	shut_down(&b); /* sent again, answered once */
	ck_assert_ptr_nonnull(await(T));
	ck_assert(is_for(&a) && is_for(&b));
	ck_assert_uint_eq(bench.seen.n_commands, 1);
	ck_assert(is_dismissed(&b));
	ck_assert_ptr_null(bench_in_view(&b));
	ck_assert_ptr_nonnull(await(T));
	ck_assert(!is_for(&b));
	ck_assert_uint_eq(bench.seen.n_commands, 0);
}

TEST(last_one_that_shuts_down_is_answered_too)
{
	struct fake a = bench_cache(1);

	join(&a);
	ck_assert_ptr_nonnull(await(T));
	bench_take(&a);
	shut_down(&a);
	ck_assert_uint_eq(bench_status()->n_caches, 0);
	ck_assert_ptr_nonnull(await(T));
	ck_assert(is_for(&a) && is_dismissed(&a));
	ck_assert_ptr_null(await(100000));
}

TEST(one_that_comes_back_is_not_dismissed)
{
	struct fake a = bench_cache(1), b = bench_cache(2);

	join(&a);
	join(&b);
	ck_assert_ptr_nonnull(await(T));
	bench_take(&b);
	shut_down(&b);
	b.receive_id = 0;
	by_multicast(&b);
	ck_assert_ptr_nonnull(await(T));
	ck_assert(is_for(&b));
	ck_assert_uint_eq(bench.seen.router_identity.n_from, 2);
	ck_assert(!is_dismissed(&b));
}

/* More than commands fit into a message: several are sent, nobody is left out. */
TEST(all_shut_down_at_once)
{
	struct fake f[WCCP_MAX_CACHES];
	struct addr group = GROUP;
	unsigned dismissed = 0, messages = 0;

	for (unsigned i = 0; i < WCCP_MAX_CACHES; i++) {
		f[i] = bench_cache(i + 1);
		by_multicast(&f[i]);
	}
	ck_assert_ptr_nonnull(await(T));
	for (unsigned i = 0; i < WCCP_MAX_CACHES; i++) {
		bench_take(&f[i]);
		by_multicast(&f[i]);
	}
	ck_assert_ptr_nonnull(await(T));
	for (unsigned i = 0; i < WCCP_MAX_CACHES; i++) {
		bench_take(&f[i]);
		shut_down(&f[i]);
	}
	ck_assert_uint_eq(bench_status()->n_caches, 0);
	bench_advance(T);
	for (unsigned i = 0; i < bench.out.n; i++) {
		const struct action *x = &bench.out.list[i];
		struct err err;

		if (x->kind != ACTION_SEND)
			continue;
		ck_assert(addr_equal(&x->peer, &group));
		ck_assert_int_eq(datagram_decode(action_octets(&bench.out, x), x->len,
						 &bench.seen, &err),
				 CODEC_OK);
		messages++;
		for (unsigned k = 0; k < WCCP_MAX_CACHES; k++)
			dismissed += is_for(&f[k]) && is_dismissed(&f[k]);
	}
	ck_assert_uint_eq(messages, WCCP_MAX_CACHES / WCCP_MAX_COMMANDS);
	ck_assert_uint_eq(dismissed, WCCP_MAX_CACHES);
}

/* Several services may share a socket, and it has joined all of their groups. */
TEST(other_groups_are_not_ours)
{
	struct fake a = bench_cache(1);

	bench.to = addr_v4(0xe0000106);
	bench_hello(&a);
	bench_deliver(&a.source);
	ck_assert_uint_eq(bench_status()->n_caches, 0);
	ck_assert_uint_eq(bench_counters()->wrong_group, 1);
	ck_assert_ptr_null(await(T));
}

TEST(without_a_group_no_multicast_is_taken)
{
	struct router_conf conf = bench_conf();
	struct fake a = bench_cache(1);

	bench_stop();
	bench_start(&conf, 5000);
	by_multicast(&a);
	ck_assert_uint_eq(bench_status()->n_caches, 0);
	ck_assert_uint_eq(bench_counters()->wrong_group, 1);
}

/* 3.4.2: V is acted upon only when all have set it; else the least is spoken. */
TEST(one_version_for_all)
{
	struct fake a = bench_cache(1), b = bench_cache(2);

	a.min_version = true;
	by_multicast(&a);
	ck_assert_ptr_nonnull(await(T));
	ck_assert_uint_eq(bench.seen.minor, 1);
	b.min_version = true;
	by_multicast(&a);
	by_multicast(&b);
	ck_assert_ptr_nonnull(await(T));
	ck_assert_uint_eq(bench.seen.minor, 1);
	a.min_version = false;
	a.minor = 1;
	bench_take(&a);
	by_multicast(&a);
	ck_assert(bench_usable(&a));
	ck_assert_ptr_nonnull(await(T));
	ck_assert_uint_eq(bench.seen.minor, 1);
	by_multicast(&b); /* V, and 2.0 */
	ck_assert_ptr_nonnull(await(T));
	ck_assert(is_for(&a) && is_for(&b));
	ck_assert_uint_eq(bench.seen.minor, 0);
}

/* L2 is for those who are on-link: two messages, each with what its readers can do. */
TEST(off_link_listeners_have_a_message_of_their_own)
{
	struct fake a = bench_cache(1), b = bench_cache(2);
	struct addr group = GROUP;
	unsigned messages = 0;

	by_multicast(&a);
	bench.off_link = true;
	by_multicast(&b);
	bench_advance(T);
	for (unsigned i = 0; i < bench.out.n; i++) {
		const struct action *x = &bench.out.list[i];
		struct err err;

		ck_assert(x->kind == ACTION_SEND && addr_equal(&x->peer, &group));
		ck_assert_int_eq(datagram_decode(action_octets(&bench.out, x), x->len,
						 &bench.seen, &err),
				 CODEC_OK);
		ck_assert_int_ne(is_for(&a), is_for(&b));
		ck_assert_uint_eq(bench.seen.capabilities.forward,
				  is_for(&a) ? WCCP_METHOD_GRE | WCCP_METHOD_L2
					     : WCCP_METHOD_GRE);
		messages++;
	}
	ck_assert_uint_eq(messages, 2);
}

/* A message due in the same step does not change what its datagram is offered. */
TEST(methods_are_those_of_the_sender)
{
	struct fake a = bench_cache(1), b = bench_cache(2);
	struct mono due;

	by_multicast(&a);
	due = router_deadline(bench.r);
	bench.now = mono_add_ms(due, 1);
	bench.off_link = true;
	by_unicast(&b);
	ck_assert_uint_eq(bench_sends(), 2);
	ck_assert_ptr_nonnull(bench_answer(&b));
	ck_assert_uint_eq(bench.seen.capabilities.forward, WCCP_METHOD_GRE);
}

/* The interval follows the T that the first member chose, however short. */
TEST(interval_follows_the_agreed_t)
{
	struct router_conf conf = bench_conf();
	struct fake a = bench_cache(1);
	unsigned messages = 0;

	bench_stop();
	conf.multicast = GROUP;
	conf.advertise_timers = true;
	conf.transmit_t = (struct wccp_cap_transmit_t){ true, 1, 60000 };
	conf.timer_scale = (struct wccp_cap_timer_scale){ true, 1, 255, 1, 5 };
	bench_start(&conf, 5000);
	a.capabilities.present = 1u << WCCP_CAP_TRANSMIT_T | 1u << WCCP_CAP_TIMER_SCALE;
	a.capabilities.transmit_t = (struct wccp_cap_transmit_t){ false, 500, 500 };
	a.capabilities.timer_scale = (struct wccp_cap_timer_scale){ false, 5, 5, 1, 1 };
	join(&a);
	for (unsigned i = 0; i < 100; i++) {
		bench_advance(50);
		messages += bench_sends();
	}
	/* 5 s, every 405 to 495 ms */
	ck_assert_uint_ge(messages, 10);
	ck_assert_uint_le(messages, 13);
	bench_advance(10000);
	ck_assert_uint_eq(bench_status()->n_caches, 0);
	/* Of 1 ms: time goes on all the same. */
	a.capabilities.transmit_t = (struct wccp_cap_transmit_t){ false, 1, 1 };
	a.capabilities.timer_scale =
		(struct wccp_cap_timer_scale){ false, 255, 255, 1, 1 };
	a.receive_id = 0;
	join(&a);
	bench_advance(10); /* checks that every deadline moves on */
	ck_assert_uint_ge(bench_sends(), 9);
}

/* After a group with a long T the next one does not wait for what it had agreed. */
TEST(long_t_ends_with_its_group)
{
	struct router_conf conf = bench_conf();
	struct fake a = bench_cache(1), b = bench_cache(2);

	bench_stop();
	conf.multicast = GROUP;
	conf.advertise_timers = true;
	conf.transmit_t = (struct wccp_cap_transmit_t){ true, 500, 60000 };
	conf.timer_scale = (struct wccp_cap_timer_scale){ true, 1, 5, 1, 5 };
	bench_start(&conf, 5000);
	a.capabilities.present = 1u << WCCP_CAP_TRANSMIT_T;
	a.capabilities.transmit_t = (struct wccp_cap_transmit_t){ false, 60000, 60000 };
	join(&a);
	ck_assert_ptr_nonnull(await(T));
	ck_assert_ptr_null(await(40000));
	ck_assert_ptr_nonnull(await(20000));
	bench_take(&a);
	shut_down(&a);
	by_multicast(&b);
	ck_assert_ptr_nonnull(await(T));
	ck_assert(is_for(&a) && is_for(&b));
}

TEST(candidate_sees_its_own_description)
{
	struct router_conf conf = bench_conf();
	struct fake a = bench_cache(1);

	bench_stop();
	conf.multicast = GROUP;
	conf.service_type = WCCP_SERVICE_DYNAMIC;
	conf.service_id = 70;
	bench_start(&conf, 5000);
	bench.to = GROUP;
	bench_hello(&a);
	bench.msg.service.priority = 7;
	bench.msg.service.protocol = 17;
	bench_deliver(&a.source);
	ck_assert_ptr_nonnull(await(T));
	ck_assert_uint_eq(bench.seen.service.id, 70);
	ck_assert_uint_eq(bench.seen.service.priority, 7);
	ck_assert_uint_eq(bench.seen.service.protocol, 17);
}

/* The same over IPv6. */
TEST(multicast_of_ipv6)
{
	struct router_conf conf = bench_conf();
	struct fake a = bench_cache6(1);
	struct addr group;

	bench_stop();
	ck_assert_int_eq(addr_parse("ff05::114", &group), 0);
	ck_assert_int_eq(addr_parse("2001:db8::fe", &conf.id6), 0);
	conf.multicast = group;
	bench_start(&conf, 5000);
	bench.id = conf.id6;
	bench.to = group;
	bench_hello(&a);
	bench_deliver(&a.source);
	ck_assert_uint_eq(bench_sends(), 0);
	bench_advance(T);
	ck_assert_ptr_nonnull(bench_sent_to(&group));
	ck_assert_uint_eq(bench.seen.table_family, 2);
	ck_assert(addr_equal(&bench.seen.router_identity.self.id, &conf.id6));
	ck_assert(addr_equal(&bench.seen.router_identity.sent_to, &group));
	bench_take(&a);
	bench_hello(&a);
	bench_deliver(&a.source);
	ck_assert(bench_usable(&a));
}
