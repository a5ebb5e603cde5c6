/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The web-cache side of a group: joining, agreeing, being refused, losing and
 * leaving routers.  Real datagrams, virtual time.
 */
#include "cache_bench.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define R1 0x0a000001
#define R2 0x0a000002
#define CACHE2 0x0a000014 /* 10.0.0.20 */
#define CACHE3 0x0a00001e /* 10.0.0.30 */
#define T 10000
#define ECHO 50 /* from an assignment to the HERE_I_AM behind it */

static struct rtr a, b;

static void open_one(void)
{
	a = rtr_make(R1);
	bench_open(1, (struct rtr *[]){ &a });
}

static void open_two(void)
{
	a = rtr_make(R1);
	b = rtr_make(R2);
	bench_open(2, (struct rtr *[]){ &a, &b });
}

static void join(void)
{
	bench_health(true, 100);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	bench_clear();
}

/* The receive id that the message in B.got carries for a router; 0: not listed. */
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

/* -- joining --------------------------------------------------------------------------- */

START_TEST(idle_until_the_pool_is_up)
{
	open_one();
	bench_run(60000);
	ck_assert_uint_eq(B.n_sent, 0);
	ck_assert_int_eq(bench_state(&a), PEER_IDLE);
	ck_assert(cache_is_quiet(B.cache));
	ck_assert(mono_is_never(cache_deadline(B.cache)));
}
END_TEST

START_TEST(first_hello_leaves_the_router_out)
{
	open_one();
	a.answers = false;
	bench_health(true, 100);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 1);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(B.got.minor, 0);
	ck_assert_uint_eq(B.got.cache_view.n_routers, 0);
	ck_assert_uint_eq(B.got.cache_view.n_caches, 0);
	ck_assert(!wccp_has(&B.got, WCCP_C_CAPABILITIES));
	ck_assert(!wccp_has(&B.got, WCCP_C_COMMAND));
	ck_assert_uint_eq(addr_to_v4(&B.got.cache_identity.addr), SELF);
	ck_assert(B.got.cache_identity.unassigned);
	ck_assert_int_eq(B.got.cache_identity.kind, WCCP_DATA_HASH);
	ck_assert_uint_eq(B.got.cache_identity.weight, 100);
	ck_assert_int_eq(bench_state(&a), PEER_WAITING);
	ck_assert(!cache_is_quiet(B.cache));
}
END_TEST

START_TEST(usable_without_waiting)
{
	struct mono start;

	open_one();
	a.answers = false;
	start = B.now;
	bench_health(true, 100);
	bench_skip(3);
	rtr_see(&a, 0); /* not in its view yet */
	ck_assert_int_eq(bench_state(&a), PEER_NEGOTIATING);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 2);
	ck_assert_int_eq(mono_ms_between(start, bench_last(WCCP_HERE_I_AM, &a)->at), 3);
	ck_assert_uint_eq(listed_id(&a), a.receive_id);
	rtr_add(&a, SELF, 100);
	rtr_see(&a, 0);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	/* Nothing to hurry for any more. */
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 2);
	bench_run(T - 1);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 2);
	bench_run(1);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 3);
}
END_TEST

START_TEST(every_transition_is_noted_once)
{
	open_one();
	bench_health(true, 100);
	bench_run(3 * T);
	ck_assert_uint_eq(bench_notes("waiting", &a), 1);
	ck_assert_uint_eq(bench_notes("negotiating", &a), 1);
	ck_assert_uint_eq(bench_notes("joined", &a), 1);
	ck_assert_uint_eq(bench_notes("assigned", &a), 1);
	for (unsigned i = 0; i < B.n_noted; i++)
		ck_assert_int_eq(B.noted[i].level, NOTE_INFO);
}
END_TEST

START_TEST(newest_receive_id_every_t)
{
	open_one();
	join();
	for (unsigned i = 1; i <= 20; i++) {
		uint32_t id = a.receive_id;

		bench_run(T);
		bench_last(WCCP_HERE_I_AM, &a);
		ck_assert_uint_eq(listed_id(&a), id);
	}
	ck_assert_uint_eq(a.stale, 0);
	/* At T, behind the assignment at 1.5 T, and every T from there. */
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 20);
}
END_TEST

START_TEST(view_lists_heard_routers_and_their_caches)
{
	uint32_t before;

	open_two();
	b.answers = false;
	rtr_add(&a, CACHE2, 10);
	rtr_add(&a, CACHE3, 10);
	join();
	bench_run(T);
	bench_last(WCCP_HERE_I_AM, &b);
	ck_assert_uint_eq(B.got.cache_view.n_routers, 1);
	ck_assert_uint_ne(listed_id(&a), 0);
	ck_assert_uint_eq(listed_id(&b), 0);
	ck_assert_uint_eq(B.got.cache_view.n_caches, 3);
	before = B.got.cache_view.change_number;

	b.answers = true;
	bench_run(2 * T);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(B.got.cache_view.n_routers, 2);
	ck_assert_uint_eq(B.got.cache_view.n_caches, 3);
	ck_assert_uint_gt(B.got.cache_view.change_number, before);
	before = B.got.cache_view.change_number;
	bench_run(5 * T);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(B.got.cache_view.change_number, before);
	ck_assert_int_eq(bench_state(&b), PEER_ASSIGNED);
}
END_TEST

START_TEST(identity_states_buckets_or_history)
{
	open_one();
	join();
	bench_run(2 * T); /* the assignment is made and echoed */
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	bench_run(T);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert(!B.got.cache_identity.unassigned);
	ck_assert(wccp_vector_has(&B.got.cache_identity.buckets, 77));
	rtr_give(&a, SELF, 0, 0); /* flushed */
	a.accepts = false;
	bench_run(T);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	bench_run(T);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert(B.got.cache_identity.unassigned);
	ck_assert(wccp_vector_has(&B.got.cache_identity.buckets, 77));
}
END_TEST

START_TEST(dynamic_service_is_described_well_known_is_not)
{
	open_one();
	B.conf.service.flags = WCCP_F_DST_IP_HASH;
	B.conf.service.ports[0] = 80;
	bench_conf();
	bench_health(true, 1);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(B.got.service.flags, 0);
	ck_assert_uint_eq(B.got.service.ports[0], 0);
	bench_close();

	a = rtr_make(R1);
	a.service = (struct wccp_service){ .type = WCCP_SERVICE_DYNAMIC,
					   .id = 90,
					   .protocol = 6,
					   .flags = WCCP_F_SRC_IP_HASH | WCCP_F_PORTS_DEFINED,
					   .ports = { 443 } };
	bench_open(1, (struct rtr *[]){ &a });
	bench_health(true, 1);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(B.got.service.id, 90);
	ck_assert_uint_eq(B.got.service.flags, a.service.flags);
	ck_assert_uint_eq(B.got.service.ports[0], 443);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
}
END_TEST

START_TEST(router_that_never_lists_us_is_not_hammered)
{
	open_one();
	a.answers = false;
	bench_health(true, 100);
	for (unsigned i = 0; i < 100; i++) {
		rtr_see(&a, 0);
		bench_run(10);
	}
	ck_assert_int_eq(bench_state(&a), PEER_NEGOTIATING);
	ck_assert_uint_le(bench_count(WCCP_HERE_I_AM, &a), 6);
}
END_TEST

/* -- early resend, loss ------------------------------------------------------------------ */

START_TEST(member_repeats_early_at_most_six_times)
{
	static const int64_t at[] = { 10000, 15000, 20000, 25000 };
	struct mono start;

	open_one();
	join();
	bench_run(5 * T / 2 + ECHO); /* assigned, and the last answer came just now */
	bench_clear();
	start = B.now;
	a.answers = false;
	bench_run(30000 - 1);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 4);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(
			mono_ms_between(start, bench_nth(WCCP_HERE_I_AM, &a, i)->at), at[i]);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	bench_run(1);
	ck_assert_int_eq(bench_state(&a), PEER_LOST);
}
END_TEST

START_TEST(early_resend_ends_with_six)
{
	open_one();
	/* A time-out of 5 TB leaves room for more than six. */
	a.capabilities.present = 1u << WCCP_CAP_TIMER_SCALE;
	a.capabilities.timer_scale = (struct wccp_cap_timer_scale){
		.timeout_lower = 5, .timeout_upper = 5, .ra_lower = 1, .ra_upper = 1
	};
	join();
	bench_run(2 * T + T / 2 + ECHO);
	a.answers = false;
	bench_clear();
	bench_run(T); /* up to and with the first unanswered one */
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 1);
	bench_run(25000);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 6);
	bench_run(3 * T);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 9);
}
END_TEST

START_TEST(waiting_router_is_asked_every_t_only)
{
	open_one();
	a.answers = false;
	bench_health(true, 100);
	bench_run(10 * T);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 11);
	ck_assert_int_eq(bench_state(&a), PEER_WAITING);
	ck_assert_uint_eq(bench_router(&a)->outstanding, 11);
}
END_TEST

/* 2.01 section 3.15: only where the one before was answered by a view that has us. */
START_TEST(no_early_repetition_where_we_are_not_in_the_view)
{
	open_one();
	a.answers = false;
	bench_health(true, 100);
	for (unsigned i = 0; i < 10; i++)
		rtr_see(&a, 0);
	ck_assert_int_eq(bench_state(&a), PEER_NEGOTIATING);
	bench_clear();
	bench_run(3 * T - 1);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 2);
}
END_TEST

START_TEST(lost_and_back)
{
	open_one();
	join();
	bench_run(2 * T);
	a.answers = false;
	bench_run(4 * T);
	ck_assert_int_eq(bench_state(&a), PEER_LOST);
	ck_assert_uint_eq(bench_notes("lost", &a), 1);
	ck_assert_uint_eq(bench_look()->my_buckets, 0);
	bench_clear();
	bench_run(3 * T);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 3);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(listed_id(&a), 0); /* as a first one */

	/* The router was restarted: ids from the start, nobody in its view. */
	a.receive_id = 0;
	rtr_remove(&a, SELF);
	a.view.change_number = 1;
	a.view.key = (struct wccp_key){ 0 };
	a.answers = true;
	bench_run(T);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	ck_assert_uint_eq(bench_router(&a)->receive_id, 2);
	bench_run(2 * T);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
}
END_TEST

START_TEST(restarted_router_is_joined_again)
{
	open_one();
	join();
	bench_run(2 * T);
	bench_clear();
	a.receive_id = 0; /* restarted within its time-out */
	rtr_remove(&a, SELF);
	bench_run(T);
	ck_assert_uint_eq(bench_notes("negotiating", &a), 1);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	ck_assert_uint_eq(a.stale, 1);
}
END_TEST

START_TEST(every_restart_is_joined_at_once)
{
	open_one();
	join();
	for (unsigned i = 0; i < 10; i++) {
		a.receive_id = 1000 * i;
		rtr_remove(&a, SELF);
		rtr_see(&a, 0);
		ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	}
}
END_TEST

START_TEST(back_from_lost_is_answered_at_once)
{
	open_one();
	join();
	a.answers = false;
	bench_run(4 * T);
	ck_assert_int_eq(bench_state(&a), PEER_LOST);
	bench_clear();
	rtr_see(&a, 0); /* it never lost us: only its answers were lost */
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 1);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(listed_id(&a), a.receive_id);
}
END_TEST

START_TEST(timers_run_while_the_socket_is_busy)
{
	uint8_t junk[] = "not a WCCP message";
	struct mono start;

	open_one();
	join();
	start = B.now;
	a.answers = false;
	/* No TICK ever: datagrams alone must carry the timers. */
	for (unsigned i = 0; i < 400; i++) {
		bench_skip(100);
		bench_rx(&a.address, junk, sizeof(junk));
	}
	ck_assert_int_eq(
		mono_ms_between(start, bench_nth(WCCP_HERE_I_AM, &a, 0)->at), T);
	ck_assert_int_eq(bench_state(&a), PEER_LOST);
}
END_TEST

/* -- what is not believed ------------------------------------------------------------------ */

START_TEST(stranger_is_refused)
{
	struct rtr stranger = rtr_make(0x0a0000fe);

	open_one();
	join();
	stranger.view.key.change_number = 0xffffffff;
	stranger.view.key.cache = addr_v4(SELF);
	rtr_see(&stranger, 0);
	ck_assert_uint_eq(counters().unknown_router, 1);
	ck_assert_uint_eq(B.n_sent, 0);
	ck_assert_uint_eq(bench_notes("unknown-router", &stranger), 1);
	ck_assert(B.noted[0].rate_limited);
	ck_assert_uint_eq(B.n_changed, 0);
}
END_TEST

START_TEST(known_id_from_elsewhere_needs_a_password)
{
	struct rtr moved;

	open_one();
	join();
	moved = a;
	moved.address = addr_v4(0xc0a80001);
	rtr_see(&moved, 0);
	ck_assert_uint_eq(counters().unknown_router, 1);
	bench_close();

	a = rtr_make(R1);
	ck_assert_int_eq(codec_password("eight888", &a.password, NULL), 0);
	bench_open(1, (struct rtr *[]){ &a });
	join();
	moved = a;
	moved.address = addr_v4(0xc0a80001);
	moved.receive_id = 5000;
	rtr_see(&moved, 0);
	ck_assert_uint_eq(counters().unknown_router, 0);
	ck_assert_uint_eq(bench_router(&a)->receive_id, 5001);
	moved.id = addr_v4(0xc0a80002); /* an id never learned */
	rtr_see(&moved, 0);
	ck_assert_uint_eq(counters().unknown_router, 1);
}
END_TEST

START_TEST(same_id_of_the_other_service_type)
{
	struct rtr other;

	open_one();
	join();
	other = a;
	other.service.type = WCCP_SERVICE_DYNAMIC;
	other.receive_id = 7000;
	rtr_see(&other, 0);
	other.service = (struct wccp_service){ .type = WCCP_SERVICE_STANDARD, .id = 90 };
	rtr_see(&other, 0);
	ck_assert_uint_eq(counters().bad_service, 2);
	ck_assert_uint_eq(bench_notes("bad-service", &a), 2);
	ck_assert_uint_lt(bench_router(&a)->receive_id, 7000);
}
END_TEST

/* Offset of the first received-from address of a datagram of rtr_encode(). */
static size_t received_from(const uint8_t *octets, size_t len)
{
	size_t at = 8;

	while (at + 4 <= len && octets[at + 1] != WCCP_C_ROUTER_ID)
		at += 4 + (size_t)(octets[at + 2] << 8 | octets[at + 3]);
	return at + 4 + 8 + 4 + 4;
}

START_TEST(not_in_received_from)
{
	uint8_t octets[4096];
	size_t len;

	open_one();
	join();
	len = rtr_encode(&a, 0, octets, sizeof(octets));
	octets[received_from(octets, len) + 3] ^= 0x7f;
	bench_rx(&a.address, octets, len);
	ck_assert_uint_eq(counters().not_for_us, 1);
	ck_assert_uint_eq(bench_router(&a)->receive_id, a.receive_id - 1);
}
END_TEST

START_TEST(receive_id_zero_is_malformed)
{
	open_one();
	join();
	a.receive_id = UINT32_MAX;
	rtr_see(&a, 0);
	ck_assert_uint_eq(counters().refused[CODEC_MALFORMED], 1);
}
END_TEST

START_TEST(one_id_at_two_addresses)
{
	open_two();
	b.id = a.id;
	bench_health(true, 100);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	ck_assert_int_eq(bench_state(&b), PEER_WAITING);
	ck_assert_uint_ge(counters().not_for_us, 1);
	bench_run(T);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(B.got.cache_view.n_routers, 1);
}
END_TEST

START_TEST(cut_and_bent_datagrams_change_nothing)
{
	uint8_t whole[4096], bent[4096];
	size_t len;

	open_one();
	a.capabilities.present = 1u << WCCP_CAP_FORWARD;
	a.capabilities.forward = WCCP_METHOD_GRE;
	rtr_add(&a, CACHE2, 1);
	join();
	len = rtr_encode(&a, WCCP_CMD_SHUTDOWN_RESPONSE, whole, sizeof(whole));
	for (size_t cut = 0; cut < len; cut++)
		bench_rx(&a.address, whole, cut);
	ck_assert_uint_eq(bench_router(&a)->receive_id, a.receive_id - 1);
	ck_assert_uint_eq(counters().refused[CODEC_TRUNCATED], len);
	/* The same with a header that claims just what is there: an item header that
	 * ends the message, and worse. */
	for (size_t cut = 8; cut < len; cut++) {
		memcpy(bent, whole, cut);
		bent[6] = (uint8_t)((cut - 8) >> 8);
		bent[7] = (uint8_t)(cut - 8);
		bench_rx(&a.address, bent, cut);
	}
	for (size_t i = 8; i < len; i++) {
		memcpy(bent, whole, len);
		bent[i] ^= 0xff;
		bench_rx(&a.address, bent, len);
	}
	ck_assert_uint_eq(bench_look()->n_routers, 1);
	bench_run(40 * T);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
}
END_TEST

START_TEST(messages_for_routers_are_not_for_us)
{
	struct sent hello;

	open_one();
	join();
	bench_run(T);
	hello = *bench_last(WCCP_HERE_I_AM, &a);
	bench_rx(&a.address, hello.octets, hello.len);
	ck_assert_uint_eq(counters().not_for_us, 1);
}
END_TEST

/* -- passwords ----------------------------------------------------------------------------- */

START_TEST(all_eight_characters_of_a_password_count)
{
	a = rtr_make(R1);
	ck_assert_int_eq(codec_password("abcdefgh", &a.password, NULL), 0);
	bench_open(1, (struct rtr *[]){ &a });
	join(); /* the bench's routers authenticate what they get */
	ck_assert_int_eq(codec_password("abcdefgX", &a.password, NULL), 0);
	rtr_see(&a, 0);
	ck_assert_uint_eq(counters().refused[CODEC_AUTH_FAILED], 1);
}
END_TEST

START_TEST(octets_after_the_message_do_not_count)
{
	uint8_t octets[4096];
	size_t len;

	a = rtr_make(R1);
	ck_assert_int_eq(codec_password("secret", &a.password, NULL), 0);
	bench_open(1, (struct rtr *[]){ &a });
	join();
	len = rtr_encode(&a, 0, octets, sizeof(octets));
	memset(octets + len, 0xa5, 40);
	bench_rx(&a.address, octets, len + 40);
	ck_assert_uint_eq(bench_router(&a)->receive_id, a.receive_id);
}
END_TEST

START_TEST(wrong_password_while_joining)
{
	open_one();
	a.answers = false;
	ck_assert_int_eq(codec_password("ours", &B.conf.password, NULL), 0);
	bench_conf();
	B.n_rtrs = 0; /* it cannot even read us */
	bench_health(true, 100);
	rtr_see(&a, 0); /* without any */
	ck_assert_int_eq(bench_state(&a), PEER_AUTH_FAILED);
	ck_assert_uint_eq(counters().refused[CODEC_AUTH_MISSING], 1);
	rtr_see(&a, 0);
	ck_assert_uint_eq(bench_notes("auth-failed", &a), 1);
	ck_assert_uint_eq(bench_notes("auth-missing", &a), 2);
	a.password = B.conf.password;
	a.answers = true;
	B.n_rtrs = 1;
	bench_run(T);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
}
END_TEST

START_TEST(forgery_does_not_talk_us_out_of_a_working_router)
{
	struct rtr forger;

	open_one();
	join();
	forger = a;
	ck_assert_int_eq(codec_password("guess", &forger.password, NULL), 0);
	for (unsigned i = 0; i < 50; i++)
		rtr_see(&forger, 0);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	ck_assert_uint_eq(counters().refused[CODEC_AUTH_UNEXPECTED], 50);
	ck_assert_uint_eq(B.n_changed, 0);
	bench_run(3 * T);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
}
END_TEST

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

START_TEST(first_preference_on_offer)
{
	open_two();
	offer(&a, WCCP_METHOD_GRE | WCCP_METHOD_L2, WCCP_METHOD_GRE,
	      WCCP_ASSIGN_HASH | WCCP_ASSIGN_MASK);
	b.capabilities.present = 0; /* says nothing: GRE, GRE, hash */
	B.conf.forward = (struct cache_preference){ 2, { WCCP_METHOD_L2, WCCP_METHOD_GRE } };
	B.conf.ret = B.conf.forward;
	bench_conf();
	join();
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
END_TEST

START_TEST(only_kinds_that_the_router_mentioned)
{
	open_one();
	a.capabilities.present = 1u << WCCP_CAP_RETURN;
	a.capabilities.ret = WCCP_METHOD_GRE;
	B.conf.transmit_t_ms = 3000; /* a wish that this router does not know of */
	bench_conf();
	join();
	ck_assert_uint_eq(bench_router(&a)->transmit_t_ms, T);
	bench_run(T);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(B.got.capabilities.present, 1u << WCCP_CAP_RETURN);
}
END_TEST

START_TEST(choice_stays_while_it_is_offered)
{
	open_one();
	offer(&a, WCCP_METHOD_GRE, WCCP_METHOD_GRE, WCCP_ASSIGN_HASH);
	B.conf.forward = (struct cache_preference){ 2, { WCCP_METHOD_L2, WCCP_METHOD_GRE } };
	bench_conf();
	join();
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
END_TEST

START_TEST(mismatch_stays_with_its_router)
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
END_TEST

START_TEST(router_that_stops_offering_what_we_use)
{
	open_two();
	join();
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
END_TEST

START_TEST(each_router_by_the_method_it_offers)
{
	open_two();
	offer(&a, WCCP_METHOD_GRE, WCCP_METHOD_GRE, WCCP_ASSIGN_HASH | WCCP_ASSIGN_MASK);
	offer(&b, WCCP_METHOD_GRE, WCCP_METHOD_GRE, WCCP_ASSIGN_HASH);
	a.by_mask = true;
	B.conf.assign =
		(struct cache_preference){ 2, { WCCP_ASSIGN_MASK, WCCP_ASSIGN_HASH } };
	bench_conf();
	join();
	ck_assert_uint_eq(bench_router(&a)->assign, WCCP_ASSIGN_MASK);
	ck_assert_uint_eq(bench_router(&b)->assign, WCCP_ASSIGN_HASH);
}
END_TEST

static void offer_t(struct rtr *r, bool is_range, uint16_t lower, uint16_t upper)
{
	r->capabilities.present |= 1u << WCCP_CAP_TRANSMIT_T;
	r->capabilities.transmit_t =
		(struct wccp_cap_transmit_t){ is_range, lower, upper };
}

START_TEST(transmit_t_is_negotiated)
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
		join();
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
END_TEST

/* 2.01 section 3.1: before its first I_SEE_YOU there is nothing to choose from. */
START_TEST(t_is_the_default_until_another_is_offered)
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
END_TEST

/* Whatever it is sent for. */
START_TEST(choice_is_in_every_hello)
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
END_TEST

START_TEST(scales_stretch_the_time_outs)
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
	join();
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
END_TEST

/* -- removal query ------------------------------------------------------------------------- */

START_TEST(removal_query_gets_three_answers)
{
	struct addr self = addr_v4(SELF), other = addr_v4(CACHE2);
	struct mono start;

	open_one();
	join();
	a.answers = false;
	bench_run(4321); /* an I_SEE_YOU was lost on the way: */
	a.receive_id += 3;
	start = B.now;
	bench_clear();
	rtr_query(&a, &self);
	bench_run(3000);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 3);
	for (unsigned i = 0; i < 3; i++) {
		const struct sent *x = bench_nth(WCCP_HERE_I_AM, &a, i);

		ck_assert_int_eq(mono_ms_between(start, x->at), i * T / 10);
		ck_assert_uint_eq(listed_id(&a), a.receive_id);
	}
	bench_clear();
	rtr_query(&a, &other);
	bench_run(900);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 0);
	ck_assert_uint_eq(counters().not_for_us, 1);
}
END_TEST

START_TEST(removal_query_flood_is_one_series)
{
	struct addr self = addr_v4(SELF);

	open_one();
	join();
	a.answers = false;
	for (unsigned i = 0; i < 500; i++) {
		rtr_query(&a, &self);
		bench_run(1);
	}
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 1);
}
END_TEST

/* -- leaving --------------------------------------------------------------------------------- */

START_TEST(shutdown_acknowledged)
{
	open_two();
	join();
	bench_health(false, 0);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert(wccp_has(&B.got, WCCP_C_COMMAND));
	ck_assert_uint_eq(B.got.n_commands, 1);
	ck_assert_uint_eq(B.got.commands[0].type, WCCP_CMD_SHUTDOWN);
	ck_assert_uint_eq(addr_to_v4(&B.got.commands[0].cache), SELF);
	ck_assert_int_eq(bench_state(&a), PEER_WITHDRAWN);
	ck_assert_int_eq(bench_state(&b), PEER_WITHDRAWN);
	ck_assert_str_eq(bench_router(&a)->reason, "SHUTDOWN acknowledged");
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, NULL), 2);
	ck_assert_uint_eq(a.view.n_caches, 0);
	ck_assert(cache_is_quiet(B.cache));
	bench_run(100 * T);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, NULL), 2);

	bench_health(true, 50);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	ck_assert_int_eq(bench_state(&b), PEER_JOINED);
}
END_TEST

START_TEST(response_for_another_is_none)
{
	uint8_t octets[4096];
	size_t len;

	open_one();
	join();
	a.answers = false;
	bench_health(false, 0);
	len = rtr_encode(&a, WCCP_CMD_SHUTDOWN_RESPONSE, octets, sizeof(octets));
	octets[len - 1] ^= 1; /* the address, which is the end of the message */
	bench_rx(&a.address, octets, len);
	ck_assert_int_eq(bench_state(&a), PEER_DRAINING);
	octets[len - 1] ^= 1;
	bench_rx(&a.address, octets, len);
	ck_assert_int_eq(bench_state(&a), PEER_WITHDRAWN);
}
END_TEST

START_TEST(shutdown_given_up)
{
	open_one();
	join();
	a.answers = false;
	bench_health(false, 0);
	ck_assert_int_eq(bench_state(&a), PEER_DRAINING);
	ck_assert(!cache_is_quiet(B.cache));
	bench_run(4 * T / 10);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 5);
	ck_assert_int_eq(bench_state(&a), PEER_DRAINING);
	bench_run(T / 10);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 5);
	ck_assert_int_eq(bench_state(&a), PEER_WITHDRAWN);
	ck_assert_str_eq(bench_router(&a)->reason, "SHUTDOWN not acknowledged");
	ck_assert_uint_eq(bench_notes("withdrawn", &a), 1);
	ck_assert(cache_is_quiet(B.cache));
}
END_TEST

START_TEST(shutdown_with_a_stale_id_is_repeated_at_once)
{
	struct mono start;

	open_one();
	join();
	a.receive_id += 7; /* I_SEE_YOUs that we never got */
	start = B.now;
	bench_health(false, 0);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 2);
	ck_assert_int_eq(mono_ms_between(start, bench_last(WCCP_HERE_I_AM, &a)->at), 0);
	ck_assert(wccp_has(&B.got, WCCP_C_COMMAND));
	ck_assert_int_eq(bench_state(&a), PEER_WITHDRAWN);
	ck_assert_uint_eq(a.view.n_caches, 0);
}
END_TEST

START_TEST(gone_from_the_view_is_withdrawn)
{
	open_one();
	join();
	a.answers = false;
	bench_health(false, 0);
	rtr_remove(&a, SELF);
	rtr_see(&a, 0);
	ck_assert_int_eq(bench_state(&a), PEER_WITHDRAWN);
	ck_assert_str_eq(bench_router(&a)->reason, "no longer in its view");
}
END_TEST

START_TEST(router_without_shutdown_is_not_hammered)
{
	open_one();
	join();
	a.obeys = false;
	bench_health(false, 0);
	bench_run(10 * T);
	ck_assert_uint_le(bench_count(WCCP_HERE_I_AM, &a), 8);
	ck_assert_int_eq(bench_state(&a), PEER_WITHDRAWN);
}
END_TEST

START_TEST(pool_back_before_the_answer)
{
	open_one();
	join();
	a.answers = false;
	bench_health(false, 0);
	bench_run(100);
	a.answers = true;
	bench_health(true, 100);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	bench_run(3 * T);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
}
END_TEST

START_TEST(never_heard_is_not_told_goodbye)
{
	open_one();
	a.answers = false;
	bench_health(true, 100);
	bench_health(false, 0);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 1);
	ck_assert_int_eq(bench_state(&a), PEER_IDLE);
	ck_assert(cache_is_quiet(B.cache));
}
END_TEST

START_TEST(shutdown_is_for_ever)
{
	open_one();
	join();
	bench_shutdown();
	ck_assert_int_eq(bench_state(&a), PEER_WITHDRAWN);
	bench_clear();
	bench_health(true, 100);
	bench_run(10 * T);
	ck_assert_uint_eq(B.n_sent, 0);
	ck_assert(cache_is_quiet(B.cache));
}
END_TEST

START_TEST(query_after_a_lost_shutdown)
{
	struct addr self = addr_v4(SELF);

	open_one();
	join();
	a.answers = false;
	bench_health(false, 0);
	bench_run(T);
	ck_assert_int_eq(bench_state(&a), PEER_WITHDRAWN);
	bench_clear();
	rtr_query(&a, &self);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 1);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert(wccp_has(&B.got, WCCP_C_COMMAND));
	ck_assert_uint_eq(listed_id(&a), a.receive_id);
	bench_run(10 * T);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 1);
}
END_TEST

/* -- weight, configuration ------------------------------------------------------------------ */

START_TEST(weight_is_announced_at_once)
{
	open_one();
	join();
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
END_TEST

START_TEST(reload_touches_only_what_changed)
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
END_TEST

START_TEST(removed_and_back_before_the_answer)
{
	open_one();
	join();
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
END_TEST

START_TEST(router_being_left_is_in_no_view_of_others)
{
	open_two();
	join();
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
END_TEST

START_TEST(reload_of_preferences_and_password)
{
	open_one();
	offer(&a, WCCP_METHOD_GRE | WCCP_METHOD_L2, WCCP_METHOD_GRE, WCCP_ASSIGN_HASH);
	join();
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
END_TEST

START_TEST(reload_without_a_change_says_nothing)
{
	open_one();
	join();
	bench_clear();
	for (int i = 0; i < 100; i++)
		bench_conf();
	ck_assert_uint_eq(B.n_sent, 0);
	ck_assert_uint_eq(B.n_changed, 0);
}
END_TEST

START_TEST(many_reloads_do_not_grow_the_list)
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
END_TEST

/* -- main -------------------------------------------------------------------------------------- */

static TCase *cache_case(Suite *s, const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, NULL, bench_close);
	tcase_set_timeout(tc, 30);
	suite_add_tcase(s, tc);
	return tc;
}

static void add_joining(Suite *s)
{
	TCase *tc = cache_case(s, "joining");

	tcase_add_test(tc, idle_until_the_pool_is_up);
	tcase_add_test(tc, first_hello_leaves_the_router_out);
	tcase_add_test(tc, usable_without_waiting);
	tcase_add_test(tc, every_transition_is_noted_once);
	tcase_add_test(tc, newest_receive_id_every_t);
	tcase_add_test(tc, view_lists_heard_routers_and_their_caches);
	tcase_add_test(tc, identity_states_buckets_or_history);
	tcase_add_test(tc, dynamic_service_is_described_well_known_is_not);
	tcase_add_test(tc, router_that_never_lists_us_is_not_hammered);
	tcase_add_test(tc, member_repeats_early_at_most_six_times);
	tcase_add_test(tc, early_resend_ends_with_six);
	tcase_add_test(tc, waiting_router_is_asked_every_t_only);
	tcase_add_test(tc, no_early_repetition_where_we_are_not_in_the_view);
	tcase_add_test(tc, lost_and_back);
	tcase_add_test(tc, restarted_router_is_joined_again);
	tcase_add_test(tc, every_restart_is_joined_at_once);
	tcase_add_test(tc, back_from_lost_is_answered_at_once);
	tcase_add_test(tc, timers_run_while_the_socket_is_busy);
}

static void add_refusing(Suite *s)
{
	TCase *tc = cache_case(s, "refusing");

	tcase_add_test(tc, stranger_is_refused);
	tcase_add_test(tc, known_id_from_elsewhere_needs_a_password);
	tcase_add_test(tc, same_id_of_the_other_service_type);
	tcase_add_test(tc, not_in_received_from);
	tcase_add_test(tc, receive_id_zero_is_malformed);
	tcase_add_test(tc, one_id_at_two_addresses);
	tcase_add_test(tc, cut_and_bent_datagrams_change_nothing);
	tcase_add_test(tc, messages_for_routers_are_not_for_us);
	tcase_add_test(tc, all_eight_characters_of_a_password_count);
	tcase_add_test(tc, octets_after_the_message_do_not_count);
	tcase_add_test(tc, wrong_password_while_joining);
	tcase_add_test(tc, forgery_does_not_talk_us_out_of_a_working_router);
}

static void add_agreeing(Suite *s)
{
	TCase *tc = cache_case(s, "agreeing");

	tcase_add_test(tc, first_preference_on_offer);
	tcase_add_test(tc, only_kinds_that_the_router_mentioned);
	tcase_add_test(tc, choice_stays_while_it_is_offered);
	tcase_add_test(tc, mismatch_stays_with_its_router);
	tcase_add_test(tc, router_that_stops_offering_what_we_use);
	tcase_add_test(tc, each_router_by_the_method_it_offers);
	tcase_add_test(tc, transmit_t_is_negotiated);
	tcase_add_test(tc, t_is_the_default_until_another_is_offered);
	tcase_add_test(tc, choice_is_in_every_hello);
	tcase_add_test(tc, scales_stretch_the_time_outs);
	tcase_add_test(tc, weight_is_announced_at_once);
	tcase_add_test(tc, reload_touches_only_what_changed);
	tcase_add_test(tc, removed_and_back_before_the_answer);
	tcase_add_test(tc, router_being_left_is_in_no_view_of_others);
	tcase_add_test(tc, reload_of_preferences_and_password);
	tcase_add_test(tc, reload_without_a_change_says_nothing);
	tcase_add_test(tc, many_reloads_do_not_grow_the_list);
}

static void add_leaving(Suite *s)
{
	TCase *tc = cache_case(s, "leaving");

	tcase_add_test(tc, removal_query_gets_three_answers);
	tcase_add_test(tc, removal_query_flood_is_one_series);
	tcase_add_test(tc, shutdown_acknowledged);
	tcase_add_test(tc, response_for_another_is_none);
	tcase_add_test(tc, shutdown_given_up);
	tcase_add_test(tc, shutdown_with_a_stale_id_is_repeated_at_once);
	tcase_add_test(tc, gone_from_the_view_is_withdrawn);
	tcase_add_test(tc, router_without_shutdown_is_not_hammered);
	tcase_add_test(tc, pool_back_before_the_answer);
	tcase_add_test(tc, never_heard_is_not_told_goodbye);
	tcase_add_test(tc, shutdown_is_for_ever);
	tcase_add_test(tc, query_after_a_lost_shutdown);
}

int main(void)
{
	Suite *s = suite_create("group");
	SRunner *sr = srunner_create(s);
	int failed;

	add_joining(s);
	add_refusing(s);
	add_agreeing(s);
	add_leaving(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
