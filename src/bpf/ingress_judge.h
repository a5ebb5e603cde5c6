/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Part of ingress.bpf.c: what is to become of a packet.  The kernel's socket tables are
 * asked, with the steering program taking part.
 */
#ifndef WCCPD_BPF_INGRESS_JUDGE_H
#define WCCPD_BPF_INGRESS_JUDGE_H

#include "bpf/ingress_wire.h"
#include "bpf/steer_shared.h"

/* New connections delivered for each slot of the SOCKMAP. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, STEER_SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} new_connections SEC(".maps");

static __always_inline bool ingress_is_own(const struct ingress_config *cfg,
					   __be32 addr)
{
	struct steer_prefix key = { .bits = 32, .addr = addr };

	return ingress_near_own(cfg, addr) && bpf_map_lookup_elem(&own_prefixes, &key);
}

/* The word of a TCP header that has the flags, in its second octet. */
enum { TCP_FLAGS = 12, TCP_SYN = 0x02, TCP_ACK = 0x10 };

enum ingress_verdict {
	DELIVER,
	DELIVER_NEW,
	GIVE_BACK,
	HAND_OVER,
	REFUSE_LENGTH,
	DROP
};

/* Who would take this packet, the steering program included?  `port` is the remote
 * port to ask with; the socket must be released. */
static __always_inline struct bpf_sock *
ingress_find_socket(struct __sk_buff *skb, const struct packet *p, __be16 port)
{
	struct bpf_sock_tuple tuple = {
		.ipv4 = {
			.saddr = p->src,
			.daddr = p->dst,
			.sport = port,
			.dport = p->dport,
		},
	};

	return bpf_skc_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS,
				  0);
}

/* The same; and in `probe`, what the steering program says if it was asked. */
static __always_inline struct bpf_sock *ingress_look_up(struct __sk_buff *skb,
							const struct packet *p,
							__be16 port,
							struct steer_probe *probe)
{
	probe->remote_port = bpf_ntohs(p->sport);
	probe->chosen = 0;
	return ingress_find_socket(skb, p, port);
}

/* Is there a listener of the pool for this packet's bucket, whatever else knows
 * its flow? */
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

static __always_inline void ingress_count_new(const struct steer_probe *probe)
{
	__u32 slot = probe->chosen - 1;
	__u64 *n = bpf_map_lookup_elem(&new_connections, &slot);

	if (n)
		(*n)++;
}

/*
 * A SYN.  A listener counts only if the steering program chose it: others that happen to
 * listen on the port are none of our instances.  A retransmitted SYN finds the half-open
 * connection, and is no new flow.
 */
static __always_inline enum ingress_verdict
ingress_judge_syn(struct __sk_buff *skb, const struct ingress_job *job,
		  struct steer_probe *probe)
{
	const struct packet *p = &job->p;
	struct bpf_sock *sk = ingress_look_up(skb, p, p->sport, probe);
	__u32 state = BPF_TCP_LISTEN;
	bool takes = false;

	if (sk) {
		state = sk->state;
		takes = state == BPF_TCP_LISTEN && probe->chosen;
		/* So that the stack need not ask again; it does when this fails. */
		if (takes)
			bpf_sk_assign(skb, sk, 0);
		bpf_sk_release(sk);
	}
	if (state == BPF_TCP_TIME_WAIT)
		takes = ingress_pool_takes(skb, p, probe);
	else if (state != BPF_TCP_LISTEN)
		return DELIVER;
	if (takes) {
		ingress_count_new(probe);
		return DELIVER_NEW;
	}
	return job->service->drop_when_down ? DROP : GIVE_BACK;
}

/* Is it the ACK that completes a handshake by SYN cookie?  Of such a connection
 * there is nothing but the listener until it arrives. */
static __always_inline bool ingress_answers_cookie(struct __sk_buff *skb,
						   const struct ingress_job *job,
						   struct bpf_sock *listener)
{
	struct tcphdr tcp;
	struct iphdr ip;

	if (bpf_skb_load_bytes(skb, job->p.l3, &ip, sizeof(ip)) ||
	    bpf_skb_load_bytes(skb, job->p.l4, &tcp, sizeof(tcp)) || !tcp.ack ||
	    tcp.rst)
		return false;
	return bpf_tcp_check_syncookie(listener, &ip, sizeof(ip), &tcp, sizeof(tcp)) ==
	       0;
}

static __always_inline __u32 ingress_bucket(const struct ingress_job *job)
{
	const struct packet_redirect *r = &job->redirect;

	__u32 bucket = r->bits & WCCP_RH_ALT ? r->alternate : r->primary;

	if (!job->by_gre || r->bits & WCCP_RH_UNAVAILABLE)
		bucket = packet_bucket(&job->p, job->service->flags);
	return steer_index(bucket, WCCP_BUCKETS);
}

/* Nobody here knows the flow.  Either another web-cache does, or it is older than
 * the redirection; what another web-cache handed over is not handed on again. */
static __always_inline enum ingress_verdict
ingress_judge_unknown(const struct ingress_job *job)
{
	const struct ingress_service *s = job->service;

	if (job->router && s->handover[ingress_bucket(job)])
		return HAND_OVER;
	return GIVE_BACK;
}

/* Of a flow of which there is no socket. */
static __always_inline enum ingress_verdict
ingress_judge_stray(struct __sk_buff *skb, const struct ingress_job *job,
		    struct steer_probe *probe)
{
	const struct packet *p = &job->p;
	struct bpf_sock *sk = ingress_look_up(skb, p, p->sport, probe);
	bool known;

	if (!sk)
		return ingress_judge_unknown(job);
	known = probe->chosen && ingress_answers_cookie(skb, job, sk);
	bpf_sk_release(sk);
	return known ? DELIVER : ingress_judge_unknown(job);
}

/* Not a SYN: nearly always of a flow that has a socket. */
static __always_inline bool ingress_has_flow(struct __sk_buff *skb,
					     const struct packet *p)
{
	struct bpf_sock *sk = ingress_find_socket(skb, p, p->sport);
	bool has;

	if (!sk)
		return false;
	has = sk->state != BPF_TCP_LISTEN;
	bpf_sk_release(sk);
	return has;
}

/* The flags of a TCP header; none where there is no header. */
static __always_inline __u8 ingress_tcp_flags(struct __sk_buff *skb,
					      const struct ingress_job *job)
{
	__u8 word[4] = { 0 };

	if (job->p.l4 == ETH_HLEN + sizeof(struct iphdr))
		packet_read(skb, ETH_HLEN + sizeof(struct iphdr) + TCP_FLAGS, word,
			    sizeof(word));
	else
		bpf_skb_load_bytes(skb, job->p.l4 + TCP_FLAGS, word, sizeof(word));
	return word[1];
}

static __always_inline enum ingress_verdict ingress_judge(struct __sk_buff *skb,
							  const struct ingress_job *job)
{
	const struct packet *p = &job->p;
	struct steer_probe *probe;
	__u32 zero = 0;
	__u8 flags;

	/* Redirected although addressed to us: the local stack knows what it is.  (By
	 * L2 that would not have been taken for redirected.) */
	if (job->by_gre && ingress_is_own(job->cfg, p->dst))
		return DELIVER;
	/* Instances speak TCP. */
	if (p->protocol != IPPROTO_TCP)
		return GIVE_BACK;
	/* A later fragment: the local stack puts it together with the first one, if
	 * that was delivered; if not, the datagram is lost. */
	if (!p->has_ports)
		return DELIVER;
	flags = ingress_tcp_flags(skb, job) & (TCP_SYN | TCP_ACK);
	if (flags != TCP_SYN && ingress_has_flow(skb, p))
		return DELIVER;
	probe = bpf_map_lookup_elem(&probes, &zero);
	if (!probe)
		return GIVE_BACK;
	return flags == TCP_SYN ? ingress_judge_syn(skb, job, probe)
				: ingress_judge_stray(skb, job, probe);
}

#endif
