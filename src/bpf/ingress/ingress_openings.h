/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Part of ingress.bpf.c: connections that are being opened.  What this program delivers
 * may still be lost before it reaches a socket, in a packet filter for instance; the
 * client then sends it once more.
 */
#ifndef WCCPD_BPF_INGRESS_OPENINGS_H
#define WCCPD_BPF_INGRESS_OPENINGS_H

#include "bpf/ingress/ingress_wire.h"

enum {
	INGRESS_OPENINGS = 1 << 14, /* a power of 2 */
	INGRESS_YOUNG_SEGMENTS = 16,
};

/* The kernel's ticks within INGRESS_AGAIN_MS.  They are counted in memory; to read the time
 * costs as much as half of what this program does otherwise. */
const volatile __u32 ticks_again = 1;

/* Each connection has a place, by a hash, until another one takes it.  A map that knows
 * the oldest would forget less, but make each connection cost 3 % more. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, INGRESS_OPENINGS);
	__type(key, __u32);
	__type(value, struct ingress_opening);
} openings SEC(".maps");

static __always_inline __u64 ingress_opening_addrs(const struct packet *p)
{
#ifdef INGRESS_V6
	return steer_fold6(steer_fold6(0, p->whole_src->words), p->whole_dst->words);
#else
	return (__u64)p->src << 32 | p->dst;
#endif
}

static __always_inline __u64 ingress_opening_hash(const struct packet *p, __u32 sequence)
{
	return steer_hash(sequence, ingress_opening_addrs(p),
			  (__u32)p->sport << 16 | p->dport);
}

static __always_inline struct ingress_opening *ingress_opening_place(__u64 hash)
{
	__u32 place = hash % INGRESS_OPENINGS;

	return bpf_map_lookup_elem(&openings, &place);
}

static __always_inline struct ingress_opening ingress_opening_now(__u64 hash, __u16 listener)
{
	return (struct ingress_opening){
		.signature = hash >> 32,
		.listener = listener,
		.at = bpf_jiffies64(),
	};
}

static __always_inline bool ingress_is_again(const struct ingress_opening *first,
					     const struct ingress_opening *now)
{
	return (__u16)(now->at - first->at) > ticks_again;
}

/* What is remembered where a SYN has its place.  To be read before the kernel is asked for
 * its socket, so that the processor waits for the memory of both at the same time. */
struct ingress_memory {
	__u64 hash;
	struct ingress_opening was;
};

static __always_inline struct ingress_memory ingress_recall(const struct ingress_job *job)
{
	struct ingress_memory m = { .hash = ingress_opening_hash(&job->p,
								 job->tcp.sequence) };
	const struct ingress_opening *o = ingress_opening_place(m.hash);

	if (o)
		m.was = *o;
	return m;
}

/*
 * A SYN that no connection is known of: has it been delivered before?  Then it got lost on
 * the way to the socket; if its answer had been lost, there would be a half-open connection.
 * (With SYN cookies there is none; that client is served by somebody else, too.)
 */
static __always_inline bool ingress_is_unanswered(const struct ingress_memory *m,
						  __u16 listener)
{
	struct ingress_opening now = ingress_opening_now(m->hash, listener), *o;

	/* A listener that is gone has lost it; this one has not had its turn. */
	if (m->was.signature == now.signature && m->was.listener == now.listener)
		return ingress_is_again(&m->was, &now);
	o = ingress_opening_place(m->hash);
	if (o)
		*o = now;
	return false;
}

/* Data, or the end, and the socket has got neither.  When it comes again, either it or the
 * last packet of the handshake was lost on the way to the socket. */
static __always_inline void ingress_note_early_data(const struct ingress_job *job)
{
	__u64 hash = ingress_opening_hash(&job->p, job->tcp.sequence - 1);
	struct ingress_opening now = ingress_opening_now(hash, INGRESS_OPENING_DATA);
	struct ingress_opening *o = ingress_opening_place(hash);

	if (!o || o->signature != now.signature)
		return;
	if (!(o->listener & INGRESS_OPENING_DATA))
		*o = now;
	else if (ingress_is_again(o, &now))
		job->count->stuck++;
}

/* A packet with data, or the last one, of a flow that a socket knows.  One in TIME_WAIT, or
 * one that has got data, shows that connections come about. */
static __always_inline void ingress_note_progress(const struct ingress_job *job,
						  struct bpf_sock *sk)
{
	__u8 flags = job->tcp.flags;
	struct bpf_tcp_sock *tcp = bpf_tcp_sock(sk);

	if (tcp ? !tcp->bytes_received : sk->state != BPF_TCP_TIME_WAIT) {
		if (!tcp || flags & TCP_PSH)
			ingress_note_early_data(job);
	} else if (flags & TCP_FIN || (tcp && tcp->segs_in < INGRESS_YOUNG_SEGMENTS)) {
		job->count->confirmed++;
	}
}

#endif
