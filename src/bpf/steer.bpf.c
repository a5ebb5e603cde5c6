/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steers new connections to the local instances: the kernel asks this program which
 * socket gets a TCP packet that belongs to no established flow.
 *
 * It only decides for packets that came in by the WCCP interface, for an address that
 * is not ours, to a port of a service; and for those to an address and port of ours that a
 * pool listens on (steer_listen.h).  The answer is a listener of that service's pool
 * or none, never an unrelated socket that happens to listen on the port.  All listeners
 * of a pool have an order for each connection (steer_choice.h).  One that dies leaves the
 * SOCKMAP by itself, so that the next takes over without userspace.
 *
 * Of what is redirected it counts nothing: ingress.bpf.c runs it too, to find out which
 * socket would take a packet, and counts what it then delivers.
 */
#include "bpf/own_prefixes.h"
#include "bpf/proof_maps.h"
#include "bpf/steer_listen.h"
#include "bpf/steer_maps.h"
#include "bpf/steer_queue.h"
#include "bpf/steer_shared.h"
#include "bpf/steer_table.h"
#include "bpf/steer_walk.h"

#include <linux/bpf.h>
#include <linux/in.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, STEER_SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} listeners SEC(".maps");

/* The listener that proofs of delivery arrive at. */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} sinks SEC(".maps");

/* Linux 5.17 and later tell the interface; older ones know the port alone. */
const volatile bool tells_ifindex = true;
/* Random, chosen at load time, so that no outsider can aim at one instance. */
const volatile __u64 seed = 0;

/* Is it one of the interfaces that redirected packets arrive on, or that they are delivered
 * through? */
static __always_inline bool steer_has_link(const struct steer_table *table, __u32 ifindex)
{
	for (int i = 0; i < STEER_LINKS && ifindex; i++)
		if (table->links[i] == ifindex)
			return true;
	return ifindex && ifindex == table->delivery;
}

static __always_inline const __u8 *steer_place_of(const struct bpf_sk_lookup *ctx)
{
	struct steer_prefix key = { .bits = 32, .addr = ctx->local_ip4 };

	return bpf_map_lookup_elem(&own_prefixes, &key);
}

static __always_inline const __u8 *steer_place_of6(const struct bpf_sk_lookup *ctx)
{
	struct steer_prefix6 key = {
		.bits = 128,
		.addr = { ctx->local_ip6[0], ctx->local_ip6[1], ctx->local_ip6[2],
			  ctx->local_ip6[3] },
	};

	return bpf_map_lookup_elem(&own_prefixes6, &key);
}

/* Ours, or behind this box: redirected packets do not have such an address. */
static __always_inline bool steer_is_own(const struct steer_table *table,
					 const struct bpf_sk_lookup *ctx, __u32 ifindex)
{
	const __u8 *place = ctx->family == AF_INET ? steer_place_of(ctx)
						   : steer_place_of6(ctx);

	if (!place || *place < STEER_BEHIND_LINK)
		return place;
	/* The ingress program has compared it with the interface that it came in by. */
	if (ifindex == table->delivery)
		return false;
	return table->links[steer_index(*place - STEER_BEHIND_LINK, STEER_LINKS)] !=
	       ifindex;
}

/* Another program may have chosen a listener before: replace it by ours. */
static __always_inline long steer_give(struct bpf_sk_lookup *ctx, struct bpf_sock *sk)
{
	if (sk->state != BPF_TCP_LISTEN)
		return -1; /* newer kernels keep one that stopped listening (shutdown) */
	return bpf_sk_assign(ctx, sk, BPF_SK_LOOKUP_F_REPLACE);
}

/* The listener with the shortest queue among those that were passed over. */
struct steer_shortest {
	__u32 slot, waiting;
};

/* Does so much wait at a listener that another one is better?  An instance that hangs keeps
 * its listener: without this, connections would queue there until checks have failed. */
static __always_inline bool steer_passes_over(const struct steer_pool *p, __u32 slot,
					      struct bpf_sock *sk, struct steer_shortest *s)
{
	__u32 waiting;

	if (!queue_offset || !p->queue_high)
		return false;
	waiting = steer_waiting(sk);
	if (waiting < p->queue_high)
		return false;
	if (s->slot == STEER_NO_SLOT || waiting < s->waiting)
		*s = (struct steer_shortest){ slot, waiting };
	return true;
}

/* When all have been passed over. */
static __always_inline __u32 steer_assign_shortest(struct bpf_sk_lookup *ctx,
						   const struct steer_shortest *s)
{
	__u32 slot = s->slot;
	struct bpf_sock *sk;
	long rc;

	if (slot >= STEER_SLOTS)
		return 0;
	sk = bpf_map_lookup_elem(&listeners, &slot);
	if (!sk)
		return 0;
	rc = steer_give(ctx, sk);
	bpf_sk_release(sk);
	return rc == 0 ? 1 + slot : 0;
}

/* 1 + the slot of the socket that took it, or 0.  A socket that does not serve the packet's
 * family is refused by the kernel, and passed over; one of [::] serves both. */
static __always_inline __u32 steer_assign(struct bpf_sk_lookup *ctx,
					  const struct steer_table *table, __u32 pool,
					  __u64 key)
{
	const struct steer_pool *p = &table->pools[steer_index(pool, STEER_POOLS)];
	struct steer_shortest shortest = { .slot = STEER_NO_SLOT };
	struct steer_walk walk = { 0 };

	for (int rank = 0; rank < STEER_RANKS; rank++) {
		__u32 slot = STEER_NO_SLOT;
		struct bpf_sock *sk;
		long rc;

		if (rank == 0 && p->spread == STEER_BY_CPU)
			slot = steer_walk_by_cpu(p, &walk, bpf_get_smp_processor_id());
		if (slot == STEER_NO_SLOT)
			slot = steer_walk_on(table, pool, key, &walk);
		if (slot >= STEER_SLOTS)
			break;
		sk = bpf_map_lookup_elem(&listeners, &slot);
		if (!sk)
			continue;
		rc = steer_passes_over(p, slot, sk, &shortest) ? -1 : steer_give(ctx, sk);
		bpf_sk_release(sk);
		if (rc == 0)
			return 1 + slot;
	}
	return steer_assign_shortest(ctx, &shortest);
}

/* -- proofs and samples --------------------------------------------------------------- */

static __always_inline bool steer_is_proof(const struct bpf_sk_lookup *ctx,
					   __u32 remote_port)
{
	__u32 index = remote_port % PROOF_WAYS;
	const struct proof_way *way;

	if (ctx->family == AF_INET ? ctx->local_ip4 != bpf_htonl(PROOF_DESTINATION)
				   : ctx->local_ip6[0] != bpf_htonl(PROOF_PREFIX6) ||
					     ctx->local_ip6[1] || ctx->local_ip6[2] ||
					     ctx->local_ip6[3] !=
						     bpf_htonl(PROOF_DESTINATION))
		return false;
	way = bpf_map_lookup_elem(&proofs, &index);
	return way && way->nonce && way->source_port == remote_port;
}

static __always_inline bool steer_assign_sink(struct bpf_sk_lookup *ctx)
{
	__u32 zero = 0;
	struct bpf_sock *sk = bpf_map_lookup_elem(&sinks, &zero);
	long rc;

	if (!sk)
		return false;
	rc = steer_give(ctx, sk);
	bpf_sk_release(sk);
	return rc == 0;
}

static __always_inline void steer_count_sample(const struct steer_probe *probe)
{
	__u32 pool = probe->pool;
	struct steer_samples *s = bpf_map_lookup_elem(&samples, &pool);

	if (s)
		s->reached++;
}

static __always_inline struct steer_ends steer_ends(const struct bpf_sk_lookup *ctx)
{
	__u32 remote[4], local[4];

	if (ctx->family == AF_INET)
		return (struct steer_ends){ ctx->remote_ip4, ctx->local_ip4 };
	for (int i = 0; i < 4; i++) {
		remote[i] = ctx->remote_ip6[i];
		local[i] = ctx->local_ip6[i];
	}
	return (struct steer_ends){ steer_fold6(seed, remote), steer_fold6(seed, local) };
}

static __always_inline __u32 steer_choose(struct bpf_sk_lookup *ctx,
					  const struct steer_table *table, __u32 pool,
					  struct steer_ends ends, __u64 ports)
{
	const struct steer_pool *p = &table->pools[steer_index(pool, STEER_POOLS)];

	return steer_assign(ctx, table, pool, steer_key(seed, p->spread, ends, ports));
}

/* -- ports of the box that pools listen on -------------------------------------------- */

/* Redirected packets are for addresses that are not ours, whatever their port. */
static __always_inline bool steer_may_be_redirected(const struct bpf_sk_lookup *ctx,
						    const struct steer_table *table,
						    __u32 ifindex)
{
	return ctx->family == table->family && steer_has_link(table, ifindex) &&
	       !steer_is_own(table, ctx, ifindex);
}

static __always_inline int steer_to_listen(struct bpf_sk_lookup *ctx,
					   const struct steer_table *table,
					   const struct steer_listen *l, bool asking)
{
	__u32 ports = (__u32)bpf_ntohs((__u16)ctx->remote_port) << 16 |
		      (ctx->local_port & 0xffff);
	__u32 chosen;

	if (steer_listen_is_check(ctx))
		return SK_PASS;
	chosen = steer_choose(ctx, table, l->pool, steer_ends(ctx), ports);
	if (!chosen)
		return l->pass ? SK_PASS : SK_DROP;
	if (!asking)
		steer_listen_count(chosen - 1);
	return SK_PASS;
}

SEC("sk_lookup")
int steer(struct bpf_sk_lookup *ctx)
{
	const struct steer_table *table;
	const struct steer_listen *listen;
	struct steer_probe *probe;
	__u32 zero = 0, ifindex, pool, remote_port;
	struct steer_ends ends;
	__u64 ports, hash;

	if (ctx->protocol != IPPROTO_TCP)
		return SK_PASS;
	table = steer_table_in_force();
	probe = bpf_map_lookup_elem(&probes, &zero);
	if (!table || !probe)
		return SK_PASS;
	ifindex = table->links[0];
	if (tells_ifindex) {
		ifindex = ctx->ingress_ifindex;
		/* Or clang chooses between two addresses first, and then loads once, which
		 * the verifier does not allow with the context. */
		asm volatile("" : "+r"(ifindex));
	}
	listen = steer_listen_find(table, ctx);
	if (listen && !steer_may_be_redirected(ctx, table, ifindex))
		return steer_to_listen(ctx, table, listen, probe->asking);
	if (!steer_has_link(table, ifindex))
		return SK_PASS;
	pool = table->pool_of_port[ctx->local_port & 0xffff];
	if (pool >= STEER_POOLS || ctx->family != table->family ||
	    steer_is_own(table, ctx, ifindex))
		return SK_PASS;

	remote_port = bpf_ntohs((__u16)ctx->remote_port);
	if (steer_is_proof(ctx, remote_port) && steer_assign_sink(ctx)) {
		probe->chosen = STEER_CHOSE_SINK;
		return SK_PASS;
	}
	if (remote_port == 0)
		remote_port = probe->remote_port;
	ends = steer_ends(ctx);
	ports = remote_port << 16 | (ctx->local_port & 0xffff);
	probe->chosen = steer_choose(ctx, table, pool, ends, ports);
	probe->pool = pool;
	/* Sample by the flow, whatever the pool is spread by. */
	hash = steer_key(seed, STEER_BY_FLOW, ends, ports);
	probe->sampled = hash % STEER_SAMPLING == 0;
	if (probe->sampled && !probe->asking)
		steer_count_sample(probe);
	return probe->chosen ? SK_PASS : SK_DROP;
}

char LICENSE[] SEC("license") = "GPL";
