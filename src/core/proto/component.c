/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening a datagram: reading its header and locating its components.  All are located
 * before any is read, because the Address Table comes last but decides what every
 * address means.
 */
#include "core/proto/component.h"

enum { COMPONENT_HEADER_LEN = 4, MAJOR_VERSION = 2 };

static void component_find_next(struct codec_datagram *d, struct wire_reader *r)
{
	uint16_t type = wire_get_u16(r);
	uint16_t len = wire_get_u16(r);
	bool known = type < CODEC_COMPONENTS;
	struct wire_reader body;

	if (len > wire_left(r)) {
		if (known)
			d->cut |= 1u << type;
		wire_skip(r, wire_left(r));
		return;
	}
	body = wire_sub(r, len);
	if (known && !component_has(d, type)) {
		d->found |= 1u << type;
		d->body[type] = body;
		if (len % 4)
			d->odd |= 1u << type;
	}
	if (len % 4)
		wire_skip(r, 4 - len % 4);
}

static enum codec_refusal component_find_all(struct codec_datagram *d)
{
	struct wire_reader r = wire_reader(d->octets, d->len);
	uint8_t major;
	uint16_t length;

	d->type = wire_get_u32(&r);
	major = wire_get_u8(&r);
	d->minor = wire_get_u8(&r);
	length = wire_get_u16(&r);
	if (wire_failed(&r))
		return CODEC_TRUNCATED;
	if (d->type < WCCP_HERE_I_AM || d->type > WCCP_REMOVAL_QUERY)
		return CODEC_BAD_TYPE;
	if (major != MAJOR_VERSION)
		return CODEC_BAD_VERSION;
	if (length > wire_left(&r))
		return CODEC_TRUNCATED;

	/* Anything after the message in the datagram is not part of it. */
	d->message_len = WCCP_HEADER_LEN + (size_t)length;
	r = wire_sub(&r, length);
	while (wire_left(&r) >= COMPONENT_HEADER_LEN)
		component_find_next(d, &r);
	return CODEC_OK;
}

static enum codec_refusal component_read_service(struct codec_datagram *d)
{
	struct wire_reader body;

	if (!component_has(d, WCCP_C_SERVICE))
		return CODEC_NO_SERVICE;
	body = d->body[WCCP_C_SERVICE];
	d->service_type = wire_get_u8(&body);
	d->service_id = wire_get_u8(&body);
	return wire_failed(&body) ? CODEC_NO_SERVICE : CODEC_OK;
}

enum codec_refusal codec_open(const void *octets, size_t len,
			      struct codec_datagram *out)
{
	out->octets = octets;
	out->len = len;
	out->service_type = out->service_id = 0;
	out->message_len = 0;
	out->found = out->odd = out->cut = 0;
	out->refusal = component_find_all(out);
	if (out->refusal == CODEC_OK)
		out->refusal = component_read_service(out);
	return out->refusal;
}
