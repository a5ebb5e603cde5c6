/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cache_two.h"

struct rtr a, b;

void open_one(void)
{
	a = rtr_make(R1);
	bench_open(1, (struct rtr *[]){ &a });
}

void open_two(void)
{
	a = rtr_make(R1);
	b = rtr_make(R2);
	bench_open(2, (struct rtr *[]){ &a, &b });
}

/* The receive id that the message in B.got carries for a router; 0: not listed. */
uint32_t listed_id(const struct rtr *r)
{
	for (unsigned i = 0; i < B.got.cache_view.n_routers; i++)
		if (addr_equal(&B.got.cache_view.routers[i].id, &r->id))
			return B.got.cache_view.routers[i].receive_id;
	return 0;
}

struct cache_counters counters(void)
{
	return bench_look()->counters;
}

void announce(void)
{
	bench_health(true, 100);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	bench_clear();
}

/* Up to the first assignment, echoed. */
void settle(void)
{
	announce();
	bench_run(SETTLE + ECHO);
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, &a), 1);
	bench_clear();
}

/* Wait for the next assignment that comes of a change just made. */
void resettle(void)
{
	bench_clear();
	bench_run(T + SETTLE + ECHO);
	ck_assert_uint_eq(bench_count(WCCP_REDIRECT_ASSIGN, &a), 1);
}

struct addr owner_in_got(unsigned bucket)
{
	const struct wccp_hash_table *t = &B.got.assignment.hash;

	ck_assert_uint_lt(t->buckets[bucket], t->n_caches);
	return t->caches[t->buckets[bucket]];
}

unsigned count_in_got(uint32_t cache)
{
	struct addr c = addr_v4(cache);
	unsigned n = 0;

	for (unsigned i = 0; i < WCCP_BUCKETS; i++) {
		struct addr owner = owner_in_got(i);

		n += addr_equal(&owner, &c);
	}
	return n;
}
