/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Part of ingress.bpf.c, of its form for IPv6: the headers of packets.  The same functions
 * as for IPv4 in ingress_wire.h, by names of their own.
 */
#ifndef WCCPD_BPF_INGRESS_WIRE6_H
#define WCCPD_BPF_INGRESS_WIRE6_H

#include "bpf/ingress/ingress_wire.h"

#define ingress_age ingress6_age
#define ingress_readdress ingress6_readdress
#define ingress_wrap ingress6_wrap
#define ingress_refuse_length ingress6_refuse_length

/* "Packet too big", RFC 4443 section 3.2. */
enum { ICMP6_TOO_BIG = 2 };

INGRESS_ON_ITS_OWN int ingress6_age(struct __sk_buff *skb, __u32 l3)
{
	__u32 at = l3 + offsetof(struct ipv6hdr, hop_limit);
	__u8 hops;

	if (bpf_skb_load_bytes(skb, at, &hops, sizeof(hops)))
		return -1;
	hops--;
	return bpf_skb_store_bytes(skb, at, &hops, sizeof(hops), BPF_F_RECOMPUTE_CSUM);
}

static __always_inline int ingress6_readdress(struct __sk_buff *skb,
					      const struct ingress_job *job,
					      ingress_addr dst)
{
	struct ipv6hdr ip;

	if (!dst || ingress6_age(skb, ETH_HLEN + WRAPPING) ||
	    bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return -1;
	__builtin_memcpy(&ip.saddr, &job->cfg->self, sizeof(ip.saddr));
	__builtin_memcpy(&ip.daddr, dst, sizeof(ip.daddr));
	ip.hop_limit = ingress_outer_ttl(ip.hop_limit);
	return bpf_skb_store_bytes(skb, ETH_HLEN, &ip, sizeof(ip), BPF_F_RECOMPUTE_CSUM);
}

static __always_inline int ingress6_make_room(struct __sk_buff *skb)
{
	if (!bpf_skb_adjust_room(skb, WRAPPING, BPF_ADJ_ROOM_MAC,
				 BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 |
					 BPF_F_ADJ_ROOM_ENCAP_L4_GRE))
		return 0;
	if (skb->gso_size)
		return -1;
	return bpf_skb_adjust_room(skb, WRAPPING, BPF_ADJ_ROOM_MAC, 0);
}

static __always_inline int ingress6_wrap(struct __sk_buff *skb,
					 const struct ingress_job *job,
					 ingress_addr dst,
					 struct packet_redirect redirect)
{
	struct {
		struct ipv6hdr ip;
		struct packet_gre_redirect gre;
	} outer = {
		.ip = {
			.version = 6,
			.priority = job->p.tos >> 4,
			.flow_lbl = { (__u8)(job->p.tos << 4) },
			.payload_len =
				bpf_htons(job->p.len + sizeof(struct packet_gre_redirect)),
			.nexthdr = IPPROTO_GRE,
			.hop_limit = ingress_outer_ttl(job->p.ttl),
		},
		.gre = {
			.gre.protocol = bpf_htons(WCCP_GRE_PROTO),
			.redirect = redirect,
		},
	};

	if (!dst)
		return -1;
	__builtin_memcpy(&outer.ip.saddr, &job->cfg->self, sizeof(outer.ip.saddr));
	__builtin_memcpy(&outer.ip.daddr, dst, sizeof(outer.ip.daddr));
	if (ingress6_make_room(skb))
		return -1;
	return bpf_skb_store_bytes(skb, ETH_HLEN, &outer, sizeof(outer),
				   BPF_F_RECOMPUTE_CSUM);
}

/* A packet that becomes the message to its sender.  The checksum covers the addresses, which
 * lie in front of the message, and what else the pseudo-header has (RFC 8200 section 8.1). */
static __always_inline int ingress6_refuse_length(struct __sk_buff *skb,
						  const struct ingress_job *job)
{
	struct {
		struct ipv6hdr ip;
		__u8 type, code;
		__u16 checksum;
		__be32 mtu;
		__u8 quote[sizeof(struct ipv6hdr) + sizeof(struct tcphdr)];
	} m = {
		.ip = {
			.version = 6,
			.payload_len = bpf_htons(sizeof(m) - sizeof(struct ipv6hdr)),
			.nexthdr = IPPROTO_ICMPV6,
			.hop_limit = INGRESS_TTL,
		},
		.type = ICMP6_TOO_BIG,
		.mtu = bpf_htonl(ingress_mtu(job->cfg, job->ifindex) - WRAPPING),
	};
	__u32 sum;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, m.quote, sizeof(m.quote)))
		return TC_ACT_SHOT;
	__builtin_memcpy(&m.ip.saddr, &job->cfg->self, sizeof(m.ip.saddr));
	__builtin_memcpy(&m.ip.daddr, job->p.whole_src, sizeof(m.ip.daddr));
	sum = (__u16)~ingress_checksum(&m.ip.saddr,
				       sizeof(m) - offsetof(struct ipv6hdr, saddr));
	sum += m.ip.payload_len + bpf_htons(IPPROTO_ICMPV6);
	sum = (sum & 0xffff) + (sum >> 16);
	m.checksum = ~((sum & 0xffff) + (sum >> 16));
	if (bpf_skb_change_tail(skb, ETH_HLEN + sizeof(m.quote), 0) ||
	    bpf_skb_adjust_room(skb, sizeof(m) - sizeof(m.quote), BPF_ADJ_ROOM_MAC, 0) ||
	    bpf_skb_store_bytes(skb, ETH_HLEN, &m, sizeof(m), BPF_F_RECOMPUTE_CSUM))
		return TC_ACT_SHOT;
	return ingress_send_back(skb);
}

#endif
