/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What router.bpf.c and wccprouter share: the values of its maps.
 */
#ifndef WCCPD_BPF_ROUTER_MAPS_H
#define WCCPD_BPF_ROUTER_MAPS_H

#include "bpf/packet6.h"

enum {
	ROUTER_MAX_SERVICES = 64, /* bits of router_members, too */
	ROUTER_MAX_INTERFACES = 128,
	ROUTER_MAX_OWN = 256, /* addresses of this host, of each family */
	ROUTER_MAX_MEMBERS = ROUTER_MAX_SERVICES * WCCP_MAX_CACHES,
	ROUTER_MAX_MASKS = 16, /* of one service */
	ROUTER_MAX_RULES = 64, /* of one redirect list */
	/* Of all services, those of the table that is on its way out included. */
	ROUTER_MAX_MASK_VALUES = 2 * ROUTER_MAX_SERVICES * 1024,
	ROUTER_EVENT_OCTETS = 1 << 16,
	/* Longest IPv4 header and the 8 octets that RFC 792 wants quoted. */
	ROUTER_QUOTE_LEN = 68,
	/* What fits into the least that IPv6 carries, 1280 octets, behind an IPv6 and
	 * an ICMPv6 header (RFC 4443 section 3.2). */
	ROUTER_QUOTE6_LEN = 1232,
	/* Outer IPv4 or IPv6 header, GRE, redirect header. */
	ROUTER_GRE_OVERHEAD = 28,
	ROUTER_GRE_OVERHEAD6 = 48,
};

/* Roles of an interface. */
enum {
	ROUTER_IF_REDIRECT = 1, /* what comes in is redirected */
	ROUTER_IF_CACHES = 2,	/* web-caches are behind it */
	ROUTER_IF_OUT = 4,	/* what goes out is redirected ... */
	ROUTER_IF_EXCLUDED = 8, /* ... unless it has come in here, or from web-caches */
};

/* An interface, and which services are redirected where packets come in on it or leave by
 * it: a bit for each, by number. */
struct router_interface {
	__u32 roles; /* ROUTER_IF_* */
	__u32 zero;
	__u64 in, out;
};

/* Where the packets of one web-cache go. */
struct router_target {
	struct packet_addr cache;
	struct packet_addr nexthop; /* the web-cache itself when it is on-link */
	__u32 ifindex;		    /* towards it; 0: not reachable */
	__u32 mtu;		    /* of that interface */
	__u32 method;		    /* WCCP_METHOD_*, one of them */
	__u32 slot;		    /* its place in fwd_counters.caches */
};

/* What decides under mask assignment, as a mask and as a value; the fields lie as
 * they do in a packet.  Of IPv4 only the last word of an address is in use. */
struct router_fields {
	struct packet_addr src, dst;
	__be16 sport, dport;
};

/* One value.  Those that begin with another generation than the entry of their
 * service belong to another table. */
struct router_mask_value {
	__u32 generation;
	__u16 number; /* of the service */
	__u16 mask;   /* index into its masks */
	struct router_fields fields;
};

/* One service; the inner map has them in priority order, highest first. */
struct router_entry {
	struct packet_service match;
	__u32 number; /* of the service: counters and bits of members */
	__u8 used;    /* the first entry that is not ends the list */
	__u8 closed;  /* drop what no web-cache takes, instead of forwarding */
	__u8 by_mask; /* masks and `mask_values` decide, else buckets */
	__u8 n_masks;
	__u8 v6;       /* about packets of IPv6, else of IPv4 */
	__u8 has_list; /* a redirect list says which packets */
	__u8 zero[2];
	__u32 generation;
	struct router_fields masks[ROUTER_MAX_MASKS]; /* in order */
	__u8 buckets[WCCP_BUCKETS]; /* index into targets, see WCCP_BUCKET_* */
	struct router_target targets[WCCP_MAX_CACHES];
};

/* One end of a rule: the address under the mask, and the ports in host order. */
struct router_rule_end {
	struct packet_addr prefix, mask;
	__u16 low, span; /* ports low to low + span */
};

/* A rule of a redirect list.  A prefix of IPv4 is one of ::ffff:0:0/96. */
struct router_rule {
	struct router_rule_end src, dst;
	__u8 permit;
	__u8 has_ports; /* fits only packets that show theirs */
	__u8 has_protocol;
	__u8 protocol;
};

/* The redirect list of a service: the first rule that fits decides. */
struct router_list {
	__u32 n;
	struct router_rule rules[ROUTER_MAX_RULES];
};

/* Per service; the last one, ROUTER_MAX_SERVICES, is for none in particular. */
struct router_packets {
	__u64 redirected, redirected_octets; /* octets of IP, without GRE */
	__u64 unassigned;		     /* matched, but no web-cache takes them */
	__u64 denied;			     /* by the redirect list */
	__u64 returned; /* unwrapped from GRE, came from a web-cache */
	__u64 unreturnable; /* came like that, but cannot have been redirected there */
	__u64 bypassed; /* came from a web-cache: not redirected */
	__u64 dropped;	/* by a closed service, or could not be wrapped */
	__u64 too_big;	/* dropped, and answered with the size that would have fitted */
};

struct router_cache_packets {
	__u64 redirected, redirected_octets;
};

/* All counters of a service, on one CPU: 64-bit numbers only. */
struct fwd_counters {
	struct router_packets all;
	struct router_cache_packets caches[WCCP_MAX_CACHES]; /* by router_target.slot */
	__u64 buckets[WCCP_BUCKETS]; /* redirected; by the bucket that decided */
};

struct router_mac {
	__u8 octets[6];
	__u8 zero[2];
};

/* For userspace: answer with ICMP "fragmentation needed" or, to a packet of IPv6,
 * ICMPv6 "packet too big". */
struct router_too_big {
	__u32 mtu; /* largest packet that would have fitted */
	__u32 v6;
	__u8 quote[ROUTER_QUOTE6_LEN]; /* of IPv4 ROUTER_QUOTE_LEN octets */
};

#endif
