/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Part of ingress.bpf.c: connections that are being opened.  What this program delivers
 * may still be lost before it reaches a socket, in a packet filter for instance; the
 * client then sends it once more.
 */
#ifndef WCCPD_BPF_INGRESS_OPENINGS_H
#define WCCPD_BPF_INGRESS_OPENINGS_H

#include "bpf/ingress/ingress_wire.h"

/* TCP flags, in the second octet of the word that has them. */
enum {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
};

enum {
	INGRESS_OPENINGS = 1 << 14, /* a power of 2 */
	/* Sooner than this nothing is sent again: it is a copy from the network. */
	INGRESS_AGAIN = 200,
	INGRESS_YOUNG_SEGMENTS = 16,
};

/* Each connection has a place, by a hash, until another one takes it.  A map that knows
 * the oldest would forget less, but make each connection cost 3 % more. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, INGRESS_OPENINGS);
	__type(key, __u32);
	__type(value, struct ingress_opening);
} openings SEC(".maps");

static __always_inline struct ingress_opening *ingress_opening_place(const struct packet *p)
{
	__u32 place = steer_hash(0, (__u64)p->src << 32 | p->dst,
				 (__u32)p->sport << 16 | p->dport) %
		      INGRESS_OPENINGS;

	return bpf_map_lookup_elem(&openings, &place);
}

/* 0: it is this packet's.  Without branches, because the verifier would follow each. */
static __always_inline __u32 ingress_opening_differs(const struct ingress_opening *o,
						     const struct packet *p)
{
	return (o->src ^ p->src) | (o->dst ^ p->dst) | (o->sport ^ p->sport) |
	       (o->dport ^ p->dport);
}

static __always_inline __u32 ingress_opening_now(void)
{
	return bpf_ktime_get_ns() >> 20 | 1; /* never 0 */
}

static __always_inline bool ingress_is_again(__u32 first, __u32 now)
{
	return first && now - first >= INGRESS_AGAIN;
}

/*
 * A SYN that no connection is known of: has it been delivered before?  Then it got lost on
 * the way to the socket; if its answer had been lost, there would be a half-open connection.
 * (With SYN cookies there is none; that client is served by somebody else, too.)
 */
static __always_inline bool ingress_is_unanswered(struct __sk_buff *skb,
						  const struct packet *p, __u32 listener)
{
	struct ingress_opening *o = ingress_opening_place(p);
	__u32 now = ingress_opening_now();
	__be32 sequence;

	if (!o || bpf_skb_load_bytes(skb, p->l4 + offsetof(struct tcphdr, seq), &sequence,
				     sizeof(sequence)))
		return false;
	/* A listener that is gone has lost it; this one has not had its turn. */
	if (!(ingress_opening_differs(o, p) | (o->sequence ^ sequence) |
	      (o->listener ^ listener)))
		return ingress_is_again(o->syn_at, now);
	*o = (struct ingress_opening){
		.src = p->src,
		.dst = p->dst,
		.sport = p->sport,
		.dport = p->dport,
		.sequence = sequence,
		.listener = listener,
		.syn_at = now,
	};
	return false;
}

/* Data, or the end, and the socket has got neither.  When it comes again, either it or the
 * last packet of the handshake was lost on the way to the socket. */
static __always_inline void ingress_note_early_data(const struct ingress_job *job)
{
	struct ingress_opening *o = ingress_opening_place(&job->p);
	__u32 now;

	if (!o || ingress_opening_differs(o, &job->p))
		return;
	now = ingress_opening_now();
	if (!o->data_at)
		o->data_at = now;
	else if (ingress_is_again(o->data_at, now))
		job->count->stuck++;
}

/* A packet with data, or the last one, of a flow that a socket knows.  One in TIME_WAIT, or
 * one that has got data, shows that connections come about. */
static __always_inline void ingress_note_progress(const struct ingress_job *job,
						  struct bpf_sock *sk, __u8 flags)
{
	struct bpf_tcp_sock *tcp = bpf_tcp_sock(sk);

	if (tcp ? !tcp->bytes_received : sk->state != BPF_TCP_TIME_WAIT) {
		if (!tcp || flags & TCP_PSH)
			ingress_note_early_data(job);
	} else if (flags & TCP_FIN || (tcp && tcp->segs_in < INGRESS_YOUNG_SEGMENTS)) {
		job->count->confirmed++;
	}
}

#endif
