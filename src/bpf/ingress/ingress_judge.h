/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Part of ingress.bpf.c: decides what to do with a packet.  It asks the kernel's socket
 * tables, which run the steering program.
 */
#ifndef WCCPD_BPF_INGRESS_JUDGE_H
#define WCCPD_BPF_INGRESS_JUDGE_H

#include "bpf/ingress/ingress_addresses.h"
#include "bpf/ingress/ingress_bypass.h"
#include "bpf/ingress/ingress_openings.h"
#include "bpf/ingress/ingress_search.h"
#include "bpf/ingress/ingress_wire.h"
#include "bpf/proof_maps.h"
#include "bpf/steer_shared.h"

/* New connections for each slot of the SOCKMAP, counted when the handshake is
 * complete. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, STEER_SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} new_connections SEC(".maps");

/* Later fragments share the fate of the first. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, INGRESS_FRAGMENTS);
	__type(key, struct ingress_datagram);
	__type(value, struct ingress_fate);
} datagrams SEC(".maps");

/* -- sockets -------------------------------------------------------------------------- */

/*
 * Which socket would take this packet, the steering program included?  `port` is the
 * remote port to ask with.  The caller releases the socket.  `probe` gets the answer of
 * the steering program if it was asked.
 */
static __always_inline struct bpf_sock *ingress_look_up(struct __sk_buff *skb,
							const struct packet *p,
							__be16 port,
							struct steer_probe *probe)
{
#ifdef INGRESS_V6
	struct bpf_sock_tuple tuple = { .ipv6 = { .sport = port, .dport = p->dport } };
	const __u32 size = sizeof(tuple.ipv6);
#else
	struct bpf_sock_tuple tuple = {
		.ipv4 = {
			.saddr = p->src,
			.daddr = p->dst,
			.sport = port,
			.dport = p->dport,
		},
	};
	const __u32 size = sizeof(tuple.ipv4);
#endif
	struct bpf_sock *sk;

#ifdef INGRESS_V6
	__builtin_memcpy(tuple.ipv6.saddr, p->whole_src, sizeof(tuple.ipv6.saddr));
	__builtin_memcpy(tuple.ipv6.daddr, p->whole_dst, sizeof(tuple.ipv6.daddr));
#endif

	probe->remote_port = bpf_ntohs(p->sport);
	probe->chosen = 0;
	probe->asking = 1;
	sk = bpf_skc_lookup_tcp(skb, &tuple, size, BPF_F_CURRENT_NETNS, 0);
	probe->asking = 0;
	return sk;
}

/* Does the pool have a listener for this packet's bucket, even if some socket already
 * has the flow? */
static __always_inline bool ingress_pool_takes(struct __sk_buff *skb,
					       const struct packet *p,
					       struct steer_probe *probe)
{
	struct bpf_sock *sk = ingress_look_up(skb, p, 0, probe);

	if (!sk)
		return false;
	bpf_sk_release(sk);
	return probe->chosen;
}

static __always_inline void ingress_count_connection(const struct ingress_job *job,
						     const struct steer_probe *probe)
{
	__u32 slot = probe->chosen - 1;
	__u64 *n = bpf_map_lookup_elem(&new_connections, &slot);

	if (n)
		(*n)++;
	job->count->completed++;
}

static __always_inline void ingress_count_sample(const struct steer_probe *probe)
{
	__u32 pool = probe->pool;
	struct steer_samples *s = bpf_map_lookup_elem(&samples, &pool);

	if (s)
		s->delivered++;
}

static __always_inline void ingress_note_proof(const struct packet *p)
{
	__u32 index = bpf_ntohs(p->sport) % PROOF_WAYS;
	struct proof_way *way = bpf_map_lookup_elem(&proofs, &index);

	if (way)
		way->at_ingress = way->nonce;
}

/* Saves the stack the look-up; it does that itself if this fails, and for samples. */
static __always_inline void ingress_assign(struct __sk_buff *skb, struct bpf_sock *sk,
					   const struct steer_probe *probe)
{
	if (probe->sampled)
		ingress_count_sample(probe);
	else
		bpf_sk_assign(skb, sk, 0);
}

/* -- TCP ------------------------------------------------------------------------------ */

/* Why new connections are not delivered although the pool takes them: what is delivered
 * gets lost, or the service is drained.  INGRESS_DELIVERED_NEW: they are. */
static __always_inline enum ingress_reason ingress_closed_to_new(const struct ingress_job *job)
{
	if (job->router->held & job->service->bit)
		return INGRESS_RETURNED_HELD;
	return job->service->returns_new ? INGRESS_RETURNED_DRAINING
					 : INGRESS_DELIVERED_NEW;
}

/* A SYN of a new connection; does the pool take it? */
static __always_inline enum ingress_reason
ingress_judge_new(const struct ingress_job *job, bool takes)
{
	enum ingress_reason reason = takes ? ingress_closed_to_new(job)
					   : INGRESS_RETURNED_POOL_DOWN;

	if (reason != INGRESS_DELIVERED_NEW && job->service->drop_when_down)
		return INGRESS_DROPPED_CLOSED;
	return reason;
}

/* A SYN that a listener of the pool could have. */
static __always_inline enum ingress_reason
ingress_offer(struct __sk_buff *skb, const struct ingress_job *job, struct bpf_sock *sk,
	      const struct steer_probe *probe, const struct ingress_memory *memory)
{
	enum ingress_reason reason = ingress_judge_new(job, true);

	if (reason != INGRESS_DELIVERED_NEW)
		return reason;
	if (ingress_is_bypassed(job))
		return INGRESS_RETURNED_BYPASS;
	/* A closed service gives nothing back. */
	if (!job->service->drop_when_down && ingress_is_unanswered(memory, probe->chosen))
		return INGRESS_RETURNED_UNANSWERED;
	ingress_assign(skb, sk, probe);
	return reason;
}

/*
 * A SYN.  A listener counts only if the steering program chose it: other sockets that
 * happen to listen on the port are not our instances.  A retransmitted SYN finds the
 * half-open connection, and is no new flow.
 */
static __always_inline enum ingress_reason ingress_judge_syn(struct __sk_buff *skb,
							     const struct ingress_job *job,
							     struct steer_probe *probe)
{
	const struct packet *p = &job->p;
	enum ingress_reason offered = INGRESS_REASONS;
	struct ingress_memory memory;
	struct bpf_sock *sk;
	__u32 state = BPF_TCP_LISTEN;
	bool takes = false;

	/* Another web-cache has no reason to send us new connections. */
	if (!job->router)
		return INGRESS_DROPPED_STRAY;
	memory = ingress_recall(job);
	sk = ingress_look_up(skb, p, p->sport, probe);
	if (sk) {
		state = sk->state;
		takes = state == BPF_TCP_LISTEN && probe->chosen;
		if (takes && probe->chosen != STEER_CHOSE_SINK)
			offered = ingress_offer(skb, job, sk, probe, &memory);
		bpf_sk_release(sk);
	}
	if (offered != INGRESS_REASONS)
		return offered;
	if (takes) {
		ingress_note_proof(p);
		return INGRESS_PROOF;
	}
	if (state == BPF_TCP_TIME_WAIT)
		takes = ingress_pool_takes(skb, p, probe);
	else if (state != BPF_TCP_LISTEN)
		return INGRESS_DELIVERED_FLOW;
	return ingress_judge_new(job, takes);
}

/* Is it the ACK that completes a handshake by SYN cookie?  Until it arrives, the
 * listener is all there is of the connection. */
static __always_inline bool ingress_answers_cookie(struct __sk_buff *skb,
						   const struct ingress_job *job,
						   struct bpf_sock *listener)
{
#ifdef INGRESS_V6
	struct ipv6hdr ip;
#else
	struct iphdr ip;
#endif
	struct tcphdr tcp;

	if (bpf_skb_load_bytes(skb, job->p.l3, &ip, sizeof(ip)) ||
	    bpf_skb_load_bytes(skb, job->p.l4, &tcp, sizeof(tcp)) || !tcp.ack ||
	    tcp.rst)
		return false;
	return bpf_tcp_check_syncookie(listener, &ip, sizeof(ip), &tcp, sizeof(tcp)) ==
	       0;
}

/* Whose half-open connection is it?  That of the listener that got its SYN. */
static __always_inline void ingress_find_listener(struct bpf_sock *half_open,
						  struct steer_probe *probe)
{
	struct bpf_sock *listener = bpf_get_listener_sock(half_open);
	const __u32 *slot = NULL;

	if (listener)
		slot = bpf_sk_storage_get(&listener_slots, listener, NULL, 0);
	if (slot)
		probe->chosen = 1 + *slot;
}

/* Is this the flow of the socket that was found?  And what does that say? */
static __always_inline bool ingress_note_flow(struct __sk_buff *skb,
					      const struct ingress_job *job,
					      struct bpf_sock *sk,
					      struct steer_probe *probe)
{
	__u32 state = sk->state;
	bool known = state != BPF_TCP_LISTEN, completes = false;
	__u8 flags = job->tcp.flags;

	if (known)
		completes = state == BPF_TCP_NEW_SYN_RECV &&
			    (flags & (TCP_ACK | TCP_RST)) == TCP_ACK;
	else if (probe->chosen)
		known = completes = ingress_answers_cookie(skb, job, sk);
	if (flags & (TCP_PSH | TCP_FIN) && state != BPF_TCP_LISTEN)
		ingress_note_progress(job, sk);
	if (completes && !probe->chosen)
		ingress_find_listener(sk, probe);
	if (completes && probe->chosen) /* otherwise the listener is none of ours */
		ingress_count_connection(job, probe);
	return known;
}

/* Not a SYN: nearly always of a flow that has a socket. */
static __always_inline enum ingress_reason ingress_judge_flow(struct __sk_buff *skb,
							      struct ingress_job *job,
							      struct steer_probe *probe)
{
	struct bpf_sock *sk = ingress_look_up(skb, &job->p, job->p.sport, probe);
	bool known = false;

	if (sk) {
		known = ingress_note_flow(skb, job, sk, probe);
		bpf_sk_release(sk);
	}
	return known ? INGRESS_DELIVERED_FLOW : ingress_judge_unknown(job);
}

static __always_inline enum ingress_reason ingress_judge_tcp(struct __sk_buff *skb,
							     struct ingress_job *job)
{
	struct steer_probe *probe;
	__u32 zero = 0;

	probe = bpf_map_lookup_elem(&probes, &zero);
	if (!probe)
		return INGRESS_DROPPED_FAILED; /* an array has its elements */
	/* With any other of these flags it opens no connection: no listener takes
	 * it. */
	if ((job->tcp.flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN)
		return ingress_judge_syn(skb, job, probe);
	return ingress_judge_flow(skb, job, probe);
}

/* -- fragments ------------------------------------------------------------------------ */

static __always_inline struct ingress_datagram
ingress_datagram_of(const struct ingress_job *job)
{
	return (struct ingress_datagram){
		.src = ingress_keep(ingress_src(&job->p)),
		.dst = ingress_keep(ingress_dst(&job->p)),
		.id = job->p.id,
		.protocol = job->p.protocol,
	};
}

/* A first fragment, which shows ports and flags. */
static __always_inline void ingress_remember_fragment(const struct ingress_job *job,
						      enum ingress_reason reason)
{
	struct ingress_datagram key = ingress_datagram_of(job);
	struct ingress_fate fate = { .reason = reason,
				     .other_out = job->other_out,
				     .tried = job->tried };

	if (job->other)
		fate.other = ingress_keep(job->other);
	bpf_map_update_elem(&datagrams, &key, &fate, BPF_ANY);
}

/* A later fragment.  If it overtakes the first, it is returned and the datagram is
 * lost; its sender will send it again. */
static __always_inline enum ingress_reason
ingress_judge_fragment(struct ingress_job *job)
{
	struct ingress_datagram key = ingress_datagram_of(job);
	const struct ingress_fate *fate = bpf_map_lookup_elem(&datagrams, &key);

	if (!fate)
		return INGRESS_RETURNED_FRAGMENT;
	/* As always, another web-cache has no reason to send new connections, and what
	 * it sends is not handed on to a third. */
	if (!job->router && (fate->reason == INGRESS_DELIVERED_NEW ||
			     (fate->reason == INGRESS_HANDED_OVER &&
			      !ingress_came_back(job))))
		return INGRESS_RETURNED_FRAGMENT;
	if (ingress_is_delivered(fate->reason))
		return INGRESS_DELIVERED_FRAGMENT;
	if (fate->reason == INGRESS_HANDED_BACK && !ingress_may_go_back(job))
		return INGRESS_RETURNED_FRAGMENT;
	job->other = ingress_kept(&fate->other);
	job->other_out = fate->other_out;
	job->tried = fate->tried;
	if (fate->reason >= INGRESS_REASONS)
		return INGRESS_RETURNED_FRAGMENT;
	return fate->reason;
}

/* -- all ------------------------------------------------------------------------------ */

/* Packets that no host can have sent or will receive, and packets that circulate. */
static __always_inline enum ingress_reason
ingress_judge_addresses(struct __sk_buff *skb, const struct ingress_job *job)
{
	const struct packet *p = &job->p;
	enum ingress_place dst = ingress_place(job, ingress_dst(p)), src;

	if (ingress_is_martian(ingress_src(p)))
		return INGRESS_DROPPED_SOURCE;
	if (ingress_is_martian(ingress_dst(p)) || dst == INGRESS_BROADCAST ||
	    ingress_is_source_routed(skb, p))
		return INGRESS_DROPPED_DESTINATION;
	src = ingress_place(job, ingress_src(p));
	if (src == INGRESS_BROADCAST)
		return INGRESS_DROPPED_SOURCE;
	if (src == INGRESS_OWN)
		return INGRESS_RETURNED_LOOP;
	/* Let the router forward it without redirection, so that it passes the packet
	 * filter that is meant for it. */
	if (dst == INGRESS_OWN)
		return INGRESS_RETURNED_OWN;
	return INGRESS_REASONS; /* nothing against it */
}

/* Instances speak TCP, and other web-caches hand over nothing else.  Without ports, nothing
 * shows that a datagram is one of the service: its later fragments cannot do harm without the
 * first. */
static __always_inline enum ingress_reason
ingress_judge_other_protocol(const struct ingress_job *job)
{
	if (!job->router)
		return INGRESS_DROPPED_STRAY;
	if (job->p.protocol != IPPROTO_UDP)
		return INGRESS_RETURNED_PROTOCOL;
	return job->service->drop_udp && job->p.has_ports ? INGRESS_DROPPED_UDP
							  : INGRESS_RETURNED_UDP;
}

/* Nobody gets the packet, so it may as well be one of the static bypass. */
static __always_inline bool ingress_gives_way(enum ingress_reason reason)
{
	const __u32 reasons = 1U << INGRESS_RETURNED_POOL_DOWN | 1U << INGRESS_RETURNED_HELD |
			      1U << INGRESS_RETURNED_DRAINING | 1U << INGRESS_RETURNED_FLOW |
			      1U << INGRESS_RETURNED_PROTOCOL | 1U << INGRESS_RETURNED_UDP |
			      1U << INGRESS_DROPPED_CLOSED | 1U << INGRESS_DROPPED_UDP;

	return reasons >> (reason & 31) & 1;
}

static __always_inline enum ingress_reason ingress_judge(struct __sk_buff *skb,
							 struct ingress_job *job)
{
	enum ingress_reason reason = INGRESS_DROPPED_MALFORMED;

	if (ingress_is_answer(job)) {
		ingress_note_answer(job);
		return INGRESS_ANSWER;
	}
	if (!job->malformed)
		reason = ingress_judge_addresses(skb, job);
	if (reason != INGRESS_REASONS)
		return reason;
	if (!job->service)
		return ingress_may_go_back(job) ? INGRESS_HANDED_BACK
						: INGRESS_RETURNED_SERVICE;
	if (job->p.protocol != IPPROTO_TCP)
		reason = ingress_judge_other_protocol(job);
	else if (!job->p.has_ports)
		return ingress_judge_fragment(job);
	else
		reason = ingress_judge_tcp(skb, job);
	if (job->p.fragment && job->p.protocol == IPPROTO_TCP)
		ingress_remember_fragment(job, reason);
	return reason;
}

#endif
