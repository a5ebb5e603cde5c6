/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Proofs of delivery: what the programs on the path of a proof share with the driver
 * that sends it.
 *
 * A proof is a SYN that the daemon makes itself and injects at the WCCP interface.  It
 * takes the path of every redirected SYN: other TC filters, ours, the packet filter,
 * the routing rules, and the look-up of a socket.  There the steering program gives it
 * to a listener of the daemon, the sink, whose socket filter notes that it came and
 * discards it, so that nothing answers.
 */
#ifndef WCCPD_BPF_PROOF_MAPS_H
#define WCCPD_BPF_PROOF_MAPS_H

#ifndef __bpf__
#include "addr.h"

#include <string.h>
#endif

#include <linux/types.h>

enum {
	PROOF_WAYS = 64, /* proofs under way at the same time; a power of 2 */
	/* 203.0.113.113, of a network that is for documentation only (RFC 5737): the
	 * destination of every proof, in host order. */
	PROOF_DESTINATION = 0xcb007171,
	/* The source, where no router is known: 203.0.113.114. */
	PROOF_SOURCE = 0xcb007172,
	/* Of IPv6: 100::cb00:7171 and 100::cb00:7172, of the prefix that is for discarding
	 * (RFC 6666); this first, then zeros, then the above. */
	PROOF_PREFIX6 = 0x01000000,
	PROOF_PORT_MIN = 32768, /* source ports; a multiple of PROOF_WAYS */
};

/* One proof under way.  Its index is the source port modulo PROOF_WAYS. */
struct proof_way {
	__u32 nonce;	   /* TCP sequence number; 0: no proof is under way */
	__u32 source_port; /* host order */
	__u32 at_ingress;  /* the nonce, once the ingress program has delivered it ... */
	__u32 at_sink;	   /* ... and once it has arrived */
};

#ifndef __bpf__

/* PROOF_DESTINATION or PROOF_SOURCE in a family. */
static inline struct addr proof_addr(unsigned family, uint32_t number)
{
	struct addr v4 = addr_v4(number), v6 = { .family = ADDR_V6 };

	if (family != ADDR_V6)
		return v4;
	v6.octets[0] = PROOF_PREFIX6 >> 24;
	memcpy(v6.octets + 12, v4.octets, 4);
	return v6;
}

#endif
#endif
