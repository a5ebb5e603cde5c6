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
static uint64_t next_random(struct router_cast *cast)
{
	uint64_t z = cast->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* Routers started together must not keep together, so the id counts as well. */
void router_cast_init(struct router *r)
{
	const struct addr *ids[] = { &r->conf.id, &r->conf.id6 };
	uint64_t seed = r->receive_id;

	for (unsigned i = 0; i < 2; i++)
		for (size_t k = 0; k < addr_len(ids[i]); k++)
			seed = seed * 31 + ids[i]->octets[k];
	r->cast.random = seed;
	r->cast.next = MONO_NEVER;
}

static int64_t period_ms(const struct router *r)
{
	int64_t ms = (int64_t)r->agreed.transmit_t_ms * PERCENT_OF_T / 100;

	return ms ? ms : 1; /* time must go on, even with a T of 1 ms */
}

static int64_t jitter_ms(struct router *r, int64_t most)
{
	return (int64_t)(next_random(&r->cast) % (uint64_t)(most + 1));
}

/* From one message to the next. */
static int64_t interval_ms(struct router *r)
{
	int64_t jitter = period_ms(r) * JITTER_PERCENT / 100;

	return period_ms(r) - jitter + jitter_ms(r, 2 * jitter);
}

/* Nobody was answered for a while: then there is no interval to keep, but routers
 * must not all speak at the same moment. */
static void arm(struct router_call *c)
{
	struct router_cast *cast = &c->r->cast;
	struct mono at;

	if (!mono_is_never(cast->next))
		return;
	at = mono_add_ms(c->now,
			 jitter_ms(c->r, period_ms(c->r) * JITTER_PERCENT / 100));
	cast->next = mono_before(at, cast->earliest) ? cast->earliest : at;
}

void router_cast_retime(struct router_call *c)
{
	struct router_cast *cast = &c->r->cast;
	struct mono at = mono_add_ms(c->now, interval_ms(c->r));

	cast->earliest = mono_min(cast->earliest, at);
	if (!mono_is_never(cast->next))
		cast->next = mono_min(cast->next, at);
}

struct mono router_cast_deadline(const struct router *r)
{
	return r->cast.next;
}

/* -- who is answered --------------------------------------------------------------- */

bool router_cast_is(const struct router_call *c)
{
	return addr_is_set(&c->r->conf.multicast) &&
	       addr_equal(&c->to, &c->r->conf.multicast);
}

static bool is_multicast(const struct addr *a)
{
	if (a->family == ADDR_V4)
		return a->octets[0] >> 4 == 0xe; /* 224.0.0.0/4 */
	return a->family == ADDR_V6 && a->octets[0] == 0xff;
}

/* Another group's address: services of one router may share a socket. */
bool router_cast_is_foreign(const struct router_call *c)
{
	return is_multicast(&c->to) && !router_cast_is(c);
}

static void owe(struct router_call *c, struct member *m,
		const struct wccp_service *stated)
{
	m->answer_due = true;
	c->r->cast.stated = *stated;
	arm(c);
}

static struct member *find_leaver(struct router_cast *cast, const struct addr *addr)
{
	for (unsigned i = 0; i < cast->n_leavers; i++)
		if (addr_equal(&cast->leavers[i].addr, addr))
			return &cast->leavers[i];
	return NULL;
}

static struct member *place_for_leaver(struct router_cast *cast,
				       const struct addr *addr)
{
	struct member *found = find_leaver(cast, addr);

	if (found)
		return found;
	if (cast->n_leavers == WCCP_MAX_CACHES)
		return NULL; /* it will ask again */
	return &cast->leavers[cast->n_leavers++];
}

void router_cast_owe_leaver(struct router_call *c, const struct member *guest,
			    const struct wccp_service *stated)
{
	struct member *m = place_for_leaver(&c->r->cast, &guest->addr);

	if (!m)
		return;
	*m = *guest;
	owe(c, m, stated);
}

void router_cast_owe(struct router_call *c, struct member *m,
		     const struct wccp_service *stated)
{
	struct router_cast *cast = &c->r->cast;
	struct member *old = find_leaver(cast, &m->addr);

	if (old) /* it has come back meanwhile */
		*old = cast->leavers[--cast->n_leavers];
	owe(c, m, stated);
}

static bool is_listener(const struct member *m)
{
	return m->multicast && (m->usable || m->answer_due);
}

static unsigned list_listeners(struct router *r, struct member *list[LISTENERS_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->n_members; i++)
		if (is_listener(&r->members[i]))
			list[n++] = &r->members[i];
	for (unsigned i = 0; i < r->cast.n_leavers; i++)
		list[n++] = &r->cast.leavers[i];
	return n;
}

/* -- the message ------------------------------------------------------------------- */

static bool is_leaver(const struct router *r, const struct member *m)
{
	return m >= r->cast.leavers && m < r->cast.leavers + r->cast.n_leavers;
}

/* One more; false when it must wait for another message. */
static bool address_to(const struct router *r, struct router_letter *l,
		       struct member *m)
{
	if (l->n_from == WCCP_MAX_CACHES)
		return false;
	if (is_leaver(r, m)) {
		if (l->n_farewells == WCCP_MAX_COMMANDS)
			return false;
		l->farewells[l->n_farewells++] = m->addr;
	}
	l->from[l->n_from++] = m;
	return true;
}

/* The first of the list, and those who can be told the same.  Who is left over comes
 * to the front of the list; returns their number. */
static unsigned send_one(struct router_call *c, struct router_letter *l,
			 struct member **list, unsigned n)
{
	unsigned left = 0;

	c->methods = list[0]->methods;
	l->n_from = l->n_farewells = 0;
	for (unsigned i = 0; i < n; i++)
		if (list[i]->methods != c->methods || !address_to(c->r, l, list[i]))
			list[left++] = list[i];
	router_tx_letter(c, l);
	return left;
}

/* An address table in IPv4 is for those that all speak with one. */
static uint16_t common_table(struct member *const *list, unsigned n, uint8_t minor)
{
	uint16_t table = router_version_table(list[0], minor);

	for (unsigned i = 1; i < n; i++)
		if (router_version_table(list[i], minor) != table)
			return 0;
	return table;
}

static void send_all(const struct router_call *step)
{
	struct router_call call = *step, *c = &call; /* whose methods vary */
	struct router *r = c->r;
	struct member *list[LISTENERS_MAX];
	unsigned n = list_listeners(r, list);
	struct router_letter letter = {
		.to = r->conf.multicast,
		.sent_to = r->conf.multicast,
		.stated = r->cast.stated,
	};

	if (!n)
		return;
	letter.minor = router_version_common(r, list, n);
	letter.table_family = common_table(list, n, letter.minor);
	for (unsigned i = 0; i < n; i++)
		list[i]->answer_due = false;
	while (n)
		n = send_one(c, &letter, list, n);
	r->cast.n_leavers = 0;
}

static bool has_members(const struct router *r)
{
	for (unsigned i = 0; i < r->n_members; i++)
		if (r->members[i].multicast && r->members[i].usable)
			return true;
	return false;
}

void router_cast_tick(struct router_call *c)
{
	struct router_cast *cast = &c->r->cast;

	if (!mono_due(cast->next, c->now))
		return;
	send_all(c);
	cast->earliest = mono_add_ms(c->now, interval_ms(c->r));
	cast->next = has_members(c->r) ? cast->earliest : MONO_NEVER;
}
