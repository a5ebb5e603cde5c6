/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which web-caches joined or left, and log lines about what each gets. */
#include "wccprouter/service/member_log.h"

#include "log.h"

#include <stdio.h>
#include <string.h>

static bool member_log_has_usable(const struct router_status *st,
				  const struct addr *cache)
{
	unsigned i;

	for (i = 0; i < st->n_caches; i++)
		if (st->caches[i].usable && addr_equal(&st->caches[i].addr, cache))
			return true;
	return false;
}

/* Every usable one of `a` is one of `b`, too. */
static bool member_log_all_in(const struct router_status *a,
			      const struct router_status *b)
{
	unsigned i;

	for (i = 0; i < a->n_caches; i++)
		if (a->caches[i].usable &&
		    !member_log_has_usable(b, &a->caches[i].addr))
			return false;
	return true;
}

static unsigned member_log_unassigned_buckets(const struct router_status *st)
{
	unsigned b, n = 0;

	for (b = 0; b < WCCP_BUCKETS; b++)
		n += st->table.buckets[b] == WCCP_BUCKET_NONE;
	return n;
}

static unsigned member_log_share(const struct router_status *st, unsigned i)
{
	return st->by_mask ? st->caches[i].values : st->caches[i].buckets;
}

static void member_log_assigned(const char *service, const struct router_status *st)
{
	char shares[WCCP_MAX_CACHES * 24] = "";
	size_t used = 0;
	unsigned i;

	for (i = 0; i < st->n_caches && used < sizeof(shares); i++)
		used += (size_t)snprintf(shares + used, sizeof(shares) - used, " %s=%u",
					 ADDR_TEXT(&st->caches[i].addr),
					 member_log_share(st, i));
	if (st->by_mask)
		log_state(NOTE_INFO, "assigned",
			  (struct log_about){ .service = service },
			  "by %s, key change %u, values of %u masks:%s",
			  ADDR_TEXT(&st->key.cache), st->key.change_number,
			  st->masks.n_sets, shares);
	else
		log_state(NOTE_INFO, "assigned",
			  (struct log_about){ .service = service },
			  "by %s, key change %u:%s, unassigned=%u",
			  ADDR_TEXT(&st->key.cache), st->key.change_number, shares,
			  member_log_unassigned_buckets(st));
}

static bool member_log_same_assignment(const struct router_status *a,
				       const struct router_status *b)
{
	return a->assigned == b->assigned && a->by_mask == b->by_mask &&
	       a->key.change_number == b->key.change_number &&
	       addr_equal(&a->key.cache, &b->key.cache) &&
	       a->masks.n_sets == b->masks.n_sets &&
	       a->masks.n_values == b->masks.n_values &&
	       memcmp(&a->table, &b->table, sizeof(a->table)) == 0;
}

static bool member_log_compare_assignment(const char *service,
					  const struct router_status *before,
					  const struct router_status *after)
{
	if (before->assigned && !after->assigned) {
		log_state(NOTE_WARNING, "flushed",
			  (struct log_about){ .service = service },
			  "no assignment in force any more");
		return true;
	}
	if (!after->assigned || member_log_same_assignment(before, after))
		return false;
	member_log_assigned(service, after);
	return true;
}

bool member_log_compare(const char *service, const struct router_status *before,
			const struct router_status *after)
{
	bool changed = member_log_compare_assignment(service, before, after);

	return changed || !member_log_all_in(before, after) ||
	       !member_log_all_in(after, before);
}
