/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the eBPF programs know of packets: IPv4, GRE with WCCP's redirect header,
 * matching of a service, and the bucket hash.
 *
 * Shared by router.bpf.c and ingress.bpf.c, and, but for the parts that read a
 * packet, by userspace, which fills struct packet_service and tests the hash.
 * Userspace must see the very layout that the programs see, hence the __u types.
 */
#ifndef WCCPD_BPF_PACKET_H
#define WCCPD_BPF_PACKET_H

#include "wccp.h"

#include <linux/types.h>

#ifdef __bpf__
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#define packet_inline static __always_inline
#define packet_be16(x) bpf_htons(x)
#define packet_be32(x) bpf_htonl(x)
#else
#include <netinet/in.h>
#include <string.h>
#define packet_inline static inline
#define packet_be16(x) htons(x)
#define packet_be32(x) htonl(x)
#endif

enum {
	PACKET_IP_DF = 0x4000,
	PACKET_IP_MF = 0x2000,
	PACKET_IP_OFFSET = 0x1fff,
};

/* GRE without checksum, key or sequence number, as WCCP uses it (2.0 4.12.1). */
struct packet_gre {
	__be16 flags; /* must be 0 */
	__be16 protocol;
};

struct packet_redirect {
	__u8 bits; /* WCCP_RH_* */
	__u8 service;
	__u8 alternate, primary; /* buckets */
};

/* What WCCP puts between the outer IPv4 header and the inner one. */
struct packet_gre_redirect {
	struct packet_gre gre;
	struct packet_redirect redirect;
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

/* The fields of a packet that decide where it goes.  Of IPv6, `src` and `dst` are the XOR
 * of the words of each address, which is all that the bucket hash needs; programs that need
 * the addresses themselves define PACKET_WHOLE_ADDRESSES, and userspace has them always. */
struct packet {
	__u32 l3, l4; /* offsets in the skb: IPv4 header, what follows its options */
	__u32 len;    /* total length from the IPv4 header on */
	__be32 src, dst;
	__be16 sport, dport; /* 0 when it shows none, see has_ports */
	__be32 id; /* identification, of fragments */
	__u8 protocol, ttl, tos;
	bool has_ports; /* TCP or UDP, and not a fragment other than the first */
	bool fragment;	/* first, middle or last one */
	bool df;
	bool routed; /* IPv6: its destination is only the next of several */
#ifndef __bpf__
	struct packet_addr whole_src, whole_dst;
#elif defined(PACKET_WHOLE_ADDRESSES)
	const struct packet_addr *whole_src, *whole_dst; /* stacks are small */
#endif
};

/* A service description, ready for comparing with packets. */
struct packet_service {
	__u32 flags;		      /* WCCP_F_* */
	__be16 ports[WCCP_MAX_PORTS]; /* ended by a zero */
	__u8 type, id, priority, protocol;
};

/* XOR of the four octets of `key`: the hash of 2.0 section 5.4. */
packet_inline __u8 packet_fold(__u32 key)
{
	key ^= key >> 16;
	key ^= key >> 8;
	return key & 0xff;
}

/* Bucket by the primary hash flags.  XOR of octets does not depend on byte order, so
 * the fields are used as they lie in the packet. */
packet_inline __u8 packet_bucket(const struct packet *p, __u32 flags)
{
	__u32 key = 0;

	if (flags & WCCP_F_SRC_IP_HASH)
		key ^= p->src;
	if (flags & WCCP_F_DST_IP_HASH)
		key ^= p->dst;
	if (flags & WCCP_F_SRC_PORT_HASH)
		key ^= p->sport;
	if (flags & WCCP_F_DST_PORT_HASH)
		key ^= p->dport;
	return packet_fold(key);
}

/* Bucket by the alternate hash flags, which lie eight bits above the others. */
packet_inline __u8 packet_alt_bucket(const struct packet *p, __u32 flags)
{
	return packet_bucket(p, flags >> 8);
}

/*
 * Does the packet fit the description?  Ports count only with the flag and for TCP or
 * UDP.  A later fragment shows no ports, so it never fits a service that needs them.
 */
packet_inline bool packet_matches(const struct packet *p,
				  const struct packet_service *s)
{
	__be16 port;
	int i;

	/* Protocol 0 means any, unless 2.01's flag says it means protocol 0. */
	if (s->protocol != p->protocol &&
	    (s->protocol || s->flags & WCCP_F_ONLY_PROTOCOL_0))
		return false;
	if (!(s->flags & WCCP_F_PORTS_DEFINED) ||
	    (s->protocol != IPPROTO_TCP && s->protocol != IPPROTO_UDP))
		return true;
	if (!p->has_ports)
		return false;
	port = s->flags & WCCP_F_PORTS_SOURCE ? p->sport : p->dport;
	for (i = 0; i < WCCP_MAX_PORTS; i++) {
		if (!s->ports[i])
			return false;
		if (s->ports[i] == port)
			return true;
	}
	return false;
}

#ifdef __bpf__

/* Read words of a header at a constant offset after an Ethernet header: directly if
 * they are in linear memory, as they nearly always are. */
packet_inline int packet_read(struct __sk_buff *skb, __u32 at, void *to, __u32 len)
{
	const char *from = (const char *)(long)skb->data + at;

	if (__builtin_constant_p(at) &&
	    from + len <= (const char *)(long)skb->data_end) {
		__builtin_memcpy(to, __builtin_assume_aligned(from, 4), len);
		return 0;
	}
	return bpf_skb_load_bytes(skb, at, to, len);
}

/*
 * Read the IPv4 header at offset `l3` and the ports behind it.  0, or -1 when
 * there is no sound IPv4 header.  The skb may be non-linear.
 */
packet_inline int packet_parse(struct __sk_buff *skb, __u32 l3, struct packet *p)
{
	/* One read for both, as there are seldom options between them. */
	struct {
		struct iphdr ip;
		__be16 ports[2];
	} head = {};
	struct iphdr ip;
	__be16 ports[2];
	__u16 frag;

	if (packet_read(skb, l3, &head, sizeof(head)) &&
	    bpf_skb_load_bytes(skb, l3, &head.ip, sizeof(head.ip)))
		return -1;
	ip = head.ip;
	if (ip.version != 4 || ip.ihl < 5)
		return -1;
	frag = bpf_ntohs(ip.frag_off);
	p->l3 = l3;
	p->l4 = l3 + ip.ihl * 4;
	p->len = bpf_ntohs(ip.tot_len);
	p->src = ip.saddr;
	p->dst = ip.daddr;
	p->sport = 0;
	p->dport = 0;
	p->id = ip.id;
	p->protocol = ip.protocol;
	p->ttl = ip.ttl;
	p->tos = ip.tos;
	p->has_ports = false;
	p->fragment = frag & (PACKET_IP_MF | PACKET_IP_OFFSET);
	p->df = frag & PACKET_IP_DF;
	if (p->len < ip.ihl * 4)
		return -1;
	if ((ip.protocol != IPPROTO_TCP && ip.protocol != IPPROTO_UDP) ||
	    frag & PACKET_IP_OFFSET)
		return 0;
	__builtin_memcpy(ports, head.ports, sizeof(ports));
	if ((ip.ihl != 5 || p->len < sizeof(head)) &&
	    bpf_skb_load_bytes(skb, p->l4, ports, sizeof(ports)))
		return -1;
	p->sport = ports[0];
	p->dport = ports[1];
	p->has_ports = true;
	return 0;
}

/*
 * Is `outer` a GRE packet of WCCP?  Then 0, the redirect header in `out`; the inner
 * IPv4 header is at outer->l4 + sizeof(struct packet_gre_redirect).  A fragment does
 * not count as one, because the other fragments could not be unwrapped.
 */
packet_inline int packet_redirect(struct __sk_buff *skb, const struct packet *outer,
				  struct packet_redirect *out)
{
	struct packet_gre_redirect header;

	if (outer->protocol != IPPROTO_GRE || outer->fragment)
		return -1;
	if (bpf_skb_load_bytes(skb, outer->l4, &header, sizeof(header)))
		return -1;
	if (header.gre.flags || header.gre.protocol != packet_be16(WCCP_GRE_PROTO))
		return -1;
	*out = header.redirect;
	return 0;
}

#else

/*
 * From the decoded form.  A well-known service carries only its id on the wire
 * (2.0 section 5.4); what the one in use means is filled in here: TCP, to port
 * 80, and the hash that routers use for it, destination address, alternately
 * source address and port.
 */
packet_inline void packet_service_set(struct packet_service *out,
				      const struct wccp_service *s)
{
	int i;

	memset(out, 0, sizeof(*out));
	out->type = s->type;
	out->id = s->id;
	if (s->type == WCCP_SERVICE_STANDARD) {
		out->priority = WCCP_WEB_CACHE_PRIORITY;
		out->protocol = IPPROTO_TCP;
		out->flags = WCCP_F_PORTS_DEFINED | WCCP_F_DST_IP_HASH |
			     WCCP_F_SRC_IP_ALT_HASH | WCCP_F_SRC_PORT_ALT_HASH;
		out->ports[0] = packet_be16(80);
		return;
	}
	out->priority = s->priority;
	out->protocol = s->protocol;
	out->flags = s->flags;
	for (i = 0; i < WCCP_MAX_PORTS; i++)
		out->ports[i] = packet_be16(s->ports[i]);
}

#endif
#endif
