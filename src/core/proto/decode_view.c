/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decoder: identities and views.
 */
#include "core/proto/decode.h"

/* Types of extended assignment data (2.01). */
enum { EXT_HASH = 0, EXT_MASK = 1, EXT_ALT_MASK = 2, EXT_WEIGHT = 3 };

static void decode_weight(struct wire_reader *r, struct wccp_cache_id *out)
{
	out->weight = wire_get_u16(r);
	out->status = wire_get_u16(r);
}

/* The data, of the kind that `out` says. */
static enum codec_refusal decode_identity_data(struct decoder *d, struct wire_reader *r,
					       struct wccp_cache_id *out)
{
	enum codec_refusal refusal = CODEC_OK;

	switch (out->kind) {
	case WCCP_DATA_HASH:
		wire_get_octets(r, out->buckets.octets, sizeof(out->buckets.octets));
		break;
	case WCCP_DATA_MASK:
	case WCCP_DATA_ALT_MASK:
		refusal = decode_sets(d, r, out->kind == WCCP_DATA_ALT_MASK,
				      &out->sets);
		break;
	case WCCP_DATA_NONE:
		return CODEC_OK;
	case WCCP_DATA_WEIGHT:
		break;
	}
	if (refusal == CODEC_OK)
		decode_weight(r, out);
	return refusal;
}

static enum wccp_data_kind decode_extended_kind(uint16_t type)
{
	switch (type) {
	case EXT_HASH:
		return WCCP_DATA_HASH;
	case EXT_MASK:
		return WCCP_DATA_MASK;
	case EXT_ALT_MASK:
		return WCCP_DATA_ALT_MASK;
	case EXT_WEIGHT:
		return WCCP_DATA_WEIGHT;
	default:
		/* Unknown data is skipped; the identity still counts. */
		return WCCP_DATA_NONE;
	}
}

static enum codec_refusal decode_extended_data(struct decoder *d, struct wire_reader *r,
					       struct wccp_cache_id *out)
{
	struct wire_reader data;
	enum codec_refusal refusal;
	uint16_t type = wire_get_u16(r);
	uint16_t len = wire_get_u16(r);

	data = wire_sub(r, len);
	out->kind = decode_extended_kind(type);
	out->extended = out->kind != WCCP_DATA_NONE;
	refusal = decode_identity_data(d, &data, out);
	if (refusal == CODEC_OK && wire_failed(&data))
		return decode_refuse(d, CODEC_MALFORMED,
				     "%u octets of extended data end too early", len);
	return refusal;
}

/* The counts in an identity say where it ends, not its flags alone: routers list mask
 * members without sets, or sets without values. */
static enum codec_refusal decode_identity(struct decoder *d, struct wire_reader *r,
					  struct wccp_cache_id *out)
{
	uint16_t flags;

	decode_addr_to(d, r, &out->addr);
	wire_skip(r, 2);
	flags = wire_get_u16(r);
	out->unassigned = flags & WCCP_ID_UNASSIGNED;
	out->min_version = flags & WCCP_ID_MIN_VERSION;
	out->extended = false;
	out->weight = out->status = 0;
	switch (flags & WCCP_ID_KIND) {
	case WCCP_ID_KIND_HASH:
		out->kind = WCCP_DATA_HASH;
		break;
	case WCCP_ID_KIND_MASK:
		out->kind = WCCP_DATA_MASK;
		break;
	case WCCP_ID_KIND_NONE:
		out->kind = WCCP_DATA_NONE;
		break;
	default:
		return decode_extended_data(d, r, out);
	}
	return decode_identity_data(d, r, out);
}

enum codec_refusal decode_cache_identity(struct decoder *d, struct wire_reader *r)
{
	return decode_identity(d, r, &d->msg->cache_identity);
}

enum codec_refusal decode_router_identity(struct decoder *d, struct wire_reader *r)
{
	struct wccp_router_identity *ri = &d->msg->router_identity;
	enum codec_refusal refusal;

	ri->self = decode_router_id(d, r);
	ri->sent_to = decode_addr(d, r);
	refusal = decode_count(d, r, ADDRESS_LEN, WCCP_MAX_CACHES,
			       "received-from addresses", &ri->n_from);
	for (uint32_t i = 0; i < ri->n_from; i++)
		decode_addr_to(d, r, &ri->from[i]);
	return refusal;
}

enum codec_refusal decode_router_view(struct decoder *d, struct wire_reader *r)
{
	struct wccp_router_view *v = &d->msg->router_view;
	enum codec_refusal refusal;

	v->change_number = wire_get_u32(r);
	v->key = decode_key(d, r);
	v->n_caches = 0;
	refusal = decode_count(d, r, ADDRESS_LEN, WCCP_MAX_ROUTERS, "routers",
			       &v->n_routers);
	if (refusal != CODEC_OK)
		return refusal;
	for (uint32_t i = 0; i < v->n_routers; i++)
		decode_addr_to(d, r, &v->routers[i]);
	refusal = decode_count(d, r, IDENTITY_MIN_LEN, WCCP_MAX_CACHES, "web-caches",
			       &v->n_caches);
	for (uint32_t i = 0; refusal == CODEC_OK && i < v->n_caches; i++)
		refusal = decode_identity(d, r, &v->caches[i]);
	return refusal;
}

enum codec_refusal decode_cache_view(struct decoder *d, struct wire_reader *r)
{
	struct wccp_cache_view *v = &d->msg->cache_view;
	enum codec_refusal refusal;

	v->change_number = wire_get_u32(r);
	v->n_caches = 0;
	refusal = decode_count(d, r, ROUTER_ID_LEN, WCCP_MAX_ROUTERS, "routers",
			       &v->n_routers);
	if (refusal != CODEC_OK)
		return refusal;
	for (uint32_t i = 0; i < v->n_routers; i++)
		v->routers[i] = decode_router_id(d, r);
	refusal = decode_count(d, r, ADDRESS_LEN, WCCP_MAX_CACHES, "web-caches",
			       &v->n_caches);
	for (uint32_t i = 0; i < v->n_caches; i++)
		decode_addr_to(d, r, &v->caches[i]);
	return refusal;
}
