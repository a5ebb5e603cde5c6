/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frame of a proof of delivery, octet by octet.  Pure. */
#ifndef WCCPD_DP_PROOF_PROOF_FRAME_H
#define WCCPD_DP_PROOF_PROOF_FRAME_H

#include "addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROOF_FRAME_MAX = 160 };

/* Addresses are all of one family; ports and the sequence number are in host order. */
struct proof_frame {
	uint8_t to_mac[6], from_mac[6];
	bool by_gre;
	/* Of the outer packet (by GRE only): a router's, ours. */
	struct addr outer_from, outer_to;
	uint8_t service_type, service_id; /* in the redirect header */
	/* Of the SYN. */
	struct addr from, to;
	uint16_t from_port, to_port;
	uint32_t sequence;
};

/* Writes the frame, with all checksums right, and returns its length in octets. */
size_t proof_frame_write(const struct proof_frame *f, uint8_t out[PROOF_FRAME_MAX]);

#endif
