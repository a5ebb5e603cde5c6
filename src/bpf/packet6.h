/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the eBPF programs know of IPv6: addresses of both families in one form, and
 * skipping extension headers.  Used with packet.h and, like that, shared with
 * userspace.
 */
#ifndef WCCPD_BPF_PACKET6_H
#define WCCPD_BPF_PACKET6_H

#include "bpf/packet.h"

#ifdef __bpf__
#include <linux/ipv6.h>
#endif

enum {
	/* At most this many extension headers are skipped; real packets have one or
	 * two. */
	WCCPD_BPF_PACKET6_HEADERS = 8,
	PACKET6_OFFSET = 0xfff8, /* in the Fragment header */
	PACKET6_MF = 0x0001,
	PACKET6_HOSTS_LEFT = 0x00ff, /* in the Routing header */
};

/* The first half of the XOR of all octets; packet_fold() does the rest. */
packet_inline __be32 packet_xor(const struct packet_addr *a)
{
	return a->words[0] ^ a->words[1] ^ a->words[2] ^ a->words[3];
}

#ifdef __bpf__

/* What the headers between IPv6 and the transport have in common. */
struct packet6_extension {
	__u8 next, len; /* the latter in units that depend on the header */
	__be16 more;	/* of a Fragment header: offset and M; of a Routing header: type and
			 * how many hosts are still to be visited */
	__be32 id;	/* of a Fragment header */
};

packet_inline bool packet6_is_extension(__u8 protocol)
{
	const __u64 all = 1ULL << IPPROTO_HOPOPTS | 1ULL << IPPROTO_ROUTING |
			  1ULL << IPPROTO_FRAGMENT | 1ULL << IPPROTO_AH |
			  1ULL << IPPROTO_DSTOPTS;

	/* Comparing one by one would be a way of its own for each, to the verifier. */
	return protocol < 64 && all >> protocol & 1;
}

packet_inline __u32 packet6_extension_len(__u8 protocol,
					  const struct packet6_extension *x)
{
	if (protocol == IPPROTO_FRAGMENT)
		return 8;
	if (protocol == IPPROTO_AH)
		return (x->len + 2) * 4;
	return (x->len + 1) * 8;
}

/* What packet6_walk() found; the identification of a fragment is in the upper half. */
enum {
	PACKET6_AT = 0xffff,	    /* where the walk ended */
	PACKET6_PROTOCOL_SHIFT = 16, /* what is there, 8 bits */
	PACKET6_FRAGMENT_SHIFT = 24,
	PACKET6_ROUTED_SHIFT = 25,
	PACKET6_FRAGMENT = 1 << PACKET6_FRAGMENT_SHIFT,
	PACKET6_ROUTED = 1 << PACKET6_ROUTED_SHIFT,
	PACKET6_LATER = 1 << 26, /* a fragment other than the first */
	PACKET6_ENDLESS = 1 << 27,
};

/* Skip extension headers from offset `at` on.  Not static, and with numbers only, so that
 * the verifier looks at it once, and not once more for each of the ways that lead to it. */
__attribute__((noinline)) __u64 packet6_walk(struct __sk_buff *skb, __u32 at, __u32 protocol)
{
	struct packet6_extension x;
	__u64 found = 0;

	for (int i = 0; i < WCCPD_BPF_PACKET6_HEADERS; i++) {
		if (!packet6_is_extension(protocol))
			break;
		if (bpf_skb_load_bytes(skb, at, &x, sizeof(x)))
			return PACKET6_ENDLESS;
		at += packet6_extension_len(protocol, &x);
		if (protocol == IPPROTO_ROUTING && x.more & bpf_htons(PACKET6_HOSTS_LEFT))
			found |= PACKET6_ROUTED;
		if (protocol == IPPROTO_FRAGMENT) {
			found |= (__u64)x.id << 32;
			if (x.more & bpf_htons(PACKET6_OFFSET | PACKET6_MF))
				found |= PACKET6_FRAGMENT;
			if (x.more & bpf_htons(PACKET6_OFFSET))
				found |= PACKET6_LATER;
		}
		protocol = x.next;
		if (found & PACKET6_LATER)
			break;
	}
	if (!(found & PACKET6_LATER) && packet6_is_extension(protocol))
		found |= PACKET6_ENDLESS;
	return found | (at & PACKET6_AT) | (protocol & 0xff) << PACKET6_PROTOCOL_SHIFT;
}

/* Set l4, protocol, and whether it is a fragment.  1: a later one, behind whose
 * Fragment header is no further header; -1: they do not end. */
packet_inline int packet6_skip(struct __sk_buff *skb, __u8 protocol, struct packet *p)
{
	__u64 found;

	p->protocol = protocol;
	if (!packet6_is_extension(protocol))
		return 0;
	found = packet6_walk(skb, p->l4, protocol);
	p->l4 = found & PACKET6_AT;
	p->protocol = found >> PACKET6_PROTOCOL_SHIFT;
	p->fragment = found >> PACKET6_FRAGMENT_SHIFT & 1; /* without a branch */
	p->routed = found >> PACKET6_ROUTED_SHIFT & 1;
	p->id = found >> 32;
	if (found & PACKET6_ENDLESS)
		return -1;
	return found & PACKET6_LATER ? 1 : 0;
}

/*
 * packet_parse() for IPv6: p->src and p->dst become the XOR of the words of each
 * address, which is all that the bucket hash needs.  Routers never fragment IPv6, hence
 * df.
 */
packet_inline int packet6_parse(struct __sk_buff *skb, __u32 l3, struct packet *p,
				struct packet_addr *src, struct packet_addr *dst)
{
	/* One read for both, as there are seldom extension headers between them. */
	struct {
		struct ipv6hdr ip;
		__be16 ports[2];
	} head = {};
	__be16 ports[2];
	int later;

	if (bpf_skb_load_bytes(skb, l3, &head, sizeof(head)) &&
	    bpf_skb_load_bytes(skb, l3, &head.ip, sizeof(head.ip)))
		return -1;
	if (head.ip.version != 6)
		return -1;
	__builtin_memcpy(src, &head.ip.saddr, sizeof(*src));
	__builtin_memcpy(dst, &head.ip.daddr, sizeof(*dst));
	*p = (struct packet){
		.l3 = l3,
		.l4 = l3 + sizeof(head.ip),
		.len = sizeof(head.ip) + bpf_ntohs(head.ip.payload_len),
		.src = packet_xor(src),
		.dst = packet_xor(dst),
		.ttl = head.ip.hop_limit,
		.tos = head.ip.priority << 4 | head.ip.flow_lbl[0] >> 4,
		.df = true,
	};
	/* The verifier is not to know it, or it follows packets with and without extension
	 * headers to the end. */
	asm volatile("%0 ^= %1\n%0 ^= %1" : "+r"(p->l4) : "r"(p->len));
	later = packet6_skip(skb, head.ip.nexthdr, p);
	if (later < 0 || p->l4 > l3 + p->len)
		return -1;
	if (later || (p->protocol != IPPROTO_TCP && p->protocol != IPPROTO_UDP))
		return 0;
	if (p->l4 + sizeof(ports) > l3 + p->len)
		return -1;
	__builtin_memcpy(ports, head.ports, sizeof(ports));
	if (p->l4 != l3 + sizeof(head.ip) &&
	    bpf_skb_load_bytes(skb, p->l4, ports, sizeof(ports)))
		return -1;
	p->sport = ports[0];
	p->dport = ports[1];
	p->has_ports = true;
	return 0;
}

#else

/* All zero when it is not set. */
packet_inline struct packet_addr packet_addr_of(const struct addr *a)
{
	struct packet_addr out = { { 0 } };

	if (a->family == ADDR_V4)
		return packet_addr4(packet_be32(addr_to_v4(a)));
	memcpy(&out, a->octets, sizeof(out));
	return out;
}

/* The other way round; not set if all is zero. */
packet_inline struct addr packet_addr_to(const struct packet_addr *a)
{
	uint8_t octets[sizeof(*a)];

	memcpy(octets, a, sizeof(octets));
	if (a->words[0] | a->words[1])
		return addr_from_octets(ADDR_V6, octets);
	if (a->words[2] == packet_be32(0xffff))
		return addr_from_octets(ADDR_V4, octets + 12);
	return a->words[2] | a->words[3] ? addr_from_octets(ADDR_V6, octets)
					 : (struct addr){ 0 };
}

#endif
#endif
