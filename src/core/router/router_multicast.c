/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router: web-caches that speak to the group's multicast address (2.01 section 3.1).
 *
 * They are not answered at once but together, by an I_SEE_YOU to that address every
 * 0.9 T, give or take 10 % of it, so that many routers do not answer in step.  It lists
 * those it is for: the members, and who else has been heard since the last one.
 * So does a SHUTDOWN_RESPONSE wait: the drafts make no exception for it, and the
 * member that asked is out of the group at once in any case.
 *
 * A web-cache is a multicast one as long as its last HERE_I_AM was: its answers to a
 * REMOVAL_QUERY are unicast (section 3.14), and answered so.
 */
#include "core/router/router_impl.h"

enum {
	PERCENT_OF_T = 90,
	JITTER_PERCENT = 10,
	/* An I_SEE_YOU each: who is on-link, and who is not. */
	LISTENERS_MAX = 2 * WCCP_MAX_CACHES,
};

/* -- the schedule ---------------------------------------------------------------- */

/* splitmix64: from any seed, and the core stays without chance of its own. */
static uint64_t router_schedule_random(struct router_schedule *schedule)
{
	uint64_t z = schedule->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* Routers started together must not keep together, so the id counts as well. */
void router_schedule_init(struct router *r)
{
	const struct addr *ids[] = { &r->conf.id, &r->conf.id6 };
	uint64_t seed = r->receive_id;

	for (unsigned i = 0; i < 2; i++)
		for (size_t k = 0; k < addr_len(ids[i]); k++)
			seed = seed * 31 + ids[i]->octets[k];
	r->schedule.random = seed;
	r->schedule.next = MONO_NEVER;
}

static int64_t router_schedule_period_ms(const struct router *r)
{
	int64_t ms = (int64_t)r->agreed.transmit_t_ms * PERCENT_OF_T / 100;

	return ms ? ms : 1; /* time must go on, even with a T of 1 ms */
}

static int64_t router_schedule_jitter_ms(struct router *r, int64_t most)
{
	return (int64_t)(router_schedule_random(&r->schedule) % (uint64_t)(most + 1));
}

/* From one message to the next. */
static int64_t router_schedule_interval_ms(struct router *r)
{
	int64_t jitter = router_schedule_period_ms(r) * JITTER_PERCENT / 100;

	return router_schedule_period_ms(r) - jitter +
	       router_schedule_jitter_ms(r, 2 * jitter);
}

/* Nobody was answered for a while: then there is no interval to keep, but routers
 * must not all speak at the same moment. */
static void router_schedule_arm(struct router_call *c)
{
	struct router_schedule *schedule = &c->r->schedule;
	struct mono at;

	if (!mono_is_never(schedule->next))
		return;
	at = mono_add_ms(c->now, router_schedule_jitter_ms(
					 c->r, router_schedule_period_ms(c->r) *
						       JITTER_PERCENT / 100));
	schedule->next = mono_before(at, schedule->earliest) ? schedule->earliest : at;
}

void router_schedule_retime(struct router_call *c)
{
	struct router_schedule *schedule = &c->r->schedule;
	struct mono at = mono_add_ms(c->now, router_schedule_interval_ms(c->r));

	schedule->earliest = mono_min(schedule->earliest, at);
	if (!mono_is_never(schedule->next))
		schedule->next = mono_min(schedule->next, at);
}

struct mono router_schedule_deadline(const struct router *r)
{
	return r->schedule.next;
}

/* -- who is answered --------------------------------------------------------------- */

bool router_multicast_is_ours(const struct router_call *c)
{
	return addr_is_set(&c->r->conf.multicast) &&
	       addr_equal(&c->to, &c->r->conf.multicast);
}

static bool router_multicast_is_group(const struct addr *a)
{
	if (a->family == ADDR_V4)
		return a->octets[0] >> 4 == 0xe; /* 224.0.0.0/4 */
	return a->family == ADDR_V6 && a->octets[0] == 0xff;
}

/* Another group's address: services of one router may share a socket. */
bool router_multicast_is_foreign(const struct router_call *c)
{
	return router_multicast_is_group(&c->to) && !router_multicast_is_ours(c);
}

static void router_multicast_schedule(struct router_call *c, struct member *m,
				      const struct wccp_service *stated)
{
	m->answer_due = true;
	c->r->schedule.stated = *stated;
	router_schedule_arm(c);
}

static struct member *router_departing_find(struct router_schedule *schedule,
					    const struct addr *addr)
{
	for (unsigned i = 0; i < schedule->n_departing; i++)
		if (addr_equal(&schedule->departing[i].addr, addr))
			return &schedule->departing[i];
	return NULL;
}

static struct member *router_departing_place(struct router_schedule *schedule,
					     const struct addr *addr)
{
	struct member *found = router_departing_find(schedule, addr);

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
	struct member *m = router_departing_place(&c->r->schedule, &departing->addr);

	if (!m)
		return;
	*m = *departing;
	router_multicast_schedule(c, m, stated);
}

void router_multicast_schedule_answer(struct router_call *c, struct member *m,
				      const struct wccp_service *stated)
{
	struct router_schedule *schedule = &c->r->schedule;
	struct member *old = router_departing_find(schedule, &m->addr);

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

/* One more; false when it must wait for another message. */
static bool router_batch_add(const struct router *r, struct router_batch *batch,
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

/* The first of the list, and those who can be told the same.  Who is left over comes
 * to the front of the list; returns their number. */
static unsigned router_multicast_send_one(struct router_call *c,
					  struct router_batch *batch,
					  struct member **list, unsigned n)
{
	unsigned left = 0;

	c->methods = list[0]->methods;
	batch->n_from = batch->n_shutdown_responses = 0;
	for (unsigned i = 0; i < n; i++)
		if (list[i]->methods != c->methods ||
		    !router_batch_add(c->r, batch, list[i]))
			list[left++] = list[i];
	router_tx_batch(c, batch);
	return left;
}

/* An address table in IPv4 is for those that all speak with one. */
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
	struct router_schedule *schedule = &c->r->schedule;

	if (!mono_due(schedule->next, c->now))
		return;
	router_multicast_send_all(c);
	schedule->earliest = mono_add_ms(c->now, router_schedule_interval_ms(c->r));
	schedule->next =
		router_multicast_has_members(c->r) ? schedule->earliest : MONO_NEVER;
}
