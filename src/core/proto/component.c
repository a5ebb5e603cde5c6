/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Header of a message, and the places of its components.
 */
#include "core/proto/component.h"

enum { COMPONENT_HEADER_LEN = 4, MAJOR_VERSION = 2 };

static void component_locate_one(struct parts *p, struct wire_reader *r)
{
	uint16_t type = wire_get_u16(r);
	uint16_t len = wire_get_u16(r);
	bool known = type < COMPONENT_KINDS;
	struct wire_reader body;

	if (len > wire_left(r)) {
		if (known)
			p->cut |= 1u << type;
		wire_skip(r, wire_left(r));
		return;
	}
	body = wire_sub(r, len);
	if (known && !component_has(p, type)) {
		p->found |= 1u << type;
		p->body[type] = body;
		if (len % 4)
			p->odd |= 1u << type;
	}
	if (len % 4)
		wire_skip(r, 4 - len % 4);
}

enum codec_refusal component_locate_all(const void *octets, size_t len,
					struct parts *out)
{
	struct wire_reader r = wire_reader(octets, len);
	uint8_t major;
	uint16_t length;

	out->type = wire_get_u32(&r);
	major = wire_get_u8(&r);
	out->minor = wire_get_u8(&r);
	length = wire_get_u16(&r);
	out->found = out->odd = out->cut = 0;
	if (wire_failed(&r))
		return CODEC_TRUNCATED;
	if (out->type < WCCP_HERE_I_AM || out->type > WCCP_REMOVAL_QUERY)
		return CODEC_BAD_TYPE;
	if (major != MAJOR_VERSION)
		return CODEC_BAD_VERSION;
	if (length > wire_left(&r))
		return CODEC_TRUNCATED;

	/* What follows the message in the datagram is not part of it. */
	out->message = octets;
	out->len = WCCP_HEADER_LEN + (size_t)length;
	r = wire_sub(&r, length);
	while (wire_left(&r) >= COMPONENT_HEADER_LEN)
		component_locate_one(out, &r);
	return CODEC_OK;
}
