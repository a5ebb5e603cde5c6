/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Part of ingress.bpf.c: what is to become of a packet.  The kernel's socket tables are
 * asked, with the steering program taking part.
 */
#ifndef BPF_INGRESS_JUDGE_H
#define BPF_INGRESS_JUDGE_H

#include "ingress_wire.h"

/* This map and the next are the steering program's. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, STEER_LOCALS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct steer_local);
	__type(value, __u8);
} locals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct steer_probe);
} probes SEC(".maps");

/* New connections delivered for each slot of the SOCKMAP. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, STEER_SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} given SEC(".maps");

static __always_inline bool is_local(const struct ingress_config *cfg, __be32 addr)
{
	struct steer_local key = { .bits = 32, .addr = addr };

	return ingress_near_local(cfg, addr) && bpf_map_lookup_elem(&locals, &key);
}

enum verdict { DELIVER, DELIVER_NEW, GIVE_BACK, HAND_OVER, REFUSE_LENGTH, DROP };

/* Who would take this packet, the steering program included?  `port` is the remote
 * port to ask with; the socket must be released. */
static __always_inline struct bpf_sock *look_up(struct __sk_buff *skb,
						const struct packet *p, __be16 port,
						struct steer_probe *probe)
{
	struct bpf_sock_tuple tuple = {
		.ipv4 = {
			.saddr = p->src,
			.daddr = p->dst,
			.sport = port,
			.dport = p->dport,
		},
	};

	probe->remote_port = bpf_ntohs(p->sport);
	probe->chosen = 0;
	return bpf_skc_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS,
				  0);
}

/* Is there a listener of the pool for this packet's bucket, whatever else knows
 * its flow? */
static __always_inline bool pool_takes(struct __sk_buff *skb, const struct packet *p,
				       struct steer_probe *probe)
{
	struct bpf_sock *sk = look_up(skb, p, 0, probe);

	if (!sk)
		return false;
	bpf_sk_release(sk);
	return probe->chosen;
}

static __always_inline void count_given(const struct steer_probe *probe)
{
	__u32 slot = probe->chosen - 1;
	__u64 *n = bpf_map_lookup_elem(&given, &slot);

	if (n)
		(*n)++;
}

/*
 * A SYN.  A listener counts only if steering chose it: one that merely happens to
 * listen on the port is not ours to feed.  A retransmitted SYN finds the half-open
 * connection, and is no new flow.
 */
static __always_inline enum verdict
judge_syn(struct __sk_buff *skb, const struct job *job, struct steer_probe *probe)
{
	const struct packet *p = &job->p;
	struct bpf_sock *sk = look_up(skb, p, p->sport, probe);
	__u32 state = BPF_TCP_CLOSE;
	bool takes = false;

	if (sk) {
		state = sk->state;
		bpf_sk_release(sk);
		if (state == BPF_TCP_LISTEN)
			takes = probe->chosen;
		else if (state == BPF_TCP_TIME_WAIT)
			takes = pool_takes(skb, p, probe);
		else
			return DELIVER;
	}
	if (takes) {
		count_given(probe);
		return DELIVER_NEW;
	}
	return job->service->drop_when_down ? DROP : GIVE_BACK;
}

/* Is it the ACK that completes a handshake by SYN cookie?  Of such a connection
 * there is nothing but the listener until it arrives. */
static __always_inline bool answers_cookie(struct __sk_buff *skb, const struct job *job,
					   struct bpf_sock *listener,
					   struct tcphdr *tcp)
{
	struct iphdr ip;

	if (!tcp->ack || tcp->rst ||
	    bpf_skb_load_bytes(skb, job->p.l3, &ip, sizeof(ip)))
		return false;
	return bpf_tcp_check_syncookie(listener, &ip, sizeof(ip), tcp, sizeof(*tcp)) ==
	       0;
}

static __always_inline __u32 bucket_of(const struct job *job)
{
	const struct packet_redirect *r = &job->redirect;

	__u32 bucket = r->bits & WCCP_RH_ALT ? r->alternate : r->primary;

	if (!job->by_gre || r->bits & WCCP_RH_UNAVAILABLE)
		bucket = packet_bucket(&job->p, job->service->flags);
	return steer_index(bucket, WCCP_BUCKETS);
}

/* Nobody here knows the flow.  Either another web-cache does, or it is older than
 * the redirection; what a fellow handed over is not handed on again. */
static __always_inline enum verdict judge_unknown(const struct job *job)
{
	const struct ingress_service *s = job->service;

	if (job->router && s->handover[bucket_of(job)])
		return HAND_OVER;
	return GIVE_BACK;
}

static __always_inline enum verdict judge_other(struct __sk_buff *skb,
						const struct job *job,
						struct tcphdr *tcp,
						struct steer_probe *probe)
{
	const struct packet *p = &job->p;
	struct bpf_sock *sk = look_up(skb, p, p->sport, probe);
	bool known;

	if (!sk)
		return judge_unknown(job);
	known = sk->state != BPF_TCP_LISTEN ||
		(probe->chosen && answers_cookie(skb, job, sk, tcp));
	bpf_sk_release(sk);
	return known ? DELIVER : judge_unknown(job);
}

static __always_inline enum verdict judge(struct __sk_buff *skb, const struct job *job)
{
	const struct packet *p = &job->p;
	struct steer_probe *probe;
	struct tcphdr tcp;
	__u32 zero = 0;

	/* Redirected although addressed to us: the local stack knows what it is.  (By
	 * L2 that would not have been taken for redirected.) */
	if (job->by_gre && is_local(job->cfg, p->dst))
		return DELIVER;
	/* Instances speak TCP. */
	if (p->protocol != IPPROTO_TCP)
		return GIVE_BACK;
	/* A later fragment: the local stack puts it together with the first one, if
	 * that was delivered; if not, the datagram is lost. */
	if (!p->has_ports)
		return DELIVER;
	probe = bpf_map_lookup_elem(&probes, &zero);
	if (!probe || bpf_skb_load_bytes(skb, p->l4, &tcp, sizeof(tcp)))
		return GIVE_BACK;
	if (tcp.syn && !tcp.ack)
		return judge_syn(skb, job, probe);
	return judge_other(skb, job, &tcp, probe);
}

#endif
