/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decoder: assignments, as sent (components 6 and 13) and as in force (14, 16).
 */
#include "core/proto/decode.h"

/* A bucket names a cache in the list, or none.  With any other index the whole table is
 * malformed, because packets would go nowhere. */
static bool decode_buckets_valid(const struct wccp_hash_table *t)
{
	for (unsigned b = 0; b < WCCP_BUCKETS; b++)
		if (t->buckets[b] != WCCP_BUCKET_NONE &&
		    (t->buckets[b] & WCCP_BUCKET_INDEX) >= t->n_caches)
			return false;
	return true;
}

static enum codec_refusal decode_hash_table(struct decoder *d, struct wire_reader *r,
					    struct wccp_hash_table *out)
{
	enum codec_refusal refusal;

	refusal = decode_count(d, r, ADDRESS_LEN, WCCP_MAX_CACHES, "web-caches",
			       &out->n_caches);
	if (refusal != CODEC_OK)
		return refusal;
	for (uint32_t i = 0; i < out->n_caches; i++)
		out->caches[i] = decode_addr(d, r);
	wire_get_octets(r, out->buckets, sizeof(out->buckets));
	if (!wire_failed(r) && !decode_buckets_valid(out))
		return decode_refuse(d, CODEC_MALFORMED,
				     "a bucket names none of the %u web-caches",
				     (unsigned)out->n_caches);
	return CODEC_OK;
}

/* The table or sets of an assignment of a type in WCCP_AT_*. */
static enum codec_refusal decode_assignment_body(struct decoder *d,
						 struct wire_reader *r, uint16_t type,
						 struct wccp_hash_table *hash,
						 struct wccp_set_list *sets)
{
	switch (type) {
	case WCCP_AT_HASH:
		return decode_hash_table(d, r, hash);
	case WCCP_AT_MASK:
	case WCCP_AT_ALT_MASK:
		return decode_sets(d, r, type == WCCP_AT_ALT_MASK, sets);
	default:
		return decode_refuse(d, CODEC_MALFORMED, "unknown assignment type %u",
				     type);
	}
}

/* From the key on, the same in components 6 and 13. */
static enum codec_refusal decode_keyed_assignment(struct decoder *d,
						  struct wire_reader *r, uint16_t type)
{
	struct wccp_assignment *a = &d->msg->assignment;
	enum codec_refusal refusal;

	a->type = type;
	a->key = decode_key(d, r);
	refusal = decode_count(d, r, ROUTER_ASSIGNMENT_LEN, WCCP_MAX_ROUTERS, "routers",
			       &a->n_routers);
	if (refusal != CODEC_OK)
		return refusal;
	for (uint32_t i = 0; i < a->n_routers; i++) {
		a->routers[i].id = decode_addr(d, r);
		a->routers[i].receive_id = wire_get_u32(r);
		a->routers[i].change_number = wire_get_u32(r);
	}
	return decode_assignment_body(d, r, type, &a->hash, &a->sets);
}

enum codec_refusal decode_assignment(struct decoder *d, struct wire_reader *r)
{
	return decode_keyed_assignment(d, r, WCCP_AT_HASH);
}

/* The octets that the assignment length covers.  If there are fewer, the caller's
 * cursor fails, too. */
static struct wire_reader decode_open_body(struct wire_reader *r, uint16_t *type)
{
	uint16_t len;

	*type = wire_get_u16(r);
	len = wire_get_u16(r);
	return wire_sub(r, len);
}

static enum codec_refusal decode_close_body(struct decoder *d,
					    const struct wire_reader *body,
					    enum codec_refusal refusal)
{
	if (refusal == CODEC_OK && wire_failed(body))
		return decode_refuse(d, CODEC_MALFORMED,
				     "the assignment ends too early");
	return refusal;
}

enum codec_refusal decode_alt_assignment(struct decoder *d, struct wire_reader *r)
{
	uint16_t type;
	struct wire_reader body = decode_open_body(r, &type);

	return decode_close_body(d, &body, decode_keyed_assignment(d, &body, type));
}

enum codec_refusal decode_map(struct decoder *d, struct wire_reader *r)
{
	d->msg->map.type = WCCP_AT_MASK;
	return decode_sets(d, r, false, &d->msg->map.sets);
}

enum codec_refusal decode_alt_map(struct decoder *d, struct wire_reader *r)
{
	struct wccp_assign_map *map = &d->msg->map;
	struct wire_reader body = decode_open_body(r, &map->type);

	return decode_close_body(
		d, &body,
		decode_assignment_body(d, &body, map->type, &map->hash, &map->sets));
}
