/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which address of ours a member talks to. */
#include "wccprouter/service/reply_source.h"

static bool reply_source_is_member(const struct router_status *st,
				   const struct addr *cache)
{
	unsigned i;

	for (i = 0; i < st->n_caches; i++)
		if (addr_equal(&st->caches[i].addr, cache))
			return true;
	return false;
}

static int reply_source_index(const struct reply_source *list, const struct addr *cache)
{
	int i;

	for (i = 0; i < WCCP_MAX_CACHES; i++)
		if (addr_equal(&list[i].cache, cache))
			return i;
	return -1;
}

void reply_source_remember(struct reply_source list[WCCP_MAX_CACHES],
			   const struct router_status *status, const struct addr *cache,
			   const struct addr *own)
{
	int i = reply_source_index(list, cache);

	if (!reply_source_is_member(status, cache))
		return;
	if (i < 0)
		for (i = 0; i < WCCP_MAX_CACHES; i++)
			if (!reply_source_is_member(status, &list[i].cache))
				break;
	if (i < WCCP_MAX_CACHES)
		list[i] = (struct reply_source){ *cache, *own };
}

struct addr reply_source_find(const struct reply_source list[WCCP_MAX_CACHES],
			      const struct addr *cache)
{
	int i = reply_source_index(list, cache);

	return i < 0 ? (struct addr){ 0 } : list[i].own;
}
