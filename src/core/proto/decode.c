/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Octets to struct wccp_msg: the message as a whole, and its small components.
 */
#include "core/proto/decode.h"

#include "core/proto/component.h"

#define BIT(component) (1u << (component))

static bool decode_is_zero(const uint8_t *octets, size_t len)
{
	unsigned seen = 0;

	while (len--)
		seen |= *octets++;
	return !seen;
}

static enum codec_refusal decode_security(struct decoder *d, struct wire_reader *r)
{
	d->msg->security = wire_get_u32(r);
	if (d->msg->security == WCCP_SECURITY_MD5)
		wire_skip(r, WCCP_DIGEST_LEN);
	return CODEC_OK;
}

static enum codec_refusal decode_service(struct decoder *d, struct wire_reader *r)
{
	struct wccp_service *s = &d->msg->service;

	s->type = wire_get_u8(r);
	s->id = wire_get_u8(r);
	s->priority = wire_get_u8(r);
	s->protocol = wire_get_u8(r);
	s->flags = wire_get_u32(r);
	for (unsigned i = 0; i < WCCP_MAX_PORTS; i++)
		s->ports[i] = wire_get_u16(r);
	return CODEC_OK;
}

static enum codec_refusal decode_query(struct decoder *d, struct wire_reader *r)
{
	struct wccp_router_query *q = &d->msg->query;

	q->router = decode_router_id(d, r);
	q->sent_to = decode_addr(d, r);
	q->target = decode_addr(d, r);
	return CODEC_OK;
}

static enum codec_refusal decode_table(struct decoder *d, struct wire_reader *r)
{
	uint16_t family = wire_get_u16(r);
	uint16_t len = wire_get_u16(r);
	enum addr_family as = family == IANA_IPV4 ? ADDR_V4 : ADDR_V6;
	uint16_t size = family == IANA_IPV4 ? 4 : 16;
	uint8_t octets[16];
	enum codec_refusal refusal;

	/* An element longer than an address has padding at its end (2.01 section
	 * 5.1.5). */
	if ((family != IANA_IPV4 && family != IANA_IPV6) || len < size || len % 4)
		return decode_refuse(d, CODEC_MALFORMED,
				     "addresses of family %u with %u octets", family,
				     len);
	refusal = decode_count(d, r, len, WCCP_MAX_ADDRESSES, "addresses", &d->n_table);
	if (refusal != CODEC_OK)
		return refusal;
	for (uint32_t i = 0; i < d->n_table; i++) {
		wire_get_octets(r, octets, size);
		wire_skip(r, len - size);
		d->table[i] = addr_from_octets(
			decode_is_zero(octets, size) ? ADDR_NONE : as, octets);
	}
	d->has_table = true;
	d->msg->table_family = family;
	return CODEC_OK;
}

typedef enum codec_refusal decode_fn(struct decoder *d, struct wire_reader *r);

static decode_fn *const decode_functions[CODEC_COMPONENTS] = {
	[WCCP_C_SECURITY] = decode_security,
	[WCCP_C_SERVICE] = decode_service,
	[WCCP_C_ROUTER_ID] = decode_router_identity,
	[WCCP_C_CACHE_ID] = decode_cache_identity,
	[WCCP_C_ROUTER_VIEW] = decode_router_view,
	[WCCP_C_CACHE_VIEW] = decode_cache_view,
	[WCCP_C_ASSIGNMENT] = decode_assignment,
	[WCCP_C_ROUTER_QUERY] = decode_query,
	[WCCP_C_CAPABILITIES] = decode_capabilities,
	[WCCP_C_ALT_ASSIGNMENT] = decode_alt_assignment,
	[WCCP_C_ASSIGN_MAP] = decode_map,
	[WCCP_C_COMMAND] = decode_commands,
	[WCCP_C_ALT_ASSIGN_MAP] = decode_alt_map,
	[WCCP_C_ADDRESS_TABLE] = decode_table,
};

static enum codec_refusal decode_component(struct decoder *d, unsigned type)
{
	struct wire_reader body = d->datagram->body[type];
	enum codec_refusal r;

	d->bad_index = false;
	if (d->datagram->odd >> type & 1)
		r = decode_refuse(d, CODEC_MALFORMED,
				  "its length is not a multiple of four");
	else
		r = decode_functions[type](d, &body);
	if (r == CODEC_OK && wire_failed(&body))
		r = decode_refuse(d, CODEC_MALFORMED, "it ends too early");
	if (r == CODEC_OK && d->bad_index)
		r = decode_refuse(d, CODEC_MALFORMED,
				  "an address index is outside of the address table");
	if (r != CODEC_OK)
		err_prefix(d->err, "%s component", component_name(type));
	return r;
}

/*
 * Which components count in which message (2.0 sections 5.1 to 5.4).  Others are
 * ignored.  The Address Table is not here: every message may carry one.
 */
struct rule {
	uint32_t needed, one_of, optional;
};

static const struct rule decode_rules[] = {
	[WCCP_HERE_I_AM - WCCP_HERE_I_AM] = {
		.needed = BIT(WCCP_C_SECURITY) | BIT(WCCP_C_SERVICE) |
			  BIT(WCCP_C_CACHE_ID) | BIT(WCCP_C_CACHE_VIEW),
		.optional = BIT(WCCP_C_CAPABILITIES) | BIT(WCCP_C_COMMAND),
	},
	[WCCP_I_SEE_YOU - WCCP_HERE_I_AM] = {
		.needed = BIT(WCCP_C_SECURITY) | BIT(WCCP_C_SERVICE) |
			  BIT(WCCP_C_ROUTER_ID) | BIT(WCCP_C_ROUTER_VIEW),
		.optional = BIT(WCCP_C_ASSIGNMENT) | BIT(WCCP_C_ASSIGN_MAP) |
			    BIT(WCCP_C_ALT_ASSIGN_MAP) | BIT(WCCP_C_CAPABILITIES) |
			    BIT(WCCP_C_COMMAND),
	},
	[WCCP_REDIRECT_ASSIGN - WCCP_HERE_I_AM] = {
		.needed = BIT(WCCP_C_SECURITY) | BIT(WCCP_C_SERVICE),
		.one_of = BIT(WCCP_C_ASSIGNMENT) | BIT(WCCP_C_ALT_ASSIGNMENT),
	},
	[WCCP_REMOVAL_QUERY - WCCP_HERE_I_AM] = {
		.needed = BIT(WCCP_C_SECURITY) | BIT(WCCP_C_SERVICE) |
			  BIT(WCCP_C_ROUTER_QUERY),
	},
};

/* The drafts allow one of each of these pairs; if both are there, the plain one
 * counts. */
static uint32_t decode_drop_alternates(uint32_t found)
{
	if (found & BIT(WCCP_C_ASSIGNMENT))
		found &= ~BIT(WCCP_C_ALT_ASSIGNMENT);
	if (found & BIT(WCCP_C_ASSIGN_MAP))
		found &= ~BIT(WCCP_C_ALT_ASSIGN_MAP);
	return found;
}

static enum codec_refusal decode_check_presence(struct decoder *d,
						const struct rule *rule, uint32_t found)
{
	uint32_t missing = rule->needed & ~found;

	if (!missing && rule->one_of && !(found & rule->one_of))
		missing = rule->one_of;
	if (!missing)
		return CODEC_OK;
	return decode_refuse(d, CODEC_MISSING, "no %s component",
			     component_name((unsigned)__builtin_ctz(missing)));
}

/*
 * Decode the Address Table first: without it no address can be read.  For the same
 * reason a table that overruns the message is not ignored like other components:
 * indices would be taken for addresses.
 */
static enum codec_refusal decode_table_first(struct decoder *d)
{
	enum codec_refusal r = CODEC_OK;

	if (component_has(d->datagram, WCCP_C_ADDRESS_TABLE))
		r = decode_component(d, WCCP_C_ADDRESS_TABLE);
	else if (d->datagram->cut & BIT(WCCP_C_ADDRESS_TABLE))
		r = decode_refuse(d, CODEC_MALFORMED,
				  "Address Table component overruns the message");
	if (r == CODEC_OK && d->has_table)
		d->msg->present |= BIT(WCCP_C_ADDRESS_TABLE);
	return r;
}

static enum codec_refusal decode_components(struct decoder *d)
{
	const struct rule *rule = &decode_rules[d->datagram->type - WCCP_HERE_I_AM];
	uint32_t found =
		d->datagram->found & (rule->needed | rule->one_of | rule->optional);
	uint32_t must = rule->needed | rule->one_of;
	enum codec_refusal r = decode_check_presence(d, rule, found);

	if (r == CODEC_OK)
		r = decode_table_first(d);
	for (found = decode_drop_alternates(found); r == CODEC_OK && found;
	     found &= found - 1) {
		unsigned type = (unsigned)__builtin_ctz(found);

		r = decode_component(d, type);
		if (r == CODEC_OK)
			d->msg->present |= BIT(type);
		else if (r == CODEC_MALFORMED && !(must & BIT(type)))
			r = CODEC_OK; /* ignored, as if it were not there */
	}
	return r;
}

static void decode_reset(struct wccp_msg *msg, uint32_t type, uint8_t minor)
{
	msg->type = type;
	msg->minor = minor;
	msg->present = 0;
	msg->table_family = 0;
	msg->capabilities.present = 0;
	msg->n_commands = 0;
	msg->n_sets = msg->n_values = msg->n_cache_values = msg->n_vsns = 0;
}

void codec_begin(struct wccp_msg *msg, enum wccp_type type)
{
	decode_reset(msg, type, 0);
}

enum codec_refusal codec_decode(const struct codec_datagram *datagram,
				struct wccp_msg *out, struct err *err)
{
	enum codec_refusal r = component_refusal(datagram);
	struct decoder d;

	if (r != CODEC_OK) {
		decode_reset(out, 0, 0);
		err_set(err, "%s datagram of %zu octets", codec_refusal_name(r),
			datagram->len);
		return r;
	}
	decode_reset(out, datagram->type, datagram->minor);
	/* Field by field, not cleared: the table is large and rarely used. */
	d.datagram = datagram;
	d.msg = out;
	d.err = err;
	d.bad_index = false;
	d.has_table = false;
	d.n_table = 0;
	r = decode_components(&d);
	if (r != CODEC_OK)
		err_prefix(err, "%s", codec_type_name(datagram->type));
	return r;
}
