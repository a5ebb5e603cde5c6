/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The listeners of a pool in the order in which a connection tries them, for the steering
 * program and for who explains or tests what it does.
 */
#ifndef WCCPD_BPF_STEER_WALK_H
#define WCCPD_BPF_STEER_WALK_H

#include "bpf/steer_choice.h"
#include "bpf/steer_maps.h"

#ifdef __bpf__
#include "bpf/steer_table.h"
#define STEER_FIND_TURN(table, pool, key, from) steer_find_turn(pool, key, from)
#define STEER_FIND_LISTENER(table, pool, instance, key, from)                          \
	steer_find_listener(pool, instance, key, from)
#else
#define STEER_FIND_TURN steer_next_turn
#define STEER_FIND_LISTENER steer_next_listener
#endif

enum {
	/* An instance with several listeners offers so many of them to a connection before
	 * the next one is asked: all of them may be dead, and tries are limited. */
	STEER_LISTENERS_TRIED = 2,
};

/* How far a connection has come among the listeners of its pool; begins with zeros. */
struct steer_walk {
	__u64 next_turn, next_listener;
	__u32 instance;
	__u32 left; /* listeners to try before the next instance */
};

static inline __attribute__((always_inline)) void
steer_walk_to(const struct steer_pool *pool, const struct steer_instance *in, __u32 index,
	      struct steer_walk *w)
{
	__u32 most = pool->n > 1 ? STEER_LISTENERS_TRIED : STEER_RANKS;

	w->instance = index;
	w->next_listener = 0;
	w->left = in->n < most ? in->n : most;
}

/* The listener of a processor, with STEER_BY_CPU the first one; STEER_NO_SLOT: none. */
static inline __attribute__((always_inline)) __u32
steer_walk_by_cpu(const struct steer_pool *pool, struct steer_walk *w, __u32 cpu)
{
	__u32 n = pool->n_processors, i;
	const struct steer_instance *in;

	if (n == 0)
		return STEER_NO_SLOT;
	i = pool->of_processor[steer_index(cpu % n, STEER_INSTANCES)];
	if (i >= STEER_INSTANCES)
		return STEER_NO_SLOT;
	in = &pool->instances[steer_index(i, STEER_INSTANCES)];
	if (in->n == 0)
		return STEER_NO_SLOT;
	steer_walk_to(pool, in, i, w);
	if (in->n == 1)
		w->left = 0;
	return pool->slots[steer_index(in->first + cpu / n % in->n, STEER_LISTENERS)];
}

/* The next one; STEER_NO_SLOT: there is none any more. */
static inline __attribute__((always_inline)) __u32
steer_walk_on(const struct steer_table *table, __u32 which, __u64 key, struct steer_walk *w)
{
	const struct steer_pool *pool = &table->pools[steer_index(which, STEER_POOLS)];
	const struct steer_instance *in;
	__u64 turn;

	if (w->left == 0) {
		turn = STEER_FIND_TURN(table, which, key, w->next_turn);
		if (turn >= STEER_NO_TURN)
			return STEER_NO_SLOT;
		w->next_turn = turn + 1;
		in = &pool->instances[steer_index(turn, STEER_INSTANCES)];
		steer_walk_to(pool, in, turn % STEER_INSTANCES, w);
	}
	in = &pool->instances[steer_index(w->instance, STEER_INSTANCES)];
	w->left--;
	if (in->n == 1)
		return pool->slots[steer_index(in->first, STEER_LISTENERS)];
	turn = STEER_FIND_LISTENER(table, which, w->instance, key, w->next_listener);
	w->next_listener = turn + 1;
	return turn % STEER_SLOTS;
}

#endif
