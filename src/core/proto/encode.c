/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * struct wccp_msg to octets: the message as a whole, and its small components.
 */
#include "core/proto/encode.h"

#include "core/proto/auth.h"
#include "core/proto/component.h"

/* First octet of the header's version field; the second is the minor. */
enum { MAJOR_VERSION = 2 };

static bool encode_has_password(const struct encoder *e)
{
	return e->password && e->password->set;
}

/* The digest is filled in when the message is complete. */
static int encode_security(struct encoder *e)
{
	static const uint8_t zeros[WCCP_DIGEST_LEN];

	if (!encode_has_password(e)) {
		wire_put_u32(&e->w, WCCP_SECURITY_NONE);
		return 0;
	}
	wire_put_u32(&e->w, WCCP_SECURITY_MD5);
	e->digest_at = wire_written(&e->w);
	wire_put_octets(&e->w, zeros, sizeof(zeros));
	return 0;
}

static int encode_service(struct encoder *e)
{
	const struct wccp_service *s = &e->msg->service;

	wire_put_u8(&e->w, s->type);
	wire_put_u8(&e->w, s->id);
	wire_put_u8(&e->w, s->priority);
	wire_put_u8(&e->w, s->protocol);
	wire_put_u32(&e->w, s->flags);
	for (unsigned i = 0; i < WCCP_MAX_PORTS; i++)
		wire_put_u16(&e->w, s->ports[i]);
	return 0;
}

static int encode_query(struct encoder *e)
{
	const struct wccp_router_query *q = &e->msg->query;

	encode_router_id(e, &q->router);
	encode_addr(e, &q->sent_to);
	encode_addr(e, &q->target);
	return 0;
}

static int encode_table(struct encoder *e)
{
	size_t len = e->msg->table_family == IANA_IPV6 ? 16 : 4;

	wire_put_u16(&e->w, e->msg->table_family);
	wire_put_u16(&e->w, (uint16_t)len);
	wire_put_u32(&e->w, e->n_table);
	for (uint32_t i = 0; i < e->n_table; i++)
		wire_put_octets(&e->w, e->table[i].octets, len);
	return 0;
}

/* In the order of the drafts, for all message types: `present` says which of them a
 * message has. */
static const struct {
	uint8_t type;
	int (*encode)(struct encoder *e);
} components[] = {
	{ WCCP_C_SECURITY, encode_security },
	{ WCCP_C_SERVICE, encode_service },
	{ WCCP_C_CACHE_ID, encode_cache_identity },
	{ WCCP_C_CACHE_VIEW, encode_cache_view },
	{ WCCP_C_ROUTER_ID, encode_router_identity },
	{ WCCP_C_ROUTER_VIEW, encode_router_view },
	{ WCCP_C_ROUTER_QUERY, encode_query },
	{ WCCP_C_ASSIGNMENT, encode_assignment },
	{ WCCP_C_ALT_ASSIGNMENT, encode_alt_assignment },
	{ WCCP_C_ASSIGN_MAP, encode_map },
	{ WCCP_C_ALT_ASSIGN_MAP, encode_alt_map },
	{ WCCP_C_CAPABILITIES, encode_capabilities },
	{ WCCP_C_COMMAND, encode_commands },
	{ WCCP_C_ADDRESS_TABLE, encode_table },
};

enum { COMPONENTS = sizeof(components) / sizeof(components[0]) };

/* Every message has a Security component (2.0 section 5), filled in from the password.
 * It has an Address Table if `table_family` is set. */
static bool encode_is_present(const struct encoder *e, unsigned type)
{
	if (type == WCCP_C_SECURITY)
		return true;
	if (type == WCCP_C_ADDRESS_TABLE)
		return e->msg->table_family != 0;
	return wccp_has(e->msg, type);
}

static int encode_component(struct encoder *e, unsigned type,
			    int (*encode)(struct encoder *e))
{
	size_t mark;

	wire_put_u16(&e->w, (uint16_t)type);
	mark = wire_mark_u16(&e->w);
	if (encode(e) < 0)
		return err_prefix(e->err, "%s component", component_name(type));
	if (e->bad_addr)
		return err_set(e->err,
			       "%s component: an address is not of the message's "
			       "family, or the address table is full",
			       component_name(type));
	wire_fill_u16(&e->w, mark);
	return 0;
}

static int encode_check_message(const struct wccp_msg *msg, struct err *err)
{
	if (msg->type < WCCP_HERE_I_AM || msg->type > WCCP_REMOVAL_QUERY)
		return err_set(err, "no message has type %u", (unsigned)msg->type);
	if (msg->table_family && msg->table_family != IANA_IPV4 &&
	    msg->table_family != IANA_IPV6)
		return err_set(err, "address tables of family %u are unknown",
			       msg->table_family);
	return 0;
}

/* The whole message without its digest; -1 with the reason in `err`, or if the writer
 * has overflowed. */
static int encode_message(struct encoder *e)
{
	size_t mark;

	wire_put_u32(&e->w, e->msg->type);
	wire_put_u8(&e->w, MAJOR_VERSION);
	wire_put_u8(&e->w, e->msg->minor);
	mark = wire_mark_u16(&e->w);
	for (unsigned i = 0; i < COMPONENTS; i++)
		if (encode_is_present(e, components[i].type) &&
		    encode_component(e, components[i].type, components[i].encode) < 0)
			return -1;
	wire_fill_u16(&e->w, mark);
	return 0;
}

int codec_encode(const struct wccp_msg *msg, const struct codec_password *password,
		 void *octets, size_t size, struct err *err)
{
	struct encoder e;
	uint8_t *message = octets;
	size_t len;

	if (encode_check_message(msg, err) < 0)
		return -1;
	/* Field by field, not cleared: the table is large and rarely used. */
	e.msg = msg;
	e.password = password;
	e.err = err;
	e.w = wire_writer(octets, size < WCCP_MAX_DATAGRAM ? size : WCCP_MAX_DATAGRAM);
	e.digest_at = 0;
	e.bad_addr = false;
	e.n_table = 0;
	if (encode_message(&e) < 0)
		return err_prefix(err, "%s", codec_type_name(msg->type));
	if (wire_overflowed(&e.w))
		return err_set(err, "%s: more than the %zu octets there is room for",
			       codec_type_name(msg->type), size);
	len = wire_written(&e.w);
	if (encode_has_password(&e))
		auth_digest(password, message, len, e.digest_at, message + e.digest_at);
	return (int)len;
}
