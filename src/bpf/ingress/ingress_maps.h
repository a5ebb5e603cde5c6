/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the ingress program (ingress.bpf.c) and its driver share: whose packets to look
 * at, which service a packet belongs to, and how to return it.
 *
 * The driver renders all of it from the plan into one map value, which is replaced as a
 * whole.  Every look-up takes constant time: sets of services are bit masks in which
 * the lowest bit is the service of the highest priority.
 */
#ifndef WCCPD_BPF_INGRESS_MAPS_H
#define WCCPD_BPF_INGRESS_MAPS_H

#include "bpf/ingress/ingress_family.h"
#include "bpf/packet.h"
#include "bpf/steer_maps.h"

enum {
	INGRESS_SERVICES = 64, /* bits of a mask */
	/* The routers of a plan, and one as the source of proofs of delivery. */
	INGRESS_ROUTERS = 128,
	INGRESS_CLASSES = 1024, /* of ports; class 0: no service names it */
	INGRESS_SENDERS = 320,
	INGRESS_BINS = 512, /* for senders, and how many one takes */
	INGRESS_BIN = 4,
	INGRESS_SLOTS = 1024, /* buckets, or values of a mask */
	INGRESS_SLOT_BITS = 10,
	/* Sooner than this nothing is sent again: it is a copy from the network. */
	INGRESS_AGAIN_MS = 200,
	INGRESS_STRANGERS = 64,	  /* senders that nobody knows, remembered */
	INGRESS_REASONS_ROOM = 32, /* a power of 2 */
	INGRESS_FRAGMENTS = 1024, /* datagrams of which fragments are awaited */
	INGRESS_SEARCHES = 16384, /* flows of which it is known who does not have them */
	INGRESS_ASKED = 13, /* other web-caches that are asked, beside the former owner */
	INGRESS_ANSWERS = 64, /* other web-caches that have answered */
	INGRESS_BYPASSES = 1 << 17, /* prefixes of the static bypass */
	/* In place of an index into the routers: */
	INGRESS_OTHER_CACHE = 0xfffe, /* another web-cache */
	INGRESS_NOBODY = 0xffff,
	INGRESS_NONE = 0xff,
};

/*
 * Between web-caches that know of it, bits of the redirect header that WCCP leaves unused
 * say how often a packet has been handed over, and that it comes back: the receiver has
 * no socket for it, so the next one is asked.  Web-caches that do not know of it ignore
 * these bits and give the packet to the router.  What comes back with the last number
 * only shows that the web-cache still answers.
 */
enum {
	INGRESS_RH_TRY_SHIFT = 3, /* 0: by one that does not count */
	INGRESS_RH_TRY = 0x0f << INGRESS_RH_TRY_SHIFT,
	INGRESS_RH_BACK = 0x80,
	INGRESS_RH_OURS = INGRESS_RH_TRY | INGRESS_RH_BACK,
	INGRESS_TRY_ANSWER = 15,
};

packet_inline __u8 ingress_try_of(__u8 bits)
{
	return (bits & INGRESS_RH_TRY) >> INGRESS_RH_TRY_SHIFT;
}

/*
 * What happened to a packet, and why.  Every packet that a router redirected is counted
 * under exactly one of these.
 */
enum ingress_reason {
	/* To the local stack: */
	INGRESS_DELIVERED_NEW,	    /* a SYN that the pool takes */
	INGRESS_DELIVERED_FLOW,	    /* a local socket knows the flow */
	INGRESS_DELIVERED_FRAGMENT, /* a later one of a datagram delivered */
	/* Back to the router: */
	INGRESS_RETURNED_POOL_DOWN, /* a SYN that no instance takes */
	INGRESS_RETURNED_HELD,	    /* a SYN while delivery fails */
	INGRESS_RETURNED_UNANSWERED, /* a SYN that was delivered before, in vain */
	INGRESS_RETURNED_DRAINING,  /* a SYN while the service is drained */
	INGRESS_RETURNED_BYPASS,    /* static bypass: nothing that a socket here knows */
	INGRESS_RETURNED_FLOW,	    /* of a flow that nobody here knows */
	INGRESS_RETURNED_PROTOCOL,  /* neither TCP nor UDP */
	INGRESS_RETURNED_UDP,
	INGRESS_RETURNED_FRAGMENT,  /* a later one that follows none delivered */
	INGRESS_RETURNED_SERVICE,   /* fits no service agreed on with that router */
	INGRESS_RETURNED_LOOP,	    /* sent by this box itself */
	INGRESS_RETURNED_OWN,	    /* addressed to this box itself */
	/* To a web-cache that may have the flow: the one that had its slot before, or
	 * others. */
	INGRESS_HANDED_OVER,
	/* To the web-cache that handed it over: no socket here has the flow. */
	INGRESS_HANDED_BACK,
	/* Nowhere: */
	INGRESS_DROPPED_CLOSED,	     /* a SYN that no instance takes, when-down drop */
	INGRESS_DROPPED_UDP,	     /* udp drop */
	INGRESS_DROPPED_TOO_LONG,    /* to go back by GRE; its sender is told */
	INGRESS_DROPPED_SOURCE,	     /* no host can have such a source address ... */
	INGRESS_DROPPED_DESTINATION, /* ... or is reached by such a destination */
	INGRESS_DROPPED_TTL,	     /* has been on its way for too long */
	INGRESS_DROPPED_MALFORMED,   /* by GRE: no IPv4 packet, or not all of it */
	INGRESS_DROPPED_STRAY, /* of another web-cache: a SYN, or no router would take it */
	INGRESS_DROPPED_FAILED, /* could not be sent */
	INGRESS_REASONS,
	/* A proof of delivery; counted nowhere. */
	INGRESS_PROOF,
	/* The answer of another web-cache; the same. */
	INGRESS_ANSWER,
};

packet_inline bool ingress_is_delivered(enum ingress_reason r)
{
	return r <= INGRESS_DELIVERED_FRAGMENT || r == INGRESS_PROOF;
}

packet_inline bool ingress_is_returned(enum ingress_reason r)
{
	return r >= INGRESS_RETURNED_POOL_DOWN && r <= INGRESS_RETURNED_OWN;
}

packet_inline bool ingress_is_dropped(enum ingress_reason r)
{
	return r >= INGRESS_DROPPED_CLOSED && r <= INGRESS_DROPPED_FAILED;
}

/* Sets of prefixes of the static bypass: by the end of a connection that they are of, and
 * by the family. */
enum ingress_bypass_set {
	INGRESS_BYPASS_CLIENTS,
	INGRESS_BYPASS_SERVERS,
	INGRESS_BYPASS_CLIENTS_V6,
	INGRESS_BYPASS_SERVERS_V6,
	INGRESS_BYPASS_SET_BITS = 32, /* of the key, in front of the address */
};

/* Key of the trie of all sets; its value is 1, or 0 for an exception. */
struct ingress_bypass_key {
	__u32 bits; /* of what follows */
	__be32 set;
	__be32 addr[4]; /* IPv4: the first one */
};

/* What kind of address this is for redirected packets: the values of the trie of
 * prefixes. */
enum ingress_place {
	INGRESS_OUTSIDE, /* in no prefix */
	INGRESS_OWN,	 /* this box */
	INGRESS_BROADCAST,
	INGRESS_BEHIND, /* routed by this box, out of another interface */
	/* Routed by this box, out of a WCCP interface: this, and its index.  It is behind
	 * for what comes in by another one. */
	INGRESS_BEHIND_LINK = STEER_BEHIND_LINK,
};

/* Senders by key: see ingress_addr_key(), or a MAC address with a bit that no key of an
 * address has.  A key is in its bin or nowhere; `who` of an unused place is INGRESS_NOBODY. */
struct ingress_bin {
	__u64 keys[INGRESS_BIN];
	__u32 who[INGRESS_BIN]; /* index into routers, or INGRESS_OTHER_CACHE */
	__u32 pad[4];		/* to a cache line */
};

struct ingress_router {
	__u64 services;	 /* that it may redirect */
	__u64 l2;	 /* of these: that may arrive as bare frames */
	__u64 return_l2; /* of these: that go back as bare frames, others by GRE */
	__u64 held;	 /* of these: that get no new connections, delivery fails */
	struct packet_addr id;	    /* outer destination of what goes back by GRE */
	struct packet_addr address; /* where it answers from */
	__u32 id_out;	 /* interface by which the id is reached; 0: as it came in */
	__u32 mac_out;	 /* the same for the MAC address */
	__u8 mac[6];	 /* of that address; zero while not known */
	__u8 our_mac[6]; /* on mac_out */
	__u8 pad[4];
};

/* One bit of a mask: the field of the packet, and the bit in that field. */
enum ingress_field {
	INGRESS_DST_PORT,
	INGRESS_SRC_PORT,
	INGRESS_DST_ADDR,
	INGRESS_SRC_ADDR,
};
struct ingress_mask_bit {
	__u8 field, shift;
	/* The same for IPv6: index into struct ingress_words; and bit, at most 31. */
	__u8 word, word_shift;
};

/* What masks can name, as it lies in a packet of IPv6. */
struct ingress_words {
	struct packet_addr src, dst;
	__be32 sport, dport;
	__be32 none[6]; /* always zero; to a power of 2 */
};
enum {
	INGRESS_WORDS = sizeof(struct ingress_words) / sizeof(__be32),
	INGRESS_NO_WORD = INGRESS_WORDS - 1,
};

struct ingress_service {
	__u64 bit;   /* its own in every mask */
	__u32 flags; /* WCCP_F_* */
	__u8 type, id;
	__u8 drop_when_down;
	__u8 returns_new; /* it is drained: gets no new connections */
	__u8 drop_udp;
	__u8 router; /* gets what another web-cache handed over in vain; or INGRESS_NONE */
	__u8 l2_router; /* that frames of an unknown MAC address belong to, or the same */
	/* Mask assignment: the bits of a value's sequence number, lowest first.  None:
	 * slots are hash buckets. */
	__u8 n_mask_bits;
	struct ingress_mask_bit mask_bits[INGRESS_SLOT_BITS];
	__u32 counters; /* index into the counters */
	/* Buckets whose packets go by the alternate hash instead. */
	struct wccp_bucket_vector hot;
	/* One bit for each of other_caches that may have flows of any slot. */
	__u32 asked;
	/* Per slot: 1 + index into other_caches; 0: no web-cache had it before. */
	__u8 handover[INGRESS_SLOTS];
};

/* What services name a port as ... */
struct ingress_class {
	__u64 to_tcp, from_tcp, to_udp, from_udp;
};

/* An interface that redirected packets arrive on. */
struct ingress_link {
	__u32 ifindex;
	__u32 mtu; /* in octets of an IP packet */
};

struct ingress_config {
	struct packet_addr self;
	__u32 mark, mark_mask;
	__u32 delivery; /* the interface that packets are delivered through; 0: none */
	__u64 mix;	    /* gives each sender's key its bin */
	__u32 uses_sources; /* does any service name a source port? */
	__u32 bypass_sets; /* bits: sets of the static bypass that have prefixes */
	/* Does this box forward packets for others?  Then a frame for another address
	 * need not be a redirected one. */
	__u32 forwards;
	struct packet_addr other_caches[WCCP_MAX_CACHES];
	__u32 other_out[WCCP_MAX_CACHES]; /* by which interface; 0: as it came in */
	struct ingress_link links[STEER_LINKS]; /* ifindex 0: none */
	__u64 by_l2; /* services that some router agreed on L2 for */
	__u16 class_of_port[65536]; /* by port in host order */
	struct ingress_class classes[INGRESS_CLASSES];
	/* Services that take a protocol whatever the ports; and those that take some
	 * of it, for later fragments, which show no ports. */
	__u64 whole_protocol[256], part_of_protocol[256];
	__u8 service_of_id[2][256]; /* by type and id; or INGRESS_NONE */
	/* One bit for each value of ingress_addr_near(): may the address be one of the
	 * box's own?  Most packets then need no look-up in the trie, which would touch
	 * more memory. */
	__u64 near_own[65536 / 64];
	struct ingress_bin bins[INGRESS_BINS];
	/* Of IPv6: the addresses that have these keys. */
	struct packet_addr bin_addrs[INGRESS_BINS][INGRESS_BIN];
	struct ingress_router routers[INGRESS_ROUTERS];
	struct ingress_service services[INGRESS_SERVICES];
};

/* Per service and CPU.  The last entry of the map is for packets of no service. */
struct ingress_counters {
	__u64 redirected, redirected_octets; /* that routers sent */
	__u64 completed;		     /* handshakes */
	__u64 confirmed; /* connections that have got data: packets of young ones, ends */
	__u64 stuck;	 /* data, sent again before the socket had got any */
	__u64 odd_header; /* the redirect header names another service */
	__u64 packets[INGRESS_REASONS_ROOM]; /* by enum ingress_reason */
	struct packet_addr client, server; /* of the SYN that was delivered last */
	/* Of the newest one returned as unanswered. */
	struct packet_addr lost_client, lost_server;
	__u32 reason; /* of the packet at hand */
	__u32 pad;
	__u64 other_caches; /* of `packets`: handed over to us, not redirected */
};

/* Who sends what looks redirected, and is nobody that we know. */
struct ingress_stranger_key {
	struct packet_addr addr; /* or all zero ... */
	__u64 mac;		 /* ... and a key as senders have */
};
struct ingress_stranger {
	__u64 packets;
};

/* A connection that is being opened.  Small, so that all of them stay in the processor's
 * caches. */
struct ingress_opening {
	__u32 signature; /* of its addresses, ports and first sequence number */
	__u16 listener;	 /* that it was delivered to: 1 + slot; INGRESS_OPENING_DATA */
	__u16 at;	 /* when its SYN, or its data, came first: in ticks of the kernel */
};

enum { INGRESS_OPENING_DATA = 1 << 15 }; /* it has got as far as data */

/* A datagram whose first fragment has arrived. */
struct ingress_datagram {
	ingress_kept_addr src, dst;
	__be32 id, protocol;
};

struct ingress_fate {
	__u32 reason;
	ingress_kept_addr other; /* INGRESS_HANDED_OVER: to whom, and by which interface */
	__u32 other_out, tried;
};

/* A flow that is not here: who is asked next, or has it. */
struct ingress_flow {
	ingress_kept_addr src, dst;
	__be16 sport, dport;
};

struct ingress_search {
	__u64 at;     /* CLOCK_MONOTONIC, ns */
	ingress_kept_addr other;
	__u32 tried; /* see INGRESS_RH_TRY; 0: nobody has it */
#ifdef INGRESS_V6
	__u32 pad;
#endif
};

/* When another web-cache has last answered. */
struct ingress_answer {
	__u64 at; /* CLOCK_MONOTONIC, ns */
};

/* The client whose packets are reported one by one. */
struct ingress_trace {
	__u32 on;
	__be16 port; /* of either end; 0: any */
	__u16 pad;
	struct packet_addr client; /* source or destination */
	/* Events told ever, and up to where this may go; what is above is only counted. */
	__u64 told, limit, untold;
};

struct ingress_trace_event {
	__u64 at; /* CLOCK_MONOTONIC, ns */
	struct packet_addr src, dst;
	struct packet_addr from;  /* id of the router, or address of another web-cache */
	struct packet_addr other; /* INGRESS_HANDED_OVER: to whom */
	__be16 sport, dport;
	__u32 counters; /* of its service; INGRESS_SERVICES: it has none */
	__u16 reason;
	__u16 listener; /* 1 + slot; 0: not known */
	__u8 protocol, tcp_flags, by_gre, fragment;
};

enum { INGRESS_TRACE_RING = 1 << 16 }; /* octets of events that wait to be read */

packet_inline __u64 ingress_bin(__u64 mix, __u64 key)
{
	return steer_index(key * mix >> 55, INGRESS_BINS);
}

/* The sender with this key; INGRESS_NOBODY if there is none. */
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
	__u32 c = cfg->class_of_port[steer_index(packet_be16(port), 1 << 16)];

	return &cfg->classes[steer_index(c, INGRESS_CLASSES)];
}

/* The services whose description the packet fits.  Like packet_matches(), except that
 * later fragments fit every service of their protocol. */
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

packet_inline bool ingress_near_own(const struct ingress_config *cfg, __u32 near)
{
	return cfg->near_own[near / 64] >> near % 64 & 1;
}

/* The MTU of an interface; 0: none of the WCCP interfaces. */
packet_inline __u32 ingress_mtu(const struct ingress_config *cfg, __u32 ifindex)
{
	__u32 mtu = 0;

	for (__u32 i = 0; i < STEER_LINKS; i++)
		if (cfg->links[i].ifindex == ifindex)
			mtu = cfg->links[i].mtu;
	return mtu;
}

#if defined(INGRESS_V6) && defined(__bpf__)

/* Without branches, because the verifier would follow each. */
packet_inline __u32 ingress_mask_bit(const struct packet *p,
				     const struct ingress_service *s, __u32 i)
{
	const struct ingress_mask_bit *b = &s->mask_bits[i];
	const __be32 *words = p->whole_src->words; /* the first of struct ingress_words */

	return packet_be32(words[steer_index(b->word, INGRESS_WORDS)]) >> (b->word_shift & 31) & 1;
}

#else

packet_inline __u32 ingress_field_value(const struct packet *p,
					const struct ingress_mask_bit *b)
{
	switch (b->field) {
	case INGRESS_DST_PORT:
		return packet_be16(p->dport);
	case INGRESS_SRC_PORT:
		return packet_be16(p->sport);
	case INGRESS_DST_ADDR:
		return packet_be32(ingress_addr_word(ingress_dst(p), b->shift >> 5));
	}
	return packet_be32(ingress_addr_word(ingress_src(p), b->shift >> 5));
}

packet_inline __u32 ingress_mask_bit(const struct packet *p,
				     const struct ingress_service *s, __u32 i)
{
	const struct ingress_mask_bit *b = &s->mask_bits[i];

	return i < s->n_mask_bits ? ingress_field_value(p, b) >> (b->shift & 31) & 1 : 0;
}

#endif

/* The sequence number of the mask's value that a packet has (2.01 section 6.16). */
packet_inline __u32 ingress_mask_slot(const struct packet *p,
				      const struct ingress_service *s)
{
	__u32 slot = 0;

	for (__u32 i = 0; i < INGRESS_SLOT_BITS; i++)
		slot |= ingress_mask_bit(p, s, i) << i;
	return slot;
}

/* The slot of the table that the router that redirected the packet has computed (2.0
 * section 5.4). */
packet_inline __u32 ingress_computed_slot(const struct packet *p,
					  const struct ingress_service *s)
{
	__u32 bucket;

	if (s->n_mask_bits)
		return ingress_mask_slot(p, s);
	bucket = packet_bucket(p, s->flags);
	if (wccp_vector_has(&s->hot, (unsigned)steer_index(bucket, WCCP_BUCKETS)))
		return packet_alt_bucket(p, s->flags);
	return bucket;
}

/* Index of the lowest bit set in a nonzero mask.  Counts without branches, because the
 * verifier would follow each of the 64 ways. */
packet_inline __u32 ingress_first(__u64 mask)
{
	__u64 x = (mask & -mask) - 1;

	x -= x >> 1 & 0x5555555555555555ULL;
	x = (x & 0x3333333333333333ULL) + (x >> 2 & 0x3333333333333333ULL);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return x * 0x0101010101010101ULL >> 56;
}

#endif
