/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router: web-caches that send to the group's multicast address (2.01 section 3.1).
 *
 * They are not answered one by one but together, by an I_SEE_YOU to that address at the
 * times that router_schedule.c chooses.  It lists the members, and every other
 * web-cache that was heard since the last one.  A SHUTDOWN_RESPONSE waits for it, too:
 * the drafts make no exception, and the web-cache that asked has left the group anyway.
 *
 * A web-cache counts as a multicast one as long as its last HERE_I_AM came by
 * multicast: its answer to a REMOVAL_QUERY is unicast (section 3.14), and so is our
 * reply.
 */
#include "core/router/router_impl.h"

/* Members, and web-caches that shut down. */
enum { LISTENERS_MAX = 2 * WCCP_MAX_CACHES };

/* -- who is answered --------------------------------------------------------------- */

bool router_multicast_is_ours(const struct router_call *c)
{
	return addr_is_set(&c->r->conf.multicast) &&
	       addr_equal(&c->to, &c->r->conf.multicast);
}

/* Was it sent to the address of another group?  Services of a router may share a
 * socket. */
bool router_multicast_is_foreign(const struct router_call *c)
{
	return addr_is_multicast(&c->to) && !router_multicast_is_ours(c);
}

static void router_multicast_schedule(struct router_call *c, struct member *m,
				      const struct wccp_service *stated)
{
	m->answer_due = true;
	c->r->schedule.stated = *stated;
	router_schedule_arm(c);
}

static struct member *router_multicast_find_departing(struct router_schedule *schedule,
					    const struct addr *addr)
{
	for (unsigned i = 0; i < schedule->n_departing; i++)
		if (addr_equal(&schedule->departing[i].addr, addr))
			return &schedule->departing[i];
	return NULL;
}

static struct member *router_multicast_place_departing(struct router_schedule *schedule,
					     const struct addr *addr)
{
	struct member *found = router_multicast_find_departing(schedule, addr);

	if (found)
		return found;
	if (schedule->n_departing == WCCP_MAX_CACHES)
		return NULL; /* it will ask again */
	return &schedule->departing[schedule->n_departing++];
}

void router_multicast_schedule_shutdown_response(struct router_call *c,
						 const struct member *departing,
						 const struct wccp_service *stated)
{
	struct member *m = router_multicast_place_departing(&c->r->schedule, &departing->addr);

	if (!m)
		return;
	*m = *departing;
	router_multicast_schedule(c, m, stated);
}

void router_multicast_schedule_answer(struct router_call *c, struct member *m,
				      const struct wccp_service *stated)
{
	struct router_schedule *schedule = &c->r->schedule;
	struct member *old = router_multicast_find_departing(schedule, &m->addr);

	if (old) /* it has come back meanwhile */
		*old = schedule->departing[--schedule->n_departing];
	router_multicast_schedule(c, m, stated);
}

static bool router_multicast_is_listener(const struct member *m)
{
	return m->multicast && (m->usable || m->answer_due);
}

static unsigned router_multicast_list(struct router *r,
				      struct member *list[LISTENERS_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->n_members; i++)
		if (router_multicast_is_listener(&r->members[i]))
			list[n++] = &r->members[i];
	for (unsigned i = 0; i < r->schedule.n_departing; i++)
		list[n++] = &r->schedule.departing[i];
	return n;
}

/* -- the message ------------------------------------------------------------------- */

static bool router_multicast_is_departing(const struct router *r,
					  const struct member *m)
{
	return m >= r->schedule.departing &&
	       m < r->schedule.departing + r->schedule.n_departing;
}

/* Add one web-cache; false if it must wait for another message. */
static bool router_multicast_add_to_batch(const struct router *r, struct router_batch *batch,
			     struct member *m)
{
	if (batch->n_from == WCCP_MAX_CACHES)
		return false;
	if (router_multicast_is_departing(r, m)) {
		if (batch->n_shutdown_responses == WCCP_MAX_COMMANDS)
			return false;
		batch->shutdown_responses[batch->n_shutdown_responses++] = m->addr;
	}
	batch->from[batch->n_from++] = m;
	return true;
}

/* Send one message to the first of the list and all others that can share it.  The
 * remaining ones move to the front of the list; returns how many remain. */
static unsigned router_multicast_send_one(struct router_call *c,
					  struct router_batch *batch,
					  struct member **list, unsigned n)
{
	unsigned left = 0;

	c->methods = list[0]->methods;
	batch->n_from = batch->n_shutdown_responses = 0;
	for (unsigned i = 0; i < n; i++)
		if (list[i]->methods != c->methods ||
		    !router_multicast_add_to_batch(c->r, batch, list[i]))
			list[left++] = list[i];
	router_tx_batch(c, batch);
	return left;
}

/* An IPv4 address table is used only if all of them use one. */
static uint16_t router_multicast_common_table(struct member *const *list, unsigned n,
					      uint8_t minor)
{
	uint16_t table = router_version_table(list[0], minor);

	for (unsigned i = 1; i < n; i++)
		if (router_version_table(list[i], minor) != table)
			return 0;
	return table;
}

static void router_multicast_send_all(const struct router_call *step)
{
	struct router_call call = *step, *c = &call; /* whose methods vary */
	struct router *r = c->r;
	struct member *list[LISTENERS_MAX];
	unsigned n = router_multicast_list(r, list);
	struct router_batch batch = {
		.to = r->conf.multicast,
		.sent_to = r->conf.multicast,
		.stated = r->schedule.stated,
	};

	if (!n)
		return;
	batch.minor = router_version_common(r, list, n);
	batch.table_family = router_multicast_common_table(list, n, batch.minor);
	for (unsigned i = 0; i < n; i++)
		list[i]->answer_due = false;
	while (n)
		n = router_multicast_send_one(c, &batch, list, n);
	r->schedule.n_departing = 0;
}

static bool router_multicast_has_members(const struct router *r)
{
	for (unsigned i = 0; i < r->n_members; i++)
		if (r->members[i].multicast && r->members[i].usable)
			return true;
	return false;
}

void router_multicast_tick(struct router_call *c)
{
	if (!mono_due(c->r->schedule.next, c->now))
		return;
	router_multicast_send_all(c);
	router_schedule_sent(c, router_multicast_has_members(c->r));
}
