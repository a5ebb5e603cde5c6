/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the traffic is divided: masks and their values, weights of nothing, buckets
 * with the alternate hash.
 */
#include "cache_bench.h"
#include "mask.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#define R1 0x0a000001
#define R2 0x0a000002
#define CACHE2 0x0a000014
#define CACHE3 0x0a00001e
#define LOWER 0x0a000005
#define T 10000
#define SETTLE (3 * T / 2)

static struct rtr a, b;

static void by_mask(struct rtr *r, uint32_t address)
{
	*r = rtr_make(address);
	r->by_mask = true;
	r->capabilities.present = 1u << WCCP_CAP_ASSIGN;
	r->capabilities.assign = WCCP_ASSIGN_MASK;
	r->table = (struct cache_table){ .n_slots = 64,
					 .mask = { .dst = addr_v4(MASK_DEFAULT) } };
	memset(r->table.owners, ASSIGN_NOBODY, sizeof(r->table.owners));
}

static void prefer_masks(void)
{
	B.conf.assign =
		(struct cache_preference){ 2, { WCCP_ASSIGN_MASK, WCCP_ASSIGN_HASH } };
}

static void open_masks(void)
{
	by_mask(&a, R1);
	bench_open(1, (struct rtr *[]){ &a });
	prefer_masks();
	bench_restart();
}

static void settle(void)
{
	bench_health(true, 100);
	bench_run(3 * T);
}

/* -- masks --------------------------------------------------------------------------- */

CASE(masks, .teardown = bench_close, .timeout = 30)

TEST(six_bits_of_the_destination_by_default)
{
	open_masks();
	rtr_add(&a, CACHE2, 300);
	settle();
	bench_last(WCCP_REDIRECT_ASSIGN, &a);
	ck_assert(wccp_has(&B.got, WCCP_C_ALT_ASSIGNMENT));
	ck_assert_int_eq(B.got.assignment.type, WCCP_AT_MASK);
	ck_assert(mask_equal(&a.table.mask,
			     &(struct wccp_mask){ .dst = addr_v4(0x1741) }));
	ck_assert_uint_eq(rtr_count_values(&a, SELF), 16); /* weights count */
	ck_assert_uint_eq(rtr_count_values(&a, CACHE2), 48);
	bench_look();
	ck_assert(B.status.by_mask);
	ck_assert_uint_eq(B.status.n_slots, 64);
	ck_assert_uint_eq(B.status.my_slots, 16);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
}

TEST(sequence_numbers_to_who_knows_201)
{
	open_masks();
	a.max_minor = 1;
	B.conf.version = CACHE_V201;
	bench_restart();
	settle();
	bench_last(WCCP_REDIRECT_ASSIGN, &a);
	ck_assert_int_eq(B.got.assignment.type, WCCP_AT_ALT_MASK);
	ck_assert_uint_eq(rtr_count_values(&a, SELF), 64);
}

/* In the identity, too; but not before the router has shown that it knows them, nor
 * when it knows them no more. */
TEST(numbers_in_the_identity_for_201_only)
{
	open_masks();
	a.max_minor = 1;
	B.conf.version = CACHE_V201;
	bench_restart();
	settle();
	bench_nth(WCCP_HERE_I_AM, &a, 0);
	ck_assert_uint_eq(B.got.minor, 1);
	ck_assert(!B.got.cache_identity.extended);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert(B.got.cache_identity.extended);
	ck_assert_int_eq(B.got.cache_identity.kind, WCCP_DATA_ALT_MASK);
	ck_assert(!B.got.cache_identity.unassigned);
	ck_assert_uint_eq(B.got.n_vsns, 64);
	a.max_minor = 0;
	bench_run(2 * T);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(B.got.minor, 0);
	ck_assert(!B.got.cache_identity.extended);
	ck_assert_int_eq(B.got.cache_identity.kind, WCCP_DATA_MASK);
	ck_assert_uint_eq(B.got.n_values, 64);
}

/* 2.01 section 7: listed for one web-cache at most; of ours, for exactly one. */
TEST(every_number_once)
{
	unsigned listed[64] = { 0 };

	open_masks();
	a.max_minor = 1;
	B.conf.version = CACHE_V201;
	bench_restart();
	rtr_add(&a, CACHE2, 70);
	rtr_add(&a, CACHE3, 20);
	settle();
	bench_last(WCCP_REDIRECT_ASSIGN, &a);
	ck_assert_int_eq(B.got.assignment.type, WCCP_AT_ALT_MASK);
	ck_assert_uint_eq(B.got.n_cache_values, 3);
	for (unsigned i = 0; i < B.got.n_vsns; i++) {
		ck_assert_uint_lt(B.got.vsns[i], 64);
		listed[B.got.vsns[i]]++;
	}
	for (unsigned i = 0; i < 64; i++)
		ck_assert_uint_eq(listed[i], 1);
}

/* It is frozen, although the router still offers both (2.01 section 3.5.2). */
TEST(method_of_the_others_is_taken)
{
	for (unsigned i = 0; i < 2; i++) {
		by_mask(&a, R1);
		a.capabilities.assign = WCCP_ASSIGN_HASH | WCCP_ASSIGN_MASK;
		bench_open(1, (struct rtr *[]){ &a });
		B.conf.assign = (struct cache_preference){
			2, { WCCP_ASSIGN_HASH, WCCP_ASSIGN_MASK }
		};
		bench_restart();
		if (i)
			rtr_add(&a, CACHE2, 100);
		else
			a.by_mask = false;
		bench_health(true, 100);
		ck_assert_uint_eq(bench_router(&a)->assign,
				  i ? WCCP_ASSIGN_MASK : WCCP_ASSIGN_HASH);
		if (!i)
			bench_close();
	}
}

TEST(any_field_can_be_looked_at)
{
	static const struct wccp_mask mask = { .src = { ADDR_V4, { 0, 0, 1, 3 } },
					       .sport = 0x8001,
					       .dport = 0x4 };

	open_masks();
	B.conf.mask = mask;
	bench_restart();
	rtr_add(&a, CACHE2, 100);
	settle();
	ck_assert(mask_equal(&a.table.mask, &mask));
	ck_assert_uint_eq(a.table.n_slots, 64);
	ck_assert_uint_eq(rtr_count_values(&a, SELF), 32);
}

TEST(a_third_moves_only_a_third)
{
	static struct cache_table before;
	unsigned moved = 0;

	open_masks();
	rtr_add(&a, CACHE2, 100);
	settle();
	before = a.table;
	rtr_add(&a, CACHE3, 100);
	bench_run(3 * T);
	for (unsigned i = 0; i < 64; i++)
		moved += !addr_equal(&before.caches[before.owners[i]],
				     &a.table.caches[a.table.owners[i]]);
	ck_assert_uint_ge(rtr_count_values(&a, CACHE3), 21);
	ck_assert_uint_eq(moved, rtr_count_values(&a, CACHE3));
}

/* What is in force is learned from whatever the router shows of it. */
TEST_LOOP(a_restart_moves_no_value, 0, 4)
{
	static const struct {
		enum rtr_listing listing;
		enum rtr_echo echo;
	} kinds[] = { { RTR_LISTS_SETS, RTR_ECHOES_NOTHING },
		      { RTR_LISTS_NO_VALUE, RTR_ECHOES_MAP },
		      { RTR_LISTS_NO_SET, RTR_ECHOES_MAP },
		      { RTR_LISTS_NO_SET, RTR_ECHOES_ALT_MAP } };
	static struct cache_table before;

	open_masks();
	a.max_minor = 1;
	B.conf.version = CACHE_V201;
	a.listing = kinds[_i].listing;
	a.echo = kinds[_i].echo;
	bench_restart();
	rtr_add(&a, CACHE2, 100);
	settle();
	/* Nobody would deal them out like this. */
	for (unsigned i = 0; i < 64; i++)
		a.table.owners[i] = (i * 7 >> 2) & 1;
	before = a.table;
	bench_restart();
	bench_clear();
	settle();
	ck_assert_uint_ge(bench_count(WCCP_REDIRECT_ASSIGN, &a), 1);
	for (unsigned i = 0; i < 64; i++)
		ck_assert(addr_equal(&before.caches[before.owners[i]],
				     &a.table.caches[a.table.owners[i]]));
}

TEST(few_values_are_reported)
{
	open_masks();
	B.conf.mask = (struct wccp_mask){ .dst = addr_v4(0x7) };
	bench_restart();
	rtr_add(&a, CACHE2, 100);
	settle();
	ck_assert_uint_eq(bench_notes("few-mask-values", NULL), 0); /* 4 each */
	rtr_add(&a, CACHE3, 100);
	bench_run(3 * T);
	ck_assert_uint_ge(bench_notes("few-mask-values", NULL), 1);
	ck_assert_str_eq(bench_note_text("few-mask-values"),
			 "mask dst 0x7 has 8 values for 3 web-caches");
}

TEST(each_router_by_its_method)
{
	by_mask(&a, R1);
	b = rtr_make(R2);
	bench_open(2, (struct rtr *[]){ &a, &b });
	prefer_masks();
	bench_restart();
	rtr_add(&a, CACHE2, 100);
	rtr_add(&b, CACHE2, 100);
	settle();
	ck_assert_uint_eq(rtr_count_values(&a, SELF), 32);
	ck_assert_uint_eq(rtr_count(&b, SELF), 128);
	ck_assert_uint_eq(a.view.key.change_number, b.view.key.change_number);
}

/* -- largest messages ------------------------------------------------------------------- */

/* 1024 values in full, 32 routers, 32 web-caches: it fits, nothing is cut. */
TEST(the_largest_assignment_fits)
{
	static struct rtr rtrs[RTRS_MAX];
	struct rtr *list[RTRS_MAX];

	for (unsigned i = 0; i < RTRS_MAX; i++) {
		by_mask(&rtrs[i], R1 + i);
		list[i] = &rtrs[i];
		for (uint32_t k = 1; k < WCCP_MAX_CACHES; k++)
			rtr_add(&rtrs[i], SELF + k, 100);
	}
	bench_open(RTRS_MAX, list);
	prefer_masks();
	B.conf.mask = (struct wccp_mask){ .dst = addr_v4(0x3ff) };
	bench_restart();
	settle();
	ck_assert_uint_eq(bench_notes("encode", NULL), 0);
	for (unsigned i = 0; i < RTRS_MAX; i++) {
		ck_assert_uint_eq(rtrs[i].table.n_slots, 1024);
		ck_assert_uint_eq(rtr_count_values(&rtrs[i], SELF), 32);
	}
	for (unsigned i = 0; i < B.n_sent; i++)
		ck_assert_uint_le(B.sent[i].len, WCCP_MAX_DATAGRAM);
}

static void open_bits(unsigned bits, uint8_t minor)
{
	open_masks();
	a.max_minor = minor;
	B.conf.version = minor ? CACHE_V201 : CACHE_V20;
	B.conf.mask = (struct wccp_mask){ .dst = addr_v4((1u << bits) - 1) };
	bench_restart();
	settle();
	bench_clear();
	bench_run(5 * T);
	bench_last(WCCP_HERE_I_AM, &a);
}

/* Every T, and fragments are filtered in many places.  Values that fit are stated. */
TEST_LOOP(a_hello_is_never_fragmented, 1, 11)
{
	for (uint8_t minor = 0; minor < 2; minor++) {
		unsigned bits = (unsigned)_i;
		bool fits = minor ? bits <= 8 : bits <= 6;

		open_bits(bits, minor);
		for (unsigned i = 0; i < B.n_sent; i++)
			ck_assert_uint_le(B.sent[i].len, 1400);
		ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
		ck_assert_uint_eq(bench_look()->my_slots, 1u << bits);
		ck_assert_uint_eq(minor ? B.got.n_vsns : B.got.n_values,
				  fits ? 1u << bits : 0);
		ck_assert_int_eq(B.got.cache_identity.unassigned, !fits);
		ck_assert(mask_equal(&B.got.sets[0].mask, &B.conf.mask));
		bench_close();
	}
	open_masks(); /* for the teardown */
}

TEST(a_large_assignment_is_told_once)
{
	open_masks();
	B.conf.mask = (struct wccp_mask){ .dst = addr_v4(0x3f) };
	bench_restart();
	settle();
	ck_assert_uint_eq(bench_notes("large-message", NULL), 0);
	B.conf.mask = (struct wccp_mask){ .dst = addr_v4(0x7f) };
	bench_conf();
	settle();
	ck_assert_uint_eq(bench_notes("large-message", NULL), 1);
	ck_assert_ptr_nonnull(strstr(bench_note_text("large-message"),
				     "REDIRECT_ASSIGN has 2144 octets for the 128 "
				     "values"));
	rtr_add(&a, CACHE2, 100);
	settle();
	ck_assert_uint_gt(rtr_count_values(&a, CACHE2), 0);
	ck_assert_uint_eq(bench_notes("large-message", NULL), 1);
}

/* The values are addresses: more than the entries of an address table. */
TEST(the_largest_assignment_of_ipv6_fits)
{
	struct addr router, self;

	addr_parse("2001:db8::1", &router);
	addr_parse("2001:db8::10", &self);
	a = rtr_make_at(&router);
	a.by_mask = true;
	a.capabilities.present = 1u << WCCP_CAP_ASSIGN;
	a.capabilities.assign = WCCP_ASSIGN_MASK;
	a.max_minor = 1;
	a.listing = RTR_LISTS_NO_SET;
	a.echo = RTR_ECHOES_ALT_MAP;
	bench_open(1, (struct rtr *[]){ &a });
	prefer_masks();
	B.conf.self = self;
	B.conf.version = CACHE_V201;
	addr_parse("::3ff", &B.conf.mask.dst);
	bench_restart();
	settle();
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
	ck_assert_uint_eq(a.table.n_slots, 1024);
	ck_assert_uint_eq(bench_notes("encode", NULL), 0);
	/* Having all of them would be too much to say. */
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_int_eq(B.got.cache_identity.kind, WCCP_DATA_ALT_MASK);
	ck_assert_uint_eq(B.got.n_vsns, 0);
}

/* -- weights ------------------------------------------------------------------------------ */

TEST_LOOP(weight_zero_is_nothing_while_another_has_weight, 0, 2)
{
	open_masks();
	a.by_mask = !_i;
	a.capabilities.assign = _i ? WCCP_ASSIGN_HASH : WCCP_ASSIGN_MASK;
	rtr_add(&a, CACHE2, 0);
	settle();
	ck_assert_uint_eq(_i ? rtr_count(&a, CACHE2) : rtr_count_values(&a, CACHE2), 0);
	ck_assert_uint_eq(_i ? rtr_count(&a, SELF) : rtr_count_values(&a, SELF),
			  _i ? 256 : 64);
	/* When nobody has any, all are alike. */
	bench_health(true, 0);
	bench_run(3 * T);
	ck_assert_uint_eq(_i ? rtr_count(&a, CACHE2) : rtr_count_values(&a, CACHE2),
			  _i ? 128 : 32);
}

/* -- alternate hash ----------------------------------------------------------------------- */

static unsigned hot(const struct rtr *r)
{
	unsigned n = 0;

	for (unsigned i = 0; i < WCCP_BUCKETS; i++)
		n += wccp_vector_has(&r->table.alt, i);
	return n;
}

static void open_hot(void)
{
	a = rtr_make(R1);
	a.service = (struct wccp_service){
		.type = WCCP_SERVICE_DYNAMIC,
		.id = 80,
		.protocol = 6,
		.flags = WCCP_F_DST_IP_HASH | WCCP_F_SRC_IP_ALT_HASH |
			 WCCP_F_PORTS_DEFINED,
		.ports = { 80 },
	};
	bench_open(1, (struct rtr *[]){ &a });
	wccp_vector_add(&B.conf.alt_buckets, 3);
	wccp_vector_add(&B.conf.alt_buckets, 200);
	bench_restart();
}

TEST(hot_buckets_get_the_flag)
{
	open_hot();
	rtr_add(&a, CACHE2, 100);
	settle();
	ck_assert_uint_eq(hot(&a), 2);
	ck_assert(wccp_vector_has(&a.table.alt, 3) &&
		  wccp_vector_has(&a.table.alt, 200));
	ck_assert_uint_eq(rtr_count(&a, SELF), 128);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(B.got.service.flags & 0xf00, WCCP_F_SRC_IP_ALT_HASH);
	/* A reload that heats another one sends a table and moves nothing. */
	wccp_vector_add(&B.conf.alt_buckets, 4);
	bench_conf();
	bench_run(3 * T);
	ck_assert_uint_eq(hot(&a), 3);
	ck_assert_uint_eq(rtr_count(&a, SELF), 128);
}

/* In an inherited table the flag does not hide whose the bucket is. */
TEST_LOOP(flags_of_an_inherited_table, 0, 2)
{
	open_hot();
	a.echo = _i ? RTR_ECHOES_ALT_MAP : RTR_ECHOES_MAP;
	a.max_minor = 1;
	B.conf.version = CACHE_V201;
	bench_restart();
	rtr_add(&a, CACHE2, 100);
	a.view.key = (struct wccp_key){ addr_v4(CACHE2), 5 };
	a.table = (struct cache_table){ .n_slots = WCCP_BUCKETS,
					.n_caches = 2,
					.caches = { addr_v4(SELF), addr_v4(CACHE2) } };
	memset(a.table.alt.octets, 0xff, sizeof(a.table.alt.octets));
	for (unsigned i = 0; i < WCCP_BUCKETS; i++)
		a.table.owners[i] = i % 2;
	bench_health(true, 100);
	bench_run(T);
	ck_assert_uint_eq(bench_look()->my_slots, 128);
	bench_run(3 * T);
	for (unsigned i = 0; i < WCCP_BUCKETS; i++)
		ck_assert(addr_equal(
			&a.table.caches[a.table.owners[i]],
			&(struct addr[]){ addr_v4(SELF), addr_v4(CACHE2) }[i % 2]));
	ck_assert_uint_eq(hot(&a), 2); /* those that we are configured for */
}
