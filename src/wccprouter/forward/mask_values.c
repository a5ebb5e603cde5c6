/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The values of masks in the kernel. */
#include "wccprouter/forward/mask_values.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

static bool mask_values_same(const struct member_table_values *a,
			     const struct member_table_values *b)
{
	return a->n == b->n && memcmp(a->list, b->list, a->n * sizeof(a->list[0])) == 0;
}

static struct router_mask_value mask_values_key_of(const struct member_table_values *v,
						   unsigned service, unsigned i)
{
	return (struct router_mask_value){
		.generation = v->generation,
		.number = (__u16)service,
		.mask = v->list[i].mask,
		.fields = v->list[i].fields,
	};
}

static void mask_values_remove_service(const struct mask_values *values,
				       const struct member_table_values *v,
				       unsigned service)
{
	unsigned i;

	for (i = 0; i < v->n; i++) {
		struct router_mask_value key = mask_values_key_of(v, service, i);

		bpf_map_delete_elem(values->fd, &key);
	}
}

/* Of equal values the first is in force (2.0 section 4.11.2). */
static int mask_values_put_service(const struct mask_values *values,
				   const struct member_table_values *v,
				   unsigned service)
{
	unsigned i;

	for (i = 0; i < v->n; i++) {
		struct router_mask_value key = mask_values_key_of(v, service, i);

		if (bpf_map_update_elem(values->fd, &key, &v->list[i].target,
					BPF_NOEXIST) < 0 &&
		    errno != EEXIST)
			return -1;
	}
	return 0;
}

static bool mask_values_is_new(const struct mask_values *values, unsigned service)
{
	return values->next[service].generation != values->now[service].generation;
}

void mask_values_number(struct mask_values *values, struct router_entry *table,
			unsigned n)
{
	unsigned i;

	for (i = 0; i < ROUTERD_MAX_SERVICES; i++)
		values->next[i].generation =
			mask_values_same(&values->now[i], &values->next[i])
				? values->now[i].generation
				: ++values->generation;
	for (i = 0; i < n; i++)
		table[i].generation = values->next[table[i].number].generation;
}

int mask_values_put(struct mask_values *values, struct err *err)
{
	unsigned i;

	for (i = 0; i < ROUTERD_MAX_SERVICES; i++) {
		if (!mask_values_is_new(values, i) ||
		    mask_values_put_service(values, &values->next[i], i) == 0)
			continue;
		err_set(err, "eBPF map of values: %s", strerror(errno));
		mask_values_drop(values);
		return -1;
	}
	return 0;
}

void mask_values_settle(struct mask_values *values)
{
	unsigned i;

	for (i = 0; i < ROUTERD_MAX_SERVICES; i++) {
		if (!mask_values_is_new(values, i))
			continue;
		mask_values_remove_service(values, &values->now[i], i);
		values->now[i] = values->next[i];
	}
}

void mask_values_drop(struct mask_values *values)
{
	unsigned i;

	for (i = 0; i < ROUTERD_MAX_SERVICES; i++)
		if (mask_values_is_new(values, i))
			mask_values_remove_service(values, &values->next[i], i);
}

void mask_values_adopt(struct mask_values *values, const struct router_entry *table,
		       unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (table[i].generation > values->generation)
			values->generation = table[i].generation;
}

static bool mask_values_is_in_force(const struct mask_values *values,
				    const struct router_mask_value *key)
{
	return key->number < ROUTERD_MAX_SERVICES && values->now[key->number].n &&
	       values->now[key->number].generation == key->generation;
}

void mask_values_purge(const struct mask_values *values)
{
	struct router_mask_value key, before;
	void *from = NULL;

	while (bpf_map_get_next_key(values->fd, from, &key) == 0) {
		if (mask_values_is_in_force(values, &key)) {
			before = key;
			from = &before;
		} else {
			bpf_map_delete_elem(values->fd, &key);
		}
	}
}
