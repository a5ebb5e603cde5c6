/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which address of ours a member talks to. */
#include "wccprouter/net/reply_source.h"

static bool is_known(const struct router_status *st, const struct addr *cache)
{
	unsigned i;

	for (i = 0; i < st->n_caches; i++)
		if (addr_equal(&st->caches[i].addr, cache))
			return true;
	return false;
}

static int find(const struct local *list, const struct addr *cache)
{
	int i;

	for (i = 0; i < WCCP_MAX_CACHES; i++)
		if (addr_equal(&list[i].cache, cache))
			return i;
	return -1;
}

void locals_remember(struct local list[WCCP_MAX_CACHES],
		     const struct router_status *status, const struct addr *cache,
		     const struct addr *own)
{
	int i = find(list, cache);

	if (!is_known(status, cache))
		return;
	if (i < 0)
		for (i = 0; i < WCCP_MAX_CACHES; i++)
			if (!is_known(status, &list[i].cache))
				break;
	if (i < WCCP_MAX_CACHES)
		list[i] = (struct local){ *cache, *own };
}

struct addr locals_find(const struct local list[WCCP_MAX_CACHES],
			const struct addr *cache)
{
	int i = find(list, cache);

	return i < 0 ? (struct addr){ 0 } : list[i].own;
}
