/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router: REDIRECT_ASSIGNs, of hash buckets or of mask values: which ones are accepted,
 * and what they change (2.0 sections 4.8.1 and 4.8.2).
 */
#include "core/router/router_impl.h"

#include <string.h>

/* Count it, complain, and leave everything as it is. */
static void router_assignment_refuse(struct router_call *c, uint64_t *counter,
				     const char *event, const char *what)
{
	struct addr_text text;

	++*counter;
	actions_complain(c->out, event, &c->from,
			 "Service %s: assignment from %s ignored, %s", c->r->name,
			 addr_text(&c->from, &text), what);
}

/* The assignment in the message is the one in force from now on. */
static void router_assignment_put_in_force(struct router_call *c)
{
	struct router *r = c->r;
	struct member *m = router_members_from(r, &c->from);

	m->assigned_id = m->receive_id;
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

	router_assignment_put_in_force(c);
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

static void router_assignment_take_masks(struct router_call *c,
					 const struct router_masks *fresh)
{
	const struct wccp_assignment *a = &c->msg->assignment;
	struct router *r = c->r;
	bool news = !r->assigned || !router_mask_equal(&r->masks, fresh);
	struct addr_text text;

	router_assignment_put_in_force(c);
	if (!news)
		return; /* sent again, because our echo was lost */
	router_mask_copy(&r->masks, fresh);
	r->told_too_large = false;
	actions_changed(c->out);
	actions_note(
		c->out, NOTE_INFO, "assignment", &c->from,
		"Service %s: %u values of %u masks assigned to %u web-caches by %s, "
		"key %u",
		r->name, fresh->n_values, fresh->n_sets, fresh->n_caches,
		addr_text(&a->key.cache, &text), (unsigned)a->key.change_number);
}

static void router_assignment_judge_masks(struct router_call *c)
{
	struct router_counters *n = &c->r->counters;
	struct router_masks fresh;

	switch (router_mask_read(c, &fresh)) {
	case ROUTER_MASK_GOOD:
		router_assignment_take_masks(c, &fresh);
		break;
	case ROUTER_MASK_TOO_LARGE:
		router_assignment_refuse(c, &n->too_large, "too-large",
					 "it has more sets or values than fit here "
					 "(16 and 1024)");
		break;
	case ROUTER_MASK_NOT_MEMBER:
		router_assignment_refuse(c, &n->not_member, "not-member",
					 "it names a web-cache that is not usable");
		break;
	case ROUTER_MASK_BAD_VALUE:
		router_assignment_refuse(c, &n->bad_mask, "bad-mask",
					 "a value has bits outside its mask");
		break;
	case ROUTER_MASK_BAD_VSN:
		router_assignment_refuse(c, &n->bad_mask, "bad-mask",
					 "a value sequence number is listed twice, or "
					 "beyond the bits of the mask");
		break;
	}
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

/* Of two with one id the one with the newer key counts, whichever comes last. */
static bool router_assignment_is_overtaken(const struct router_call *c,
					   const struct member *m)
{
	const struct wccp_key *key = &c->msg->assignment.key, *old = &c->r->key;

	return c->r->assigned && m->assigned_id == m->receive_id &&
	       addr_equal(&key->cache, &old->cache) &&
	       (int32_t)(key->change_number - old->change_number) < 0;
}

/* It must be of the group's method; alternate sets need 2.01. */
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

	if (!m || !addr_equal(&m->addr, &a->key.cache)) {
		router_assignment_refuse(c, &counters->not_member, "not-member",
					 "it is not from a usable web-cache");
		return;
	}
	if (!router_assignment_is_agreed(c)) {
		router_assignment_refuse(c, &counters->bad_method, "bad-method",
					 "it does not use the method agreed upon");
		return;
	}
	ours = router_assignment_our_entry(c);
	/* 2.0 section 4.8.1 wants the table flushed if we are not in it.  But it has no
	 * receive id of ours either, so it may be an old one, or one for others. */
	if (!ours)
		router_assignment_refuse(c, &counters->not_listed, "not-listed",
					 "we are not in it");
	else if (ours->receive_id != m->receive_id ||
		 router_assignment_is_overtaken(c, m))
		router_assignment_refuse(c, &counters->bad_receive_id, "bad-receive-id",
					 "its receive id is not the last one");
	else if (ours->change_number != c->r->change_number)
		router_assignment_refuse(c, &counters->bad_change_number,
					 "bad-change-number",
					 "its change number is not ours");
	else if (a->type == WCCP_AT_HASH)
		router_assignment_judge_table(c);
	else
		router_assignment_judge_masks(c);
}
