/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decoder: mask/value sets, plain and alternate.
 *
 * Lists share the pools of the message; a list that turns out malformed leaves
 * entries there that nothing refers to.
 */
#include "core/proto/decode.h"

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
