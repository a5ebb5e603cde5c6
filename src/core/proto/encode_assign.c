/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Encoder: assignments, as sent (components 6 and 13) and as in force (14, 16).
 */
#include "core/proto/encode.h"

static int encode_hash_table(struct encoder *e, const struct wccp_hash_table *t)
{
	if (encode_addrs(e, t->caches, t->n_caches, WCCP_MAX_CACHES, "web-caches") < 0)
		return -1;
	for (unsigned b = 0; b < WCCP_BUCKETS; b++)
		if (t->buckets[b] != WCCP_BUCKET_NONE &&
		    (t->buckets[b] & WCCP_BUCKET_INDEX) >= t->n_caches)
			return err_set(e->err, "bucket %u names none of %u web-caches",
				       b, (unsigned)t->n_caches);
	wire_put_octets(&e->w, t->buckets, sizeof(t->buckets));
	return 0;
}

static int encode_assignment_body(struct encoder *e, uint16_t type,
				  const struct wccp_hash_table *hash,
				  const struct wccp_set_list *sets)
{
	switch (type) {
	case WCCP_AT_HASH:
		return encode_hash_table(e, hash);
	case WCCP_AT_MASK:
	case WCCP_AT_ALT_MASK:
		return encode_sets(e, sets, type == WCCP_AT_ALT_MASK);
	default:
		return err_set(e->err, "unknown assignment type %u", type);
	}
}

/* From the key on, the same in components 6 and 13. */
static int encode_keyed_assignment(struct encoder *e)
{
	const struct wccp_assignment *a = &e->msg->assignment;

	encode_key(e, &a->key);
	if (encode_count(e, a->n_routers, WCCP_MAX_ROUTERS, "routers") < 0)
		return -1;
	for (uint32_t i = 0; i < a->n_routers; i++) {
		encode_addr(e, &a->routers[i].id);
		wire_put_u32(&e->w, a->routers[i].receive_id);
		wire_put_u32(&e->w, a->routers[i].change_number);
	}
	return encode_assignment_body(e, a->type, &a->hash, &a->sets);
}

int encode_assignment(struct encoder *e)
{
	if (e->msg->assignment.type != WCCP_AT_HASH)
		return err_set(e->err, "only hash assignments can be expressed");
	return encode_keyed_assignment(e);
}

int encode_alt_assignment(struct encoder *e)
{
	size_t mark;

	wire_put_u16(&e->w, e->msg->assignment.type);
	mark = wire_mark_u16(&e->w);
	if (encode_keyed_assignment(e) < 0)
		return -1;
	wire_fill_u16(&e->w, mark);
	return 0;
}

int encode_map(struct encoder *e)
{
	if (e->msg->map.type != WCCP_AT_MASK)
		return err_set(e->err, "only mask assignments can be expressed");
	return encode_sets(e, &e->msg->map.sets, false);
}

int encode_alt_map(struct encoder *e)
{
	const struct wccp_assign_map *map = &e->msg->map;
	size_t mark;

	wire_put_u16(&e->w, map->type);
	mark = wire_mark_u16(&e->w);
	if (encode_assignment_body(e, map->type, &map->hash, &map->sets) < 0)
		return -1;
	wire_fill_u16(&e->w, mark);
	return 0;
}
