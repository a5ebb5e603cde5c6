/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a router once said, sent again by somebody else: with a password, as otherwise he
 * could say anything.
 */
#include "cache_two.h"
#include "suite.h"

#include <string.h>

CASE(replay, .teardown = bench_close, .timeout = 30)

struct recording {
	uint8_t octets[4096];
	size_t len;
};

/* As the router says it now, to nobody. */
static struct recording record(struct rtr *r)
{
	struct recording x;

	x.len = rtr_encode(r, 0, x.octets, sizeof(x.octets));
	return x;
}

static void play(const struct recording *x, const struct rtr *r)
{
	bench_rx(&r->address, x->octets, x->len);
}

/* Heard in time; from now on it may be played. */
static struct recording delivered(struct rtr *r)
{
	struct recording x = record(r);

	play(&x, r);
	return x;
}

static void open_with_password(bool passes_status)
{
	a = rtr_make(R1);
	a.passes_status = passes_status;
	ck_assert_int_eq(codec_password("eight888", &a.password, NULL), 0);
	bench_open(1, (struct rtr *[]){ &a });
}

/* In the group with all buckets. */
static void join(void)
{
	announce();
	bench_run(3 * T);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
}

TEST(old_answers_change_nothing)
{
	struct recording old, older;

	open_with_password(true);
	announce();
	older = delivered(&a); /* it lists us without buckets */
	join();
	old = delivered(&a);
	bench_run(T);
	bench_clear();
	for (unsigned i = 0; i < 100; i++) {
		play(i % 2 ? &old : &older, &a);
		bench_skip(1);
	}
	ck_assert_uint_eq(counters().stale, 100);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	ck_assert_uint_eq(bench_look()->my_slots, 256);
	ck_assert_uint_eq(B.n_changed, 0);
	ck_assert_uint_eq(B.n_sent, 0);
	ck_assert_uint_eq(bench_notes("stale", &a), 100);
	ck_assert(B.noted[0].rate_limited);
}

TEST(a_repeated_answer_does_not_keep_it_alive)
{
	struct recording last;

	open_with_password(true);
	join();
	last = delivered(&a);
	a.answers = false;
	for (unsigned i = 0; i < 30; i++) {
		play(&last, &a);
		bench_run(T / 10);
	}
	ck_assert_int_eq(bench_state(&a), PEER_LOST);
}

/* Join; what the router said in an earlier life, when its ids were higher, is returned. */
static struct recording join_after_earlier_life(void)
{
	struct recording drops;
	struct rtr earlier;

	open_with_password(true);
	earlier = a;
	earlier.receive_id = 1000000;
	drops = record(&earlier);
	join();
	bench_clear();
	return drops;
}

TEST(a_recording_that_drops_us_is_doubted)
{
	struct recording drops = join_after_earlier_life();

	for (unsigned i = 0; i < 100; i++) {
		play(&drops, &a);
		bench_run(T / 10);
	}
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	ck_assert_uint_eq(bench_notes("negotiating", NULL), 0);
	ck_assert_uint_eq(counters().doubted, 100);
	ck_assert_uint_eq(bench_look()->my_slots, 256);
}

/* A question is a HERE_I_AM with the id claimed; one with the right id follows it. */
TEST(asked_once_in_t)
{
	struct recording drops = join_after_earlier_life();

	for (unsigned i = 0; i < 1000; i++) {
		play(&drops, &a);
		bench_run(T / 100);
	}
	ck_assert_uint_le(bench_count(WCCP_HERE_I_AM, &a), 3 * 10 + 1);
	ck_assert_uint_ge(bench_count(WCCP_HERE_I_AM, &a), 10);
}

TEST(restarted_router_is_believed_at_once)
{
	open_with_password(true);
	join();
	bench_clear();
	a.receive_id = 0;
	rtr_remove(&a, SELF);
	a.view.key = (struct wccp_key){ 0 };
	bench_run(T + 100);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	ck_assert_uint_lt(bench_router(&a)->receive_id, 10);
	ck_assert_uint_eq(bench_notes("lost", NULL), 0);
	bench_run(3 * T);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
}

/* It is alive and does not take us any more. */
TEST(router_that_drops_us_is_believed_after_t)
{
	open_with_password(true);
	join();
	rtr_remove(&a, SELF);
	a.accepts_nobody = true;
	bench_run(T + 100);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	bench_run(T * 3 / 2);
	ck_assert_int_eq(bench_state(&a), PEER_NEGOTIATING);
	a.accepts_nobody = false;
	bench_run(T);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
}

/* All that it says in eight T. */
static void record_eight(struct recording x[8])
{
	announce();
	for (unsigned i = 0; i < 8; i++) {
		x[i] = delivered(&a);
		bench_run(T);
	}
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
}

static void play_for_long(const struct recording x[8])
{
	for (unsigned i = 0; i < 200; i++) {
		play(&x[i % 8], &a);
		bench_run(T / 10);
		ck_assert_int_ne(bench_state(&a), PEER_JOINED);
		ck_assert_int_ne(bench_state(&a), PEER_ASSIGNED);
	}
}

TEST(recordings_of_an_earlier_life)
{
	struct recording x[8];

	open_with_password(true);
	record_eight(x);
	bench_restart();
	cache_set_token(B.cache, 0x4711);
	a.answers = false;
	bench_health(true, 100);
	play_for_long(x);
	ck_assert_uint_eq(bench_look()->my_slots, 0);
	a.answers = true; /* it is met in spite of them */
	for (unsigned i = 0; i < 50; i++) {
		play(&x[i % 8], &a);
		bench_run(T / 10);
	}
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
}

TEST(silent_router_does_not_come_back_by_recordings)
{
	struct recording x[8];

	open_with_password(true);
	record_eight(x);
	a.answers = false;
	bench_run(4 * T);
	ck_assert_int_eq(bench_state(&a), PEER_LOST);
	play_for_long(x);
}

/* Status is 0 in its view: it is believed by its receive ids. */
TEST(router_without_tokens)
{
	struct recording old;

	open_with_password(false);
	join();
	old = delivered(&a);
	bench_run(T);
	bench_clear();
	play(&old, &a);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	a.receive_id = 0; /* restarted */
	rtr_remove(&a, SELF);
	bench_run(T + 100);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	ck_assert_uint_lt(bench_router(&a)->receive_id, 10);
	ck_assert_uint_eq(bench_notes("lost", NULL), 0);
}

TEST(an_old_removal_query)
{
	struct addr self = addr_v4(SELF);
	struct rtr before;

	open_with_password(true);
	join();
	before = a;
	before.receive_id--;
	bench_clear();
	rtr_query(&before, &self);
	bench_run(T / 4);
	ck_assert_uint_eq(counters().stale, 1);
	ck_assert_uint_eq(B.n_sent, 0);
	rtr_query(&a, &self);
	bench_run(T / 4);
	ck_assert_uint_ge(bench_count(WCCP_HERE_I_AM, &a), 3);
}

/* In what others are told, the id of a router is one that is used up: who records that
 * cannot return it to that router in our place. */
TEST(others_are_not_told_the_id_to_return)
{
	open_with_password(true);
	bench_close();
	b = rtr_make(R2);
	b.passes_status = true;
	b.password = a.password;
	bench_open(2, (struct rtr *[]){ &a, &b });
	announce();
	bench_run(4 * T);
	bench_last(WCCP_HERE_I_AM, &b);
	ck_assert_uint_eq(B.got.cache_view.n_routers, 2);
	for (unsigned i = 0; i < 2; i++) {
		const struct wccp_router_id *x = &B.got.cache_view.routers[i];

		if (addr_equal(&x->id, &a.id))
			ck_assert_uint_lt(x->receive_id, a.receive_id - 1);
		ck_assert_uint_ne(x->receive_id, 0);
	}
}

TEST(ids_that_no_router_has)
{
	static const uint32_t ids[] = { SELF,	    0xe0000101, 0xffffffff,
					0x7f000001, 0x00000001, CACHE2 };
	struct rtr odd;

	open_one();
	B.conf.n_allowed = 2;
	B.conf.allowed[0] = addr_v4(SELF);
	B.conf.allowed[1] = addr_v4(CACHE2);
	bench_conf();
	announce();
	odd = a;
	bench_clear();
	for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		odd.id = addr_v4(ids[i]);
		odd.receive_id += 10;
		rtr_see(&odd, 0);
		ck_assert_uint_eq(counters().bad_id, i + 1);
	}
	ck_assert(addr_equal(&bench_router(&a)->id, &a.id));
	ck_assert_uint_eq(bench_notes("bad-router-id", &a), 6);
	ck_assert(B.noted[0].rate_limited);
}

/* Nor has any web-cache such an address. */
TEST(web_caches_that_are_no_hosts)
{
	open_one();
	announce();
	rtr_add(&a, 0xe0000101, 100);
	rtr_add(&a, 0x7f000001, 100);
	rtr_add(&a, CACHE2, 100);
	bench_run(T);
	ck_assert_uint_eq(bench_look()->n_caches, 2);
}
