/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router: the assignment in force, of either method, and the redirection hash table
 * itself (2.0 section 4.8.1).  A web-cache that is not a member never owns a bucket.
 */
#include "core/router/router_impl.h"

#include <string.h>

static bool router_table_is_index(uint8_t bucket, unsigned i)
{
	return bucket != WCCP_BUCKET_NONE && (bucket & WCCP_BUCKET_INDEX) == i;
}

unsigned router_table_buckets(const struct router *r, const struct addr *cache,
			      struct wccp_bucket_vector *out)
{
	const struct wccp_hash_table *t = &r->table;
	unsigned count = 0;

	*out = (struct wccp_bucket_vector){ { 0 } };
	if (!r->assigned || r->agreed.assign != WCCP_ASSIGN_HASH)
		return 0;
	for (unsigned i = 0; i < t->n_caches; i++) {
		if (!addr_equal(&t->caches[i], cache))
			continue;
		for (unsigned b = 0; b < WCCP_BUCKETS; b++) {
			if (!router_table_is_index(t->buckets[b], i))
				continue;
			wccp_vector_add(out, b);
			count++;
		}
	}
	return count;
}

/* Remove entry `gone`; those after it move up. */
static void router_table_drop_cache(struct wccp_hash_table *t, unsigned gone)
{
	for (unsigned b = 0; b < WCCP_BUCKETS; b++) {
		uint8_t *bucket = &t->buckets[b];

		if (*bucket == WCCP_BUCKET_NONE)
			continue;
		if ((*bucket & WCCP_BUCKET_INDEX) == gone)
			*bucket = WCCP_BUCKET_NONE;
		else if ((*bucket & WCCP_BUCKET_INDEX) > gone)
			--*bucket; /* the index is in the low bits, and not 0 */
	}
	t->n_caches--;
	memmove(&t->caches[gone], &t->caches[gone + 1],
		(t->n_caches - gone) * sizeof(t->caches[0]));
}

void router_table_purge(struct router *r, const struct addr *cache)
{
	int i;

	if (router_mask_in_force(r))
		router_mask_purge(r, cache);
	if (!r->assigned || r->agreed.assign != WCCP_ASSIGN_HASH)
		return;
	while ((i = addr_find(r->table.caches, r->table.n_caches, cache)) >= 0)
		router_table_drop_cache(&r->table, (unsigned)i);
}

void router_table_flush(struct router_call *c, const char *why)
{
	struct router *r = c->r;

	r->flush = MONO_NEVER;
	if (!r->assigned)
		return;
	r->assigned = false;
	router_mask_flush(r);
	/* Stop echoing the key, so that the designated web-cache sends its
	 * assignment again. */
	r->key = (struct wccp_key){ .change_number = 0 };
	r->counters.flushes++;
	actions_changed(c->out);
	actions_note(c->out, NOTE_WARNING, "assignment-flushed", NULL,
		     "Service %s: assignment dropped, %s", r->name, why);
}

bool router_table_equal(const struct wccp_hash_table *a,
			const struct wccp_hash_table *b)
{
	if (a->n_caches != b->n_caches ||
	    memcmp(a->buckets, b->buckets, sizeof(a->buckets)) != 0)
		return false;
	for (unsigned i = 0; i < a->n_caches; i++)
		if (!addr_equal(&a->caches[i], &b->caches[i]))
			return false;
	return true;
}

unsigned router_table_count(const struct wccp_hash_table *t)
{
	unsigned n = 0;

	for (unsigned b = 0; b < WCCP_BUCKETS; b++)
		n += t->buckets[b] != WCCP_BUCKET_NONE;
	return n;
}
