/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which listener of a pool takes a connection: weighted rendezvous hashing, for the
 * steering program and for who explains or tests what it does.
 *
 * The connection's key and the name of an instance are hashed to the instance's turn, and
 * the instances have the connection in the order of their turns.  The turn of an instance
 * depends on no other instance.  So when one goes, its connections spread over the others
 * by weight, all others stay where they are, and it gets the same ones back when it
 * returns; a new one takes its share from all others and moves nothing between them.
 * There are no buckets, which could only follow weights roughly.
 */
#ifndef WCCPD_BPF_STEER_CHOICE_H
#define WCCPD_BPF_STEER_CHOICE_H

#include "bpf/steer_maps.h"

#define STEER_NO_TURN (((__u64)1 << 63) - 1)

/*
 * The smaller one of `a` and `b`, but not a `b` before `from`; all are less than 1 << 63.
 * Without branches: the verifier would follow each through all that is left of a loop.
 */
static inline __attribute__((always_inline)) __u64 steer_sooner(__u64 a, __u64 b, __u64 from)
{
	__u64 sooner = b - a, early = b - from;

#ifdef __bpf__
	asm volatile("" : "+r"(sooner), "+r"(early));
#endif
	sooner = (__u64)((__s64)(sooner & ~early) >> 63);
	return a ^ ((a ^ b) & sooner);
}

static inline __attribute__((always_inline)) __u64 steer_turn(const __u32 *curve, __u64 key,
							      const struct steer_instance *in)
{
	__u64 hash = steer_mix(key ^ in->hash);
	__u64 at = steer_index(hash >> 56, STEER_CURVE), rest = hash >> 32 & 0xffffff;
	__u64 wait = curve[at] + ((curve[at + 1] - curve[at]) * rest >> 24);

	return (wait * in->inverse & ~(__u64)(STEER_INSTANCES - 1)) | in->tail;
}

/* The first turn that is not before `from`; its instance is the turn modulo
 * STEER_INSTANCES.  STEER_NO_TURN: there is none. */
static inline __attribute__((always_inline)) __u64
steer_next_turn(const struct steer_table *table, __u32 pool, __u64 key, __u64 from)
{
	const struct steer_pool *p = &table->pools[steer_index(pool, STEER_POOLS)];
	__u64 first = STEER_NO_TURN;

	for (__u32 i = 0; i < STEER_INSTANCES && i < p->n; i++)
		first = steer_sooner(
			first, steer_turn(table->curve, key, &p->instances[i]), from);
	return first;
}

static inline __attribute__((always_inline)) __u64 steer_listener_turn(__u64 key, __u64 slot)
{
	__u64 hash = steer_mix(key + (slot + 1) * 0x9e3779b97f4a7c15ULL);

	return (hash >> 1 & ~(__u64)(STEER_SLOTS - 1)) | slot;
}

/* The same among the listeners of an instance; the slot is the turn modulo STEER_SLOTS. */
static inline __attribute__((always_inline)) __u64
steer_next_listener(const struct steer_table *table, __u32 pool, __u32 instance, __u64 key,
		    __u64 from)
{
	const struct steer_pool *p = &table->pools[steer_index(pool, STEER_POOLS)];
	const struct steer_instance *in =
		&p->instances[steer_index(instance, STEER_INSTANCES)];
	const __u16 *slots = &p->slots[steer_index(in->first, STEER_LISTENERS)];
	__u64 first = STEER_NO_TURN;

	for (__u32 i = 0; i < STEER_INSTANCE_LISTENERS && i < in->n; i++)
		first = steer_sooner(first, steer_listener_turn(key, slots[i]), from);
	return first;
}

#endif
