/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A raw socket for WCCP's GRE packets (protocol 0x883E) that the ingress program did
 * not accept: those that came in fragments, which only the kernel can reassemble, and
 * those from unknown senders.
 *
 * While the socket is open, the kernel does not answer such packets with "protocol
 * unreachable".
 */
#ifndef WCCPD_DP_GRE_GRE_RAW_H
#define WCCPD_DP_GRE_GRE_RAW_H

#include "addr.h"
#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gre_raw_packet {
	struct addr from;    /* outer source */
	unsigned ifindex;    /* it came in by */
	bool was_fragmented; /* the kernel has reassembled it */
	bool is_question;    /* of another web-cache; see gre_question.h */
	/* What the redirect header says: WCCP_SERVICE_*, and a number. */
	uint8_t service_type, service_id;
	const uint8_t *octets; /* from the outer IPv4 header on; until the next read */
	size_t len;
};

/* Make `fd`, a non-blocking raw socket of IPv4 protocol 47, one for packets to `self`, an
 * IPv4 address that the host need not have yet. */
int gre_raw_set_up(int fd, const struct addr *self, struct err *err);

/* The next packet; false if none is waiting. */
bool gre_raw_read(int fd, struct gre_raw_packet *out);

#endif
