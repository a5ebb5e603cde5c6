/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A service and its mirror: real groups against real routers in virtual time, each
 * datagram delivered at once unless a test has it lost.  After every step each router
 * is looked at: its two tables must be alike.
 */
#include "cache.h"
#include "mask.h"
#include "router.h"

#include <check.h>
#include <string.h>

enum { CACHES = 3, ROUTERS = 2, SERVICES = 2, QUEUE = 512, T_MS = 10000 };

struct packet {
	unsigned from, to, service; /* nodes; web-caches first */
	size_t len;
	uint8_t octets[8192];
};

static struct {
	struct mono now;
	bool paired, mask;
	struct cache *groups[CACHES][SERVICES];
	struct router *routers[ROUTERS][SERVICES];
	unsigned n_queued;
	struct packet queue[QUEUE];
	/* Is this one to be lost?  NULL: none is. */
	bool (*lost)(const struct packet *p);
	unsigned loss_percent, bend_percent;
	bool bent; /* then a key proves nothing */
	uint64_t random;
	int64_t unlike_ms; /* a slot had two owners, in all */
	struct mono looked;
	bool was_unlike;
	unsigned assignments[SERVICES];
	char split[256]; /* the last note of that */
	unsigned splits, unlikes, halves;
} W;

static struct wccp_msg scratch;
static struct actions actions;

static struct addr cache_addr(unsigned i)
{
	return addr_v4(0x0a00000a + i);
}

static struct addr router_addr(unsigned j)
{
	return addr_v4(0x0a000101 + j);
}

/* Of several fields: the mirror numbers the values in another order. */
static const struct wccp_mask mask = {
	.src = { ADDR_V4, { 0, 0, 0, 7 } },
	.dst = { ADDR_V4, { 0, 0, 1, 1 } },
	.dport = 0x2,
};

static uint32_t any(uint32_t below)
{
	W.random = W.random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(W.random >> 33) % below;
}

/* -- tables ---------------------------------------------------------------------------- */

static const struct router_status *look(unsigned j, unsigned k)
{
	static struct router_status status[SERVICES];

	router_get_status(W.routers[j][k], &status[k]);
	return &status[k];
}

/* 0: nobody. */
static uint32_t bucket_owner(const struct router_status *s, unsigned bucket)
{
	uint8_t at = s->table.buckets[bucket];

	if (!s->assigned || at == WCCP_BUCKET_NONE)
		return 0;
	return addr_to_v4(&s->table.caches[at & WCCP_BUCKET_INDEX]);
}

static uint32_t value_owner(const struct router_masks *m, const struct wccp_mask *value)
{
	for (unsigned i = 0; i < m->n_sets; i++)
		for (unsigned v = m->sets[i].first; v < m->sets[i].first + m->sets[i].n;
		     v++)
			if (mask_equal(&m->values[v].match, value))
				return addr_to_v4(&m->caches[m->values[v].cache]);
	return 0;
}

/* Whose packets are in the service, and in the mirror those of the other direction. */
struct owners {
	unsigned n;
	uint32_t first[WCCP_BUCKETS], mirror[WCCP_BUCKETS];
};

static void owners_by_mask(const struct router_status *a, const struct router_status *b,
			   struct owners *o)
{
	for (unsigned v = 0; v < 64; v++) {
		struct wccp_mask value = mask_value(&mask, v),
				 back = mask_mirror(&value);

		o->first[v] = a->assigned ? value_owner(&a->masks, &value) : 0;
		o->mirror[v] = b->assigned ? value_owner(&b->masks, &back) : 0;
	}
	o->n = 64;
}

static const struct owners *owners_at(unsigned j)
{
	const struct router_status *a = look(j, 0), *b = look(j, 1);
	static struct owners o;

	if (W.mask) {
		owners_by_mask(a, b, &o);
		return &o;
	}
	o.n = WCCP_BUCKETS;
	for (unsigned i = 0; i < WCCP_BUCKETS; i++) {
		o.first[i] = bucket_owner(a, i);
		o.mirror[i] = bucket_owner(b, i);
	}
	return &o;
}

static bool alike(unsigned j)
{
	const struct owners *o = owners_at(j);

	return memcmp(o->first, o->mirror, o->n * sizeof(o->first[0])) == 0;
}

/* A router takes the slots of those that it removes out of its table at once, maybe
 * only in one of them; other than that none has two owners. */
static bool conflict(unsigned j)
{
	const struct owners *o = owners_at(j);

	for (unsigned i = 0; i < o->n; i++)
		if (o->first[i] && o->mirror[i] && o->first[i] != o->mirror[i])
			return true;
	return false;
}

static unsigned owned(unsigned j, unsigned k, unsigned cache)
{
	const struct router_status *s = look(j, k);
	struct addr addr = cache_addr(cache);

	for (unsigned i = 0; i < s->n_caches; i++)
		if (addr_equal(&s->caches[i].addr, &addr))
			return s->by_mask ? s->caches[i].values : s->caches[i].buckets;
	return 0;
}

/* One key is one table, everywhere. */
static void check_keys(unsigned j)
{
	const struct router_status *a = look(j, 0), *b = look(j, 1);

	if (W.paired && !W.bent && a->assigned && b->assigned &&
	    addr_equal(&a->key.cache, &b->key.cache) &&
	    a->key.change_number == b->key.change_number)
		ck_assert_msg(!conflict(j), "two tables under one key at router %u", j);
}

/* How long, since the last look, a router has had two tables. */
static void watch(void)
{
	bool unlike = false;
	int64_t past = mono_ms_between(W.looked, W.now);

	if (W.was_unlike)
		W.unlike_ms += past;
	for (unsigned j = 0; j < ROUTERS; j++) {
		if (!W.routers[j][0] || !W.routers[j][1])
			continue;
		check_keys(j);
		unlike = unlike || conflict(j);
	}
	W.was_unlike = unlike;
	W.looked = W.now;
}

/* -- steps ------------------------------------------------------------------------------ */

/* As nothing is authenticated, whatever decodes is believed. */
static void bend(struct packet *p)
{
	for (unsigned n = any(4) + 1; n > 0; n--)
		p->octets[any((uint32_t)p->len)] ^= (uint8_t)(1u << any(8));
	if (any(4) == 0)
		p->len = any((uint32_t)p->len);
}

static void queue(unsigned from, unsigned service, const struct action *x)
{
	struct packet *p = &W.queue[W.n_queued];

	ck_assert_uint_lt(W.n_queued, QUEUE);
	ck_assert_uint_le(x->len, sizeof(p->octets));
	*p = (struct packet){ .from = from, .service = service, .len = x->len };
	for (p->to = 0; p->to < CACHES + ROUTERS; p->to++) {
		struct addr a = p->to < CACHES ? cache_addr(p->to)
					       : router_addr(p->to - CACHES);

		if (addr_equal(&a, &x->peer))
			break;
	}
	ck_assert_uint_lt(p->to, CACHES + ROUTERS);
	memcpy(p->octets, action_octets(&actions, x), x->len);
	if (p->octets[3] == WCCP_REDIRECT_ASSIGN)
		W.assignments[service]++;
	if ((W.lost && W.lost(p)) || any(100) < W.loss_percent)
		return;
	if (any(100) < W.bend_percent)
		bend(p);
	W.n_queued++;
}

static void take_note(const struct action *x)
{
	W.unlikes += strcmp(x->event, "pair-unlike") == 0;
	W.halves += strcmp(x->event, "pair-half-member") == 0;
	if (strcmp(x->event, "pair-split") != 0)
		return;
	W.splits++;
	strncpy(W.split, action_octets(&actions, x), sizeof(W.split) - 1);
}

static void carry_out(unsigned from, unsigned service)
{
	ck_assert_uint_eq(actions.dropped, 0);
	for (unsigned i = 0; i < actions.n; i++) {
		const struct action *x = &actions.list[i];

		if (x->kind == ACTION_SEND)
			queue(from, service, x);
		else if (x->kind == ACTION_NOTE)
			take_note(x);
	}
}

static void step_group(unsigned i, unsigned k, struct cache_event *ev)
{
	if (!W.groups[i][k])
		return;
	ev->now = W.now;
	actions_reset(&actions);
	cache_step(W.groups[i][k], ev, &scratch, &actions);
	carry_out(i, k);
}

static void step_router(unsigned j, unsigned k, struct router_event *ev)
{
	if (!W.routers[j][k])
		return;
	ev->now = W.now;
	actions_reset(&actions);
	router_step(W.routers[j][k], ev, &scratch, &actions);
	carry_out(CACHES + j, k);
}

static void deliver(const struct packet *p)
{
	struct codec_datagram datagram;

	codec_open(p->octets, p->len, &datagram);
	if (p->to < CACHES) {
		struct cache_event ev = { .type = CACHE_EV_RX };

		ev.u.rx.from = router_addr(p->from - CACHES);
		ev.u.rx.datagram = &datagram;
		step_group(p->to, p->service, &ev);
	} else {
		struct router_event ev = { .type = ROUTER_EV_RX };

		ev.rx.from = cache_addr(p->from);
		ev.rx.to = router_addr(p->to - CACHES);
		ev.rx.datagram = &datagram;
		step_router(p->to - CACHES, p->service, &ev);
	}
}

static void deliver_all(void)
{
	static struct packet p;

	while (W.n_queued > 0) {
		p = W.queue[0];
		memmove(&W.queue[0], &W.queue[1], --W.n_queued * sizeof(p));
		deliver(&p);
	}
}

static struct mono deadline_of(unsigned node, unsigned k)
{
	if (node < CACHES)
		return W.groups[node][k] ? cache_deadline(W.groups[node][k])
					 : MONO_NEVER;
	node -= CACHES;
	return W.routers[node][k] ? router_deadline(W.routers[node][k]) : MONO_NEVER;
}

static void tick(unsigned node, unsigned k)
{
	struct cache_event gev = { .type = CACHE_EV_TICK };
	struct router_event rev = { .type = ROUTER_EV_TICK };

	if (node < CACHES)
		step_group(node, k, &gev);
	else
		step_router(node - CACHES, k, &rev);
	ck_assert_msg(!mono_due(deadline_of(node, k), W.now),
		      "a TICK left its deadline due");
}

/* All that is due now, the mirror's first if `k` says so. */
static bool tick_due(void)
{
	unsigned first = any(2);
	bool any_due = false;

	for (unsigned n = 0; n < CACHES + ROUTERS; n++)
		for (unsigned k = 0; k < SERVICES; k++)
			if (mono_due(deadline_of(n, k ^ first), W.now)) {
				tick(n, k ^ first);
				any_due = true;
			}
	deliver_all();
	return any_due;
}

static struct mono next_deadline(void)
{
	struct mono d = MONO_NEVER;

	for (unsigned n = 0; n < CACHES + ROUTERS; n++)
		for (unsigned k = 0; k < SERVICES; k++)
			d = mono_min(d, deadline_of(n, k));
	return d;
}

static void run(int64_t ms)
{
	struct mono end = mono_add_ms(W.now, ms);

	for (;;) {
		struct mono next;

		while (tick_due())
			;
		watch();
		next = next_deadline();
		if (mono_before(end, next))
			break;
		W.now = next;
	}
	W.now = end;
	watch();
}

/* -- who is there ------------------------------------------------------------------------- */

static struct wccp_service service(unsigned k)
{
	return (struct wccp_service){
		.type = WCCP_SERVICE_DYNAMIC,
		.id = k ? 90 : 80,
		.priority = 240,
		.protocol = 6,
		.flags = WCCP_F_PORTS_DEFINED |
			 (k ? WCCP_F_DST_IP_HASH | WCCP_F_PORTS_SOURCE
			    : (uint32_t)WCCP_F_SRC_IP_HASH),
		.ports = { 80 },
	};
}

static void start_cache(unsigned i)
{
	for (unsigned k = 0; k < SERVICES; k++) {
		struct cache_conf conf = {
			.service = service(k),
			.self = cache_addr(i),
			.n_routers = ROUTERS,
			.routers = { router_addr(0), router_addr(1) },
			.forward = { 1, { WCCP_METHOD_GRE } },
			.ret = { 1, { WCCP_METHOD_GRE } },
			.assign = { 1,
				    { W.mask ? WCCP_ASSIGN_MASK : WCCP_ASSIGN_HASH } },
		};

		if (W.mask && k == 0)
			conf.mask = mask;
		else if (W.mask && !W.paired) /* else it follows */
			conf.mask = mask_mirror(&mask);
		W.groups[i][k] = cache_new(&conf, W.now);
	}
	if (W.paired)
		cache_pair(W.groups[i][0], W.groups[i][1]);
}

static void health(unsigned i, unsigned k, bool up, uint16_t weight)
{
	struct cache_event ev = { .type = CACHE_EV_HEALTH };

	ev.u.health.up = up;
	ev.u.health.weight = weight;
	step_group(i, k, &ev);
	deliver_all();
}

static void up(unsigned i)
{
	if (!W.groups[i][0])
		start_cache(i);
	health(i, 0, true, 100);
	health(i, 1, true, 100);
}

static void down(unsigned i)
{
	health(i, 0, false, 0);
	health(i, 1, false, 0);
}

static void crash(unsigned i)
{
	for (unsigned k = 0; k < SERVICES; k++) {
		cache_free(W.groups[i][k]);
		W.groups[i][k] = NULL;
	}
}

static void start_router(unsigned j, unsigned k)
{
	struct router_conf conf = {
		.service_type = WCCP_SERVICE_DYNAMIC,
		.service_id = k ? 90 : 80,
		.id = router_addr(j),
		.forward = WCCP_METHOD_GRE,
		.ret = WCCP_METHOD_GRE,
		.assign = WCCP_ASSIGN_HASH | WCCP_ASSIGN_MASK,
	};

	W.routers[j][k] = router_new(&conf, W.now);
}

static void stop_router(unsigned j, unsigned k)
{
	router_free(W.routers[j][k]);
	W.routers[j][k] = NULL;
}

static void begin(bool paired, bool by_mask)
{
	memset(&W, 0, sizeof(W));
	W.now = W.looked = (struct mono){ 1000000000 };
	W.paired = paired;
	W.mask = by_mask;
	for (unsigned j = 0; j < ROUTERS; j++)
		for (unsigned k = 0; k < SERVICES; k++)
			start_router(j, k);
}

static void end(void)
{
	for (unsigned i = 0; i < CACHES; i++)
		crash(i);
	for (unsigned j = 0; j < ROUTERS; j++)
		for (unsigned k = 0; k < SERVICES; k++)
			if (W.routers[j][k])
				stop_router(j, k);
}

/* Every router has a table, both are alike, and these web-caches share it. */
static void expect(bool a, bool b, bool c)
{
	const bool wanted[CACHES] = { a, b, c };
	unsigned share = (W.mask ? 64 : WCCP_BUCKETS) / ((unsigned)a + b + c);

	for (unsigned j = 0; j < ROUTERS; j++) {
		ck_assert(look(j, 0)->assigned && look(j, 1)->assigned);
		ck_assert(alike(j));
		for (unsigned i = 0; i < CACHES; i++) {
			unsigned least = wanted[i] ? share : 0;

			ck_assert_uint_ge(owned(j, 0, i), least);
			ck_assert_uint_le(owned(j, 0, i), least + wanted[i]);
		}
	}
}

/* -- tests ---------------------------------------------------------------------------------- */

START_TEST(alike_at_all_times)
{
	begin(true, _i);
	up(1);
	run(3 * T_MS);
	up(2);
	run(3 * T_MS);
	up(0); /* the lowest: takes over */
	run(3 * T_MS);
	expect(true, true, true);
	crash(1);
	run(6 * T_MS);
	expect(true, false, true);
	down(0);
	run(3 * T_MS);
	expect(false, false, true);
	ck_assert_int_eq(W.unlike_ms, 0);
	ck_assert_uint_eq(W.unlikes, 0);
	end();
}
END_TEST

/* The bench itself: two groups that decide for themselves differ in the end. */
static bool lose_mirror_hellos(const struct packet *p)
{
	return p->service == 1 && p->octets[3] == WCCP_HERE_I_AM && p->from == 1;
}

/* A member that one service loses for a while, and the other not at all. */
static void disturb_one(void)
{
	up(0);
	up(1);
	up(2);
	run(4 * T_MS);
	W.lost = lose_mirror_hellos;
	run(6 * T_MS);
	W.lost = NULL;
	run(6 * T_MS);
}

/* One that pairs, among others that do not and assign: it says what it sees. */
START_TEST(the_tables_of_others_are_compared)
{
	begin(false, _i);
	W.paired = true;
	start_cache(1);
	W.paired = false;
	disturb_one();
	ck_assert(conflict(0));
	ck_assert_uint_gt(W.unlikes, 0);
	down(0); /* the next one to assign pairs them */
	run(3 * T_MS);
	W.unlikes = 0;
	run(3 * T_MS);
	ck_assert(alike(0));
	ck_assert_uint_eq(W.unlikes, 0);
	end();
}
END_TEST

START_TEST(alone_they_diverge)
{
	begin(false, false);
	disturb_one();
	ck_assert(!alike(0));
	end();
}
END_TEST

START_TEST(a_member_of_one_is_none_of_both)
{
	begin(true, _i);
	up(0);
	up(1);
	up(2);
	run(4 * T_MS);
	W.lost = lose_mirror_hellos;
	run(6 * T_MS);
	/* It is still seen by service 80, and has nothing there. */
	ck_assert_uint_eq(look(0, 0)->n_caches, 3);
	expect(true, false, true);
	W.lost = NULL;
	run(6 * T_MS);
	expect(true, true, true);
	end();
}
END_TEST

/* The lowest web-cache and one router, or all of them, hear nothing of each other in
 * the mirror. */
static bool cut_from_one(const struct packet *p)
{
	return p->service == 1 && (p->from == 0 || p->to == 0) &&
	       (p->from == CACHES + 1 || p->to == CACHES + 1);
}

static bool cut_from_all(const struct packet *p)
{
	return p->service == 1 && (p->from == 0 || p->to == 0);
}

START_TEST(who_hears_less_leaves_both_to_the_other)
{
	unsigned before;

	begin(true, _i & 1);
	W.lost = _i & 2 ? cut_from_all : cut_from_one;
	up(0);
	up(1);
	up(2);
	run(9 * T_MS);
	/* Not seen by all, hence nothing for it; its table would be another one. */
	expect(false, true, true);
	before = W.assignments[0] + W.assignments[1];
	run(20 * T_MS);
	ck_assert_uint_eq(W.assignments[0] + W.assignments[1], before);
	expect(false, true, true);
	W.lost = NULL;
	run(9 * T_MS);
	expect(true, true, true);
	ck_assert_int_eq(W.unlike_ms, 0);
	end();
}
END_TEST

/* One that does not spoof, and has the lowest address. */
START_TEST(a_member_of_one_that_assigns_is_reported)
{
	begin(true, false);
	up(1);
	up(2);
	run(3 * T_MS);
	ck_assert_uint_eq(W.halves, 0);
	W.paired = false;
	start_cache(0);
	health(0, 0, true, 100);
	run(6 * T_MS);
	ck_assert_uint_gt(W.halves, 0);
	/* It withdraws, and all is well. */
	health(0, 0, false, 0);
	run(3 * T_MS);
	W.halves = 0;
	run(3 * T_MS);
	ck_assert_uint_eq(W.halves, 0);
	expect(false, true, true);
	end();
}
END_TEST

static unsigned lose_left;

static bool lose_mirror_assignments(const struct packet *p)
{
	if (p->service != 1 || p->octets[3] != WCCP_REDIRECT_ASSIGN || lose_left == 0)
		return false;
	lose_left--;
	return true;
}

START_TEST(a_lost_assignment_is_soon_repeated)
{
	begin(true, false);
	up(0);
	run(3 * T_MS);
	lose_left = 2; /* one to each router */
	W.lost = lose_mirror_assignments;
	up(1);
	run(3 * T_MS);
	ck_assert_uint_eq(lose_left, 0);
	expect(true, true, false);
	ck_assert_int_gt(W.unlike_ms, 0);
	ck_assert_int_le(W.unlike_ms, T_MS / 10 + 100);
	end();
}
END_TEST

START_TEST(sent_in_the_same_instant)
{
	begin(true, false);
	up(0);
	up(1);
	while (W.assignments[0] + W.assignments[1] == 0) {
		while (tick_due())
			;
		W.now = next_deadline();
	}
	/* tick_due() ended the instant in which the first of them was sent. */
	ck_assert_uint_eq(W.assignments[0], ROUTERS);
	ck_assert_uint_eq(W.assignments[1], ROUTERS);
	end();
}
END_TEST

/* Other web-caches have left two different tables behind. */
START_TEST(the_first_wins_at_takeover)
{
	static struct router_status before[SERVICES];
	unsigned moved = 0, healed = 0, differed = 0;

	begin(false, false);
	disturb_one();
	before[0] = *look(0, 0);
	before[1] = *look(0, 1);
	/* 10.0.0.10 is replaced by one that pairs them, within 3 T. */
	crash(0);
	W.paired = true;
	up(0);
	run(5 * T_MS);
	for (unsigned b = 0; b < WCCP_BUCKETS; b++) {
		uint32_t now = bucket_owner(look(0, 0), b);

		differed += bucket_owner(&before[0], b) != bucket_owner(&before[1], b);
		moved += now != bucket_owner(&before[0], b);
		healed += now != bucket_owner(&before[1], b);
	}
	ck_assert_uint_gt(differed, 0);
	ck_assert_uint_eq(moved, 0);
	ck_assert_uint_eq(healed, differed);
	ck_assert(alike(0) && alike(1));
	end();
}
END_TEST

START_TEST(a_restart_moves_nothing)
{
	static struct router_status before;

	begin(true, _i);
	disturb_one();
	before = *look(0, 0);
	crash(0);
	run(T_MS / 2);
	up(0);
	run(6 * T_MS);
	for (unsigned b = 0; !_i && b < WCCP_BUCKETS; b++)
		ck_assert_uint_eq(bucket_owner(look(0, 0), b),
				  bucket_owner(&before, b));
	for (unsigned v = 0; _i && v < before.masks.n_values; v++)
		ck_assert_uint_eq(
			value_owner(&look(0, 0)->masks, &before.masks.values[v].match),
			addr_to_v4(&before.masks.caches[before.masks.values[v].cache]));
	ck_assert(alike(0) && alike(1));
	end();
}
END_TEST

START_TEST(half_a_pair_gets_nothing)
{
	begin(true, false);
	stop_router(0, 1);
	stop_router(1, 1);
	up(0);
	run(6 * T_MS);
	ck_assert(!look(0, 0)->assigned);
	ck_assert_uint_eq(W.splits, 1);
	ck_assert_str_eq(W.split,
			 "no router has its mirror: neither is assigned to anybody");
	/* One router knows the mirror: that is enough to begin. */
	start_router(1, 1);
	run(4 * T_MS);
	ck_assert(look(0, 0)->assigned && look(1, 1)->assigned);
	ck_assert_uint_eq(W.splits, 1);
	start_router(0, 1);
	run(4 * T_MS);
	expect(true, false, false);
	end();
}
END_TEST

START_TEST(unpaired_they_go_on_alone)
{
	begin(true, _i);
	up(0);
	run(3 * T_MS);
	cache_unpair(W.groups[0][_i]);
	W.paired = false;
	stop_router(0, 1);
	stop_router(1, 1);
	up(1);
	run(8 * T_MS);
	ck_assert(look(0, 0)->assigned);
	ck_assert_uint_gt(owned(0, 0, 1), 0);
	cache_free(W.groups[0][0]);
	W.groups[0][0] = NULL;
	run(T_MS);
	end();
}
END_TEST

/* Either may be freed first. */
START_TEST(a_mate_may_be_freed)
{
	begin(true, false);
	up(0);
	run(3 * T_MS);
	cache_free(W.groups[0][_i]);
	W.groups[0][_i] = NULL;
	W.paired = false;
	run(6 * T_MS);
	ck_assert(look(0, !_i)->assigned);
	ck_assert_uint_eq(owned(0, !_i, 0), 256);
	end();
}
END_TEST

static void strike(void)
{
	unsigned i = any(CACHES);

	switch (any(6)) {
	case 0:
		crash(i);
		break;
	case 1:
		down(i);
		break;
	case 2:
		stop_router(i % ROUTERS, any(2));
		break;
	default:
		up(i);
		break;
	}
	for (unsigned j = 0; j < ROUTERS; j++)
		for (unsigned k = 0; k < SERVICES; k++)
			if (!W.routers[j][k])
				start_router(j, k);
}

START_TEST(alike_whatever_happens)
{
	begin(true, _i & 1);
	W.random = (uint64_t)_i;
	W.loss_percent = 20;
	for (unsigned n = 0; n < 30; n++) {
		strike();
		run(any(3 * T_MS));
	}
	for (unsigned i = 0; i < CACHES; i++)
		up(i);
	W.loss_percent = 0;
	run(9 * T_MS);
	expect(true, true, true);
	end();
}
END_TEST

/* Whatever a network makes of the messages, all is well when it ends. */
START_TEST(bent_messages_leave_nothing_behind)
{
	begin(true, _i & 1);
	W.random = (uint64_t)_i;
	W.bend_percent = 20;
	W.bent = true;
	for (unsigned n = 0; n < 30; n++) {
		strike();
		run(any(2 * T_MS));
	}
	for (unsigned i = 0; i < CACHES; i++)
		up(i);
	W.bend_percent = 0;
	run(20 * T_MS);
	expect(true, true, true);
	end();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cache_pair");
	TCase *tc = tcase_create("pair");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, alike_at_all_times, 0, 2);
	tcase_add_loop_test(tc, the_tables_of_others_are_compared, 0, 2);
	tcase_add_test(tc, alone_they_diverge);
	tcase_add_loop_test(tc, a_member_of_one_is_none_of_both, 0, 2);
	tcase_add_loop_test(tc, who_hears_less_leaves_both_to_the_other, 0, 4);
	tcase_add_test(tc, a_member_of_one_that_assigns_is_reported);
	tcase_add_test(tc, a_lost_assignment_is_soon_repeated);
	tcase_add_test(tc, sent_in_the_same_instant);
	tcase_add_test(tc, the_first_wins_at_takeover);
	tcase_add_loop_test(tc, a_restart_moves_nothing, 0, 2);
	tcase_add_test(tc, half_a_pair_gets_nothing);
	tcase_add_loop_test(tc, unpaired_they_go_on_alone, 0, 2);
	tcase_add_loop_test(tc, a_mate_may_be_freed, 0, 2);
	tcase_add_loop_test(tc, alike_whatever_happens, 1, 21);
	tcase_add_loop_test(tc, bent_messages_leave_nothing_behind, 1, 11);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
