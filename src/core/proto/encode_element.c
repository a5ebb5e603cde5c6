/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Encoder: elements that occur in several components: addresses, counts, ids, keys, and
 * mask/value sets, plain and alternate.
 */
#include "core/proto/encode.h"

#include "core/proto/component.h"

static enum addr_family encode_family(const struct wccp_msg *msg)
{
	return msg->table_family == IANA_IPV6 ? ADDR_V6 : ADDR_V4;
}

static bool encode_is_zero(const struct addr *a)
{
	unsigned seen = 0;

	for (size_t i = 0; i < addr_len(a); i++)
		seen |= a->octets[i];
	return !seen;
}

/* Index of `a` in the table, counted from 1; 0 when there is no room. */
static uint32_t encode_table_index(struct encoder *e, const struct addr *a)
{
	int i = addr_find(e->table, e->n_table, a);

	if (i >= 0)
		return (uint32_t)i + 1;
	if (e->n_table == WCCP_MAX_ADDRESSES)
		return 0;
	e->table[e->n_table] = *a;
	return ++e->n_table;
}

void encode_addr(struct encoder *e, const struct addr *a)
{
	uint32_t index;

	if (encode_is_zero(a)) {
		wire_put_u32(&e->w, 0);
		return;
	}
	if (a->family != encode_family(e->msg)) {
		e->bad_addr = true;
		return;
	}
	if (!e->msg->table_family) {
		wire_put_octets(&e->w, a->octets, 4);
		return;
	}
	index = encode_table_index(e, a);
	if (!index)
		e->bad_addr = true;
	wire_put_u32(&e->w, index);
}

int encode_count(struct encoder *e, uint32_t n, uint32_t max, const char *what)
{
	if (n > max)
		return err_set(e->err, "%u %s, at most %u are possible", (unsigned)n,
			       what, (unsigned)max);
	wire_put_u32(&e->w, n);
	return 0;
}

int encode_addrs(struct encoder *e, const struct addr *list, uint32_t n, uint32_t max,
		 const char *what)
{
	if (encode_count(e, n, max, what) < 0)
		return -1;
	for (uint32_t i = 0; i < n; i++)
		encode_addr(e, &list[i]);
	return 0;
}

void encode_router_id(struct encoder *e, const struct wccp_router_id *id)
{
	encode_addr(e, &id->id);
	wire_put_u32(&e->w, id->receive_id);
}

void encode_key(struct encoder *e, const struct wccp_key *key)
{
	encode_addr(e, &key->cache);
	wire_put_u32(&e->w, key->change_number);
}

/* We made the runs ourselves, but a wrong one must not make us read past the pool. */
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
