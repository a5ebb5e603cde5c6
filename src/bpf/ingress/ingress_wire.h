/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Part of ingress.bpf.c: the current packet, and how to wrap, unwrap and send it.
 */
#ifndef WCCPD_BPF_INGRESS_WIRE_H
#define WCCPD_BPF_INGRESS_WIRE_H

#include "bpf/ingress/ingress_maps.h"

#include <linux/pkt_cls.h>
#include <linux/tcp.h>

/* TCP flags, in the second octet of the word that has them. */
enum {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
};

/* Of a TCP header; zero where there is none. */
struct ingress_tcp {
	__u32 sequence; /* in host order */
	__u8 flags;
};

/* A redirected packet and everything known about it. */
struct ingress_job {
	const struct ingress_config *cfg;
	const struct ingress_router *router;   /* it came from; NULL: another cache */
	const struct ingress_service *service; /* NULL: none that we have */
	struct ingress_counters *count;	       /* of that service, or of none */
	struct packet p;		       /* the redirected packet itself */
	struct ingress_tcp tcp;
	struct packet_redirect redirect;       /* by GRE: what the router said */
	ingress_addr from;		       /* by GRE: outer source */
	__u8 outer_ttl;			       /* by GRE */
	ingress_addr other;		       /* whom it is handed over to ... */
	__u32 other_out;		       /* ... by which interface */
	__u8 tried; /* ... and how many were asked with it; see INGRESS_RH_TRY */
	__u32 ifindex;			       /* that it came in by */
	bool by_gre;
	bool odd_header; /* the redirect header did not name that service */
	bool malformed;	 /* by GRE: what is wrapped is no packet of IP */
};

/* "Fragmentation needed", RFC 1191.  (The kernel's <linux/icmp.h> wants a libc.) */
struct ingress_too_long {
	__u8 type, code;
	__u16 checksum;
	__u16 unused;
	__be16 mtu;
};

enum { ICMP_UNREACHABLE = 3, ICMP_TOO_LONG = 4 };

enum { UDP_HEADER = 8 };
#ifdef INGRESS_V6
enum { INGRESS_ETHERTYPE = ETH_P_IPV6, IP_HEADER = sizeof(struct ipv6hdr) };
#else
enum { INGRESS_ETHERTYPE = ETH_P_IP, IP_HEADER = sizeof(struct iphdr) };
#endif
enum { WRAPPING = IP_HEADER + sizeof(struct packet_gre_redirect) };

#ifdef INGRESS_V6
/* Of the current packet, and of the one that it wraps. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct ingress_words);
} words_of_packet SEC(".maps");
#endif

static __always_inline int ingress_parse(struct __sk_buff *skb, __u32 l3, struct packet *p)
{
#ifdef INGRESS_V6
	__u32 inner = l3 != ETH_HLEN;
	struct ingress_words *words = bpf_map_lookup_elem(&words_of_packet, &inner);

	int result;

	if (!words)
		return -1; /* an array has its elements */
	result = packet6_parse(skb, l3, p, &words->src, &words->dst);
	p->whole_src = &words->src;
	p->whole_dst = &words->dst;
	words->sport = bpf_htonl(bpf_ntohs(p->sport));
	words->dport = bpf_htonl(bpf_ntohs(p->dport));
	return result;
#else
	return packet_parse(skb, l3, p);
#endif
}

/* Functions that are not static are looked at by the verifier on their own, once, and not
 * once more for each of the ways that lead to them.  They take numbers only. */
#define INGRESS_ON_ITS_OWN __attribute__((noinline))

static __always_inline void ingress_read_tcp(struct __sk_buff *skb, struct ingress_job *job)
{
	struct {
		__be32 sequence, ack;
		__u8 offset, flags, window[2];
	} words = { 0 };
	__u32 at = offsetof(struct tcphdr, seq);

	if (job->p.protocol != IPPROTO_TCP || !job->p.has_ports)
		return;
	if (job->p.l4 == ETH_HLEN + IP_HEADER)
		packet_read(skb, ETH_HLEN + IP_HEADER + at, &words, sizeof(words));
	else
		bpf_skb_load_bytes(skb, job->p.l4 + at, &words, sizeof(words));
	job->tcp.sequence = bpf_ntohl(words.sequence);
	job->tcp.flags = words.flags;
}

/* The checksum of `len` octets, an even and constant number. */
static __always_inline __u16 ingress_checksum(const void *octets, unsigned len)
{
	const __u16 *words = octets;
	__u32 sum = 0;

	for (unsigned i = 0; i < len / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline int ingress_set_macs(struct __sk_buff *skb, const __u8 *dst,
					    const __u8 *src)
{
	/* No checksum to update: at TC ingress none covers the MAC header. */
	if (bpf_skb_store_bytes(skb, 0, dst, ETH_ALEN, 0))
		return -1;
	return bpf_skb_store_bytes(skb, ETH_ALEN, src, ETH_ALEN, 0);
}

/* To where the packet itself is addressed.  By an interface; 0: by that which it came in
 * by. */
static __always_inline int ingress_send_routed(struct __sk_buff *skb, __u32 ifindex)
{
	return bpf_redirect_neigh(ifindex ? ifindex : skb->ifindex, NULL, 0, 0);
}

/* The same, to a neighbour by its IP address. */
static __always_inline int ingress_send_to_ip(struct __sk_buff *skb, ingress_addr next,
					      __u32 ifindex)
{
	struct bpf_redir_neigh to = { 0 };

#ifdef INGRESS_V6
	to.nh_family = 10; /* AF_INET6 */
	__builtin_memcpy(to.ipv6_nh, next, sizeof(to.ipv6_nh));
#else
	to.nh_family = 2; /* AF_INET */
	to.ipv4_nh = next;
#endif
	return bpf_redirect_neigh(ifindex ? ifindex : skb->ifindex, &to, sizeof(to), 0);
}

/* Back to the neighbour that sent this frame.  Needs neither route nor ARP.  A frame from
 * our own MAC address was let in by this box itself, see dp_let_in(): of that, the
 * destination's route has to tell. */
static __always_inline int ingress_send_back(struct __sk_buff *skb)
{
	__u8 macs[2 * ETH_ALEN]; /* destination (ours), source */
	__u8 differ = 0;

	if (bpf_skb_load_bytes(skb, 0, macs, sizeof(macs)))
		return TC_ACT_SHOT;
	for (int i = 0; i < ETH_ALEN; i++)
		differ |= macs[i] ^ macs[ETH_ALEN + i];
	if (!differ)
		return ingress_send_routed(skb, 0);
	if (ingress_set_macs(skb, macs + ETH_ALEN, macs))
		return TC_ACT_SHOT;
	return bpf_redirect(skb->ifindex, 0);
}

/* To a router by its MAC address. */
static __always_inline int ingress_send_to_mac(struct __sk_buff *skb,
					       const struct ingress_router *r)
{
	__u8 dst[ETH_ALEN], ours[ETH_ALEN];

	__builtin_memcpy(dst, r->mac, ETH_ALEN);
	__builtin_memcpy(ours, r->our_mac, ETH_ALEN);
	if (ingress_set_macs(skb, dst, ours))
		return TC_ACT_SHOT;
	return bpf_redirect(r->mac_out, 0);
}

/* Remove the outer headers. */
static __always_inline int ingress_unwrap(struct __sk_buff *skb)
{
	return bpf_skb_adjust_room(skb, -(__s32)WRAPPING, BPF_ADJ_ROOM_MAC,
				   BPF_F_ADJ_ROOM_FIXED_GSO);
}

enum { INGRESS_TTL = 64 };

/* The TTL of an outer header, from one that was one hop ago. */
static __always_inline __u8 ingress_outer_ttl(__u8 before)
{
	return before > INGRESS_TTL ? INGRESS_TTL : before - 1;
}

/* Of a packet that came by GRE: set the bits of INGRESS_RH_OURS. */
static __always_inline int ingress_set_bits(struct __sk_buff *skb,
					    const struct ingress_job *job, __u8 ours)
{
	__u8 bits = (job->redirect.bits & ~INGRESS_RH_OURS) | ours;

	return bpf_skb_store_bytes(skb,
				   ETH_HLEN + IP_HEADER +
					   offsetof(struct packet_gre_redirect, redirect.bits),
				   &bits, sizeof(bits), BPF_F_RECOMPUTE_CSUM);
}

/* Would the wrapped packet be too long for the link?  (Packets that the hardware will
 * segment are cut to fit.) */
static __always_inline bool ingress_is_too_long(const struct __sk_buff *skb,
						const struct ingress_job *job)
{
	return !skb->gso_size && job->p.len + WRAPPING > ingress_mtu(job->cfg, job->ifindex);
}

#ifndef INGRESS_V6 /* see ingress_wire6.h */

/* Decrement the TTL of the packet whose header is at `l3`.  Its checksum changes by the
 * same amount, so that a checksum over both stays correct. */
INGRESS_ON_ITS_OWN int ingress_age(struct __sk_buff *skb, __u32 l3)
{
	struct {
		__u8 ttl, protocol;
	} now, before;

	if (bpf_skb_load_bytes(skb, l3 + offsetof(struct iphdr, ttl), &before,
			       sizeof(before)))
		return -1;
	now = before;
	now.ttl--;
	if (bpf_l3_csum_replace(skb, l3 + offsetof(struct iphdr, check),
				*(__u16 *)&before, *(__u16 *)&now, sizeof(now)))
		return -1;
	return bpf_skb_store_bytes(skb, l3 + offsetof(struct iphdr, ttl), &now,
				   sizeof(now), 0);
}

/* Replace the outer addresses and decrement both TTLs, so that nothing can circulate
 * between boxes that take each other for routers: neither while it stays wrapped, nor
 * where each of them wraps it anew.  Everything else stays as it is. */
INGRESS_ON_ITS_OWN int ingress_change_ends(struct __sk_buff *skb, __be32 src, __be32 dst)
{
	struct iphdr ip;

	if (ingress_age(skb, ETH_HLEN + WRAPPING) ||
	    bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return -1;
	ip.saddr = src;
	ip.daddr = dst;
	ip.ttl = ingress_outer_ttl(ip.ttl);
	ip.check = 0;
	ip.check = ingress_checksum(&ip, sizeof(ip));
	return bpf_skb_store_bytes(skb, ETH_HLEN, &ip, sizeof(ip),
				   BPF_F_RECOMPUTE_CSUM);
}

static __always_inline int ingress_readdress(struct __sk_buff *skb,
					     const struct ingress_job *job, __be32 dst)
{
	return ingress_change_ends(skb, ingress_addr_in(&job->cfg->self), dst);
}

/* Of a large packet that the hardware will cut, the pieces get smaller.  Over a virtual
 * link a packet may bring along that it had been wrapped once, and is not marked as
 * such again; one that nobody cuts needs no mark. */
static __always_inline int ingress_make_room(struct __sk_buff *skb)
{
	if (!bpf_skb_adjust_room(skb, WRAPPING, BPF_ADJ_ROOM_MAC,
				 BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 |
					 BPF_F_ADJ_ROOM_ENCAP_L4_GRE))
		return 0;
	if (skb->gso_size)
		return -1;
	return bpf_skb_adjust_room(skb, WRAPPING, BPF_ADJ_ROOM_MAC, 0);
}

/* Add outer headers to a packet that came bare. */
static __always_inline int ingress_wrap(struct __sk_buff *skb,
					const struct ingress_job *job, __be32 dst,
					struct packet_redirect redirect)
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
			/* Better fragmented on the way than lost. */
			.id = bpf_get_prandom_u32(),
			.ttl = ingress_outer_ttl(job->p.ttl),
			.protocol = IPPROTO_GRE,
			.saddr = ingress_addr_in(&job->cfg->self),
			.daddr = dst,
		},
		.gre = {
			.gre.protocol = bpf_htons(WCCP_GRE_PROTO),
			.redirect = redirect,
		},
	};

	outer.ip.check = ingress_checksum(&outer.ip, sizeof(outer.ip));
	if (ingress_make_room(skb))
		return -1;
	return bpf_skb_store_bytes(skb, ETH_HLEN, &outer, sizeof(outer),
				   BPF_F_RECOMPUTE_CSUM);
}

/*
 * Tell the sender how long its packets may be (RFC 1191); the packet itself becomes the
 * message.  Quotes a whole TCP header rather than 8 octets of it: the kernel does not
 * let a packet whose checksum is still to be computed be cut shorter than that.
 */
static __always_inline int ingress_refuse_length(struct __sk_buff *skb,
						 const struct ingress_job *job)
{
	struct {
		struct iphdr ip;
		struct ingress_too_long icmp;
		__u8 quote[sizeof(struct iphdr) + sizeof(struct tcphdr)];
	} m = {
		.ip = {
			.version = 4,
			.ihl = 5,
			.tot_len = bpf_htons(sizeof(m)),
			.id = bpf_get_prandom_u32(),
			.ttl = INGRESS_TTL,
			.protocol = IPPROTO_ICMP,
			.saddr = ingress_addr_in(&job->cfg->self),
			.daddr = job->p.src,
		},
		.icmp = {
			.type = ICMP_UNREACHABLE,
			.code = ICMP_TOO_LONG,
			.mtu = bpf_htons(ingress_mtu(job->cfg, job->ifindex) - WRAPPING),
		},
	};

	if (!job->p.df || bpf_skb_load_bytes(skb, ETH_HLEN, m.quote, sizeof(m.quote)))
		return TC_ACT_SHOT;
	m.ip.check = ingress_checksum(&m.ip, sizeof(m.ip));
	m.icmp.checksum = ingress_checksum(&m.icmp, sizeof(m.icmp) + sizeof(m.quote));
	if (bpf_skb_change_tail(skb, ETH_HLEN + sizeof(m.quote), 0) ||
	    bpf_skb_adjust_room(skb, sizeof(m.ip) + sizeof(m.icmp), BPF_ADJ_ROOM_MAC,
				0) ||
	    bpf_skb_store_bytes(skb, ETH_HLEN, &m, sizeof(m), BPF_F_RECOMPUTE_CSUM))
		return TC_ACT_SHOT;
	return ingress_send_back(skb);
}

#endif
#endif
