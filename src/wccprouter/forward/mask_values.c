/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The values of masks in the kernel. */
#include "wccprouter/forward/mask_values.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

static bool same(const struct table_values *a, const struct table_values *b)
{
	return a->n == b->n && memcmp(a->list, b->list, a->n * sizeof(a->list[0])) == 0;
}

static struct router_lookup key_of(const struct table_values *v, unsigned service,
				   unsigned i)
{
	return (struct router_lookup){
		.generation = v->generation,
		.number = (__u16)service,
		.mask = v->list[i].mask,
		.fields = v->list[i].fields,
	};
}

static void remove_values(const struct lookups *l, const struct table_values *v,
			  unsigned service)
{
	unsigned i;

	for (i = 0; i < v->n; i++) {
		struct router_lookup key = key_of(v, service, i);

		bpf_map_delete_elem(l->fd, &key);
	}
}

/* Of equal values the first is in force (2.0 section 4.11.2). */
static int put_values(const struct lookups *l, const struct table_values *v,
		      unsigned service)
{
	unsigned i;

	for (i = 0; i < v->n; i++) {
		struct router_lookup key = key_of(v, service, i);

		if (bpf_map_update_elem(l->fd, &key, &v->list[i].target, BPF_NOEXIST) <
			    0 &&
		    errno != EEXIST)
			return -1;
	}
	return 0;
}

static bool is_new(const struct lookups *l, unsigned service)
{
	return l->next[service].generation != l->now[service].generation;
}

void lookups_number(struct lookups *l, struct router_entry *table, unsigned n)
{
	unsigned i;

	for (i = 0; i < RCONF_MAX_SERVICES; i++)
		l->next[i].generation = same(&l->now[i], &l->next[i])
						? l->now[i].generation
						: ++l->generation;
	for (i = 0; i < n; i++)
		table[i].generation = l->next[table[i].number].generation;
}

int lookups_put(struct lookups *l, struct err *err)
{
	unsigned i;

	for (i = 0; i < RCONF_MAX_SERVICES; i++) {
		if (!is_new(l, i) || put_values(l, &l->next[i], i) == 0)
			continue;
		err_set(err, "eBPF map of values: %s", strerror(errno));
		lookups_drop(l);
		return -1;
	}
	return 0;
}

void lookups_settle(struct lookups *l)
{
	unsigned i;

	for (i = 0; i < RCONF_MAX_SERVICES; i++) {
		if (!is_new(l, i))
			continue;
		remove_values(l, &l->now[i], i);
		l->now[i] = l->next[i];
	}
}

void lookups_drop(struct lookups *l)
{
	unsigned i;

	for (i = 0; i < RCONF_MAX_SERVICES; i++)
		if (is_new(l, i))
			remove_values(l, &l->next[i], i);
}
