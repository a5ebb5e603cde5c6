/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Part of steer.bpf.c: connections to addresses and ports of this box that pools listen
 * on (`listen` of a pool).  No router is involved and nothing was redirected.
 *
 * No ingress program sees these packets, so new connections are counted here, where they
 * are assigned: in front of the handshake, which is why a flood of SYNs counts, and why a
 * handshake by SYN cookie, for which the kernel asks twice, counts twice.
 */
#ifndef WCCPD_BPF_STEER_LISTEN_H
#define WCCPD_BPF_STEER_LISTEN_H

#include "bpf/steer_maps.h"

#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* <sys/socket.h> wants a libc. */
#define AF_INET 2
#define AF_INET6 10

/* Per slot of the SOCKMAP: connections that were assigned here. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, STEER_SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} listen_opened SEC(".maps");

/* A field of the context.  Or clang chooses between the addresses of two fields, and then
 * loads once, which the verifier does not allow. */
#define STEER_LISTEN_FIELD(field)                                                      \
	({                                                                             \
		__u32 value_ = (field);                                                \
		asm volatile("" : "+r"(value_));                                       \
		value_;                                                                \
	})

static __always_inline void steer_listen_count(__u32 slot)
{
	__u64 *n = bpf_map_lookup_elem(&listen_opened, &slot);

	if (n)
		++*n;
}

/* Where the packet is addressed to, IPv4 as a mapped IPv6 address. */
static __always_inline void steer_listen_local(const struct bpf_sk_lookup *ctx,
					       __u32 addr[4])
{
	bool is_v6 = ctx->family == AF_INET6;
	__u32 v4 = STEER_LISTEN_FIELD(ctx->local_ip4);

	/* Those of the other family read as 0. */
	addr[0] = STEER_LISTEN_FIELD(ctx->local_ip6[0]);
	addr[1] = STEER_LISTEN_FIELD(ctx->local_ip6[1]);
	addr[2] = STEER_LISTEN_FIELD(ctx->local_ip6[2]);
	addr[3] = STEER_LISTEN_FIELD(ctx->local_ip6[3]);
	if (!is_v6) {
		addr[2] = bpf_htonl(0xffff);
		addr[3] = v4;
	}
}

/* The pool's port that a packet is for, or NULL.  Those of one port follow each other,
 * those of single addresses first. */
static __always_inline const struct steer_listen *
steer_listen_find(const struct steer_table *table, const struct bpf_sk_lookup *ctx)
{
	__u32 port = ctx->local_port & 0xffff;
	__u32 at = table->listen_of_port[port], addr[4];

	if (at >= STEER_LISTENS)
		return NULL;
	steer_listen_local(ctx, addr);
	for (int i = 0; i < STEER_LISTENS && at < STEER_LISTENS; i++, at++) {
		const struct steer_listen *l =
			&table->listens[steer_index(at, STEER_LISTENS)];

		if (l->port != port)
			return NULL;
		if (l->any || !((l->addr[0] ^ addr[0]) | (l->addr[1] ^ addr[1]) |
				(l->addr[2] ^ addr[2]) | (l->addr[3] ^ addr[3])))
			return l;
	}
	return NULL;
}

/* wccpd's own questions to an instance must reach that one and no other: they come from an
 * address that is used for nothing else. */
static __always_inline bool steer_listen_is_check(const struct bpf_sk_lookup *ctx)
{
	return ctx->family != AF_INET6 &&
	       ctx->remote_ip4 == bpf_htonl(STEER_CHECK_SOURCE);
}

#endif
