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
};

/* An address as it lies in a packet; of IPv4 as ::ffff:a.b.c.d (RFC 4291 section
 * 2.5.5.2).  The XOR of all octets is then that of the IPv4 address. */
struct packet_addr {
	__be32 words[4];
};

packet_inline struct packet_addr packet_addr4(__be32 a)
{
	return (struct packet_addr){ { 0, 0, packet_be32(0xffff), a } };
}

/* The first half of the XOR of all octets; packet_fold() does the rest. */
packet_inline __be32 packet_xor(const struct packet_addr *a)
{
	return a->words[0] ^ a->words[1] ^ a->words[2] ^ a->words[3];
}

#ifdef __bpf__

/* What the headers between IPv6 and the transport have in common. */
struct packet6_extension {
	__u8 next, len; /* the latter in units that depend on the header */
	__be16 more;	/* of a Fragment header: offset and M */
};

packet_inline bool packet6_is_extension(__u8 protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING ||
	       protocol == IPPROTO_FRAGMENT || protocol == IPPROTO_AH ||
	       protocol == IPPROTO_DSTOPTS;
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

/* Set l4, protocol, and whether it is a fragment.  1: a later one, behind whose
 * Fragment header is no further header; -1: they do not end. */
packet_inline int packet6_skip(struct __sk_buff *skb, __u8 protocol, struct packet *p)
{
	struct packet6_extension x;
	int i;

	for (i = 0; i < WCCPD_BPF_PACKET6_HEADERS; i++) {
		if (!packet6_is_extension(protocol))
			break;
		if (bpf_skb_load_bytes(skb, p->l4, &x, sizeof(x)))
			return -1;
		p->l4 += packet6_extension_len(protocol, &x);
		if (protocol == IPPROTO_FRAGMENT) {
			p->fragment |= x.more & bpf_htons(PACKET6_OFFSET | PACKET6_MF);
			if (x.more & bpf_htons(PACKET6_OFFSET)) {
				p->protocol = x.next;
				return 1;
			}
		}
		protocol = x.next;
	}
	p->protocol = protocol;
	return packet6_is_extension(protocol) ? -1 : 0;
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

#endif
#endif
