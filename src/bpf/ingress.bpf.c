/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Redirected packets, as they come in by the WCCP interface (TC ingress): those
 * that a local instance can serve are unwrapped, marked and left to the local
 * stack; all others go back to the router, or on to the web-cache that had their
 * bucket before.
 *
 * Touched are only GRE packets of WCCP from a known router or fellow web-cache to
 * our address, and frames from the MAC address of a router that agreed on L2, for
 * a destination that is not ours, which fit a service of that router.  For the
 * rest the next filter decides (TC_ACT_UNSPEC), as if this one were not there.
 */
#include "ingress_maps.h"

#include <linux/pkt_cls.h>
#include <linux/tcp.h>

struct config_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	/* By size: clang leaves the type of an inner map's value out of the BTF. */
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct ingress_config));
};

/* One element: the configuration in force; none before the first plan. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct config_map);
} configs SEC(".maps");

/* Of the steering program. */
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

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, INGRESS_SERVICES);
	__type(key, __u32);
	__type(value, struct ingress_counters);
} counters SEC(".maps");

/* New connections delivered for each slot of the SOCKMAP. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, STEER_SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} given SEC(".maps");

/* A redirected packet and all that is known of it. */
struct job {
	const struct ingress_config *cfg;
	const struct ingress_router *router;   /* it came from; NULL: a fellow */
	const struct ingress_service *service; /* NULL: none that we have */
	struct ingress_counters *count;	       /* of that service */
	struct packet p;		       /* the redirected packet itself */
	struct packet_redirect redirect;       /* by GRE: what the router said */
	__be32 from;			       /* by GRE: outer source */
	bool by_gre;
};

/* "Fragmentation needed", RFC 1191.  (The kernel's <linux/icmp.h> wants a libc.) */
struct too_long {
	__u8 type, code;
	__u16 checksum;
	__u16 unused;
	__be16 mtu;
};

enum { ICMP_UNREACHABLE = 3, ICMP_TOO_LONG = 4 };

enum { WRAPPING = sizeof(struct iphdr) + sizeof(struct packet_gre_redirect) };

static __always_inline bool is_local(__be32 addr)
{
	struct steer_local key = { .bits = 32, .addr = addr };

	return bpf_map_lookup_elem(&locals, &key);
}

/* -- frames and headers --------------------------------------------------------- */

/* Of `len` octets, an even and constant number. */
static __always_inline __u16 checksum(const void *octets, unsigned len)
{
	const __u16 *words = octets;
	__u32 sum = 0;

	for (unsigned i = 0; i < len / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline int set_macs(struct __sk_buff *skb, const __u8 *dst,
				    const __u8 *src)
{
	/* No checksum to keep up: at TC ingress none covers the MAC header. */
	if (bpf_skb_store_bytes(skb, 0, dst, ETH_ALEN, 0))
		return -1;
	return bpf_skb_store_bytes(skb, ETH_ALEN, src, ETH_ALEN, 0);
}

/* Back to the neighbour that sent this frame.  Needs neither route nor ARP. */
static __always_inline int send_back(struct __sk_buff *skb)
{
	__u8 macs[2 * ETH_ALEN]; /* destination (ours), source */

	if (bpf_skb_load_bytes(skb, 0, macs, sizeof(macs)) ||
	    set_macs(skb, macs + ETH_ALEN, macs))
		return TC_ACT_SHOT;
	return bpf_redirect(skb->ifindex, 0);
}

/* To a neighbour by its MAC address. */
static __always_inline int send_to_mac(struct __sk_buff *skb, const __u8 *mac)
{
	__u8 dst[ETH_ALEN], ours[ETH_ALEN];

	__builtin_memcpy(dst, mac, ETH_ALEN);
	if (bpf_skb_load_bytes(skb, 0, ours, sizeof(ours)) || set_macs(skb, dst, ours))
		return TC_ACT_SHOT;
	return bpf_redirect(skb->ifindex, 0);
}

/* To a neighbour by its IP address; 0: to where the packet itself is addressed. */
static __always_inline int send_to(struct __sk_buff *skb, __be32 next)
{
	struct bpf_redir_neigh to = { .nh_family = 2 /* AF_INET */, .ipv4_nh = next };

	if (next)
		return bpf_redirect_neigh(skb->ifindex, &to, sizeof(to), 0);
	return bpf_redirect_neigh(skb->ifindex, NULL, 0, 0);
}

/* Take the outer headers off. */
static __always_inline int unwrap(struct __sk_buff *skb)
{
	return bpf_skb_adjust_room(skb, -(__s32)WRAPPING, BPF_ADJ_ROOM_MAC,
				   BPF_F_ADJ_ROOM_FIXED_GSO);
}

/* New outer addresses and a fresh TTL; everything behind stays as it is. */
static __always_inline int readdress(struct __sk_buff *skb, const struct job *job,
				     __be32 dst)
{
	struct iphdr ip;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return -1;
	ip.saddr = job->cfg->self;
	ip.daddr = dst;
	ip.ttl = 64;
	ip.check = 0;
	ip.check = checksum(&ip, sizeof(ip));
	return bpf_skb_store_bytes(skb, ETH_HLEN, &ip, sizeof(ip),
				   BPF_F_RECOMPUTE_CSUM);
}

/* Put outer headers on a packet that came bare. */
static __always_inline int wrap(struct __sk_buff *skb, const struct job *job,
				__be32 dst, struct packet_redirect redirect)
{
	struct {
		struct iphdr ip;
		struct packet_gre_redirect gre;
	} outer = {
		.ip = {
			.version = 4,
			.ihl = 5,
			.tos = job->p.tos,
			.tot_len = bpf_htons(job->p.len + WRAPPING),
			/* Fragmenting on the way is better than losing. */
			.id = bpf_get_prandom_u32(),
			.ttl = 64,
			.protocol = IPPROTO_GRE,
			.saddr = job->cfg->self,
			.daddr = dst,
		},
		.gre = {
			.gre.protocol = bpf_htons(WCCP_GRE_PROTO),
			.redirect = redirect,
		},
	};

	outer.ip.check = checksum(&outer.ip, sizeof(outer.ip));
	/* Of a large packet that the hardware will cut, the pieces get smaller. */
	if (bpf_skb_adjust_room(skb, WRAPPING, BPF_ADJ_ROOM_MAC,
				BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 |
					BPF_F_ADJ_ROOM_ENCAP_L4_GRE))
		return -1;
	return bpf_skb_store_bytes(skb, ETH_HLEN, &outer, sizeof(outer),
				   BPF_F_RECOMPUTE_CSUM);
}

/* Would it be longer than the link allows once it is wrapped?  (What the hardware will
 * cut is cut to fit.) */
static __always_inline bool too_long_to_wrap(const struct __sk_buff *skb,
					     const struct job *job)
{
	return !skb->gso_size && job->p.len + WRAPPING > job->cfg->mtu;
}

/*
 * Tell the sender how long its packets may be (RFC 1191); the packet itself becomes
 * the message.  Quoted is a whole TCP header rather than 8 octets of it: of a packet
 * whose checksum is still to be computed, the kernel lets none be cut off before
 * that.
 */
static __always_inline int refuse_length(struct __sk_buff *skb, const struct job *job)
{
	struct {
		struct iphdr ip;
		struct too_long icmp;
		__u8 quote[sizeof(struct iphdr) + sizeof(struct tcphdr)];
	} m = {
		.ip = {
			.version = 4,
			.ihl = 5,
			.tot_len = bpf_htons(sizeof(m)),
			.id = bpf_get_prandom_u32(),
			.ttl = 64,
			.protocol = IPPROTO_ICMP,
			.saddr = job->cfg->self,
			.daddr = job->p.src,
		},
		.icmp = {
			.type = ICMP_UNREACHABLE,
			.code = ICMP_TOO_LONG,
			.mtu = bpf_htons(job->cfg->mtu - WRAPPING),
		},
	};

	if (!job->p.df || bpf_skb_load_bytes(skb, ETH_HLEN, m.quote, sizeof(m.quote)))
		return TC_ACT_SHOT;
	m.ip.check = checksum(&m.ip, sizeof(m.ip));
	m.icmp.checksum = checksum(&m.icmp, sizeof(m.icmp) + sizeof(m.quote));
	if (bpf_skb_change_tail(skb, ETH_HLEN + sizeof(m.quote), 0) ||
	    bpf_skb_adjust_room(skb, sizeof(m.ip) + sizeof(m.icmp), BPF_ADJ_ROOM_MAC,
				0) ||
	    bpf_skb_store_bytes(skb, ETH_HLEN, &m, sizeof(m), BPF_F_RECOMPUTE_CSUM))
		return TC_ACT_SHOT;
	return send_back(skb);
}

/* -- what becomes of a packet ------------------------------------------------------ */

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

	/* Redirected although addressed to us: the local stack knows what it is. */
	if (is_local(p->dst))
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

static __always_inline int deliver(struct __sk_buff *skb, const struct job *job)
{
	const struct ingress_config *cfg = job->cfg;

	if (job->by_gre && unwrap(skb))
		return TC_ACT_SHOT;
	skb->mark = (skb->mark & ~cfg->mark_mask) | cfg->mark;
	return TC_ACT_OK;
}

static __always_inline bool has_mac(const struct ingress_router *r)
{
	return r->mac[0] | r->mac[1] | r->mac[2] | r->mac[3] | r->mac[4] | r->mac[5];
}

/* By L2, of what a router sent? */
static __always_inline bool returns_bare(const struct job *job)
{
	return job->service && job->router->return_l2 & job->service->bit;
}

/* The way back of what a router sent. */
static __always_inline int return_to_sender(struct __sk_buff *skb,
					    const struct job *job)
{
	const struct ingress_router *r = job->router;
	bool by_l2 = returns_bare(job);
	struct packet_redirect unknown = { .bits = WCCP_RH_UNAVAILABLE };

	if (job->by_gre && by_l2) {
		if (unwrap(skb))
			return TC_ACT_SHOT;
		return has_mac(r) ? send_to_mac(skb, r->mac) : send_back(skb);
	}
	if (job->by_gre && readdress(skb, job, job->from))
		return TC_ACT_SHOT;
	if (!job->by_gre && !by_l2 && wrap(skb, job, r->id, unknown))
		return TC_ACT_SHOT;
	return send_back(skb);
}

/* The way back of what a fellow handed over.  It does not say which router it had
 * it from: the service's first one will do. */
static __always_inline int return_for_fellow(struct __sk_buff *skb,
					     const struct job *job)
{
	const struct ingress_service *s = job->service;
	const struct ingress_router *r;

	if (!s || s->router >= INGRESS_ROUTERS)
		return TC_ACT_SHOT;
	r = &job->cfg->routers[steer_index(s->router, INGRESS_ROUTERS)];
	if (r->return_l2 & s->bit)
		return unwrap(skb) ? TC_ACT_SHOT : send_to(skb, r->address);
	return readdress(skb, job, r->id) ? TC_ACT_SHOT : send_to(skb, 0);
}

static __always_inline int give_back(struct __sk_buff *skb, const struct job *job)
{
	return job->router ? return_to_sender(skb, job) : return_for_fellow(skb, job);
}

static __always_inline int hand_over(struct __sk_buff *skb, const struct job *job)
{
	const struct ingress_service *s = job->service;
	__u32 bucket = bucket_of(job);
	struct packet_redirect redirect = {
		.bits = s->type == WCCP_SERVICE_DYNAMIC ? WCCP_RH_DYNAMIC : 0,
		.service = s->id,
		.primary = bucket,
	};
	__be32 to = s->handover[bucket];

	if (job->by_gre ? readdress(skb, job, to) : wrap(skb, job, to, redirect))
		return TC_ACT_SHOT;
	return send_to(skb, 0);
}

/* What came bare leaves wrapped: handed over always, returned where GRE is agreed. */
static __always_inline bool needs_wrapping(const struct job *job, enum verdict verdict)
{
	if (job->by_gre)
		return false;
	return verdict == HAND_OVER || (verdict == GIVE_BACK && !returns_bare(job));
}

static __always_inline int carry_out(struct __sk_buff *skb, const struct job *job,
				     enum verdict verdict)
{
	struct ingress_counters *count = job->count;
	__u64 *counter = &count->dropped;
	int action = TC_ACT_SHOT;

	if (needs_wrapping(job, verdict) && too_long_to_wrap(skb, job))
		verdict = REFUSE_LENGTH;
	if (verdict == DELIVER || verdict == DELIVER_NEW) {
		action = deliver(skb, job);
		counter = &count->delivered;
	} else if (verdict == GIVE_BACK) {
		action = give_back(skb, job);
		counter = &count->returned;
	} else if (verdict == HAND_OVER) {
		action = hand_over(skb, job);
		counter = &count->handed_over;
	} else if (verdict == REFUSE_LENGTH) {
		action = refuse_length(skb, job);
	}
	if (action == TC_ACT_SHOT)
		counter = &count->dropped;
	(*counter)++;
	if (verdict == DELIVER_NEW && action != TC_ACT_SHOT)
		count->new_flows++;
	return action;
}

/* -- whose packet is it? ------------------------------------------------------------- */

static __always_inline const struct ingress_service *
service_at(const struct ingress_config *cfg, __u32 index)
{
	return &cfg->services[steer_index(index, INGRESS_SERVICES)];
}

/* Of the services in `allowed`, the one that the redirect header names; or, when it
 * names none, the first that the packet fits. */
static __always_inline const struct ingress_service *
service_of_gre(const struct job *job, __u64 allowed)
{
	const struct ingress_config *cfg = job->cfg;
	const struct packet_redirect *r = &job->redirect;
	const struct ingress_service *s;
	__u32 index;

	if (r->bits & WCCP_RH_UNAVAILABLE) {
		__u64 found = ingress_matching(cfg, &job->p) & allowed;

		return found ? service_at(cfg, ingress_first(found)) : NULL;
	}
	index = cfg->service_of_id[!!(r->bits & WCCP_RH_DYNAMIC)][r->service];
	if (index >= INGRESS_SERVICES)
		return NULL;
	s = service_at(cfg, index);
	return s->bit & allowed ? s : NULL;
}

static __always_inline bool came_by_gre(struct __sk_buff *skb, struct job *job)
{
	const struct ingress_config *cfg = job->cfg;
	__u64 allowed = ~0ULL;
	struct packet outer;
	__u32 who;

	if (packet_parse(skb, ETH_HLEN, &outer) || outer.dst != cfg->self ||
	    packet_redirect(skb, &outer, &job->redirect))
		return false;
	/* Nobody puts options there, and without them it is one length. */
	if (outer.l4 != ETH_HLEN + sizeof(struct iphdr))
		return false;
	who = ingress_find(cfg, outer.src);
	if (who == INGRESS_NOBODY || packet_parse(skb, ETH_HLEN + WRAPPING, &job->p))
		return false;
	if (who < INGRESS_ROUTERS) {
		job->router = &cfg->routers[steer_index(who, INGRESS_ROUTERS)];
		allowed = job->router->services;
	}
	job->by_gre = true;
	job->from = outer.src;
	job->service = service_of_gre(job, allowed);
	return true;
}

static __always_inline bool came_by_l2(struct __sk_buff *skb, struct job *job)
{
	const struct ingress_config *cfg = job->cfg;
	__u8 mac[ETH_ALEN];
	__u64 found;
	__u32 who;

	if (bpf_skb_load_bytes(skb, ETH_ALEN, mac, sizeof(mac)))
		return false;
	who = ingress_find(cfg, ingress_mac_key(mac));
	if (who >= INGRESS_ROUTERS || packet_parse(skb, ETH_HLEN, &job->p) ||
	    is_local(job->p.dst))
		return false;
	job->router = &cfg->routers[steer_index(who, INGRESS_ROUTERS)];
	found = ingress_matching(cfg, &job->p) & job->router->l2;
	if (!found)
		return false;
	job->service = service_at(cfg, ingress_first(found));
	return true;
}

static __always_inline const struct ingress_config *config_in_force(void)
{
	__u32 zero = 0;
	void *inner = bpf_map_lookup_elem(&configs, &zero);

	return inner ? bpf_map_lookup_elem(inner, &zero) : NULL;
}

SEC("tc")
int ingress(struct __sk_buff *skb)
{
	struct job job = { .cfg = config_in_force() };
	__u32 index;

	if (!job.cfg || skb->pkt_type != 0 /* PACKET_HOST */ ||
	    skb->protocol != bpf_htons(ETH_P_IP))
		return TC_ACT_UNSPEC;
	if (!came_by_gre(skb, &job) && !came_by_l2(skb, &job))
		return TC_ACT_UNSPEC;
	/* A service that we do not have (any more): the router shall see to it. */
	if (!job.service)
		return give_back(skb, &job);
	index = job.service->counters;
	job.count = bpf_map_lookup_elem(&counters, &index);
	if (!job.count)
		return TC_ACT_UNSPEC;
	if (job.router) {
		job.count->redirected++;
		job.count->redirected_octets += skb->len - job.p.l3;
	}
	return carry_out(skb, &job, judge(skb, &job));
}

char LICENSE[] SEC("license") = "GPL";
