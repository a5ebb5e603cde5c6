/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames of proofs, against octets written by hand (RFC 791, 793, 2784; 2.0 4.12.1). */
#include "dp/proof/proof_frame.h"
#include "wccp.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

static struct proof_frame sample(bool by_gre)
{
	return (struct proof_frame){
		.to_mac = { 2, 0, 0, 0, 0, 1 },
		.from_mac = { 2, 0, 0, 0, 0, 2 },
		.by_gre = by_gre,
		.outer_from = addr_v4(0x0a000101),
		.outer_to = addr_v4(0x0a000102),
		.service_type = WCCP_SERVICE_DYNAMIC,
		.service_id = 70,
		.from = addr_v4(0x0a000101),
		.to = addr_v4(0xcb007171),
		.from_port = 40000,
		.to_port = 443,
		.sequence = 0x12345678,
	};
}

/* Checksums by hand: the ones' complement sums of the 16-bit words. */
static const uint8_t syn[] = {
	0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0x33, 0x5e,
	10, 0, 1, 1, 203, 0, 0x71, 0x71,
	0x9c, 0x40, 0x01, 0xbb, 0x12, 0x34, 0x56, 0x78, 0, 0, 0, 0,
	0x50, 0x02, 0xff, 0xff, 0x61, 0xc8, 0, 0,
};

static const uint8_t outer[] = {
	0x45, 0, 0, 68, 0, 0, 0, 0, 64, 47, 0x64, 0x89,
	10, 0, 1, 1, 10, 0, 1, 2,
	0, 0, 0x88, 0x3e, 0x01, 70, 0, 0,
};

static const uint8_t ethernet[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0 };

TEST(frame_by_l2_is_ethernet_and_syn)
{
	struct proof_frame f = sample(false);
	uint8_t out[PROOF_FRAME_MAX];

	ck_assert_uint_eq(proof_frame_write(&f, out), sizeof(ethernet) + sizeof(syn));
	ck_assert_mem_eq(out, ethernet, sizeof(ethernet));
	ck_assert_mem_eq(out + sizeof(ethernet), syn, sizeof(syn));
}

TEST(frame_by_gre_has_the_redirect_header)
{
	struct proof_frame f = sample(true);
	uint8_t out[PROOF_FRAME_MAX];

	ck_assert_uint_eq(proof_frame_write(&f, out),
			  sizeof(ethernet) + sizeof(outer) + sizeof(syn));
	ck_assert_mem_eq(out + sizeof(ethernet), outer, sizeof(outer));
	ck_assert_mem_eq(out + sizeof(ethernet) + sizeof(outer), syn, sizeof(syn));
}

TEST(frame_names_the_well_known_service)
{
	struct proof_frame f = sample(true);
	uint8_t out[PROOF_FRAME_MAX];

	f.service_type = WCCP_SERVICE_STANDARD;
	f.service_id = 0;
	proof_frame_write(&f, out);
	ck_assert_uint_eq(out[sizeof(ethernet) + 24], 0);
	ck_assert_uint_eq(out[sizeof(ethernet) + 25], 0);
}
