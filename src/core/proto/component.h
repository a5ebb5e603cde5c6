/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the components of a datagram are: its header, and one cursor for each
 * kind of component, before anything inside them is read.  Needed because the
 * Address Table comes last but the meaning of every address depends on it.
 */
#ifndef WCCPD_CORE_PROTO_COMPONENT_H
#define WCCPD_CORE_PROTO_COMPONENT_H

#include "codec.h"
#include "wire.h"

enum { COMPONENT_KINDS = WCCP_C_ADDRESS_TABLE + 1 };

struct parts {
	uint32_t type; /* enum wccp_type */
	uint8_t minor;
	const uint8_t *message; /* not owned */
	size_t len;		/* of the message with its header */
	uint32_t found;		/* bit 1 << component: its body is in `body` */
	uint32_t odd;		/* of these, bodies of an impossible length */
	uint32_t cut;		/* bit of a component that overruns the message */
	struct wire_reader body[COMPONENT_KINDS]; /* not cleared, see `found` */
};

/*
 * Find the header and the components of a datagram of `len` octets.  The first
 * component of a kind counts, the others and the unknown are stepped over; one
 * that overruns the message is ignored (2.01).
 *
 * A length that is no multiple of four is malformed in 2.01; 2.0 pads components
 * to four octets without saying whether the padding is counted.  The only
 * conforming reading is thus padding that is not counted, so the search goes on
 * behind it, but no component known here can have such a length: it is marked
 * odd, and must not be decoded.
 *
 * CODEC_OK, or CODEC_TRUNCATED, CODEC_BAD_TYPE, CODEC_BAD_VERSION.
 */
enum codec_refusal component_locate_all(const void *octets, size_t len,
					struct parts *out);

static inline bool component_has(const struct parts *p, unsigned component)
{
	return p->found >> component & 1;
}

#endif
