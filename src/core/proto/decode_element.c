/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decoder: elements that occur in several components: addresses, counts, ids, keys, and
 * mask/value sets, plain and alternate.
 *
 * Lists of sets share the pools of the message; a malformed list leaves entries there
 * that nothing refers to.
 */
#include "core/proto/decode.h"

#include <stdarg.h>
#include <stdio.h>

enum codec_refusal decode_refuse(struct decoder *d, enum codec_refusal r,
				 const char *format, ...)
{
	va_list ap;

	if (!d->err)
		return r;
	va_start(ap, format);
	if (vsnprintf(d->err->text, sizeof(d->err->text), format, ap) < 0)
		d->err->text[0] = '\0';
	va_end(ap);
	return r;
}

void decode_addr_to(struct decoder *d, struct wire_reader *r, struct addr *out)
{
	uint32_t v = wire_get_u32(r);

	if (v && !d->has_table) {
		*out = addr_v4(v);
	} else if (v && v <= d->n_table) {
		*out = d->table[v - 1];
	} else {
		*out = (struct addr){ .family = ADDR_NONE };
		/* The upper half must be zero, too (2.01). */
		d->bad_index |= v != 0;
	}
}

struct addr decode_addr(struct decoder *d, struct wire_reader *r)
{
	struct addr out;

	decode_addr_to(d, r, &out);
	return out;
}

enum codec_refusal decode_count(struct decoder *d, struct wire_reader *r, size_t each,
				uint32_t max, const char *what, uint32_t *out)
{
	uint32_t n = wire_get_u32(r);

	*out = 0;
	if (!wire_fits(r, n, each))
		return decode_refuse(d, CODEC_MALFORMED, "%u %s in %zu octets",
				     (unsigned)n, what, wire_left(r));
	if (n > max)
		return decode_refuse(d, CODEC_TOO_MANY,
				     "%u %s, at most %u are possible", (unsigned)n,
				     what, (unsigned)max);
	*out = n;
	return CODEC_OK;
}

struct wccp_router_id decode_router_id(struct decoder *d, struct wire_reader *r)
{
	struct wccp_router_id out = { .id = decode_addr(d, r) };

	out.receive_id = wire_get_u32(r);
	return out;
}

struct wccp_key decode_key(struct decoder *d, struct wire_reader *r)
{
	struct wccp_key out = { .cache = decode_addr(d, r) };

	out.change_number = wire_get_u32(r);
	return out;
}

static struct wccp_mask decode_mask(struct decoder *d, struct wire_reader *r)
{
	struct wccp_mask out = { .src = decode_addr(d, r) };

	out.dst = decode_addr(d, r);
	out.sport = wire_get_u16(r);
	out.dport = wire_get_u16(r);
	return out;
}

static enum codec_refusal decode_values(struct decoder *d, struct wire_reader *r,
					struct wccp_set *set)
{
	struct wccp_msg *m = d->msg;
	enum codec_refusal refusal;
	uint32_t n;

	set->first = (uint16_t)m->n_values;
	refusal = decode_count(d, r, VALUE_LEN, WCCP_MAX_VALUES - m->n_values,
			       "mask values", &n);
	set->n = (uint16_t)n;
	while (n--) {
		struct wccp_value *v = &m->values[m->n_values++];

		v->match = decode_mask(d, r);
		v->cache = decode_addr(d, r);
	}
	return refusal;
}

static enum codec_refusal decode_vsns(struct decoder *d, struct wire_reader *r,
				      struct wccp_cache_values *out)
{
	struct wccp_msg *m = d->msg;
	enum codec_refusal refusal;
	uint32_t n;

	out->cache = decode_addr(d, r);
	out->first_vsn = (uint16_t)m->n_vsns;
	refusal = decode_count(d, r, VSN_LEN, WCCP_MAX_VSNS - m->n_vsns,
			       "value sequence numbers", &n);
	out->n_vsns = (uint16_t)n;
	while (n--)
		m->vsns[m->n_vsns++] = wire_get_u32(r);
	return refusal;
}

static enum codec_refusal decode_cache_values(struct decoder *d, struct wire_reader *r,
					      struct wccp_set *set)
{
	struct wccp_msg *m = d->msg;
	enum codec_refusal refusal;
	uint32_t n;

	set->first = (uint16_t)m->n_cache_values;
	refusal = decode_count(d, r, CACHE_VALUES_MIN_LEN,
			       WCCP_MAX_VALUES - m->n_cache_values,
			       "web-cache value elements", &n);
	set->n = (uint16_t)n;
	while (refusal == CODEC_OK && n--)
		refusal = decode_vsns(d, r, &m->cache_values[m->n_cache_values++]);
	return refusal;
}

enum codec_refusal decode_sets(struct decoder *d, struct wire_reader *r, bool alternate,
			       struct wccp_set_list *out)
{
	struct wccp_msg *m = d->msg;
	enum codec_refusal refusal;
	uint32_t n;

	out->first = (uint16_t)m->n_sets;
	out->alternate = alternate;
	refusal = decode_count(d, r, SET_MIN_LEN, WCCP_MAX_SETS - m->n_sets,
			       "mask/value sets", &n);
	out->n = (uint16_t)n;
	while (refusal == CODEC_OK && n--) {
		struct wccp_set *set = &m->sets[m->n_sets++];

		set->mask = decode_mask(d, r);
		refusal = alternate ? decode_cache_values(d, r, set)
				    : decode_values(d, r, set);
	}
	return refusal;
}
