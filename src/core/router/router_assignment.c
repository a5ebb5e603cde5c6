/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router: the redirection hash table, as the designated web-cache assigned it
 * (2.0 section 4.8.1).  A web-cache that is no member never owns a bucket of it.
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

/* Entry `gone` disappears, those behind it move up. */
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
	/* Not echoed any longer: the designated web-cache shall send it again. */
	r->key = (struct wccp_key){ .change_number = 0 };
	r->counters.flushes++;
	actions_changed(c->out);
	actions_note(c->out, NOTE_WARNING, "assignment-flushed", NULL,
		     "Service %s: assignment dropped, %s", r->name, why);
}

static bool router_table_equal(const struct wccp_hash_table *a,
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

static unsigned router_table_count(const struct wccp_hash_table *t)
{
	unsigned n = 0;

	for (unsigned b = 0; b < WCCP_BUCKETS; b++)
		n += t->buckets[b] != WCCP_BUCKET_NONE;
	return n;
}

void router_table_settle(struct router_call *c)
{
	struct router *r = c->r;

	r->assigned = true;
	r->key = c->msg->assignment.key;
	r->flush = MONO_NEVER;
	r->counters.assignments++;
}

static void router_assignment_take_table(struct router_call *c)
{
	const struct wccp_assignment *a = &c->msg->assignment;
	struct router *r = c->r;
	bool news = !r->assigned || !router_table_equal(&r->table, &a->hash);
	struct addr_text text;

	router_table_settle(c);
	if (!news)
		return; /* sent again, because our echo was lost */
	r->table.n_caches = a->hash.n_caches;
	memcpy(r->table.caches, a->hash.caches,
	       a->hash.n_caches * sizeof(a->hash.caches[0]));
	memcpy(r->table.buckets, a->hash.buckets, sizeof(r->table.buckets));
	actions_changed(c->out);
	actions_note(c->out, NOTE_INFO, "assignment", &c->from,
		     "Service %s: %u of %d buckets assigned to %u web-caches by %s, "
		     "key %u",
		     r->name, router_table_count(&r->table), WCCP_BUCKETS,
		     (unsigned)r->table.n_caches, addr_text(&a->key.cache, &text),
		     (unsigned)a->key.change_number);
}

void router_assignment_refuse(struct router_call *c, uint64_t *counter,
			      const char *event, const char *what)
{
	struct addr_text text;

	++*counter;
	actions_complain(c->out, event, &c->from,
			 "Service %s: assignment from %s ignored, %s", c->r->name,
			 addr_text(&c->from, &text), what);
}

static const struct wccp_router_assignment *
router_assignment_our_entry(const struct router_call *c)
{
	const struct wccp_assignment *a = &c->msg->assignment;
	const struct addr *id = router_family_id(c->r, a->key.cache.family);

	for (unsigned i = 0; i < a->n_routers; i++)
		if (addr_equal(&a->routers[i].id, id))
			return &a->routers[i];
	return NULL;
}

static void router_assignment_not_listed(struct router_call *c)
{
	router_assignment_refuse(c, &c->r->counters.not_listed, "not-listed",
				 "we are not in it");
	/* 2.0 section 4.8.1; 2.01 says nothing of the kind. */
	if (c->msg->minor == 0)
		router_table_flush(c, "the newest one does not list this router");
}

static bool router_assignment_names_members_only(const struct router_call *c)
{
	const struct wccp_hash_table *t = &c->msg->assignment.hash;

	for (unsigned i = 0; i < t->n_caches; i++)
		if (!router_members_has(c->r, &t->caches[i]))
			return false;
	return true;
}

static void router_assignment_judge_table(struct router_call *c)
{
	if (router_assignment_names_members_only(c))
		router_assignment_take_table(c);
	else
		router_assignment_refuse(c, &c->r->counters.not_member, "not-member",
					 "it names a web-cache that is not usable");
}

/* The method is that of the group; alternate sets belong to 2.01. */
static bool router_assignment_is_agreed(const struct router_call *c)
{
	uint16_t type = c->msg->assignment.type;

	if (type == WCCP_AT_HASH)
		return c->r->agreed.assign == WCCP_ASSIGN_HASH;
	if (type == WCCP_AT_ALT_MASK && c->msg->minor == 0)
		return false;
	return c->r->agreed.assign == WCCP_ASSIGN_MASK;
}

void router_assignment_rx(struct router_call *c)
{
	const struct wccp_assignment *a = &c->msg->assignment;
	struct router_counters *counters = &c->r->counters;
	const struct member *m = router_members_from(c->r, &c->from);
	const struct wccp_router_assignment *ours;

	if (!m || !router_members_has(c->r, &a->key.cache)) {
		router_assignment_refuse(c, &counters->not_member, "not-member",
					 "it is not from a usable web-cache");
		return;
	}
	if (!router_assignment_is_agreed(c)) {
		router_assignment_refuse(c, &counters->bad_method, "bad-method",
					 "it is not of the method agreed upon");
		return;
	}
	ours = router_assignment_our_entry(c);
	if (!ours)
		router_assignment_not_listed(c);
	else if (ours->receive_id != m->receive_id)
		router_assignment_refuse(c, &counters->bad_receive_id, "bad-receive-id",
					 "its receive id is not the last one");
	else if (ours->change_number != c->r->change_number)
		router_assignment_refuse(c, &counters->bad_change_number,
					 "bad-change-number",
					 "its change number is not ours");
	else if (a->type == WCCP_AT_HASH)
		router_assignment_judge_table(c);
	else
		router_mask_rx(c);
}
