/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits the MSS that instances announce when they connect with their clients'
 * addresses (TC egress).  The answers come back redirected by GRE, so full segments
 * must leave room for the GRE headers.  Nothing else tells the origin reliably: routers
 * send "fragmentation needed" to it, but it may filter that.
 *
 * Only looks at SYNs of local sockets to ports whose answers come back by GRE, with a
 * source address that is not one of this host's.
 */
#include "bpf/ingress/ingress_maps.h"
#include "bpf/egress_maps.h"
#include "bpf/own_prefixes.h"
#include "bpf/packet6.h"

#include <linux/pkt_cls.h>
#include <linux/tcp.h>

enum {
	EGRESS_OPTION_END,
	EGRESS_OPTION_NOP,
	EGRESS_OPTION_MSS,
	EGRESS_OPTIONS = 10, /* looked at; Linux puts the MSS first */
};

/* The MSS that fits, in host order. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, struct egress_key);
	__type(value, __u16);
} limits SEC(".maps");

static __always_inline bool egress_is_own(__be32 addr)
{
	struct steer_prefix key = { .bits = 32, .addr = addr };
	const __u8 *place = bpf_map_lookup_elem(&own_prefixes, &key);

	return place && *place == INGRESS_OWN;
}

static __always_inline bool egress_is_own6(const struct packet_addr *addr)
{
	struct steer_prefix6 key = { .bits = 128 };
	const __u8 *place;

	__builtin_memcpy(key.addr, addr, sizeof(key.addr));
	place = bpf_map_lookup_elem(&own_prefixes6, &key);
	return place && *place == INGRESS_OWN;
}

/* Offset of the value of the MSS option; 0: there is none.  Options end at `end`. */
static __always_inline __u32 egress_find_mss(struct __sk_buff *skb, __u32 at, __u32 end)
{
	struct {
		__u8 kind, len;
	} option;

	for (int i = 0; i < EGRESS_OPTIONS && at + 4 <= end; i++) {
		if (bpf_skb_load_bytes(skb, at, &option, sizeof(option)) ||
		    option.kind == EGRESS_OPTION_END)
			return 0;
		if (option.kind == EGRESS_OPTION_MSS)
			return option.len == 4 ? at + 2 : 0;
		if (option.kind != EGRESS_OPTION_NOP && option.len < 2)
			return 0;
		at += option.kind == EGRESS_OPTION_NOP ? 1 : option.len;
	}
	return 0;
}

static __always_inline void egress_lower_mss(struct __sk_buff *skb, __u32 tcp, __u32 at,
					     __u16 limit)
{
	__be16 before, now = bpf_htons(limit);

	/* Checksums work on pairs of octets, and Linux aligns the option to them. */
	if ((at - tcp) & 1 || bpf_skb_load_bytes(skb, at, &before, sizeof(before)) ||
	    bpf_ntohs(before) <= limit)
		return;
	/* Also correct for a checksum that the interface has yet to complete. */
	bpf_l4_csum_replace(skb, tcp + offsetof(struct tcphdr, check), before, now,
			    sizeof(now));
	bpf_skb_store_bytes(skb, at, &now, sizeof(now), 0);
}

static __always_inline int egress_parse(struct __sk_buff *skb, struct packet *p,
					struct packet_addr *src)
{
	struct packet_addr dst;

	if (skb->protocol == bpf_htons(ETH_P_IP))
		return packet_parse(skb, ETH_HLEN, p);
	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return packet6_parse(skb, ETH_HLEN, p, src, &dst);
	return -1;
}

SEC("tc")
int egress(struct __sk_buff *skb)
{
	struct packet_addr src = { { 0 } };
	struct egress_key key = { .ethertype = skb->protocol };
	struct packet p;
	struct tcphdr tcp;
	const __u16 *limit;
	__u32 at;

	if (!skb->sk || egress_parse(skb, &p, &src) || p.protocol != IPPROTO_TCP ||
	    !p.has_ports)
		return TC_ACT_UNSPEC;
	key.port = p.dport;
	limit = bpf_map_lookup_elem(&limits, &key);
	if (!limit || bpf_skb_load_bytes(skb, p.l4, &tcp, sizeof(tcp)) || !tcp.syn ||
	    tcp.ack ||
	    (key.ethertype == bpf_htons(ETH_P_IP) ? egress_is_own(p.src)
						  : egress_is_own6(&src)))
		return TC_ACT_UNSPEC;
	at = egress_find_mss(skb, p.l4 + sizeof(tcp), p.l4 + tcp.doff * 4);
	if (at)
		egress_lower_mss(skb, p.l4, at, *limit);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "GPL";
