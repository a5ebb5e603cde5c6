/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the steering program (steer.bpf.c) and its driver share: the table that
 * says which listening socket takes a new connection.
 */
#ifndef WCCPD_BPF_STEER_MAPS_H
#define WCCPD_BPF_STEER_MAPS_H

#include <linux/types.h>

/*
 * Mask an index into an array of `size` elements, a power of 2, although it is below
 * `size` anyway.  The verifier of older kernels has lost track of its bounds and must
 * see the mask; clang must not see that it changes nothing, or would optimise it away.
 */
static inline __attribute__((always_inline)) __u64 steer_index(__u64 i, __u64 size)
{
#ifdef __bpf__
	asm volatile("%0 &= %1" : "+r"(i) : "r"(size - 1));
	return i;
#else
	return i & (size - 1);
#endif
}

/* The finishing step of MurmurHash3: every bit of x moves every other. */
static inline __attribute__((always_inline)) __u64 steer_mix(__u64 x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ULL;
	x ^= x >> 33;
	return x;
}

/* Of a connection: IPv4 addresses as they lie in a packet, source in the upper half; the
 * ports in host order, the source's 16 bits up. */
static inline __attribute__((always_inline)) __u64 steer_hash(__u64 seed, __u64 addrs,
							      __u64 ports)
{
	return steer_mix(addrs ^ seed ^ ports * 0x9e3779b97f4a7c15ULL);
}

/* What the instance of a connection follows from; configured for each pool. */
enum steer_spread {
	STEER_BY_FLOW,	      /* addresses and ports */
	STEER_BY_SOURCE,      /* the address of the client */
	STEER_BY_DESTINATION, /* that of the server */
	STEER_BY_CPU,	      /* the processor that works on its first packet */
};

/* Addresses of a connection, as they lie in a packet or folded. */
struct steer_ends {
	__u64 source, destination;
};

/* An IPv6 address for steer_key(): XOR alone would let an outsider choose addresses that
 * come out the same. */
static inline __attribute__((always_inline)) __u64 steer_fold6(__u64 seed, const __u32 *addr)
{
	__u64 high = (__u64)addr[0] << 32 | addr[1], low = (__u64)addr[2] << 32 | addr[3];
	__u64 x = ((high ^ seed) * 0xff51afd7ed558ccdULL) ^ low;

	x ^= x >> 32;
	return x * 0x9e3779b97f4a7c15ULL;
}

/* What is hashed for the choice of an instance.  With STEER_BY_CPU it decides who stands
 * in. */
static inline __attribute__((always_inline)) __u64 steer_key(__u64 seed, __u32 spread,
							     struct steer_ends ends,
							     __u64 ports)
{
	if (spread == STEER_BY_SOURCE || spread == STEER_BY_DESTINATION)
		ports = 0;
	if (spread == STEER_BY_SOURCE)
		ends.destination = 0;
	if (spread == STEER_BY_DESTINATION)
		ends.source = 0;
	return steer_hash(seed,
			  (ends.source << 32 | ends.source >> 32) ^ ends.destination,
			  ports);
}

/* 127.87.67.67: where questions to instances come from that must not be steered. */
#define STEER_CHECK_SOURCE 0x7f574343

enum {
	/* Twice what a plan can hold: if all listeners are replaced at once, the old
	 * ones stay until the new table is in force. */
	STEER_SLOTS = 512,
	STEER_RANKS = 8, /* listeners that a connection tries */
	STEER_POOLS = 16,
	STEER_INSTANCES = 64,  /* of a pool; a power of 2, and so are the next three */
	STEER_LISTENERS = 256, /* of a pool */
	STEER_INSTANCE_LISTENERS = 32,
	STEER_CURVE = 256,
	STEER_LINKS = 16, /* interfaces that redirected packets arrive on */
	STEER_OWN_PREFIXES = 1024, /* prefixes that are the box's own */
	/* In the trie of these prefixes: reached by a WCCP interface; this, and its index. */
	STEER_BEHIND_LINK = 4,
	STEER_NO_SLOT = 0xffff,	   /* >= STEER_SLOTS */
	STEER_NO_POOL = 0xff,	   /* >= STEER_POOLS */
	STEER_LISTENS = 64,	   /* addresses and ports that pools listen on; a power of 2 */
	STEER_NO_LISTEN = 0xff,	   /* >= STEER_LISTENS */
	STEER_SAMPLING = 16, /* of so many new connections, one is a sample */
	/* In place of 1 + a slot: the sink of proofs of delivery (proof_maps.h). */
	STEER_CHOSE_SINK = STEER_SLOTS + 1,
};

/* An instance that takes connections; see steer_choice.h. */
struct steer_instance {
	__u64 hash; /* of its name and nothing else, so that its place never changes */
	/* Ends each of its turns: its index, and STEER_LATE if its weight is 0. */
	__u64 tail;
	__u32 inverse;	/* STEER_ONE / weight */
	__u16 first, n; /* its listeners: slots[first] and those that follow */
};

/* It stands in for all others. */
#define STEER_LATE ((__u64)1 << 62)
#define STEER_ONE (1u << 31)

struct steer_pool {
	__u32 spread; /* enum steer_spread */
	__u32 n;      /* instances, in the order of their hashes */
	/* Listeners at which so many wait are passed over; 0: none are. */
	__u32 queue_high;
	struct steer_instance instances[STEER_INSTANCES];
	/* Indices into the SOCKMAP. */
	__u16 slots[STEER_LISTENERS];
	/* STEER_BY_CPU: who has the processors i, i + n_processors, ...; 0xff: nobody. */
	__u32 n_processors;
	__u8 of_processor[STEER_INSTANCES];
};

/* An address and port of this box that a pool listens on. */
struct steer_listen {
	__be32 addr[4]; /* IPv4 as a mapped IPv6 address */
	__u16 port;	/* 0: the entry is not in use */
	__u8 pool;
	__u8 any : 1;  /* every address of the box */
	__u8 pass : 1; /* with the pool down, leave it to who listens there besides */
};

/* One map value, replaced as a whole: no program ever sees half an update. */
struct steer_table {
	/* Of the interfaces that redirected packets arrive on; 0: none. */
	__u32 links[STEER_LINKS];
	/* The interface that they are delivered through; 0: they stay on their own. */
	__u32 delivery;
	__u32 family; /* AF_INET or AF_INET6: that of redirected packets */
	/* Pool that takes TCP connections to a port.  Resolved from the services in
	 * order of priority, so that the program has one look-up to do. */
	__u8 pool_of_port[65536];
	/* The first of those that have this port, STEER_NO_LISTEN: none; see steer_listen.h. */
	__u8 listen_of_port[65536];
	struct steer_listen listens[STEER_LISTENS];
	/* -ln(1 - i/STEER_CURVE), for turns that follow weights; straight lines between. */
	__u32 curve[STEER_CURVE + 1];
	struct steer_pool pools[STEER_POOLS];
};

/* Keys of the tries of local prefixes, of IPv4 and IPv6. */
struct steer_prefix {
	__u32 bits; /* length of the prefix */
	__be32 addr;
};
struct steer_prefix6 {
	__u32 bits;
	__be32 addr[4];
};

/*
 * Shared by the two programs, per CPU: ingress.bpf.c asks which socket would take a
 * packet with bpf_skc_lookup_tcp(), which runs the steering program before it returns.
 */
struct steer_probe {
	/* From ingress: the remote port to hash in place of 0.  Asking with port 0
	 * looks past a flow that still has a socket (TIME_WAIT). */
	__u32 remote_port;
	/* From ingress: it is asking, not the stack. */
	__u32 asking;
	/* From steering: 1 + the slot that it chose; 0: it chose none. */
	__u32 chosen;
	/* From steering: of which pool, and whether this connection is a sample. */
	__u32 pool, sampled;
};

/*
 * Samples of new connections of a pool.  The stack has to find the listener of a sample
 * itself, so that `reached` falls behind `delivered` if something between the interface
 * and the socket, such as a packet filter, drops them.
 */
struct steer_samples {
	__u64 delivered; /* counted by ingress */
	__u64 reached;	 /* counted by steering, when the stack asks */
};

#endif
