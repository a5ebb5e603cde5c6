/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The web-cache side of a group when things go wrong: restarts, wrapping numbers,
 * ids that change or are claimed twice, routers that only others hear, changes of
 * mind; and that every transition is exactly one note.
 */
#include "cache_bench.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#define R1 0x0a000001
#define R2 0x0a000002
#define R3 0x0a000003
#define CACHE2 0x0a000014 /* 10.0.0.20, after us */
#define CACHE3 0x0a00001e
#define T 10000
#define SETTLE (3 * T / 2)

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

static void settle(void)
{
	bench_health(true, 100);
	bench_run(2 * T + T / 2);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	bench_clear();
}

static struct cache_counters counters(void)
{
	return bench_look()->counters;
}

/* Buckets that one web-cache lost between two looks at a router. */
static unsigned lost(const struct rtr *before, const struct rtr *after, uint32_t cache)
{
	struct addr x = addr_v4(cache);
	const struct wccp_cache_id *old = NULL, *new = NULL;
	unsigned n = 0;

	for (unsigned i = 0; i < before->view.n_caches; i++)
		if (addr_equal(&before->view.caches[i].addr, &x))
			old = &before->view.caches[i];
	for (unsigned i = 0; i < after->view.n_caches; i++)
		if (addr_equal(&after->view.caches[i].addr, &x))
			new = &after->view.caches[i];
	ck_assert(old && new);
	for (unsigned i = 0; i < WCCP_BUCKETS; i++)
		n += wccp_vector_has(&old->buckets, i) &&
		     !wccp_vector_has(&new->buckets, i);
	return n;
}

/* -- numbers ------------------------------------------------------------------------------ */

CASE(restarts, .teardown = bench_close, .timeout = 60)

TEST(receive_id_wraps_around_zero)
{
	open_one();
	a.receive_id = 0xffffff00;
	settle();
	a.receive_id = 0xfffffffd;
	rtr_see(&a, 0);
	ck_assert_uint_eq(bench_router(&a)->receive_id, 0xfffffffe);
	bench_run(T);
	ck_assert_uint_eq(bench_router(&a)->receive_id, 0xffffffff);
	a.receive_id = 0; /* a router skips 0: the next is 1 */
	rtr_see(&a, 0);
	ck_assert_uint_eq(bench_router(&a)->receive_id, 1);
	bench_run(2 * T);
	ck_assert_uint_eq(a.stale, 0);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	ck_assert_uint_eq(counters().refused[CODEC_MALFORMED], 0);
}

/* It is another number, be it larger or smaller. */
TEST(member_change_number_wraps)
{
	open_one();
	a.view.change_number = 0xfffffffe;
	settle();
	ck_assert_uint_eq(a.view.change_number, 0xffffffff);
	rtr_add(&a, CACHE2, 100);
	ck_assert_uint_eq(a.view.change_number, 0);
	bench_run(T + SETTLE + T);
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, &a), 1);
	bench_last(WCCP_REDIRECT_ASSIGN, &a);
	ck_assert_uint_eq(B.got.assignment.routers[0].change_number, 0);
	ck_assert_uint_eq(rtr_count(&a, CACHE2), 128);
	a.view.change_number = 7; /* restarted: smaller, and just as much a change */
	bench_run(T + SETTLE + T);
	bench_last(WCCP_REDIRECT_ASSIGN, &a);
	ck_assert_uint_eq(B.got.assignment.routers[0].change_number, 7);
}

/* -- routers ------------------------------------------------------------------------------- */

TEST(router_id_changes_at_the_same_address)
{
	uint32_t change;

	open_two();
	settle();
	bench_run(T);
	bench_last(WCCP_HERE_I_AM, &b);
	change = B.got.cache_view.change_number;
	bench_clear();
	a.id = addr_v4(0xc0a80001); /* a loopback was configured */
	a.receive_id = 0;
	rtr_remove(&a, SELF);
	a.view.key = (struct wccp_key){ 0 };
	bench_run(T + SETTLE + T);
	ck_assert_uint_eq(addr_to_v4(&bench_router(&a)->id), 0xc0a80001);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	ck_assert_uint_eq(bench_notes("router-id", &a), 1);
	bench_last(WCCP_HERE_I_AM, &b);
	ck_assert_uint_ne(B.got.cache_view.change_number, change);
	ck_assert_uint_eq(B.got.cache_view.n_routers, 2);
	bench_last(WCCP_REDIRECT_ASSIGN, &b);
	ck_assert_uint_eq(addr_to_v4(&B.got.assignment.routers[0].id), 0xc0a80001);
	ck_assert_uint_eq(a.refused + b.refused, 0);
}

TEST(second_claimant_of_an_id_waits_for_the_first_to_go)
{
	open_two();
	b.id = a.id;
	bench_health(true, 100);
	bench_run(3 * T);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	ck_assert_int_eq(bench_state(&b), PEER_WAITING);
	ck_assert_uint_ge(bench_notes("not-for-us", &b), 1);
	for (unsigned i = 0; i < bench_count(WCCP_HERE_I_AM, NULL); i++) {
		bench_nth(WCCP_HERE_I_AM, NULL, i);
		ck_assert_uint_le(B.got.cache_view.n_routers, 1);
	}
	a.answers = false; /* the box moved: same id, the other address */
	bench_run(6 * T);
	ck_assert_int_eq(bench_state(&a), PEER_LOST);
	ck_assert_int_eq(bench_state(&b), PEER_ASSIGNED);
	a.answers = true; /* and now the other way round */
	bench_run(2 * T);
	ck_assert_int_eq(bench_state(&a), PEER_LOST);
	ck_assert_int_eq(bench_state(&b), PEER_ASSIGNED);
}

TEST(router_restart_between_two_answers)
{
	struct rtr before;

	open_two();
	settle();
	before = b;
	a.receive_id = 0;
	a.view = (struct wccp_router_view){ .change_number = 1 };
	bench_run(T + SETTLE + T);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	ck_assert_uint_eq(rtr_count(&a, SELF), 256);
	ck_assert_uint_eq(lost(&before, &b, SELF), 0);
	ck_assert_uint_eq(bench_notes("joined", &a), 1);
	ck_assert_uint_eq(bench_notes("lost", NULL), 0);
}

/* -- our own restart, takeover ----------------------------------------------------------------- */

static void open_shared(void)
{
	open_one();
	rtr_add(&a, CACHE2, 100);
	rtr_add(&a, CACHE3, 50);
	settle();
}

TEST(our_restart_within_the_time_out_moves_nothing)
{
	struct rtr before;

	open_shared();
	before = a;
	bench_restart();
	bench_health(true, 100);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	ck_assert_uint_eq(bench_look()->my_slots, rtr_count(&a, SELF));
	bench_run(4 * T);
	ck_assert_uint_eq(lost(&before, &a, SELF) + lost(&before, &a, CACHE2) +
				  lost(&before, &a, CACHE3),
			  0);
	/* Our new life's first key must differ from those of the old one. */
	ck_assert_uint_gt(a.view.key.change_number, before.view.key.change_number);
}

TEST(our_restart_after_the_time_out_moves_our_share_only)
{
	struct rtr before;
	unsigned share;

	open_shared();
	share = rtr_count(&a, SELF);
	/* The router has removed us, and the next in line has reassigned. */
	bench_close();
	rtr_remove(&a, SELF);
	rtr_give(&a, CACHE2, 0, 171);
	rtr_give(&a, CACHE3, 171, 85);
	a.view.key = (struct wccp_key){ addr_v4(CACHE2), 1 };
	before = a;
	B.cache = cache_new(&B.conf, B.now);
	bench_health(true, 100);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	bench_run(4 * T);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	/* 102.4 of 256: the odd bucket may be anybody's. */
	ck_assert(rtr_count(&a, SELF) + 1 >= share && rtr_count(&a, SELF) <= share + 1);
	ck_assert_uint_eq(lost(&before, &a, CACHE2) + lost(&before, &a, CACHE3),
			  rtr_count(&a, SELF));
}

/* The role moves to us, the lowest; weight 0, so the shares stay what they are. */
TEST(taking_over_the_role_alone_moves_nothing)
{
	struct rtr before;

	open_one();
	rtr_add(&a, CACHE2, 100);
	rtr_add(&a, CACHE3, 100);
	for (unsigned i = 0; i < WCCP_BUCKETS; i++) /* not as we would have laid it out */
		wccp_vector_add(&a.view.caches[i * 37 % 256 < 128].buckets, i);
	a.view.caches[0].unassigned = a.view.caches[1].unassigned = false;
	a.view.key = (struct wccp_key){ addr_v4(CACHE2), 9 };
	ck_assert_uint_eq(rtr_count(&a, CACHE2), 128);
	before = a;
	bench_health(true, 0);
	bench_run(4 * T);
	ck_assert(bench_look()->designated);
	ck_assert_uint_eq(counters().assignments_sent, 1);
	ck_assert(addr_equal(&a.view.key.cache, &B.conf.self));
	ck_assert_uint_eq(lost(&before, &a, CACHE2) + lost(&before, &a, CACHE3), 0);
}

/* -- routers that only others hear ---------------------------------------------------------------- */

static void list_router(struct rtr *r, uint32_t id)
{
	r->view.change_number++;
	r->view.routers[r->view.n_routers++] = addr_v4(id);
}

static void assigned_by(struct rtr *r, uint32_t cache, uint32_t number)
{
	r->view.key = (struct wccp_key){ addr_v4(cache), number };
	for (unsigned i = 0; i < r->view.n_caches; i++)
		rtr_give(r, addr_to_v4(&r->view.caches[i].addr), 0, 0);
	rtr_give(r, cache, 0, 256);
}

/* Joining, we hear one router before the other; the key that is there already is not
 * a sign that somebody acts at those we do not hear. */
TEST(key_met_on_joining_is_no_reason_to_yield)
{
	open_two();
	for (unsigned i = 0; i < 2; i++) {
		rtr_add(B.rtrs[i], CACHE2, 100);
		list_router(B.rtrs[i], R1);
		list_router(B.rtrs[i], R2);
		assigned_by(B.rtrs[i], CACHE2, 7);
	}
	bench_health(true, 100);
	bench_run(SETTLE + 100);
	ck_assert_uint_eq(bench_notes("yielded", NULL), 0);
	ck_assert(bench_look()->designated);
	ck_assert_uint_eq(counters().assignments_sent, 1);
}

TEST(one_that_hears_more_is_left_to_assign)
{
	open_one();
	rtr_add(&a, CACHE2, 100);
	list_router(&a, R1);
	list_router(&a, R3); /* which 10.0.0.20 hears, and we do not */
	bench_health(true, 100);
	bench_run(SETTLE + 100);
	ck_assert_uint_eq(counters().assignments_sent, 0);
	assigned_by(&a, CACHE2, 1); /* it holds itself designated */
	bench_run(20 * T);
	ck_assert_uint_eq(counters().assignments_sent, 0);
	ck_assert(!bench_look()->designated);
	ck_assert_uint_eq(bench_notes("yielded", NULL), 1);
	/* We hear it at last: the election is ours again, as everybody sees. */
	b = rtr_make(R3);
	B.rtrs[1] = &b;
	B.n_rtrs = 2;
	B.conf.routers[1] = b.address;
	B.conf.n_routers = 2;
	rtr_add(&b, CACHE2, 100);
	bench_conf();
	ck_assert_int_eq(bench_state(&b), PEER_JOINED);
	bench_run(3 * T);
	ck_assert(bench_look()->designated);
	ck_assert_uint_eq(counters().assignments_sent, 1);
	ck_assert_uint_eq(rtr_count(&b, SELF), 128);
}

TEST(phantom_does_not_block_for_ever)
{
	open_one();
	rtr_add(&a, CACHE2, 100);
	list_router(&a, R1);
	list_router(&a, R3); /* exists in somebody's configuration only */
	bench_health(true, 100);
	bench_run(4 * T - 1);
	ck_assert_uint_eq(counters().assignments_sent, 0);
	bench_run(1); /* routers flush at 5 RB */
	ck_assert_uint_eq(counters().assignments_sent, 1);
	ck_assert_uint_eq(bench_notes("unheard-router", NULL), 1);
	ck_assert(bench_look()->designated);
	ck_assert_uint_eq(rtr_count(&a, SELF), 128);
	/* Known for what it is: the next change is not delayed again. */
	bench_run(T);
	rtr_add(&a, CACHE3, 100);
	bench_run(T + SETTLE + 100);
	ck_assert_uint_eq(counters().assignments_sent, 2);
	ck_assert_uint_eq(bench_notes("unheard-router", NULL), 1);
	ck_assert_uint_gt(rtr_count(&a, CACHE3), 84);
}

TEST(router_that_died_unblocks_when_nobody_lists_it)
{
	open_two();
	list_router(&a, R1);
	list_router(&a, R2);
	list_router(&b, R1);
	list_router(&b, R2);
	rtr_add(&a, CACHE2, 100);
	rtr_add(&b, CACHE2, 100);
	settle();
	b.answers = false;
	bench_run(3 * T + T / 2);
	ck_assert_int_eq(bench_state(&b), PEER_LOST);
	bench_clear();
	a.view.n_routers = 1; /* the others noticed as well */
	a.view.change_number++;
	bench_run(T + SETTLE + 100);
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, &a), 1);
	ck_assert_uint_eq(bench_notes("unheard-router", NULL), 0);
}

TEST(wrong_about_a_phantom_is_not_a_fight)
{
	open_one();
	rtr_add(&a, CACHE2, 100);
	list_router(&a, R3);
	bench_health(true, 100);
	bench_run(5 * T);
	ck_assert_uint_eq(counters().assignments_sent, 1);
	/* It was late only, and assigns over ours. */
	bench_clear();
	assigned_by(&a, CACHE2, 1);
	bench_run(20 * T);
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, NULL), 0);
	ck_assert_uint_eq(rtr_count(&a, CACHE2), 256);
	ck_assert_uint_eq(bench_notes("yielded", NULL), 1);
	/* It dies; somebody still lists the router. */
	rtr_remove(&a, CACHE2);
	a.view.key = (struct wccp_key){ 0 };
	bench_run(T + 4 * T + 100);
	ck_assert_uint_eq(rtr_count(&a, SELF), 256);
}

TEST(table_replaced_though_we_hear_all_is_sent_again)
{
	open_one();
	rtr_add(&a, CACHE2, 100);
	list_router(&a, R1);
	settle();
	assigned_by(&a, CACHE2, 77); /* by one that is not designated */
	bench_run(2 * T);
	ck_assert_uint_eq(rtr_count(&a, SELF), 128);
	ck_assert_uint_eq(bench_notes("yielded", NULL), 0);
}

/* -- changes of mind, timers ------------------------------------------------------------------------ */

TEST(renegotiation_is_noted_with_both)
{
	open_one();
	a.capabilities.present = 1u << WCCP_CAP_FORWARD | 1u << WCCP_CAP_TRANSMIT_T;
	a.capabilities.forward = WCCP_METHOD_GRE | WCCP_METHOD_L2;
	a.capabilities.transmit_t = (struct wccp_cap_transmit_t){ true, 500, 60000 };
	B.conf.forward = (struct cache_preference){ 2, { WCCP_METHOD_L2, WCCP_METHOD_GRE } };
	B.conf.transmit_t_ms = 2000;
	bench_restart();
	settle();
	a.capabilities.forward = WCCP_METHOD_GRE;
	a.capabilities.transmit_t.lower_ms = 5000;
	bench_run(2000);
	ck_assert_uint_eq(bench_notes("renegotiated", &a), 1);
	ck_assert_str_eq(bench_note_text("renegotiated"),
			 "router 10.0.0.1: forwarding GRE, return GRE, hash assignment, "
			 "T 5000 ms x 1 x 1 (was forwarding L2, return GRE, hash "
			 "assignment, T 2000 ms x 1 x 1)");
	/* Said at once, not after the new T. */
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(B.got.capabilities.forward, WCCP_METHOD_GRE);
	ck_assert_uint_eq(B.got.capabilities.transmit_t.lower_ms, 5000);
	bench_clear();
	bench_run(10000);
	ck_assert_uint_eq(bench_count(WCCP_HERE_I_AM, &a), 2);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
}

/* 2.01 section 6.11.5: 0 must not be in a range.  A router that offers nothing else
 * is not believed, or its silence would be a loss at once. */
TEST(scale_of_zero_is_not_agreed_to)
{
	open_one();
	a.capabilities.present = 1u << WCCP_CAP_TIMER_SCALE;
	a.capabilities.timer_scale = (struct wccp_cap_timer_scale){ 0 };
	settle();
	a.answers = false;
	bench_run(2 * T);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	bench_run(2 * T);
	ck_assert_int_eq(bench_state(&a), PEER_LOST);
	bench_last(WCCP_HERE_I_AM, &a);
}

TEST(every_time_follows_from_what_was_agreed)
{
	struct mono start;

	open_one();
	a.capabilities.present = 1u << WCCP_CAP_TRANSMIT_T | 1u << WCCP_CAP_TIMER_SCALE;
	a.capabilities.transmit_t = (struct wccp_cap_transmit_t){ true, 500, 60000 };
	a.capabilities.timer_scale = (struct wccp_cap_timer_scale){ true, 1, 5, 1, 5 };
	B.conf.transmit_t_ms = 1000;
	B.conf.timeout_scale = 4;
	B.conf.ra_scale = 2;
	bench_restart();
	start = B.now;
	bench_health(true, 100);
	bench_run(10000);
	ck_assert_int_eq(mono_ms_between(start, bench_nth(WCCP_REDIRECT_ASSIGN, &a, 0)->at),
			 3000); /* 1.5 RB */
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(B.got.capabilities.timer_scale.timeout_upper, 4);
	ck_assert_uint_eq(B.got.capabilities.timer_scale.ra_upper, 2);
	a.answers = false;
	start = bench_last(WCCP_HERE_I_AM, &a)->at;
	bench_clear();
	bench_run(11900 - mono_ms_between(start, B.now));
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED); /* 3 TB of 4 s */
	bench_run(200);
	ck_assert_int_eq(bench_state(&a), PEER_LOST);
}

/* -- every transition is one note ----------------------------------------------------------------- */

static uint32_t dice;

static uint32_t roll(uint32_t sides)
{
	dice = dice * 1664525u + 1013904223u;
	return (dice >> 8) % sides;
}

static bool is_state_event(const char *event)
{
	static const char *const events[] = { "idle",	  "waiting", "negotiating", "joined",
					      "assigned", "draining", "withdrawn",   "lost",
					      "mismatch", "auth-failed" };

	for (unsigned i = 0; i < sizeof(events) / sizeof(*events); i++)
		if (strcmp(event, events[i]) == 0)
			return true;
	return false;
}

static unsigned state_notes(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < B.n_noted; i++)
		n += !B.noted[i].rate_limited && is_state_event(B.noted[i].event);
	return n;
}

static void disturb(struct rtr *r)
{
	static const struct codec_password other = { true, { 'x' } };

	switch (roll(12)) {
	case 0:
		r->answers = !r->answers;
		break;
	case 1:
		r->receive_id = roll(1000);
		rtr_remove(r, SELF);
		break;
	case 2:
		r->capabilities.present = 1u << WCCP_CAP_FORWARD;
		r->capabilities.forward =
			1 + roll(2); /* GRE, or what we do not accept */
		break;
	case 3:
		r->accepts = !r->accepts;
		break;
	case 4:
		rtr_give(r, CACHE2, 0, 0);
		break;
	case 5:
		r->password = r->password.set ? (struct codec_password){ 0 } : other;
		rtr_see(r, 0);
		r->password = (struct codec_password){ 0 };
		break;
	case 6:
		bench_health(roll(2), (uint16_t)roll(100));
		break;
	case 7:
		rtr_query(r, &B.conf.self);
		break;
	case 8:
		r->obeys = !r->obeys;
		break;
	case 9:
		B.conf.n_routers = roll(3);
		bench_conf();
		break;
	case 10:
		r->max_minor = (uint8_t)roll(2);
		break;
	default:
		rtr_see(r, 0);
		break;
	}
}

static void random_run(uint32_t seed, bool multicast)
{
	enum peer_state was[2] = { PEER_IDLE, PEER_IDLE };
	uint64_t changes = 0;

	dice = seed;
	open_two();
	if (multicast) {
		a.period_ms = b.period_ms = 9 * T / 10;
		a.see_at = b.see_at = B.now;
		B.conf.multicast = addr_v4(0xe0010101);
	}
	B.conf.version = CACHE_NEGOTIATE;
	bench_restart();
	rtr_add(&a, CACHE2, 100);
	rtr_add(&b, CACHE2, 100);
	for (unsigned i = 0; i < 500; i++) {
		struct cache_counters c;

		bench_clear();
		disturb(roll(2) ? &a : &b);
		bench_run(roll(2 * T));
		c = counters();
		ck_assert_msg(state_notes() == c.state_changes - changes,
			      "seed %u: %u notes, %u changes", seed, state_notes(),
			      (unsigned)(c.state_changes - changes));
		/* And no state changes behind the counter's back. */
		for (unsigned k = 0; k < B.status.n_routers; k++) {
			const struct cache_router_status *r = &B.status.routers[k];
			unsigned which = addr_equal(&r->address, &b.address);

			if (r->state != was[which] && r->state != PEER_IDLE)
				ck_assert_uint_gt(state_notes(), 0);
			was[which] = r->state;
		}
		changes = c.state_changes;
	}
	ck_assert_uint_gt(changes, 20);
	bench_close();
}

TEST(one_note_per_transition)
{
	for (uint32_t seed = 1; seed <= 20; seed++) {
		random_run(seed, false);
		random_run(seed, true);
	}
	open_one(); /* for the fixture to close */
}
