/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decoder: the two components that are lists of elements, each with type and length.
 * An element that is unknown, repeated or too short for its type is ignored; one that
 * overruns the component ends the list.
 */
#include "core/proto/decode.h"

static bool decode_next_element(struct wire_reader *r, uint16_t *type,
				struct wire_reader *value)
{
	uint16_t len;

	if (wire_left(r) < TLV_HEADER_LEN)
		return false;
	*type = wire_get_u16(r);
	len = wire_get_u16(r);
	if (len > wire_left(r))
		return false;
	*value = wire_sub(r, len);
	return true;
}

/* An upper half of zero means that the lower one is the only value (2.01 section
 * 6.11.4).  No time may be zero, and no range upside down. */
static bool decode_transmit_t(struct wire_reader *r, struct wccp_cap_transmit_t *out)
{
	uint16_t upper = wire_get_u16(r), lower = wire_get_u16(r);

	if (!lower || (upper && upper < lower))
		return false;
	out->is_range = upper != 0;
	out->lower_ms = lower;
	out->upper_ms = upper ? upper : lower;
	return true;
}

static bool decode_timer_scale(struct wire_reader *r, struct wccp_cap_timer_scale *out)
{
	uint8_t t_upper = wire_get_u8(r), t_lower = wire_get_u8(r);
	uint8_t ra_upper = wire_get_u8(r), ra_lower = wire_get_u8(r);

	if (!t_lower || (t_upper && t_upper < t_lower))
		return false;
	if (!ra_lower || (ra_upper && ra_upper < ra_lower))
		return false;
	out->is_range = t_upper || ra_upper;
	out->timeout_lower = t_lower;
	out->timeout_upper = t_upper ? t_upper : t_lower;
	out->ra_lower = ra_lower;
	out->ra_upper = ra_upper ? ra_upper : ra_lower;
	return true;
}

static bool decode_capability(struct wire_reader *r, uint16_t type,
			      struct wccp_capabilities *out)
{
	switch (type) {
	case WCCP_CAP_FORWARD:
		out->forward = wire_get_u32(r);
		return true;
	case WCCP_CAP_ASSIGN:
		out->assign = wire_get_u32(r);
		return true;
	case WCCP_CAP_RETURN:
		out->ret = wire_get_u32(r);
		return true;
	case WCCP_CAP_TRANSMIT_T:
		return decode_transmit_t(r, &out->transmit_t);
	case WCCP_CAP_TIMER_SCALE:
		return decode_timer_scale(r, &out->timer_scale);
	default:
		return false;
	}
}

enum codec_refusal decode_capabilities(struct decoder *d, struct wire_reader *r)
{
	struct wccp_capabilities *capabilities = &d->msg->capabilities;
	struct wire_reader value;
	uint16_t type;

	capabilities->present = 0;
	while (decode_next_element(r, &type, &value)) {
		/* Every known value has four octets. */
		if (type > WCCP_CAP_TIMER_SCALE || capabilities->present >> type & 1 ||
		    wire_left(&value) < 4)
			continue;
		if (decode_capability(&value, type, capabilities))
			capabilities->present |= 1u << type;
	}
	return CODEC_OK;
}

enum codec_refusal decode_commands(struct decoder *d, struct wire_reader *r)
{
	struct wccp_msg *m = d->msg;
	struct wire_reader value;
	uint16_t type;

	while (decode_next_element(r, &type, &value)) {
		if (type != WCCP_CMD_SHUTDOWN && type != WCCP_CMD_SHUTDOWN_RESPONSE)
			continue;
		if (wire_left(&value) < ADDRESS_LEN)
			continue;
		if (m->n_commands == WCCP_MAX_COMMANDS)
			return decode_refuse(d, CODEC_TOO_MANY, "more than %d commands",
					     WCCP_MAX_COMMANDS);
		m->commands[m->n_commands].type = type;
		m->commands[m->n_commands++].cache = decode_addr(d, &value);
	}
	if (d->bad_index) /* the component will be ignored as a whole */
		m->n_commands = 0;
	return CODEC_OK;
}
