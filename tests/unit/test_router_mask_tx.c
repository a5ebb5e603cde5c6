/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router side: what I_SEE_YOUs say of masks.
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

/* The identity of `f` as it would go over the wire. */
static size_t identity_octets(const struct wccp_cache_id *id)
{
	size_t n = 8 + 4 + 4;

	for (unsigned s = 0; s < id->sets.n; s++)
		n += 16 + 16u * bench.seen.sets[id->sets.first + s].n;
	return n;
}

static const struct wccp_value *value_of(const struct wccp_set_list *list, unsigned set,
					 unsigned i)
{
	return &bench.seen.values[bench.seen.sets[list->first + set].first + i];
}

CASE(mask_in_answers, .setup = setup, .teardown = bench_stop)

TEST(full_identities)
{
	const struct wccp_cache_id *id = bench_in_view(&bench_both[1]);

	/* Nothing assigned yet. */
	ck_assert_int_eq(id->kind, WCCP_DATA_MASK);
	ck_assert(id->unassigned);
	ck_assert_uint_eq(identity_octets(id), 32);
	ck_assert_uint_eq(id->weight, 100);
	bench_begin_sets(&bench_both[0], 1, WCCP_AT_MASK);
	bench_add_set(bench_dst(1));
	bench_add_value(bench_dst(1), &bench_both[0]);
	bench_add_set(bench_dst(2));
	bench_add_value(bench_dst(0), &bench_both[1]);
	bench_add_value(bench_dst(2), &bench_both[0]);
	bench_deliver_masks();
	bench_greet(&bench_both[0]);
	id = bench_in_view(&bench_both[0]);
	ck_assert_int_eq(id->kind, WCCP_DATA_MASK);
	ck_assert(!id->unassigned && !id->extended);
	ck_assert_uint_eq(id->sets.n, 2);
	ck_assert_uint_eq(addr_to_v4(&value_of(&id->sets, 0, 0)->match.dst), 1);
	ck_assert_uint_eq(addr_to_v4(&value_of(&id->sets, 1, 0)->match.dst), 2);
	ck_assert(addr_equal(&value_of(&id->sets, 1, 0)->cache, &bench_both[0].addr));
	id = bench_in_view(&bench_both[1]);
	ck_assert_uint_eq(id->sets.n, 1); /* none of the first set */
	ck_assert_uint_eq(addr_to_v4(&bench.seen.sets[id->sets.first].mask.dst), 2);
	ck_assert_uint_eq(bench.seen.sets[id->sets.first].n, 1);
	ck_assert_uint_eq(id->weight, 100);
	ck_assert(!wccp_has(&bench.seen, WCCP_C_ASSIGN_MAP));
	ck_assert(!wccp_has(&bench.seen, WCCP_C_ASSIGNMENT));
}

TEST(map_when_wanted)
{
	struct router_conf conf = bench_mask_conf();

	conf.echo_assignment = true;
	bench_stop();
	bench_start_masks(&conf);
	ck_assert(!wccp_has(&bench.seen, WCCP_C_ASSIGN_MAP));
	bench_assign_masks(1);
	bench_greet(&bench_both[0]);
	ck_assert(wccp_has(&bench.seen, WCCP_C_ASSIGN_MAP));
	ck_assert(!wccp_has(&bench.seen, WCCP_C_ALT_ASSIGN_MAP));
	ck_assert_uint_eq(bench.seen.map.sets.n, 1);
	ck_assert_uint_eq(bench.seen.sets[bench.seen.map.sets.first].n, 64);
	ck_assert(addr_equal(&value_of(&bench.seen.map.sets, 0, 63)->cache,
			     &bench_both[1].addr));
	ck_assert_uint_eq(addr_to_v4(&value_of(&bench.seen.map.sets, 0, 63)->match.dst),
			  0x1741);
	ck_assert_uint_eq(bench_in_view(&bench_both[0])->sets.n, 1);
}

/* Once by each shape: what it says before and after. */
static void expect_shape(enum router_mask_identity shape, size_t octets)
{
	struct router_conf conf = bench_mask_conf();
	const struct wccp_cache_id *id;

	conf.mask_identity = shape;
	bench_stop();
	bench_start_masks(&conf);
	id = bench_in_view(&bench_both[0]);
	ck_assert_uint_eq(identity_octets(id), octets);
	ck_assert(id->unassigned);
	bench_assign_masks(1);
	bench_greet(&bench_both[0]);
	id = bench_in_view(&bench_both[0]);
	ck_assert_int_eq(id->kind, WCCP_DATA_MASK);
	ck_assert_uint_eq(identity_octets(id), octets);
	ck_assert_int_eq(id->unassigned, shape == ROUTER_MASK_EMPTY_SET);
	if (shape == ROUTER_MASK_EMPTY_SET)
		ck_assert_uint_eq(addr_to_v4(&bench.seen.sets[id->sets.first].mask.dst),
				  0x1741);
	ck_assert(wccp_has(&bench.seen, WCCP_C_ASSIGN_MAP));
	ck_assert_uint_eq(bench.seen.sets[bench.seen.map.sets.first].n, 64);
}

TEST(identities_without_values)
{
	expect_shape(ROUTER_MASK_EMPTY_SET, 32);
	expect_shape(ROUTER_MASK_NO_SETS, 16);
}

TEST(alternate_for_those_who_know_it)
{
	static const uint32_t first[] = { 2, 0 }, second[] = { 3 };
	struct router_conf conf = bench_mask_conf();
	const struct wccp_cache_values *cv;
	const struct wccp_cache_id *id;

	conf.echo_assignment = true;
	bench_stop();
	bench_start_masks(&conf);
	bench_both[0].minor = 1;
	bench_greet(&bench_both[0]);
	bench_begin_sets(&bench_both[0], 1, WCCP_AT_ALT_MASK);
	bench_add_set(bench_dst(3));
	bench_add_vsns(&bench_both[0], first, 2);
	bench_add_vsns(&bench_both[1], second, 1);
	bench_deliver_masks();
	bench_greet(&bench_both[0]);
	ck_assert(wccp_has(&bench.seen, WCCP_C_ALT_ASSIGN_MAP));
	ck_assert(!wccp_has(&bench.seen, WCCP_C_ASSIGN_MAP));
	ck_assert_uint_eq(bench.seen.map.type, WCCP_AT_ALT_MASK);
	ck_assert_uint_eq(bench.seen.sets[bench.seen.map.sets.first].n, 2);
	cv = &bench.seen.cache_values[bench.seen.sets[bench.seen.map.sets.first].first];
	ck_assert(addr_equal(&cv->cache, &bench_both[0].addr));
	ck_assert_uint_eq(cv->n_vsns, 2);
	ck_assert_uint_eq(bench.seen.vsns[cv->first_vsn], 2);
	ck_assert_uint_eq(bench.seen.vsns[cv->first_vsn + 1], 0);
	id = bench_in_view(&bench_both[1]);
	ck_assert_int_eq(id->kind, WCCP_DATA_ALT_MASK);
	ck_assert(id->extended);
	ck_assert_uint_eq(id->weight, 100);
	cv = &bench.seen.cache_values[bench.seen.sets[id->sets.first].first];
	ck_assert_uint_eq(bench.seen.vsns[cv->first_vsn], 3);
	/* The other one speaks 2.0: plain values for it. */
	bench_greet(&bench_both[1]);
	ck_assert_int_eq(bench_in_view(&bench_both[0])->kind, WCCP_DATA_MASK);
	ck_assert(wccp_has(&bench.seen, WCCP_C_ASSIGN_MAP));
	ck_assert(!wccp_has(&bench.seen, WCCP_C_ALT_ASSIGN_MAP));
	ck_assert_uint_eq(addr_to_v4(&value_of(&bench.seen.map.sets, 0, 2)->match.dst),
			  3);
}

/* More runs of values than a message may have sets: the map says it all. */
TEST(many_members_with_values_in_many_sets)
{
	struct fake all[WCCP_MAX_CACHES];

	for (unsigned i = 0; i < WCCP_MAX_CACHES; i++) {
		all[i] = i < 2 ? bench_both[i] : bench_cache(i + 1);
		bench_choose_mask(&all[i]);
		if (i >= 2)
			bench_join(&all[i]);
	}
	bench_greet(&all[0]);
	bench_begin_sets(&all[0], 1, WCCP_AT_MASK);
	for (unsigned s = 0; s < ROUTER_MAX_SETS; s++) {
		bench_add_set(bench_dst(0x1fu << s));
		for (uint32_t v = 0; v < WCCP_MAX_CACHES; v++)
			bench_add_value(bench_dst(v << s), &all[v]);
	}
	bench_deliver_masks();
	ck_assert(bench_status()->assigned);
	ck_assert_ptr_nonnull(bench_greet(&all[1]));
	ck_assert_uint_eq(bench_in_view(&all[1])->sets.n, 0);
	ck_assert(!bench_in_view(&all[1])->unassigned);
	ck_assert(wccp_has(&bench.seen, WCCP_C_ASSIGN_MAP));
	ck_assert_uint_eq(bench.seen.map.sets.n, ROUTER_MAX_SETS);
	ck_assert_uint_eq(bench.seen.n_values, 512);
}

/* IPv6 addresses, masks and values share 256 places of the address table. */
TEST(what_does_not_fit_is_left_out_and_told_once)
{
	struct addr v6 = { .family = ADDR_V6, .octets = { 0x20, 1 } };
	struct router_conf conf = bench_mask_conf();
	struct wccp_mask mask = { .dst = { .family = ADDR_V6 } };
	struct fake c;

	conf.id = v6;
	conf.id.octets[15] = 0xfe;
	conf.echo_assignment = true;
	bench_stop();
	bench_start(&conf, 5000);
	bench.to = conf.id;
	c = bench_cache(1);
	c.addr = c.source = v6;
	c.addr.octets[15] = c.source.octets[15] = 1;
	c.minor = 1;
	bench_choose_mask(&c);
	for (; c.n_others < 8; c.n_others++) {
		c.others[c.n_others] = v6;
		c.others[c.n_others].octets[14] = (uint8_t)(c.n_others + 1);
	}
	for (unsigned i = 0; i < 2; i++) {
		bench_hello(&c);
		bench.msg.table_family = 2;
		if (c.receive_id)
			bench.msg.cache_view.routers[0].id = conf.id;
		bench_deliver(&c.source);
		ck_assert_ptr_nonnull(bench_answer(&c));
	}
	ck_assert(bench_usable(&c));
	mask.dst.octets[15] = 0xff;
	bench_both[0] = bench_both[1] = c;
	bench_all_values(&c, 5, mask);
	bench.msg.n_values -= 6; /* those there is no room for, on its way in */
	bench.msg.sets[0].n = (uint16_t)(bench.msg.sets[0].n - 6);
	bench.msg.minor = 1;
	bench.msg.table_family = 2;
	bench.msg.assignment.routers[0].id = conf.id;
	bench_deliver(&c.source);
	ck_assert(bench_status()->assigned);
	for (unsigned i = 0; i < 2; i++) {
		bench_hello(&c);
		bench.msg.table_family = 2;
		bench.msg.cache_view.routers[0].id = conf.id;
		bench_deliver(&c.source);
		ck_assert_ptr_nonnull(bench_answer(&c));
		ck_assert_int_eq(bench_note("map-left-out") != NULL, i == 0);
		ck_assert_uint_eq(bench.seen.router_view.key.change_number, 5);
		ck_assert_uint_eq(bench.seen.n_values, 0);
	}
	ck_assert_uint_ge(bench_counters()->maps_left_out, 2);
}

/* A plain reference: the first value of the first set that fits, or nobody. */
static int decide(const struct router_masks *m, uint32_t to)
{
	for (unsigned s = 0; s < m->n_sets; s++)
		for (unsigned i = 0; i < m->sets[s].n; i++) {
			const struct router_value *v = &m->values[m->sets[s].first + i];

			if ((to & addr_to_v4(&m->sets[s].mask.dst)) ==
			    addr_to_v4(&v->match.dst))
				return m->caches[v->cache].octets[3];
		}
	return 0;
}

/* Plain and alternate sets of the same meaning decide alike. */
TEST(both_forms_are_one)
{
	static struct router_masks plain;
	uint32_t mine[32], theirs[32];
	struct wccp_mask mask;

	srand(7);
	for (unsigned round = 0; round < 50; round++) {
		unsigned n_mine = 0, n_theirs = 0;
		uint32_t bits = 0;

		while (__builtin_popcount(bits) < 5)
			bits |= 1u << rand() % 32;
		mask = bench_dst(bits);
		bench_begin_sets(&bench_both[0], 2 * round + 1, WCCP_AT_MASK);
		bench_add_set(mask);
		for (uint32_t v = 0; v < 32; v++) {
			bool first = rand() % 2;

			bench_add_value(mask_value(&mask, v), &bench_both[!first]);
			if (first)
				mine[n_mine++] = v;
			else
				theirs[n_theirs++] = v;
		}
		bench_deliver_masks();
		plain = bench_status()->masks;
		bench_begin_sets(&bench_both[0], 2 * round + 2, WCCP_AT_ALT_MASK);
		bench_add_set(mask);
		bench_add_vsns(&bench_both[1], theirs, n_theirs);
		bench_add_vsns(&bench_both[0], mine, n_mine);
		bench_deliver_masks();
		ck_assert(bench_status()->masks.alternate);
		for (unsigned i = 0; i < 200; i++) {
			uint32_t to = (uint32_t)rand() << 16 ^ (uint32_t)rand();

			ck_assert_int_ne(decide(&plain, to), 0);
			ck_assert_int_eq(decide(&plain, to),
					 decide(&bench.status.masks, to));
		}
	}
}
