/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Encoder: capabilities and commands.
 */
#include "core/proto/encode.h"

/* The upper half of the range forms is zero if there is only one value (2.01 section
 * 6.11.4). */
static void encode_transmit_t(struct encoder *e, const struct wccp_cap_transmit_t *t)
{
	wire_put_u16(&e->w, t->is_range ? t->upper_ms : 0);
	wire_put_u16(&e->w, t->lower_ms);
}

static void encode_timer_scale(struct encoder *e, const struct wccp_cap_timer_scale *s)
{
	wire_put_u8(&e->w, s->is_range ? s->timeout_upper : 0);
	wire_put_u8(&e->w, s->timeout_lower);
	wire_put_u8(&e->w, s->is_range ? s->ra_upper : 0);
	wire_put_u8(&e->w, s->ra_lower);
}

static void encode_capability(struct encoder *e, unsigned type)
{
	const struct wccp_capabilities *capabilities = &e->msg->capabilities;
	size_t mark;

	wire_put_u16(&e->w, (uint16_t)type);
	mark = wire_mark_u16(&e->w);
	switch (type) {
	case WCCP_CAP_FORWARD:
		wire_put_u32(&e->w, capabilities->forward);
		break;
	case WCCP_CAP_ASSIGN:
		wire_put_u32(&e->w, capabilities->assign);
		break;
	case WCCP_CAP_RETURN:
		wire_put_u32(&e->w, capabilities->ret);
		break;
	case WCCP_CAP_TRANSMIT_T:
		encode_transmit_t(e, &capabilities->transmit_t);
		break;
	case WCCP_CAP_TIMER_SCALE:
		encode_timer_scale(e, &capabilities->timer_scale);
		break;
	}
	wire_fill_u16(&e->w, mark);
}

int encode_capabilities(struct encoder *e)
{
	for (unsigned type = WCCP_CAP_FORWARD; type <= WCCP_CAP_TIMER_SCALE; type++)
		if (e->msg->capabilities.present >> type & 1)
			encode_capability(e, type);
	return 0;
}

int encode_commands(struct encoder *e)
{
	const struct wccp_msg *m = e->msg;

	if (m->n_commands > WCCP_MAX_COMMANDS)
		return err_set(e->err, "%u commands, at most %d are possible",
			       (unsigned)m->n_commands, WCCP_MAX_COMMANDS);
	for (uint32_t i = 0; i < m->n_commands; i++) {
		wire_put_u16(&e->w, m->commands[i].type);
		wire_put_u16(&e->w, 4);
		encode_addr(e, &m->commands[i].cache);
	}
	return 0;
}
