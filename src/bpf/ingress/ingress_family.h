/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ingress program is compiled once for each address family; this is what differs, but
 * for the headers of packets (ingress_wire.h, ingress_wire6.h).  One program for both would
 * be too much for the verifier, and make IPv4 slower.
 *
 * What userspace shares with the programs looks the same in both: addresses are struct
 * packet_addr there.
 */
#ifndef WCCPD_BPF_INGRESS_FAMILY_H
#define WCCPD_BPF_INGRESS_FAMILY_H

#ifdef INGRESS_V6
#define PACKET_WHOLE_ADDRESSES
#endif

#include "bpf/packet.h"
#include "bpf/packet6.h"
#include "bpf/steer_maps.h"

/* An address as the program works with it, and as it is kept in maps that no other program
 * reads.  (Userspace has the functions for IPv6, which do for both.) */
#if defined(INGRESS_V6) || !defined(__bpf__)

typedef const struct packet_addr *ingress_addr;
typedef struct packet_addr ingress_kept_addr;

packet_inline ingress_addr ingress_src(const struct packet *p)
{
#ifdef __bpf__
	return p->whole_src;
#else
	return &p->whole_src;
#endif
}

packet_inline ingress_addr ingress_dst(const struct packet *p)
{
#ifdef __bpf__
	return p->whole_dst;
#else
	return &p->whole_dst;
#endif
}

packet_inline ingress_addr ingress_addr_in(const struct packet_addr *a)
{
	return a;
}

packet_inline ingress_addr ingress_kept(const ingress_kept_addr *a)
{
	return a;
}

packet_inline ingress_kept_addr ingress_keep(ingress_addr a)
{
	return *a;
}

packet_inline struct packet_addr ingress_addr_out(ingress_addr a)
{
	return *a;
}

packet_inline bool ingress_addr_equal(ingress_addr a, ingress_addr b)
{
	return !((a->words[0] ^ b->words[0]) | (a->words[1] ^ b->words[1]) |
		 (a->words[2] ^ b->words[2]) | (a->words[3] ^ b->words[3]));
}

/* The n-th 32 bits, the last ones first. */
packet_inline __be32 ingress_addr_word(ingress_addr a, __u32 n)
{
	return a->words[steer_index(3 - n, 4)];
}

#else

typedef __be32 ingress_addr;
typedef __be32 ingress_kept_addr;

packet_inline ingress_addr ingress_src(const struct packet *p)
{
	return p->src;
}

packet_inline ingress_addr ingress_dst(const struct packet *p)
{
	return p->dst;
}

packet_inline ingress_addr ingress_addr_in(const struct packet_addr *a)
{
	return a->words[3];
}

packet_inline ingress_addr ingress_kept(const ingress_kept_addr *a)
{
	return *a;
}

packet_inline ingress_kept_addr ingress_keep(ingress_addr a)
{
	return a;
}

packet_inline struct packet_addr ingress_addr_out(ingress_addr a)
{
	return packet_addr4(a);
}

packet_inline bool ingress_addr_equal(ingress_addr a, ingress_addr b)
{
	return a == b;
}

packet_inline __be32 ingress_addr_word(ingress_addr a, __u32 n)
{
	(void)n;
	return a;
}

#endif

/* -- keys of senders --------------------------------------------------------------------- */

#define INGRESS_KEY_MAC (1ULL << 62)
#define INGRESS_KEY_V6 (1ULL << 63)

/* From the first four and last two octets of a MAC address, as they lie in memory. */
packet_inline __u64 ingress_mac_key(__u32 first, __u16 last)
{
	return INGRESS_KEY_MAC | (__u64)last << 32 | first;
}

/* Of IPv4, the address itself; of IPv6, a hash: the address has to be compared as well. */
packet_inline __u64 ingress_addr_key(const struct packet_addr *a)
{
	if (!(a->words[0] | a->words[1]) && a->words[2] == packet_be32(0xffff))
		return a->words[3];
	return (steer_fold6(0, a->words) & ~INGRESS_KEY_MAC) | INGRESS_KEY_V6;
}

/* 16 bits by which most addresses differ from the box's own: of IPv4 the first, of IPv6 the
 * second 16. */
packet_inline __u32 ingress_addr_near(ingress_addr a)
{
#if defined(INGRESS_V6) || !defined(__bpf__)
	if (!(a->words[0] | a->words[1]) && a->words[2] == packet_be32(0xffff))
		return packet_be32(a->words[3]) >> 16;
	return packet_be32(a->words[0]) & 0xffff;
#else
	return packet_be32(a) >> 16;
#endif
}

#endif
