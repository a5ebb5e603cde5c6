/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Part of ingress.bpf.c: connections that are being opened.  What this program delivers
 * may still be lost before it reaches a socket, in a packet filter for instance; the
 * client then sends it once more.
 */
#ifndef WCCPD_BPF_INGRESS_OPENINGS_H
#define WCCPD_BPF_INGRESS_OPENINGS_H

#include "bpf/ingress_wire.h"

/* TCP flags, in the second octet of the word that has them. */
enum {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
};

enum {
	INGRESS_OPENINGS = 1 << 14,
	/* Sooner than this nothing is sent again: it is a copy from the network. */
	INGRESS_AGAIN_NS = 200 * 1000 * 1000,
	INGRESS_YOUNG_SEGMENTS = 16,
};

/* From the SYN until other connections take its place. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, INGRESS_OPENINGS);
	__type(key, struct ingress_opening);
	__type(value, struct ingress_opened);
} openings SEC(".maps");

static __always_inline struct ingress_opening ingress_opening_of(const struct packet *p)
{
	return (struct ingress_opening){ p->src, p->dst, p->sport, p->dport };
}

static __always_inline bool ingress_is_again(__u64 first, __u64 now)
{
	return first && now - first >= INGRESS_AGAIN_NS;
}

/*
 * A SYN that no connection is known of: has it been delivered before?  Then it got lost on
 * the way to the socket; if its answer had been lost, there would be a half-open connection.
 * (With SYN cookies there is none; that client is served by somebody else, too.)
 */
static __always_inline bool ingress_is_unanswered(struct __sk_buff *skb,
						  const struct packet *p, __u32 listener)
{
	struct ingress_opening key = ingress_opening_of(p);
	struct ingress_opened *known = bpf_map_lookup_elem(&openings, &key);
	struct ingress_opened first = { .syn_at = bpf_ktime_get_ns(), .listener = listener };

	if (bpf_skb_load_bytes(skb, p->l4 + offsetof(struct tcphdr, seq), &first.sequence,
			       sizeof(first.sequence)))
		return false;
	/* A listener that is gone has lost it; this one has not had its turn. */
	if (known && known->sequence == first.sequence && known->listener == listener)
		return ingress_is_again(known->syn_at, first.syn_at);
	bpf_map_update_elem(&openings, &key, &first, BPF_ANY);
	return false;
}

/* Data, or the end, and the socket has got neither.  When it comes again, either it or the
 * last packet of the handshake was lost on the way to the socket. */
static __always_inline void ingress_note_early_data(const struct ingress_job *job)
{
	struct ingress_opening key = ingress_opening_of(&job->p);
	struct ingress_opened *known = bpf_map_lookup_elem(&openings, &key);
	__u64 now = bpf_ktime_get_ns();

	if (!known)
		return;
	if (!known->data_at)
		known->data_at = now;
	else if (ingress_is_again(known->data_at, now))
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
