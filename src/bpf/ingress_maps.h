/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the ingress program (ingress.bpf.c) and its driver share: whose packets
 * are looked at, which service a packet belongs to, and how it goes back.
 *
 * The driver renders all of it from the plan into one map value, which is replaced
 * as a whole.  Every question has an answer in constant time: sets of services are
 * bit masks in which the lowest bit is the service of the highest priority.
 */
#ifndef BPF_INGRESS_MAPS_H
#define BPF_INGRESS_MAPS_H

#include "packet.h"
#include "steer_maps.h"

enum {
	INGRESS_SERVICES = 64, /* bits of a mask */
	INGRESS_ROUTERS = 64,
	INGRESS_CLASSES = 1024, /* of ports; class 0: no service names it */
	INGRESS_SENDERS = 256,	/* a power of 2 */
	/* In place of an index into the routers: */
	INGRESS_FELLOW = 0xfffe, /* a fellow web-cache */
	INGRESS_NOBODY = 0xffff,
	INGRESS_NONE = 0xff,
};

/* A key of the sender table: an IPv4 address, or a MAC address with a bit that no
 * IPv4 address has.  Unused entries are behind all others. */
#define INGRESS_KEY_MAC (1ULL << 62)
#define INGRESS_KEY_UNUSED (~0ULL >> 1)

struct ingress_sender {
	__u64 key;
	__u32 who; /* index into routers, or INGRESS_FELLOW */
	__u32 pad;
};

struct ingress_router {
	__u64 services;	 /* that it may redirect */
	__u64 l2;	 /* of these: that may arrive as bare frames */
	__u64 return_l2; /* of these: that go back as bare frames, others by GRE */
	__be32 id;	 /* outer destination of what goes back by GRE */
	__be32 address;	 /* where it answers from */
	__u8 mac[6];	 /* of that address; zero while not known */
	__u8 pad[2];
};

struct ingress_service {
	__u64 bit;   /* its own in every mask */
	__u32 flags; /* WCCP_F_* */
	__u8 type, id;
	__u8 drop_when_down;
	__u8 router;	/* gets what a fellow handed over in vain; or INGRESS_NONE */
	__u32 counters; /* index into the counters */
	__be32 handover[WCCP_BUCKETS]; /* 0: to nobody */
};

/* What services name a port as ... */
struct ingress_class {
	__u64 to_tcp, from_tcp, to_udp, from_udp;
};

struct ingress_config {
	__be32 self;
	__u32 mark, mark_mask;
	__u32 mtu;		    /* of the interface, in octets of an IP packet */
	__u16 class_of_port[65536]; /* by port in host order */
	struct ingress_class classes[INGRESS_CLASSES];
	/* Services that take a protocol whatever the ports; and those that take some
	 * of it, for later fragments, which show no ports. */
	__u64 whole_protocol[256], part_of_protocol[256];
	__u8 service_of_id[2][256]; /* by type and id; or INGRESS_NONE */
	/* So that a packet touches no more memory than it must: does any service name
	 * a source port, and how many senders are searched, a power of 2. */
	__u32 uses_sources, span;
	/* By the upper half of an address, a bit each: may it be the box's own?  Most
	 * packets need no look-up in the trie then. */
	__u64 near_local[65536 / 64];
	struct ingress_sender senders[INGRESS_SENDERS]; /* ascending by key */
	struct ingress_router routers[INGRESS_ROUTERS];
	struct ingress_service services[INGRESS_SERVICES];
};

/* Per service and CPU; the same meaning as struct dp_counters. */
struct ingress_counters {
	__u64 redirected, redirected_octets, delivered, new_flows, returned,
		handed_over, dropped;
};

packet_inline __u64 ingress_mac_key(const __u8 *mac)
{
	return INGRESS_KEY_MAC | (__u64)mac[0] << 40 | (__u64)mac[1] << 32 |
	       (__u64)mac[2] << 24 | (__u64)mac[3] << 16 | (__u64)mac[4] << 8 | mac[5];
}

/* Who a key stands for; INGRESS_NOBODY when it is not there.  A binary search
 * without branches, because the verifier would follow each of them: steps of 0 end
 * it when fewer senders are in use. */
packet_inline __u32 ingress_find(const struct ingress_config *cfg, __u64 key)
{
	__u32 at = 0, step = cfg->span;

	for (__u32 all = INGRESS_SENDERS / 2; all; all /= 2) {
		__u64 there;

		step /= 2;
		there = cfg->senders[steer_index(at + step, INGRESS_SENDERS)].key;

		/* All ones where key < there; neither has the top bit. */
		at += step & ~(__u32)((__s64)(key - there) >> 63);
	}
	at = steer_index(at, INGRESS_SENDERS);
	return cfg->senders[at].key == key ? cfg->senders[at].who : INGRESS_NOBODY;
}

packet_inline const struct ingress_class *
ingress_class(const struct ingress_config *cfg, __be16 port)
{
	__u32 c = cfg->class_of_port[packet_be16(port)]; /* swaps both ways */

	return &cfg->classes[steer_index(c, INGRESS_CLASSES)];
}

/* The services whose description the packet fits; equals packet_matches(), but
 * that later fragments fit every service of their protocol. */
packet_inline __u64 ingress_matching(const struct ingress_config *cfg,
				     const struct packet *p)
{
	__u64 found = cfg->whole_protocol[p->protocol];
	bool tcp = p->protocol == IPPROTO_TCP;
	const struct ingress_class *class;

	if (!tcp && p->protocol != IPPROTO_UDP)
		return found;
	if (!p->has_ports)
		return cfg->part_of_protocol[p->protocol];
	class = ingress_class(cfg, p->dport);
	found |= tcp ? class->to_tcp : class->to_udp;
	if (!cfg->uses_sources)
		return found;
	class = ingress_class(cfg, p->sport);
	return found | (tcp ? class->from_tcp : class->from_udp);
}

packet_inline bool ingress_near_local(const struct ingress_config *cfg, __be32 addr)
{
	__u32 half = packet_be32(addr) >> 16;

	return cfg->near_local[half / 64] >> half % 64 & 1;
}

/* Index of the lowest bit of a mask that is not 0. */
packet_inline __u32 ingress_first(__u64 mask)
{
	__u32 n = 0;

	for (__u32 half = 32; half; half /= 2)
		if (!(mask & ((1ULL << half) - 1))) {
			mask >>= half;
			n += half;
		}
	return n;
}

#endif
