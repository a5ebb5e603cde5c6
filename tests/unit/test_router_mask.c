/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router side: mask assignment, as it is taken.
 */
#include "router_bench.h"

#include "mask.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

static void setup(void)
{
	struct router_conf conf = bench_mask_conf();

	bench_start_masks(&conf);
}

/* Deliver what lies in bench.msg; it must have no effect but a count. */
static void expect_ignored(const uint64_t *counter, const char *event)
{
	unsigned values = bench_status()->masks.n_values;
	uint32_t key = bench.status.key.change_number;
	uint64_t count = *counter;

	bench_deliver_masks();
	bench_status();
	ck_assert_uint_eq(*counter, count + 1);
	ck_assert_ptr_nonnull(bench_note(event));
	ck_assert(!bench_changed());
	ck_assert_uint_eq(bench.status.masks.n_values, values);
	ck_assert_uint_eq(bench.status.key.change_number, key);
}

/* -- the method -------------------------------------------------------------------- */

CASE(mask, .setup = setup, .teardown = bench_stop)

TEST(method_is_frozen_until_the_group_is_empty)
{
	struct fake c = bench_cache(3);

	ck_assert_uint_eq(bench.seen.capabilities.assign, WCCP_ASSIGN_MASK);
	bench_greet(&c);
	ck_assert_uint_eq(bench.seen.capabilities.assign, WCCP_ASSIGN_MASK);
	bench_greet(&c);
	ck_assert(!bench_usable(&c)); /* hash, the default */
	ck_assert_uint_eq(bench_counters()->bad_capability, 1);
	for (unsigned i = 0; i < 2; i++) {
		bench_shutdown(&bench_both[i]);
		bench_deliver(&bench_both[i].source);
	}
	bench_greet(&c);
	ck_assert(bench_usable(&c));
	bench_greet(&c);
	ck_assert_uint_eq(bench.seen.capabilities.assign, WCCP_ASSIGN_HASH);
	ck_assert_int_eq(bench_in_view(&c)->kind, WCCP_DATA_HASH);
}

TEST(both_are_offered_to_the_first)
{
	struct router_conf conf = bench_mask_conf();
	struct fake c = bench_cache(1);

	bench_stop();
	bench_start(&conf, 5000);
	bench_greet(&c);
	ck_assert_uint_eq(bench.seen.capabilities.assign,
			  WCCP_ASSIGN_HASH | WCCP_ASSIGN_MASK);
	/* Only what this router is meant to do. */
	conf.assign = WCCP_ASSIGN_HASH;
	bench_stop();
	bench_start(&conf, 5000);
	bench_choose_mask(&c);
	c.receive_id = 0;
	bench_greet(&c);
	ck_assert_uint_eq(bench.seen.capabilities.assign, WCCP_ASSIGN_HASH);
	bench_greet(&c);
	ck_assert(!bench_usable(&c));
}

TEST(hash_is_not_for_a_group_of_masks)
{
	bench_assign_masks(1);
	bench_assign(&bench_both[0], 2, bench_both, 2);
	expect_ignored(&bench.status.counters.bad_method, "bad-method");
	bench.msg.present &= ~(1u << WCCP_C_ASSIGNMENT);
	bench.msg.present |= 1u << WCCP_C_ALT_ASSIGNMENT;
	expect_ignored(&bench.status.counters.bad_method, "bad-method");
}

/* -- what is taken ----------------------------------------------------------------- */

TEST(accepted_and_echoed)
{
	const struct router_status *st;

	ck_assert(!bench_status()->by_mask);
	bench_assign_masks(42);
	ck_assert_uint_eq(bench_sends(), 0);
	ck_assert(bench_changed());
	ck_assert_str_eq(bench_note("assignment"),
			 "Service web-cache: 64 values of 1 masks assigned to 2 "
			 "web-caches by 10.0.0.1, key 42");
	st = bench_status();
	ck_assert(st->assigned && st->by_mask);
	ck_assert_uint_eq(st->masks.n_sets, 1);
	ck_assert_uint_eq(st->masks.n_values, 64);
	ck_assert_uint_eq(st->caches[0].values, 32);
	ck_assert_uint_eq(st->caches[0].buckets, 0);
	bench_greet(&bench_both[1]);
	ck_assert_uint_eq(bench.seen.router_view.key.change_number, 42);
	ck_assert(addr_equal(&bench.seen.router_view.key.cache, &bench_both[0].addr));
}

TEST(sent_again_changes_nothing)
{
	bench_assign_masks(1);
	bench_assign_masks(1);
	ck_assert(!bench_changed());
	ck_assert_ptr_null(bench_note("assignment"));
	ck_assert_uint_eq(bench_counters()->assignments, 2);
	bench_assign_masks(2); /* same values, new key */
	ck_assert(!bench_changed());
	ck_assert_uint_eq(bench_status()->key.change_number, 2);
	bench_all_values(&bench_both[0], 3, bench_dst(0x1742));
	bench_deliver_masks();
	ck_assert(bench_changed());
}

TEST(order_is_kept)
{
	const struct router_masks *m;

	bench_begin_sets(&bench_both[0], 1, WCCP_AT_MASK);
	bench_add_set(bench_dst(3));
	bench_add_value(bench_dst(2), &bench_both[1]);
	bench_add_value(bench_dst(2),
			&bench_both[0]); /* never reached, but not ours to drop */
	bench_add_value(bench_dst(1), &bench_both[0]);
	bench_add_set((struct wccp_mask){ .sport = 1, .dport = 0x8000 });
	bench_add_value((struct wccp_mask){ .dport = 0x8000 }, &bench_both[0]);
	bench_add_set(bench_dst(1));
	bench_deliver_masks();
	m = &bench_status()->masks;
	ck_assert_uint_eq(m->n_sets, 3);
	ck_assert_uint_eq(m->sets[0].n, 3);
	ck_assert_uint_eq(m->sets[1].first, 3);
	ck_assert_uint_eq(m->sets[1].n, 1);
	ck_assert_uint_eq(m->sets[2].n, 0);
	ck_assert_uint_eq(addr_to_v4(&m->values[0].match.dst), 2);
	ck_assert(addr_equal(&m->caches[m->values[0].cache], &bench_both[1].addr));
	ck_assert(addr_equal(&m->caches[m->values[1].cache], &bench_both[0].addr));
	ck_assert_uint_eq(addr_to_v4(&m->values[2].match.dst), 1);
	ck_assert_uint_eq(m->values[3].match.dport, 0x8000);
	ck_assert_uint_eq(bench_status()->caches[0].values, 3);
}

/* The example of 2.01 section 7.2: number 0xb is source bit, address bit 0, port. */
TEST(alternate_sets_mean_values)
{
	static const uint32_t first[] = { 0, 0xb, 15 }, second[] = { 4 };
	const struct router_masks *m;

	bench_begin_sets(&bench_both[0], 1, WCCP_AT_ALT_MASK);
	bench_add_set((struct wccp_mask){
		.src = addr_v4(0x100), .dst = addr_v4(3), .dport = 1 });
	bench_add_vsns(&bench_both[0], first, 3);
	bench_add_vsns(&bench_both[1], second, 1);
	bench_deliver_masks();
	m = &bench_status()->masks;
	ck_assert(bench.status.assigned);
	ck_assert_uint_eq(m->n_values, 4);
	ck_assert(!addr_is_set(&m->values[0].match.src));
	ck_assert_uint_eq(addr_to_v4(&m->values[1].match.src), 0x100);
	ck_assert_uint_eq(addr_to_v4(&m->values[1].match.dst), 1);
	ck_assert_uint_eq(m->values[1].match.dport, 1);
	ck_assert_uint_eq(addr_to_v4(&m->values[2].match.dst), 3);
	ck_assert_uint_eq(addr_to_v4(&m->values[3].match.dst), 2);
	ck_assert_uint_eq(bench.status.caches[1].values, 1);
}

/* A number has 32 bits, and so may a mask (2.01 section 7). */
TEST(numbers_of_32_bits)
{
	static const uint32_t some[] = { 0, 0x80000000, 0xffffffff };
	const struct router_masks *m;

	bench_begin_sets(&bench_both[0], 1, WCCP_AT_ALT_MASK);
	bench_add_set(bench_dst(0xffffffff));
	bench_add_vsns(&bench_both[0], some, 3);
	bench_deliver_masks();
	m = &bench_status()->masks;
	ck_assert_uint_eq(m->n_values, 3);
	ck_assert_uint_eq(addr_to_v4(&m->values[1].match.dst), 0x80000000);
	ck_assert_uint_eq(addr_to_v4(&m->values[2].match.dst), 0xffffffff);
	bench_both[0].minor = 1;
	bench_greet(&bench_both[0]);
	ck_assert_uint_eq(bench.seen.n_vsns, 3);
	ck_assert_mem_eq(bench.seen.vsns, some, sizeof(some));
}

TEST(nothing_assigned_is_an_assignment)
{
	bench_begin_sets(&bench_both[0], 7, WCCP_AT_MASK);
	bench_deliver_masks();
	ck_assert(bench_status()->assigned);
	ck_assert_uint_eq(bench_status()->key.change_number, 7);
	bench_greet(&bench_both[0]);
	ck_assert(bench_in_view(&bench_both[0])->unassigned);
}

/* -- what is refused --------------------------------------------------------------- */

TEST(value_outside_of_its_mask)
{
	bench_assign_masks(1);
	bench_begin_sets(&bench_both[0], 2, WCCP_AT_MASK);
	bench_add_set(bench_dst(0x1741));
	bench_add_value(bench_dst(0x1740), &bench_both[0]);
	bench_add_value(bench_dst(0x0002), &bench_both[0]);
	expect_ignored(&bench.status.counters.bad_mask, "bad-mask");
	bench_begin_sets(&bench_both[0], 2, WCCP_AT_MASK);
	bench_add_set(bench_dst(0x1741));
	bench_add_value((struct wccp_mask){ .sport = 1 }, &bench_both[0]);
	expect_ignored(&bench.status.counters.bad_mask, "bad-mask");
}

TEST(numbers_twice_or_beyond)
{
	static const uint32_t twice[] = { 1, 2, 1 }, beyond[] = { 4 }, two[] = { 2, 3 },
			      good[] = { 0, 1, 2 };

	bench_assign_masks(1);
	bench_begin_sets(&bench_both[0], 2, WCCP_AT_ALT_MASK);
	bench_add_set(bench_dst(3));
	bench_add_vsns(&bench_both[0], twice, 3);
	expect_ignored(&bench.status.counters.bad_mask, "bad-mask");
	bench_begin_sets(&bench_both[0], 2, WCCP_AT_ALT_MASK);
	bench_add_set(bench_dst(3));
	bench_add_vsns(&bench_both[0], good, 3);
	bench_add_vsns(&bench_both[1], two, 2); /* 2 again, for the other one */
	expect_ignored(&bench.status.counters.bad_mask, "bad-mask");
	bench_begin_sets(&bench_both[0], 2, WCCP_AT_ALT_MASK);
	bench_add_set(bench_dst(3));
	bench_add_vsns(&bench_both[0], beyond, 1);
	expect_ignored(&bench.status.counters.bad_mask, "bad-mask");
	/* Another set begins anew. */
	bench_begin_sets(&bench_both[0], 2, WCCP_AT_ALT_MASK);
	bench_add_set(bench_dst(3));
	bench_add_vsns(&bench_both[0], good, 3);
	bench_add_set(bench_dst(0xc));
	bench_add_vsns(&bench_both[1], good, 3);
	bench_deliver_masks();
	ck_assert_uint_eq(bench_status()->key.change_number, 2);
}

TEST(alternate_sets_need_2_01)
{
	static const uint32_t good[] = { 0, 1 };

	bench_begin_sets(&bench_both[0], 2, WCCP_AT_ALT_MASK);
	bench_add_set(bench_dst(3));
	bench_add_vsns(&bench_both[0], good, 2);
	bench.msg.minor = 0;
	expect_ignored(&bench.status.counters.bad_method, "bad-method");
}

TEST(for_a_stranger)
{
	static const uint32_t good[] = { 0, 1 };
	struct fake c = bench_cache(3);

	bench_assign_masks(1);
	bench_greet(&c); /* answered, but not usable */
	bench_all_values(&bench_both[0], 2, bench_dst(1));
	bench.msg.values[1].cache = c.addr;
	expect_ignored(&bench.status.counters.not_member, "not-member");
	bench.msg.values[1].cache = (struct addr){ .family = ADDR_NONE };
	expect_ignored(&bench.status.counters.not_member, "not-member");
	bench_begin_sets(&bench_both[0], 2, WCCP_AT_ALT_MASK);
	bench_add_set(bench_dst(1));
	bench_add_vsns(&c, good, 2);
	expect_ignored(&bench.status.counters.not_member, "not-member");
}

TEST(stale_numbers)
{
	struct fake c = bench_cache(3);

	bench_choose_mask(&c);
	bench_assign_masks(1);
	bench_all_values(&bench_both[0], 2, bench_dst(1));
	bench.msg.assignment.routers[0].receive_id--;
	expect_ignored(&bench.status.counters.bad_receive_id, "bad-receive-id");
	bench_join(&c);
	bench_all_values(&bench_both[0], 2, bench_dst(1));
	expect_ignored(&bench.status.counters.bad_change_number, "bad-change-number");
	/* An address in a mask of another family can match nothing; without a
	 * table there is none on the wire. */
	bench_all_values(&bench_both[0], 2, bench_dst(1));
	bench.msg.assignment.key.cache = bench_cache(9).addr;
	expect_ignored(&bench.status.counters.not_member, "not-member");
}

TEST(not_listed_changes_nothing)
{
	struct router_conf conf = bench_mask_conf();

	ck_assert_int_eq(codec_password("secret", &conf.password, NULL), 0);
	bench_stop();
	bench_start_masks(&conf);
	bench_assign_masks(1);
	bench_all_values(&bench_both[0], 2, bench_dst(1));
	bench.msg.assignment.routers[0].id = addr_v4(0x0a0000fd);
	expect_ignored(&bench.status.counters.not_listed, "not-listed");
}

TEST(capacities)
{
	struct wccp_mask wide = { .dst = addr_v4(0x7ff) };

	bench_assign_masks(1);
	bench_begin_sets(&bench_both[0], 2, WCCP_AT_MASK);
	for (unsigned i = 0; i < ROUTER_MAX_SETS + 1; i++)
		bench_add_set(bench_dst(1));
	expect_ignored(&bench.status.counters.too_large, "too-large");
	bench_begin_sets(&bench_both[0], 2, WCCP_AT_MASK);
	bench_add_set(wide);
	for (uint32_t v = 0; v <= ROUTER_MAX_VALUES; v++)
		bench_add_value(mask_value(&wide, v), &bench_both[0]);
	expect_ignored(&bench.status.counters.too_large, "too-large");
	/* Exactly what fits. */
	bench_begin_sets(&bench_both[0], 3, WCCP_AT_MASK);
	bench_add_set(wide);
	for (uint32_t v = 0; v < ROUTER_MAX_VALUES; v++)
		bench_add_value(mask_value(&wide, v), &bench_both[v % 2]);
	for (unsigned i = 0; i < ROUTER_MAX_SETS - 1; i++)
		bench_add_set(bench_dst(1));
	bench_deliver_masks();
	ck_assert_uint_eq(bench_status()->masks.n_values, ROUTER_MAX_VALUES);
	ck_assert_ptr_nonnull(bench_greet(&bench_both[1]));
}

/* -- leaving ----------------------------------------------------------------------- */

TEST(values_of_the_gone_disappear)
{
	const struct router_masks *m;

	bench_begin_sets(&bench_both[0], 1, WCCP_AT_MASK);
	bench_add_set(bench_dst(3));
	for (uint32_t v = 0; v < 4; v++)
		bench_add_value(bench_dst(v), &bench_both[v % 2]);
	bench_add_set(bench_dst(4));
	bench_add_value(bench_dst(4), &bench_both[0]);
	bench_add_set(bench_dst(8));
	bench_add_value(bench_dst(8), &bench_both[0]);
	bench_add_value(bench_dst(0), &bench_both[1]);
	bench_deliver_masks();
	bench_shutdown(&bench_both[0]);
	bench_deliver_masks();
	m = &bench_status()->masks;
	ck_assert(bench.status.by_mask);
	ck_assert_uint_eq(m->n_caches, 1);
	ck_assert_uint_eq(m->n_sets, 3);
	ck_assert_uint_eq(m->n_values, 3);
	ck_assert_uint_eq(m->sets[0].n, 2);
	ck_assert_uint_eq(m->sets[1].n, 0);
	ck_assert_uint_eq(m->sets[2].first, 2);
	ck_assert_uint_eq(m->sets[2].n, 1);
	for (unsigned v = 0; v < 3; v++)
		ck_assert(addr_equal(&m->caches[m->values[v].cache],
				     &bench_both[1].addr));
	ck_assert_uint_eq(addr_to_v4(&m->values[0].match.dst), 1);
	ck_assert_uint_eq(addr_to_v4(&m->values[1].match.dst), 3);
	ck_assert_uint_eq(bench.status.caches[0].values, 3);
	/* The last one takes everything along, and the method. */
	bench_shutdown(&bench_both[1]);
	bench_deliver(&bench_both[1].source);
	ck_assert(!bench_status()->assigned);
	ck_assert_uint_eq(bench_status()->masks.n_values, 0);
}
