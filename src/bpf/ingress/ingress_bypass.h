/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Part of ingress.bpf.c: static bypass.  New connections of some clients, or to some
 * servers, are left to the router, whatever the pool could do with them.
 */
#ifndef WCCPD_BPF_INGRESS_BYPASS_H
#define WCCPD_BPF_INGRESS_BYPASS_H

#include "bpf/ingress/ingress_wire.h"

struct bypass_trie {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, INGRESS_BYPASSES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	/* By size: clang leaves the type of an inner map's value out of the BTF. */
	__uint(key_size, sizeof(struct ingress_bypass_key));
	__uint(value_size, sizeof(__u8));
};

/* One element: the prefixes in force, replaced as a whole.  Empty if there are none. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct bypass_trie);
} bypasses SEC(".maps");

#ifdef INGRESS_V6

static __always_inline bool ingress_bypass_has(void *trie, __u32 set, ingress_addr addr)
{
	struct ingress_bypass_key key = {
		.bits = INGRESS_BYPASS_SET_BITS + 128,
		.set = bpf_htonl(set),
	};
	const __u8 *bypassed;

	__builtin_memcpy(key.addr, addr, sizeof(key.addr));
	bypassed = bpf_map_lookup_elem(trie, &key);
	return bypassed && *bypassed;
}

static __always_inline int ingress_bypass_find(__u32 sets, ingress_addr client,
					       ingress_addr server)
{
	__u32 zero = 0;
	void *trie = bpf_map_lookup_elem(&bypasses, &zero);

	if (!trie)
		return 0;
	if (sets & 1 << INGRESS_BYPASS_CLIENTS_V6 &&
	    ingress_bypass_has(trie, INGRESS_BYPASS_CLIENTS_V6, client))
		return 1;
	return sets & 1 << INGRESS_BYPASS_SERVERS_V6 &&
	       ingress_bypass_has(trie, INGRESS_BYPASS_SERVERS_V6, server);
}

#else

static __always_inline bool ingress_bypass_has(void *trie, __u32 set, __be32 addr)
{
	struct ingress_bypass_key key = {
		.bits = INGRESS_BYPASS_SET_BITS + 32,
		.set = bpf_htonl(set),
		.addr = { addr },
	};
	const __u8 *bypassed = bpf_map_lookup_elem(trie, &key);

	return bypassed && *bypassed;
}

/* 1 or 0.  Both ends are looked up in the same set of prefixes. */
INGRESS_ON_ITS_OWN int ingress_bypass_find(__u32 sets, __be32 client, __be32 server)
{
	__u32 zero = 0;
	void *trie = bpf_map_lookup_elem(&bypasses, &zero);

	if (!trie)
		return 0;
	if (sets & 1 << INGRESS_BYPASS_CLIENTS &&
	    ingress_bypass_has(trie, INGRESS_BYPASS_CLIENTS, client))
		return 1;
	return sets & 1 << INGRESS_BYPASS_SERVERS &&
	       ingress_bypass_has(trie, INGRESS_BYPASS_SERVERS, server);
}

#endif

/* A service defined by source ports has packets of servers to clients. */
static __always_inline bool ingress_is_bypassed(const struct ingress_job *job)
{
	bool to_client = job->service->flags & WCCP_F_PORTS_SOURCE;

	if (!job->cfg->bypass_sets)
		return false;
	return ingress_bypass_find(job->cfg->bypass_sets,
				   to_client ? ingress_dst(&job->p) : ingress_src(&job->p),
				   to_client ? ingress_src(&job->p) : ingress_dst(&job->p));
}

#endif
