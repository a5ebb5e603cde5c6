/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table in force, and the turns that a connection has there.
 *
 * Finding a turn is a function of its own, which looks the table up once more: so the
 * verifier goes through its loop only once.  If the table is replaced in between, that
 * connection gets some other listener of its pool.
 */
#ifndef WCCPD_BPF_STEER_TABLE_H
#define WCCPD_BPF_STEER_TABLE_H

#include "bpf/steer_choice.h"
#include "bpf/steer_maps.h"

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct table_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	/* By size: clang leaves the type of an inner map's value out of the BTF. */
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct steer_table));
};

/* One element: the table in force; empty before the first plan. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct table_map);
} tables SEC(".maps");

static __always_inline const struct steer_table *steer_table_in_force(void)
{
	__u32 zero = 0;
	void *inner = bpf_map_lookup_elem(&tables, &zero);

	return inner ? bpf_map_lookup_elem(inner, &zero) : NULL;
}

__attribute__((noinline)) __u64 steer_find_turn(__u32 pool, __u64 key, __u64 from)
{
	const struct steer_table *table = steer_table_in_force();

	return table ? steer_next_turn(table, pool, key, from) : STEER_NO_TURN;
}

__attribute__((noinline)) __u64 steer_find_listener(__u32 pool, __u32 instance, __u64 key,
						    __u64 from)
{
	const struct steer_table *table = steer_table_in_force();

	return table ? steer_next_listener(table, pool, instance, key, from) : STEER_NO_TURN;
}

#endif
