/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Encoder: identities and views.
 */
#include "core/proto/encode.h"

/* Types of extended assignment data (2.01). */
enum { EXT_HASH = 0, EXT_MASK = 1, EXT_ALT_MASK = 2, EXT_WEIGHT = 3 };

static int encode_identity_data(struct encoder *e, const struct wccp_cache_id *id)
{
	switch (id->kind) {
	case WCCP_DATA_HASH:
		wire_put_octets(&e->w, id->buckets.octets, sizeof(id->buckets.octets));
		break;
	case WCCP_DATA_MASK:
	case WCCP_DATA_ALT_MASK:
		if (encode_sets(e, &id->sets, id->kind == WCCP_DATA_ALT_MASK) < 0)
			return -1;
		break;
	case WCCP_DATA_NONE:
		return 0;
	case WCCP_DATA_WEIGHT:
		break;
	}
	wire_put_u16(&e->w, id->weight);
	wire_put_u16(&e->w, id->status);
	return 0;
}

static uint16_t encode_extended_type(enum wccp_data_kind kind)
{
	switch (kind) {
	case WCCP_DATA_HASH:
		return EXT_HASH;
	case WCCP_DATA_MASK:
		return EXT_MASK;
	case WCCP_DATA_ALT_MASK:
		return EXT_ALT_MASK;
	default:
		return EXT_WEIGHT;
	}
}

static int encode_extended_data(struct encoder *e, const struct wccp_cache_id *id)
{
	size_t mark;

	wire_put_u16(&e->w, encode_extended_type(id->kind));
	mark = wire_mark_u16(&e->w);
	if (encode_identity_data(e, id) < 0)
		return -1;
	wire_fill_u16(&e->w, mark);
	return 0;
}

/* The drafts can express these two only as extended data. */
static bool encode_is_extended(const struct wccp_cache_id *id)
{
	if (id->kind == WCCP_DATA_NONE)
		return false;
	return id->extended || id->kind == WCCP_DATA_ALT_MASK ||
	       id->kind == WCCP_DATA_WEIGHT;
}

static uint16_t encode_identity_flags(const struct wccp_cache_id *id)
{
	uint16_t flags = WCCP_ID_KIND_HASH;

	if (encode_is_extended(id))
		flags = WCCP_ID_KIND_EXTENDED;
	else if (id->kind == WCCP_DATA_NONE)
		flags = WCCP_ID_KIND_NONE;
	else if (id->kind == WCCP_DATA_MASK)
		flags = WCCP_ID_KIND_MASK;
	if (id->unassigned)
		flags |= WCCP_ID_UNASSIGNED;
	if (id->min_version)
		flags |= WCCP_ID_MIN_VERSION;
	return flags;
}

static int encode_identity(struct encoder *e, const struct wccp_cache_id *id)
{
	encode_addr(e, &id->addr);
	wire_put_u16(&e->w, 0);
	wire_put_u16(&e->w, encode_identity_flags(id));
	return encode_is_extended(id) ? encode_extended_data(e, id)
				      : encode_identity_data(e, id);
}

int encode_cache_identity(struct encoder *e)
{
	return encode_identity(e, &e->msg->cache_identity);
}

int encode_router_identity(struct encoder *e)
{
	const struct wccp_router_identity *ri = &e->msg->router_identity;

	encode_router_id(e, &ri->self);
	encode_addr(e, &ri->sent_to);
	return encode_addrs(e, ri->from, ri->n_from, WCCP_MAX_CACHES,
			    "received-from addresses");
}

int encode_router_view(struct encoder *e)
{
	const struct wccp_router_view *v = &e->msg->router_view;

	wire_put_u32(&e->w, v->change_number);
	encode_key(e, &v->key);
	if (encode_addrs(e, v->routers, v->n_routers, WCCP_MAX_ROUTERS, "routers") < 0)
		return -1;
	if (encode_count(e, v->n_caches, WCCP_MAX_CACHES, "web-caches") < 0)
		return -1;
	for (uint32_t i = 0; i < v->n_caches; i++)
		if (encode_identity(e, &v->caches[i]) < 0)
			return -1;
	return 0;
}

int encode_cache_view(struct encoder *e)
{
	const struct wccp_cache_view *v = &e->msg->cache_view;

	wire_put_u32(&e->w, v->change_number);
	if (encode_count(e, v->n_routers, WCCP_MAX_ROUTERS, "routers") < 0)
		return -1;
	for (uint32_t i = 0; i < v->n_routers; i++)
		encode_router_id(e, &v->routers[i]);
	return encode_addrs(e, v->caches, v->n_caches, WCCP_MAX_CACHES, "web-caches");
}
