/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router side: mask assignment.
 */
#include "router_bench.h"

#include "mask.h"

#include <stdlib.h>
#include <string.h>

static struct fake both[2]; /* usable, and both know the newest numbers */

static void choose_mask(struct fake *f)
{
	f->caps = (struct wccp_capabilities){ .present = 1u << WCCP_CAP_ASSIGN,
					      .assign = WCCP_ASSIGN_MASK };
}

static void setup_conf(const struct router_conf *conf)
{
	bench_start(conf, 5000);
	for (unsigned i = 0; i < 2; i++) {
		both[i] = bench_cache(i + 1);
		choose_mask(&both[i]);
		bench_join(&both[i]);
	}
	bench_greet(&both[0]);
}

static struct router_conf mask_conf(void)
{
	struct router_conf conf = bench_conf();

	conf.assign = WCCP_ASSIGN_HASH | WCCP_ASSIGN_MASK;
	conf.max_minor = 1;
	return conf;
}

static void setup(void)
{
	struct router_conf conf = mask_conf();

	setup_conf(&conf);
}

static struct wccp_mask dst(uint32_t bits)
{
	return (struct wccp_mask){ .dst = bits ? addr_v4(bits)
					       : (struct addr){ .family = ADDR_NONE } };
}

/* ---- messages ---- */

static void begin_sets(const struct fake *f, uint32_t key, uint16_t type)
{
	struct wccp_assignment *a = &bench.msg.assignment;

	bench_assign(f, key, both, 2);
	bench.msg.present &= ~(1u << WCCP_C_ASSIGNMENT);
	bench.msg.present |= 1u << WCCP_C_ALT_ASSIGNMENT;
	a->type = type;
	a->sets = (struct wccp_set_list){ .alternate = type == WCCP_AT_ALT_MASK };
	if (type == WCCP_AT_ALT_MASK)
		bench.msg.minor = 1;
}

static void add_set(struct wccp_mask mask)
{
	struct wccp_msg *m = &bench.msg;
	struct wccp_set *set = &m->sets[m->n_sets++];

	set->mask = mask;
	set->first = (uint16_t)(m->assignment.sets.alternate ? m->n_cache_values
							     : m->n_values);
	set->n = 0;
	m->assignment.sets.n++;
}

static void add_value(struct wccp_mask match, const struct fake *owner)
{
	struct wccp_msg *m = &bench.msg;

	m->values[m->n_values++] = (struct wccp_value){ match, owner->addr };
	m->sets[m->n_sets - 1].n++;
}

static void add_numbers(const struct fake *owner, const uint32_t *vsns, unsigned n)
{
	struct wccp_msg *m = &bench.msg;

	m->cache_values[m->n_cache_values++] =
		(struct wccp_cache_values){ owner->addr, (uint16_t)m->n_vsns,
					    (uint16_t)n };
	m->sets[m->n_sets - 1].n++;
	for (unsigned i = 0; i < n; i++)
		m->vsns[m->n_vsns++] = vsns[i];
}

/* Every value of the mask, in turns to the two. */
static void all_values(const struct fake *f, uint32_t key, struct wccp_mask mask)
{
	begin_sets(f, key, WCCP_AT_MASK);
	add_set(mask);
	for (uint32_t v = 0; v < 1u << mask_bits(&mask); v++)
		add_value(mask_value(&mask, v), &both[v % 2]);
}

static void deliver(void)
{
	bench_deliver(&both[0].source);
}

static void assign_all(uint32_t key)
{
	all_values(&both[0], key, dst(0x1741));
	deliver();
}

/* Deliver what lies in bench.msg; it must have no effect but a count. */
static void expect_ignored(const uint64_t *counter, const char *event)
{
	unsigned values = bench_status()->masks.n_values;
	uint32_t key = bench.status.key.change_number;
	uint64_t count = *counter;

	deliver();
	bench_status();
	ck_assert_uint_eq(*counter, count + 1);
	ck_assert_ptr_nonnull(bench_note(event));
	ck_assert(!bench_changed());
	ck_assert_uint_eq(bench.status.masks.n_values, values);
	ck_assert_uint_eq(bench.status.key.change_number, key);
}

/* ---- the method ---- */

START_TEST(method_is_frozen_until_the_group_is_empty)
{
	struct fake c = bench_cache(3);

	ck_assert_uint_eq(bench.seen.caps.assign, WCCP_ASSIGN_MASK);
	bench_greet(&c);
	ck_assert_uint_eq(bench.seen.caps.assign, WCCP_ASSIGN_MASK);
	bench_greet(&c);
	ck_assert(!bench_usable(&c)); /* hash, the default */
	ck_assert_uint_eq(bench_counters()->bad_capability, 1);
	for (unsigned i = 0; i < 2; i++) {
		bench_shutdown(&both[i]);
		bench_deliver(&both[i].source);
	}
	bench_greet(&c);
	ck_assert(bench_usable(&c));
	bench_greet(&c);
	ck_assert_uint_eq(bench.seen.caps.assign, WCCP_ASSIGN_HASH);
	ck_assert_int_eq(bench_in_view(&c)->kind, WCCP_DATA_HASH);
}
END_TEST

START_TEST(both_are_offered_to_the_first)
{
	struct router_conf conf = mask_conf();
	struct fake c = bench_cache(1);

	bench_stop();
	bench_start(&conf, 5000);
	bench_greet(&c);
	ck_assert_uint_eq(bench.seen.caps.assign, WCCP_ASSIGN_HASH | WCCP_ASSIGN_MASK);
	/* Only what this router is meant to do. */
	conf.assign = WCCP_ASSIGN_HASH;
	bench_stop();
	bench_start(&conf, 5000);
	choose_mask(&c);
	c.receive_id = 0;
	bench_greet(&c);
	ck_assert_uint_eq(bench.seen.caps.assign, WCCP_ASSIGN_HASH);
	bench_greet(&c);
	ck_assert(!bench_usable(&c));
}
END_TEST

START_TEST(hash_is_not_for_a_group_of_masks)
{
	assign_all(1);
	bench_assign(&both[0], 2, both, 2);
	expect_ignored(&bench.status.counters.bad_method, "bad-method");
	bench.msg.present &= ~(1u << WCCP_C_ASSIGNMENT);
	bench.msg.present |= 1u << WCCP_C_ALT_ASSIGNMENT;
	expect_ignored(&bench.status.counters.bad_method, "bad-method");
}
END_TEST

/* ---- what is taken ---- */

START_TEST(accepted_and_echoed)
{
	const struct router_status *st;

	ck_assert(!bench_status()->by_mask);
	assign_all(42);
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
	bench_greet(&both[1]);
	ck_assert_uint_eq(bench.seen.router_view.key.change_number, 42);
	ck_assert(addr_equal(&bench.seen.router_view.key.cache, &both[0].addr));
}
END_TEST

START_TEST(sent_again_changes_nothing)
{
	assign_all(1);
	assign_all(1);
	ck_assert(!bench_changed());
	ck_assert_ptr_null(bench_note("assignment"));
	ck_assert_uint_eq(bench_counters()->assignments, 2);
	assign_all(2); /* same values, new key */
	ck_assert(!bench_changed());
	ck_assert_uint_eq(bench_status()->key.change_number, 2);
	all_values(&both[0], 3, dst(0x1742));
	deliver();
	ck_assert(bench_changed());
}
END_TEST

START_TEST(order_is_kept)
{
	const struct router_masks *m;

	begin_sets(&both[0], 1, WCCP_AT_MASK);
	add_set(dst(3));
	add_value(dst(2), &both[1]);
	add_value(dst(2), &both[0]); /* never reached, but not ours to drop */
	add_value(dst(1), &both[0]);
	add_set((struct wccp_mask){ .sport = 1, .dport = 0x8000 });
	add_value((struct wccp_mask){ .dport = 0x8000 }, &both[0]);
	add_set(dst(1));
	deliver();
	m = &bench_status()->masks;
	ck_assert_uint_eq(m->n_sets, 3);
	ck_assert_uint_eq(m->sets[0].n, 3);
	ck_assert_uint_eq(m->sets[1].first, 3);
	ck_assert_uint_eq(m->sets[1].n, 1);
	ck_assert_uint_eq(m->sets[2].n, 0);
	ck_assert_uint_eq(addr_to_v4(&m->values[0].match.dst), 2);
	ck_assert(addr_equal(&m->caches[m->values[0].cache], &both[1].addr));
	ck_assert(addr_equal(&m->caches[m->values[1].cache], &both[0].addr));
	ck_assert_uint_eq(addr_to_v4(&m->values[2].match.dst), 1);
	ck_assert_uint_eq(m->values[3].match.dport, 0x8000);
	ck_assert_uint_eq(bench_status()->caches[0].values, 3);
}
END_TEST

/* The example of 2.01 section 7.2: number 0xb is source bit, address bit 0, port. */
START_TEST(alternate_sets_mean_values)
{
	static const uint32_t first[] = { 0, 0xb, 15 }, second[] = { 4 };
	const struct router_masks *m;

	begin_sets(&both[0], 1, WCCP_AT_ALT_MASK);
	add_set((struct wccp_mask){
		.src = addr_v4(0x100), .dst = addr_v4(3), .dport = 1 });
	add_numbers(&both[0], first, 3);
	add_numbers(&both[1], second, 1);
	deliver();
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
END_TEST

/* A number has 32 bits, and so may a mask (2.01 section 7). */
START_TEST(numbers_of_32_bits)
{
	static const uint32_t some[] = { 0, 0x80000000, 0xffffffff };
	const struct router_masks *m;

	begin_sets(&both[0], 1, WCCP_AT_ALT_MASK);
	add_set(dst(0xffffffff));
	add_numbers(&both[0], some, 3);
	deliver();
	m = &bench_status()->masks;
	ck_assert_uint_eq(m->n_values, 3);
	ck_assert_uint_eq(addr_to_v4(&m->values[1].match.dst), 0x80000000);
	ck_assert_uint_eq(addr_to_v4(&m->values[2].match.dst), 0xffffffff);
	both[0].minor = 1;
	bench_greet(&both[0]);
	ck_assert_uint_eq(bench.seen.n_vsns, 3);
	ck_assert_mem_eq(bench.seen.vsns, some, sizeof(some));
}
END_TEST

START_TEST(nothing_assigned_is_an_assignment)
{
	begin_sets(&both[0], 7, WCCP_AT_MASK);
	deliver();
	ck_assert(bench_status()->assigned);
	ck_assert_uint_eq(bench_status()->key.change_number, 7);
	bench_greet(&both[0]);
	ck_assert(bench_in_view(&both[0])->unassigned);
}
END_TEST

/* ---- what is refused ---- */

START_TEST(value_outside_of_its_mask)
{
	assign_all(1);
	begin_sets(&both[0], 2, WCCP_AT_MASK);
	add_set(dst(0x1741));
	add_value(dst(0x1740), &both[0]);
	add_value(dst(0x0002), &both[0]);
	expect_ignored(&bench.status.counters.bad_mask, "bad-mask");
	begin_sets(&both[0], 2, WCCP_AT_MASK);
	add_set(dst(0x1741));
	add_value((struct wccp_mask){ .sport = 1 }, &both[0]);
	expect_ignored(&bench.status.counters.bad_mask, "bad-mask");
}
END_TEST

START_TEST(numbers_twice_or_beyond)
{
	static const uint32_t twice[] = { 1, 2, 1 }, beyond[] = { 4 }, two[] = { 2, 3 },
			      good[] = { 0, 1, 2 };

	assign_all(1);
	begin_sets(&both[0], 2, WCCP_AT_ALT_MASK);
	add_set(dst(3));
	add_numbers(&both[0], twice, 3);
	expect_ignored(&bench.status.counters.bad_mask, "bad-mask");
	begin_sets(&both[0], 2, WCCP_AT_ALT_MASK);
	add_set(dst(3));
	add_numbers(&both[0], good, 3);
	add_numbers(&both[1], two, 2); /* 2 again, for the other one */
	expect_ignored(&bench.status.counters.bad_mask, "bad-mask");
	begin_sets(&both[0], 2, WCCP_AT_ALT_MASK);
	add_set(dst(3));
	add_numbers(&both[0], beyond, 1);
	expect_ignored(&bench.status.counters.bad_mask, "bad-mask");
	/* Another set begins anew. */
	begin_sets(&both[0], 2, WCCP_AT_ALT_MASK);
	add_set(dst(3));
	add_numbers(&both[0], good, 3);
	add_set(dst(0xc));
	add_numbers(&both[1], good, 3);
	deliver();
	ck_assert_uint_eq(bench_status()->key.change_number, 2);
}
END_TEST

START_TEST(alternate_sets_need_2_01)
{
	static const uint32_t good[] = { 0, 1 };

	begin_sets(&both[0], 2, WCCP_AT_ALT_MASK);
	add_set(dst(3));
	add_numbers(&both[0], good, 2);
	bench.msg.minor = 0;
	expect_ignored(&bench.status.counters.bad_method, "bad-method");
}
END_TEST

START_TEST(for_a_stranger)
{
	static const uint32_t good[] = { 0, 1 };
	struct fake c = bench_cache(3);

	assign_all(1);
	bench_greet(&c); /* answered, but not usable */
	all_values(&both[0], 2, dst(1));
	bench.msg.values[1].cache = c.addr;
	expect_ignored(&bench.status.counters.not_member, "not-member");
	bench.msg.values[1].cache = (struct addr){ .family = ADDR_NONE };
	expect_ignored(&bench.status.counters.not_member, "not-member");
	begin_sets(&both[0], 2, WCCP_AT_ALT_MASK);
	add_set(dst(1));
	add_numbers(&c, good, 2);
	expect_ignored(&bench.status.counters.not_member, "not-member");
}
END_TEST

START_TEST(stale_numbers)
{
	struct fake c = bench_cache(3);

	choose_mask(&c);
	assign_all(1);
	all_values(&both[0], 2, dst(1));
	bench.msg.assignment.routers[0].receive_id--;
	expect_ignored(&bench.status.counters.bad_receive_id, "bad-receive-id");
	bench_join(&c);
	all_values(&both[0], 2, dst(1));
	expect_ignored(&bench.status.counters.bad_change_number, "bad-change-number");
	/* An address in a mask of another family can match nothing; without a
	 * table there is none on the wire. */
	all_values(&both[0], 2, dst(1));
	bench.msg.assignment.key.cache = bench_cache(9).addr;
	expect_ignored(&bench.status.counters.not_member, "not-member");
}
END_TEST

START_TEST(not_listed_flushes_in_2_0)
{
	assign_all(1);
	all_values(&both[0], 2, dst(1));
	bench.msg.assignment.routers[0].id = addr_v4(0x0a0000fd);
	deliver();
	ck_assert(!bench_status()->assigned);
	ck_assert(!bench_status()->by_mask);
	ck_assert(bench_changed());
	ck_assert_uint_eq(bench_status()->caches[0].values, 0);
	bench_greet(&both[0]);
	ck_assert(bench_in_view(&both[0])->unassigned);
}
END_TEST

START_TEST(capacities)
{
	struct wccp_mask wide = { .dst = addr_v4(0x7ff) };

	assign_all(1);
	begin_sets(&both[0], 2, WCCP_AT_MASK);
	for (unsigned i = 0; i < ROUTER_MAX_SETS + 1; i++)
		add_set(dst(1));
	expect_ignored(&bench.status.counters.too_large, "too-large");
	begin_sets(&both[0], 2, WCCP_AT_MASK);
	add_set(wide);
	for (uint32_t v = 0; v <= ROUTER_MAX_VALUES; v++)
		add_value(mask_value(&wide, v), &both[0]);
	expect_ignored(&bench.status.counters.too_large, "too-large");
	/* Exactly what fits. */
	begin_sets(&both[0], 3, WCCP_AT_MASK);
	add_set(wide);
	for (uint32_t v = 0; v < ROUTER_MAX_VALUES; v++)
		add_value(mask_value(&wide, v), &both[v % 2]);
	for (unsigned i = 0; i < ROUTER_MAX_SETS - 1; i++)
		add_set(dst(1));
	deliver();
	ck_assert_uint_eq(bench_status()->masks.n_values, ROUTER_MAX_VALUES);
	ck_assert_ptr_nonnull(bench_greet(&both[1]));
}
END_TEST

/* ---- leaving ---- */

START_TEST(values_of_the_gone_disappear)
{
	const struct router_masks *m;

	begin_sets(&both[0], 1, WCCP_AT_MASK);
	add_set(dst(3));
	for (uint32_t v = 0; v < 4; v++)
		add_value(dst(v), &both[v % 2]);
	add_set(dst(4));
	add_value(dst(4), &both[0]);
	add_set(dst(8));
	add_value(dst(8), &both[0]);
	add_value(dst(0), &both[1]);
	deliver();
	bench_shutdown(&both[0]);
	deliver();
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
		ck_assert(addr_equal(&m->caches[m->values[v].cache], &both[1].addr));
	ck_assert_uint_eq(addr_to_v4(&m->values[0].match.dst), 1);
	ck_assert_uint_eq(addr_to_v4(&m->values[1].match.dst), 3);
	ck_assert_uint_eq(bench.status.caches[0].values, 3);
	/* The last one takes everything along, and the method. */
	bench_shutdown(&both[1]);
	bench_deliver(&both[1].source);
	ck_assert(!bench_status()->assigned);
	ck_assert_uint_eq(bench_status()->masks.n_values, 0);
}
END_TEST

/* ---- what members are told ---- */

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

START_TEST(full_identities)
{
	const struct wccp_cache_id *id = bench_in_view(&both[1]);

	/* Nothing assigned yet. */
	ck_assert_int_eq(id->kind, WCCP_DATA_MASK);
	ck_assert(id->unassigned);
	ck_assert_uint_eq(id->sets.n, 0);
	ck_assert_uint_eq(id->weight, 100);
	begin_sets(&both[0], 1, WCCP_AT_MASK);
	add_set(dst(1));
	add_value(dst(1), &both[0]);
	add_set(dst(2));
	add_value(dst(0), &both[1]);
	add_value(dst(2), &both[0]);
	deliver();
	bench_greet(&both[0]);
	id = bench_in_view(&both[0]);
	ck_assert_int_eq(id->kind, WCCP_DATA_MASK);
	ck_assert(!id->unassigned && !id->extended);
	ck_assert_uint_eq(id->sets.n, 2);
	ck_assert_uint_eq(addr_to_v4(&value_of(&id->sets, 0, 0)->match.dst), 1);
	ck_assert_uint_eq(addr_to_v4(&value_of(&id->sets, 1, 0)->match.dst), 2);
	ck_assert(addr_equal(&value_of(&id->sets, 1, 0)->cache, &both[0].addr));
	id = bench_in_view(&both[1]);
	ck_assert_uint_eq(id->sets.n, 1); /* none of the first set */
	ck_assert_uint_eq(addr_to_v4(&bench.seen.sets[id->sets.first].mask.dst), 2);
	ck_assert_uint_eq(bench.seen.sets[id->sets.first].n, 1);
	ck_assert_uint_eq(id->weight, 100);
	ck_assert(!wccp_has(&bench.seen, WCCP_C_ASSIGN_MAP));
	ck_assert(!wccp_has(&bench.seen, WCCP_C_ASSIGNMENT));
}
END_TEST

START_TEST(map_when_wanted)
{
	struct router_conf conf = mask_conf();

	conf.echo_assignment = true;
	bench_stop();
	setup_conf(&conf);
	ck_assert(!wccp_has(&bench.seen, WCCP_C_ASSIGN_MAP));
	assign_all(1);
	bench_greet(&both[0]);
	ck_assert(wccp_has(&bench.seen, WCCP_C_ASSIGN_MAP));
	ck_assert(!wccp_has(&bench.seen, WCCP_C_ALT_ASSIGN_MAP));
	ck_assert_uint_eq(bench.seen.map.sets.n, 1);
	ck_assert_uint_eq(bench.seen.sets[bench.seen.map.sets.first].n, 64);
	ck_assert(addr_equal(&value_of(&bench.seen.map.sets, 0, 63)->cache,
			     &both[1].addr));
	ck_assert_uint_eq(addr_to_v4(&value_of(&bench.seen.map.sets, 0, 63)->match.dst),
			  0x1741);
	ck_assert_uint_eq(bench_in_view(&both[0])->sets.n, 1);
}
END_TEST

/* Once by each shape: what it says before and after. */
static void expect_shape(enum router_mask_identity shape, size_t octets)
{
	struct router_conf conf = mask_conf();
	const struct wccp_cache_id *id;

	conf.mask_identity = shape;
	bench_stop();
	setup_conf(&conf);
	id = bench_in_view(&both[0]);
	ck_assert_uint_eq(identity_octets(id), octets);
	ck_assert(id->unassigned);
	assign_all(1);
	bench_greet(&both[0]);
	id = bench_in_view(&both[0]);
	ck_assert_int_eq(id->kind, WCCP_DATA_MASK);
	ck_assert_uint_eq(identity_octets(id), octets);
	ck_assert_int_eq(id->unassigned, shape == ROUTER_MASK_EMPTY_SET);
	if (shape == ROUTER_MASK_EMPTY_SET)
		ck_assert_uint_eq(addr_to_v4(&bench.seen.sets[id->sets.first].mask.dst),
				  0x1741);
	ck_assert(wccp_has(&bench.seen, WCCP_C_ASSIGN_MAP));
	ck_assert_uint_eq(bench.seen.sets[bench.seen.map.sets.first].n, 64);
}

START_TEST(identities_without_values)
{
	expect_shape(ROUTER_MASK_EMPTY_SET, 32);
	expect_shape(ROUTER_MASK_NO_SETS, 16);
}
END_TEST

START_TEST(alternate_for_those_who_know_it)
{
	static const uint32_t first[] = { 2, 0 }, second[] = { 3 };
	struct router_conf conf = mask_conf();
	const struct wccp_cache_values *cv;
	const struct wccp_cache_id *id;

	conf.echo_assignment = true;
	bench_stop();
	setup_conf(&conf);
	both[0].minor = 1;
	bench_greet(&both[0]);
	begin_sets(&both[0], 1, WCCP_AT_ALT_MASK);
	add_set(dst(3));
	add_numbers(&both[0], first, 2);
	add_numbers(&both[1], second, 1);
	deliver();
	bench_greet(&both[0]);
	ck_assert(wccp_has(&bench.seen, WCCP_C_ALT_ASSIGN_MAP));
	ck_assert(!wccp_has(&bench.seen, WCCP_C_ASSIGN_MAP));
	ck_assert_uint_eq(bench.seen.map.type, WCCP_AT_ALT_MASK);
	ck_assert_uint_eq(bench.seen.sets[bench.seen.map.sets.first].n, 2);
	cv = &bench.seen.cache_values[bench.seen.sets[bench.seen.map.sets.first].first];
	ck_assert(addr_equal(&cv->cache, &both[0].addr));
	ck_assert_uint_eq(cv->n_vsns, 2);
	ck_assert_uint_eq(bench.seen.vsns[cv->first_vsn], 2);
	ck_assert_uint_eq(bench.seen.vsns[cv->first_vsn + 1], 0);
	id = bench_in_view(&both[1]);
	ck_assert_int_eq(id->kind, WCCP_DATA_ALT_MASK);
	ck_assert(id->extended);
	ck_assert_uint_eq(id->weight, 100);
	cv = &bench.seen.cache_values[bench.seen.sets[id->sets.first].first];
	ck_assert_uint_eq(bench.seen.vsns[cv->first_vsn], 3);
	/* The other one speaks 2.0: plain values for it. */
	bench_greet(&both[1]);
	ck_assert_int_eq(bench_in_view(&both[0])->kind, WCCP_DATA_MASK);
	ck_assert(wccp_has(&bench.seen, WCCP_C_ASSIGN_MAP));
	ck_assert(!wccp_has(&bench.seen, WCCP_C_ALT_ASSIGN_MAP));
	ck_assert_uint_eq(addr_to_v4(&value_of(&bench.seen.map.sets, 0, 2)->match.dst),
			  3);
}
END_TEST

/* More runs of values than a message may have sets: the map says it all. */
START_TEST(many_members_with_values_in_many_sets)
{
	struct fake all[WCCP_MAX_CACHES];

	for (unsigned i = 0; i < WCCP_MAX_CACHES; i++) {
		all[i] = i < 2 ? both[i] : bench_cache(i + 1);
		choose_mask(&all[i]);
		if (i >= 2)
			bench_join(&all[i]);
	}
	bench_greet(&all[0]);
	begin_sets(&all[0], 1, WCCP_AT_MASK);
	for (unsigned s = 0; s < ROUTER_MAX_SETS; s++) {
		add_set(dst(0x1fu << s));
		for (uint32_t v = 0; v < WCCP_MAX_CACHES; v++)
			add_value(dst(v << s), &all[v]);
	}
	deliver();
	ck_assert(bench_status()->assigned);
	ck_assert_ptr_nonnull(bench_greet(&all[1]));
	ck_assert_uint_eq(bench_in_view(&all[1])->sets.n, 0);
	ck_assert(!bench_in_view(&all[1])->unassigned);
	ck_assert(wccp_has(&bench.seen, WCCP_C_ASSIGN_MAP));
	ck_assert_uint_eq(bench.seen.map.sets.n, ROUTER_MAX_SETS);
	ck_assert_uint_eq(bench.seen.n_values, 512);
}
END_TEST

/* IPv6 addresses, masks and values share 256 places of the address table. */
START_TEST(what_does_not_fit_is_left_out_and_told_once)
{
	struct addr v6 = { .family = ADDR_V6, .octets = { 0x20, 1 } };
	struct router_conf conf = mask_conf();
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
	choose_mask(&c);
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
	both[0] = both[1] = c;
	all_values(&c, 5, mask);
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
END_TEST

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
START_TEST(both_forms_are_one)
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
		mask = dst(bits);
		begin_sets(&both[0], 1, WCCP_AT_MASK);
		add_set(mask);
		for (uint32_t v = 0; v < 32; v++) {
			bool first = rand() % 2;

			add_value(mask_value(&mask, v), &both[!first]);
			if (first)
				mine[n_mine++] = v;
			else
				theirs[n_theirs++] = v;
		}
		deliver();
		plain = bench_status()->masks;
		begin_sets(&both[0], 2, WCCP_AT_ALT_MASK);
		add_set(mask);
		add_numbers(&both[1], theirs, n_theirs);
		add_numbers(&both[0], mine, n_mine);
		deliver();
		ck_assert(bench_status()->masks.alternate);
		for (unsigned i = 0; i < 200; i++) {
			uint32_t to = (uint32_t)rand() << 16 ^ (uint32_t)rand();

			ck_assert_int_ne(decide(&plain, to), 0);
			ck_assert_int_eq(decide(&plain, to),
					 decide(&bench.status.masks, to));
		}
	}
}
END_TEST

void test_router_mask(Suite *s)
{
	TCase *tc = tcase_create("mask");

	tcase_add_checked_fixture(tc, setup, bench_stop);
	tcase_add_test(tc, method_is_frozen_until_the_group_is_empty);
	tcase_add_test(tc, both_are_offered_to_the_first);
	tcase_add_test(tc, hash_is_not_for_a_group_of_masks);
	tcase_add_test(tc, accepted_and_echoed);
	tcase_add_test(tc, sent_again_changes_nothing);
	tcase_add_test(tc, order_is_kept);
	tcase_add_test(tc, alternate_sets_mean_values);
	tcase_add_test(tc, numbers_of_32_bits);
	tcase_add_test(tc, nothing_assigned_is_an_assignment);
	tcase_add_test(tc, value_outside_of_its_mask);
	tcase_add_test(tc, numbers_twice_or_beyond);
	tcase_add_test(tc, alternate_sets_need_2_01);
	tcase_add_test(tc, for_a_stranger);
	tcase_add_test(tc, stale_numbers);
	tcase_add_test(tc, not_listed_flushes_in_2_0);
	tcase_add_test(tc, capacities);
	tcase_add_test(tc, values_of_the_gone_disappear);
	tcase_add_test(tc, full_identities);
	tcase_add_test(tc, map_when_wanted);
	tcase_add_test(tc, identities_without_values);
	tcase_add_test(tc, alternate_for_those_who_know_it);
	tcase_add_test(tc, many_members_with_values_in_many_sets);
	tcase_add_test(tc, what_does_not_fit_is_left_out_and_told_once);
	tcase_add_test(tc, both_forms_are_one);
	suite_add_tcase(s, tc);
}
