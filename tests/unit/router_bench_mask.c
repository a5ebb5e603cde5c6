/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router bench: two members that use masks, and assignments of sets.
 */
#include "router_bench.h"

#include "mask.h"

struct fake bench_both[2];

void bench_choose_mask(struct fake *f)
{
	f->capabilities = (struct wccp_capabilities){ .present = 1u << WCCP_CAP_ASSIGN,
						      .assign = WCCP_ASSIGN_MASK };
}

void bench_start_masks(const struct router_conf *conf)
{
	bench_start(conf, 5000);
	for (unsigned i = 0; i < 2; i++) {
		bench_both[i] = bench_cache(i + 1);
		bench_choose_mask(&bench_both[i]);
		bench_join(&bench_both[i]);
	}
	bench_greet(&bench_both[0]);
}

struct router_conf bench_mask_conf(void)
{
	struct router_conf conf = bench_conf();

	conf.assign = WCCP_ASSIGN_HASH | WCCP_ASSIGN_MASK;
	conf.max_minor = 1;
	return conf;
}

struct wccp_mask bench_dst(uint32_t bits)
{
	return (struct wccp_mask){ .dst = bits ? addr_v4(bits)
					       : (struct addr){ .family = ADDR_NONE } };
}

/* -- messages ---------------------------------------------------------------------- */

void bench_begin_sets(const struct fake *f, uint32_t key, uint16_t type)
{
	struct wccp_assignment *a = &bench.msg.assignment;

	bench_assign(f, key, bench_both, 2);
	bench.msg.present &= ~(1u << WCCP_C_ASSIGNMENT);
	bench.msg.present |= 1u << WCCP_C_ALT_ASSIGNMENT;
	a->type = type;
	a->sets = (struct wccp_set_list){ .alternate = type == WCCP_AT_ALT_MASK };
	if (type == WCCP_AT_ALT_MASK)
		bench.msg.minor = 1;
}

void bench_add_set(struct wccp_mask mask)
{
	struct wccp_msg *m = &bench.msg;
	struct wccp_set *set = &m->sets[m->n_sets++];

	set->mask = mask;
	set->first = (uint16_t)(m->assignment.sets.alternate ? m->n_cache_values
							     : m->n_values);
	set->n = 0;
	m->assignment.sets.n++;
}

void bench_add_value(struct wccp_mask match, const struct fake *owner)
{
	struct wccp_msg *m = &bench.msg;

	m->values[m->n_values++] = (struct wccp_value){ match, owner->addr };
	m->sets[m->n_sets - 1].n++;
}

void bench_add_vsns(const struct fake *owner, const uint32_t *vsns, unsigned n)
{
	struct wccp_msg *m = &bench.msg;

	m->cache_values[m->n_cache_values++] =
		(struct wccp_cache_values){ owner->addr, (uint16_t)m->n_vsns,
					    (uint16_t)n };
	m->sets[m->n_sets - 1].n++;
	for (unsigned i = 0; i < n; i++)
		m->vsns[m->n_vsns++] = vsns[i];
}

/* Every value of the mask, in turns to the two. */
void bench_all_values(const struct fake *f, uint32_t key, struct wccp_mask mask)
{
	bench_begin_sets(f, key, WCCP_AT_MASK);
	bench_add_set(mask);
	for (uint32_t v = 0; v < 1u << mask_bits(&mask); v++)
		bench_add_value(mask_value(&mask, v), &bench_both[v % 2]);
}

void bench_deliver_masks(void)
{
	bench_deliver(&bench_both[0].source);
}

void bench_assign_masks(uint32_t key)
{
	bench_all_values(&bench_both[0], key, bench_dst(0x1741));
	bench_deliver_masks();
}
