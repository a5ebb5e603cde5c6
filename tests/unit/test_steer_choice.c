/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which listener takes a connection: shares, and what a change moves. */
#include "bpf/steer_walk.h"
#include "dp/steer/steer_render.h"
#include "suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FLOWS = 4000, POOLS = 60 };

static struct plan plan;
static struct steer_places places;
static struct steer_table table, before;

/* -- pools --------------------------------------------------------------------------------- */

static void reset(void)
{
	memset(&plan, 0, sizeof(plan));
	memset(&places, 0xff, sizeof(places));
	plan.n_pools = 1;
}

/* Listener `i` of the pool is in slot i. */
static struct plan_instance *add_instance(const char *name, unsigned weight, unsigned listeners)
{
	struct plan_pool *p = &plan.pools[0];
	struct plan_instance *i = &p->instances[p->n_instances];

	snprintf(i->name, sizeof(i->name), "%s", name);
	i->weight = (uint16_t)weight;
	i->takes = true;
	for (; listeners; listeners--) {
		p->listeners[p->n_listeners].instance = (uint16_t)p->n_instances;
		places.slots[0][p->n_listeners] = (uint16_t)p->n_listeners;
		p->n_listeners++;
	}
	p->n_instances++;
	return i;
}

static void render(void)
{
	static const struct facts facts;

	before = table;
	steer_render(&plan, &facts, &places, &table);
}

static uint64_t key_of_flow(uint64_t flow)
{
	return steer_hash(0x5eed, 0x0a000001ull << 32 | 0xc6336400u, flow);
}

/* The name of the instance that has a slot. */
static const char *name_of(unsigned slot)
{
	const struct plan_pool *p = &plan.pools[0];

	return slot < p->n_listeners ? p->instances[p->listeners[slot].instance].name : "";
}

/* The listener for a key, if those in `dead` are gone from the kernel's map. */
static unsigned choose_from(const struct steer_table *t, uint64_t key, const bool *dead)
{
	struct steer_walk walk = { 0 };

	for (unsigned i = 0; i < STEER_RANKS; i++) {
		uint32_t slot = steer_walk_on(t, 0, key, &walk);

		if (slot >= STEER_SLOTS || !dead || !dead[slot])
			return slot;
	}
	return STEER_NO_SLOT;
}

static unsigned choose(uint64_t flow)
{
	return choose_from(&table, key_of_flow(flow), NULL);
}

static void count(unsigned flows, unsigned *out)
{
	memset(out, 0, STEER_SLOTS * sizeof(*out));
	for (unsigned i = 0; i < flows; i++) {
		unsigned slot = choose(i);

		ck_assert_uint_lt(slot, STEER_SLOTS);
		out[slot]++;
	}
}

/* A pool of 2 to 17 instances of random names and weights, each with one listener. */
static void make_random_pool(unsigned seed)
{
	unsigned n;

	srandom(seed);
	reset();
	n = 2 + (unsigned)random() % 16;
	for (unsigned i = 0; i < n; i++) {
		char name[32];

		snprintf(name, sizeof(name), "squid%u-%ld", i, random() % 1000);
		add_instance(name, 1 + (unsigned)random() % 4 * 50, 1);
	}
	render();
}

static unsigned a_random_one(void)
{
	return (unsigned)random() % plan.pools[0].n_instances;
}

/* -- shares ---------------------------------------------------------------------------------- */

/* Of so many flows, five deviations of a fair hash. */
static void check_shares(const unsigned *weights, unsigned n, unsigned flows)
{
	unsigned counts[STEER_SLOTS];
	double all = 0;

	reset();
	for (unsigned i = 0; i < n; i++) {
		char name[16];

		snprintf(name, sizeof(name), "squid%u", i + 1);
		add_instance(name, weights[i], 1);
		all += weights[i];
	}
	render();
	count(flows, counts);
	for (unsigned i = 0; i < n; i++) {
		double p = weights[i] / all, expected = flows * p;

		ck_assert_msg(fabs(counts[i] - expected) <=
				      5 * sqrt(expected * (1 - p)) + 1,
			      "%u of %u: %u, not %.0f", i, n, counts[i], expected);
	}
}

TEST(shares_follow_weights)
{
	check_shares((unsigned[]){ 1, 1, 1, 1 }, 4, 200000);
	check_shares((unsigned[]){ 1, 2, 4 }, 3, 200000);
	check_shares((unsigned[]){ 25, 19, 14, 42 }, 4, 200000);
	check_shares((unsigned[]){ 1, 1000 }, 2, 200000);
	check_shares((unsigned[]){ 65535, 65535, 1 }, 3, 200000);
	check_shares((unsigned[]){ 3, 1000, 10, 7, 100, 99 }, 6, 200000);
}

TEST(four_alike_are_within_one_per_cent_of_each_other)
{
	unsigned counts[STEER_SLOTS], most = 0, least = ~0u;

	reset();
	for (unsigned i = 0; i < 4; i++)
		add_instance((char[]){ 'q', (char)('1' + i), 0 }, 1, 1);
	render();
	count(2000000, counts);
	for (unsigned i = 0; i < 4; i++) {
		most = counts[i] > most ? counts[i] : most;
		least = counts[i] < least ? counts[i] : least;
	}
	ck_assert_uint_le(100 * most, 101 * least);
}

TEST(weight_zero_is_the_last_resort)
{
	bool dead[STEER_SLOTS] = { false };
	unsigned counts[STEER_SLOTS];

	reset();
	add_instance("a", 0, 1);
	add_instance("b", 1, 1);
	add_instance("c", 0, 1);
	add_instance("d", 1, 1);
	render();
	count(FLOWS, counts);
	ck_assert_uint_eq(counts[0] + counts[2], 0);
	dead[1] = dead[3] = true;
	counts[0] = counts[2] = 0;
	for (unsigned i = 0; i < FLOWS; i++)
		counts[choose_from(&table, key_of_flow(i), dead)]++;
	ck_assert_uint_eq(counts[0] + counts[2], FLOWS);
	ck_assert_uint_gt(counts[0], FLOWS / 2 - 200);
	ck_assert_uint_gt(counts[2], FLOWS / 2 - 200);
}

/* -- what a change moves -------------------------------------------------------------------- */

/* The kernel skips a dead one; when the plan leaves it out, nothing moves a second time; and
 * what was not its own has not moved at all. */
TEST(a_death_moves_its_flows_once_and_no_other)
{
	for (unsigned seed = 1; seed <= POOLS; seed++) {
		bool dead[STEER_SLOTS] = { false };
		unsigned one;

		make_random_pool(seed);
		one = a_random_one();
		dead[one] = true;
		plan.pools[0].instances[one].takes = false;
		render();
		for (unsigned i = 0; i < FLOWS; i++) {
			unsigned was = choose_from(&before, key_of_flow(i), NULL);
			unsigned now = choose(i);

			ck_assert_uint_eq(choose_from(&before, key_of_flow(i), dead), now);
			ck_assert(was == one ? now != one : now == was);
		}
		plan.pools[0].instances[one].takes = true;
		render();
		render(); /* as before the death */
		ck_assert_mem_eq(&table, &before, sizeof(table));
	}
}

/* Five deviations. */
TEST(flows_of_the_dead_spread_by_weight)
{
	static const unsigned weights[] = { 1, 1, 2, 4 };
	bool dead[STEER_SLOTS] = { true };
	unsigned heirs[STEER_SLOTS] = { 0 }, all = 0;

	reset();
	for (unsigned i = 0; i < 4; i++)
		add_instance((char[]){ (char)('a' + i), 0 }, weights[i], 1);
	render();
	for (unsigned i = 0; i < 200000; i++)
		if (choose(i) == 0) {
			heirs[choose_from(&table, key_of_flow(i), dead)]++;
			all++;
		}
	for (unsigned i = 1; i < 4; i++) {
		double expected = all * weights[i] / 7.0;

		ck_assert_double_lt(fabs(heirs[i] - expected), 5 * sqrt(expected));
	}
}

/* 1/n + 1 %: a fair hash of 4,000 flows is off by less, 4 deviations, from 15 on. */
TEST(a_new_one_takes_its_share_and_moves_none_between_the_others)
{
	for (unsigned seed = 1; seed <= POOLS; seed++) {
		unsigned moved = 0, all = 0;
		const struct plan_pool *p = &plan.pools[0];
		double share;

		make_random_pool(seed);
		add_instance("the-new-one", 1 + (unsigned)random() % 4 * 50, 1);
		render();
		for (unsigned i = 0; i < p->n_instances; i++)
			all += p->instances[i].weight;
		share = p->instances[p->n_instances - 1].weight / (double)all;
		for (unsigned i = 0; i < FLOWS; i++) {
			unsigned was = choose_from(&before, key_of_flow(i), NULL);
			unsigned now = choose(i);

			ck_assert(now == was || now == p->n_instances - 1);
			moved += now != was;
		}
		ck_assert_double_le(moved, share * FLOWS +
						   4.5 * sqrt(FLOWS * share * (1 - share)) + 1);
	}
}

TEST(a_weight_that_grows_only_takes)
{
	for (unsigned seed = 1; seed <= POOLS; seed++) {
		unsigned one;

		make_random_pool(seed);
		one = a_random_one();
		plan.pools[0].instances[one].weight *= 2;
		render();
		for (unsigned i = 0; i < FLOWS; i++) {
			unsigned was = choose_from(&before, key_of_flow(i), NULL);
			unsigned now = choose(i);

			ck_assert(now == was || now == one);
		}
	}
}

/* Another order in the file, other slots: the same name has the same flows. */
TEST(the_name_decides_and_nothing_else)
{
	for (unsigned seed = 1; seed <= POOLS; seed++) {
		static struct plan other;
		char names[FLOWS][32];
		unsigned n;

		make_random_pool(seed);
		for (unsigned i = 0; i < FLOWS; i++)
			strcpy(names[i], name_of(choose(i)));
		other = plan;
		n = other.pools[0].n_instances;
		reset();
		for (unsigned i = 0; i < n; i++) {
			const struct plan_instance *in = &other.pools[0].instances[n - 1 - i];

			add_instance(in->name, in->weight, 1);
		}
		render();
		for (unsigned i = 0; i < FLOWS; i++)
			ck_assert_str_eq(names[i], name_of(choose(i)));
	}
}

/* -- several listeners ---------------------------------------------------------------------- */

/* How many workers it has does not matter to the share of an instance. */
TEST(listeners_of_an_instance_share_what_it_has)
{
	unsigned counts[STEER_SLOTS];

	reset();
	add_instance("smp", 1, 4);
	add_instance("solo", 1, 1);
	render();
	count(40000, counts);
	for (unsigned i = 0; i < 4; i++) /* deviation: 66 */
		ck_assert_uint_lt((unsigned)abs((int)counts[i] - 5000), 330);
	ck_assert_uint_lt((unsigned)abs((int)counts[4] - 20000), 500);
}

/* Its flows go to the other workers of the same instance, and do not move again. */
TEST(a_worker_that_dies)
{
	bool dead[STEER_SLOTS] = { false };

	reset();
	add_instance("smp", 1, 4);
	add_instance("other", 1, 4);
	render();
	dead[2] = true;
	places.slots[0][2] = STEER_NO_SLOT;
	render();
	for (unsigned i = 0; i < FLOWS; i++) {
		unsigned was = choose_from(&before, key_of_flow(i), NULL);
		unsigned now = choose(i);

		ck_assert_uint_eq(choose_from(&before, key_of_flow(i), dead), now);
		ck_assert(was == 2 ? now < 4 && now != 2 : now == was);
	}
}

TEST(all_workers_of_several_instances_die)
{
	bool dead[STEER_SLOTS] = { false };

	reset();
	for (unsigned i = 0; i < 4; i++)
		add_instance((char[]){ (char)('a' + i), 0 }, 1, 8);
	render();
	memset(dead, 1, 24); /* only the last one is left */
	for (unsigned i = 0; i < FLOWS; i++) {
		unsigned slot = choose_from(&table, key_of_flow(i), dead);

		ck_assert(slot >= 24 && slot < 32);
	}
}

TEST(the_workers_of_an_only_instance_stand_in_for_each_other)
{
	bool dead[STEER_SLOTS] = { false };

	reset();
	add_instance("smp", 1, 8);
	render();
	memset(dead, 1, 7);
	for (unsigned i = 0; i < FLOWS; i++)
		ck_assert_uint_eq(choose_from(&table, key_of_flow(i), dead), 7);
}

/* -- by processor ----------------------------------------------------------------------------- */

static unsigned first_of_cpu(const struct steer_table *t, uint32_t cpu)
{
	struct steer_walk walk = { 0 };

	return steer_walk_by_cpu(&t->pools[0], &walk, cpu);
}

TEST(processors_in_the_order_of_the_file)
{
	reset();
	plan.pools[0].spread = PLAN_SPREAD_CPU;
	for (unsigned i = 0; i < 3; i++)
		add_instance((char[]){ (char)('z' - i), 0 }, 1, i == 1 ? 2 : 1);
	render();
	/* Slots: z 0, y 1 and 2, x 3. */
	ck_assert_uint_eq(first_of_cpu(&table, 0), 0);
	ck_assert_uint_eq(first_of_cpu(&table, 1), 1);
	ck_assert_uint_eq(first_of_cpu(&table, 2), 3);
	ck_assert_uint_eq(first_of_cpu(&table, 3), 0);
	ck_assert_uint_eq(first_of_cpu(&table, 4), 2);
	ck_assert_uint_eq(first_of_cpu(&table, 7), 1);

	plan.pools[0].instances[1].takes = false;
	render();
	ck_assert_uint_eq(first_of_cpu(&table, 0), 0);
	ck_assert_uint_eq(first_of_cpu(&table, 1), STEER_NO_SLOT);
	ck_assert_uint_eq(first_of_cpu(&table, 2), 3);
	ck_assert_uint_eq(first_of_cpu(&table, 4), STEER_NO_SLOT);
}

/* -- cost ------------------------------------------------------------------------------------- */

/* 16 pools of 64 instances, 256 listeners. */
TEST(the_largest_plan_is_rendered_in_a_few_milliseconds)
{
	struct timespec began, ended;
	double best = 1e9;

	reset();
	for (unsigned i = 0; i < PLAN_MAX_INSTANCES; i++) {
		char name[16];

		snprintf(name, sizeof(name), "squid%u", i);
		add_instance(name, 1 + i, PLAN_MAX_LISTENERS / PLAN_MAX_INSTANCES);
	}
	plan.n_pools = PLAN_MAX_POOLS;
	for (unsigned i = 1; i < PLAN_MAX_POOLS; i++) {
		plan.pools[i] = plan.pools[0];
		memcpy(places.slots[i], places.slots[0], sizeof(places.slots[0]));
	}
	for (unsigned i = 0; i < 5; i++) {
		double ms;

		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &began);
		render();
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ended);
		ms = (double)(ended.tv_sec - began.tv_sec) * 1e3 +
		     (double)(ended.tv_nsec - began.tv_nsec) / 1e6;
		best = ms < best ? ms : best;
	}
	printf("16 pools of 64 instances: %.2f ms, table of %zu octets\n", best,
	       sizeof(struct steer_table));
	ck_assert_double_lt(best, 50); /* ample, for a build with sanitizers */
}
