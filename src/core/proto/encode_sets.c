/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Encoder: mask/value sets, plain and alternate.
 */
#include "core/proto/encode.h"

/* Runs within the pools are ours, but a wrong one must not read past them. */
static int encode_run(struct encoder *e, uint32_t first, uint32_t n, uint32_t in_use,
		      const char *what)
{
	if (n > in_use || first > in_use - n)
		return err_set(e->err, "%s %u to %u of %u", what, (unsigned)first,
			       (unsigned)(first + n), (unsigned)in_use);
	wire_put_u32(&e->w, n);
	return 0;
}

static uint32_t encode_at_most(uint32_t n, uint32_t max)
{
	return n < max ? n : max;
}

static void encode_mask(struct encoder *e, const struct wccp_mask *m)
{
	encode_addr(e, &m->src);
	encode_addr(e, &m->dst);
	wire_put_u16(&e->w, m->sport);
	wire_put_u16(&e->w, m->dport);
}

static int encode_values(struct encoder *e, const struct wccp_set *set)
{
	const struct wccp_msg *m = e->msg;
	const struct wccp_value *v;

	if (encode_run(e, set->first, set->n,
		       encode_at_most(m->n_values, WCCP_MAX_VALUES), "mask values") < 0)
		return -1;
	v = &m->values[set->first];
	for (unsigned i = 0; i < set->n; i++) {
		encode_mask(e, &v[i].match);
		encode_addr(e, &v[i].cache);
	}
	return 0;
}

static int encode_cache_values(struct encoder *e, const struct wccp_set *set)
{
	const struct wccp_msg *m = e->msg;
	const struct wccp_cache_values *c;

	if (encode_run(e, set->first, set->n,
		       encode_at_most(m->n_cache_values, WCCP_MAX_VALUES),
		       "web-cache value elements") < 0)
		return -1;
	c = &m->cache_values[set->first];
	for (unsigned i = 0; i < set->n; i++) {
		encode_addr(e, &c[i].cache);
		if (encode_run(e, c[i].first_vsn, c[i].n_vsns,
			       encode_at_most(m->n_vsns, WCCP_MAX_VSNS),
			       "value sequence numbers") < 0)
			return -1;
		for (unsigned k = 0; k < c[i].n_vsns; k++)
			wire_put_u32(&e->w, m->vsns[c[i].first_vsn + k]);
	}
	return 0;
}

int encode_sets(struct encoder *e, const struct wccp_set_list *list, bool alternate)
{
	const struct wccp_msg *m = e->msg;
	const struct wccp_set *set;

	if (list->alternate != alternate)
		return err_set(e->err, "%s mask/value sets where %s ones belong",
			       list->alternate ? "alternate" : "plain",
			       alternate ? "alternate" : "plain");
	if (encode_run(e, list->first, list->n,
		       encode_at_most(m->n_sets, WCCP_MAX_SETS), "mask/value sets") < 0)
		return -1;
	set = &m->sets[list->first];
	for (unsigned i = 0; i < list->n; i++) {
		encode_mask(e, &set[i].mask);
		if ((alternate ? encode_cache_values(e, &set[i])
			       : encode_values(e, &set[i])) < 0)
			return -1;
	}
	return 0;
}
