/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Part of router.bpf.c: the current packet, the maps, and counting.
 */
#ifndef WCCPD_BPF_ROUTER_STATE_H
#define WCCPD_BPF_ROUTER_STATE_H

#include "bpf/router/router_maps.h"

#include <linux/pkt_cls.h>
#include <stddef.h>

enum { PASS = TC_ACT_UNSPEC, DROP = TC_ACT_SHOT };

struct fwd_job {
	struct packet p;
	struct packet_addr src, dst;
	bool v6;
	bool leaving; /* the stack has forwarded it already */
	__u32 roles;  /* ROUTER_IF_*, of the interface it came in by */
	__u64 services; /* that are redirected here */
};

/* The frame's own packet, and what it wraps. */
enum { FWD_OUTER, FWD_INNER, FWD_JOBS };

/* The packet that begins at `l3`.  0, or -1 when it is not a sound one. */
static __always_inline int fwd_parse(struct __sk_buff *skb, __u32 l3,
				     struct fwd_job *job)
{
	if (job->v6)
		return packet6_parse(skb, l3, &job->p, &job->src, &job->dst);
	if (packet_parse(skb, l3, &job->p))
		return -1;
	job->src = packet_addr4(job->p.src);
	job->dst = packet_addr4(job->p.dst);
	return 0;
}

/* -- maps -------------------------------------------------------------------------- */

/* Sizes, not types: of an inner map's value clang keeps no more than the name. */
struct table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ROUTER_MAX_SERVICES);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct router_entry));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct table);
} tables SEC(".maps");

/* A value of a mask -> index of the web-cache in targets.  Those of a new table
 * are put in before it, those of the old one removed behind it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ROUTER_MAX_MASK_VALUES);
	__type(key, struct router_mask_value);
	__type(value, __u8);
} mask_values SEC(".maps");

/* The current packet.  On the stack the verifier would keep apart the states that
 * all paths through its headers leave behind: it would follow hundreds of thousands
 * of instructions more, and older kernels would give up.  A CPU has one packet at a
 * time. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FWD_JOBS);
	__type(key, __u32);
	__type(value, struct fwd_job);
} jobs SEC(".maps");

/* By ifindex. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ROUTER_MAX_INTERFACES);
	__type(key, __u32);
	__type(value, struct router_interface);
} interfaces SEC(".maps");

/* Address of a member -> bit for each service it is a member of. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ROUTER_MAX_MEMBERS);
	__type(key, struct packet_addr);
	__type(value, __u64);
} members SEC(".maps");

/* Link-layer addresses of the members that are on-link. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ROUTER_MAX_MEMBERS);
	__type(key, struct router_mac);
	__type(value, __u8);
} member_macs SEC(".maps");

/* Addresses of this host. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * ROUTER_MAX_OWN);
	__type(key, struct packet_addr);
	__type(value, __u8);
} own SEC(".maps");

/* Service type << 8 | id -> number + 1, or 0. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 512);
	__type(key, __u32);
	__type(value, __u32);
} numbers SEC(".maps");

/* Redirect lists, by the number of the service.  They do not change. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ROUTER_MAX_SERVICES);
	__type(key, __u32);
	__type(value, struct router_list);
} redirect_lists SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ROUTER_MAX_SERVICES + 1);
	__type(key, __u32);
	__type(value, struct fwd_counters);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, ROUTER_EVENT_OCTETS);
} events SEC(".maps");

static __always_inline struct fwd_job *fwd_job(__u32 which)
{
	return bpf_map_lookup_elem(&jobs, &which);
}

static __always_inline const struct router_interface *fwd_interface(__u32 ifindex)
{
	return bpf_map_lookup_elem(&interfaces, &ifindex);
}

/* -- counting ---------------------------------------------------------------------- */

#define FWD_COUNT(number, field)                                                       \
	do {                                                                           \
		__u32 count_key = (number);                                            \
		struct fwd_counters *count_at;                                         \
                                                                                       \
		count_at = bpf_map_lookup_elem(&counters, &count_key);                 \
		if (count_at)                                                          \
			count_at->all.field++;                                         \
	} while (0)

static __always_inline void fwd_count_redirected(const struct router_entry *s,
						 const struct router_target *t,
						 const struct packet_redirect *header,
						 __u32 octets)
{
	__u32 number = s->number;
	struct fwd_counters *of_service = bpf_map_lookup_elem(&counters, &number);
	struct router_cache_packets *cache;

	if (!of_service)
		return;
	of_service->all.redirected++;
	of_service->all.redirected_octets += octets;
	cache = &of_service->caches[t->slot & (WCCP_MAX_CACHES - 1)];
	cache->redirected++;
	cache->redirected_octets += octets;
	if (!s->by_mask)
		of_service->buckets[header->bits & WCCP_RH_ALT ? header->alternate
							       : header->primary]++;
}

#endif
