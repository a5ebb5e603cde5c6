/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the ingress program (ingress.bpf.c) and its driver share: whose packets
 * are looked at, which service a packet belongs to, and how it goes back.
 *
 * The driver renders all of it from the plan into one map value, which is replaced
 * as a whole.  Every question has an answer in constant time: sets of services are
 * bit masks in which the lowest bit is the service of the highest priority.
 */
#ifndef WCCPD_BPF_INGRESS_MAPS_H
#define WCCPD_BPF_INGRESS_MAPS_H

#include "bpf/packet.h"
#include "bpf/steer_maps.h"

enum {
	INGRESS_SERVICES = 64, /* bits of a mask */
	INGRESS_ROUTERS = 64,
	INGRESS_CLASSES = 1024, /* of ports; class 0: no service names it */
	INGRESS_SENDERS = 256,
	INGRESS_BINS = 512, /* for senders, and how many one takes */
	INGRESS_BIN = 4,
	/* In place of an index into the routers: */
	INGRESS_OTHER_CACHE = 0xfffe, /* another web-cache */
	INGRESS_NOBODY = 0xffff,
	INGRESS_NONE = 0xff,
};

/* Senders by key: an IPv4 address, or a MAC address with a bit that no IPv4 address
 * has.  A key is in its bin or nowhere; where a bin has room left, who is
 * INGRESS_NOBODY. */
#define INGRESS_KEY_MAC (1ULL << 62)

struct ingress_bin {
	__u64 keys[INGRESS_BIN];
	__u32 who[INGRESS_BIN]; /* index into routers, or INGRESS_OTHER_CACHE */
	__u32 pad[4];		/* to a cache line */
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
	__u8 router; /* gets what another web-cache handed over in vain; or INGRESS_NONE */
	__u32 counters;		       /* index into the counters */
	__be32 handover[WCCP_BUCKETS]; /* 0: to nobody */
};

/* What services name a port as ... */
struct ingress_class {
	__u64 to_tcp, from_tcp, to_udp, from_udp;
};

struct ingress_config {
	__be32 self;
	__u32 mark, mark_mask;
	__u32 mtu;	    /* of the interface, in octets of an IP packet */
	__u64 mix;	    /* gives each sender's key its bin */
	__u32 uses_sources; /* does any service name a source port? */
	__u32 pad;
	__u16 class_of_port[65536]; /* by port in host order */
	struct ingress_class classes[INGRESS_CLASSES];
	/* Services that take a protocol whatever the ports; and those that take some
	 * of it, for later fragments, which show no ports. */
	__u64 whole_protocol[256], part_of_protocol[256];
	__u8 service_of_id[2][256]; /* by type and id; or INGRESS_NONE */
	/* So that a packet touches no more memory than it must: by the upper half of an
	 * address, a bit each: may it be the box's own?  Most need no look-up in the
	 * trie then. */
	__u64 near_own[65536 / 64];
	struct ingress_bin bins[INGRESS_BINS];
	struct ingress_router routers[INGRESS_ROUTERS];
	struct ingress_service services[INGRESS_SERVICES];
};

/* Per service and CPU; the same meaning as struct dp_counters. */
struct ingress_counters {
	__u64 redirected, redirected_octets, delivered, new_flows, returned,
		handed_over, dropped;
};

/* Of a MAC address's first four octets and last two, as they lie in memory. */
packet_inline __u64 ingress_mac_key(__u32 first, __u16 last)
{
	return INGRESS_KEY_MAC | (__u64)last << 32 | first;
}

packet_inline __u64 ingress_bin(__u64 mix, __u64 key)
{
	return steer_index(key * mix >> 55, INGRESS_BINS);
}

/* Who a key stands for; INGRESS_NOBODY when it is not there. */
packet_inline __u32 ingress_find(const struct ingress_config *cfg, __u64 key)
{
	const struct ingress_bin *bin = &cfg->bins[ingress_bin(cfg->mix, key)];

	for (__u32 i = 0; i < INGRESS_BIN; i++)
		if (bin->keys[i] == key)
			return bin->who[i];
	return INGRESS_NOBODY;
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

packet_inline bool ingress_near_own(const struct ingress_config *cfg, __be32 addr)
{
	__u32 half = packet_be32(addr) >> 16;

	return cfg->near_own[half / 64] >> half % 64 & 1;
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
