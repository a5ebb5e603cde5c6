/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router: the members of the group.  A web-cache takes a place in the list with its
 * first HERE_I_AM, because we must remember the receive id that we sent to it.  Only a
 * usable one is a member, and only members keep their places when the list is full.
 */
#include "core/router/router_impl.h"

#include <string.h>

struct member *router_members_find(struct router *r, const struct addr *addr)
{
	for (unsigned i = 0; i < r->n_members; i++)
		if (addr_equal(&r->members[i].addr, addr))
			return &r->members[i];
	return NULL;
}

struct member *router_members_from(struct router *r, const struct addr *source)
{
	for (unsigned i = 0; i < r->n_members; i++)
		if (r->members[i].usable && addr_equal(&r->members[i].source, source))
			return &r->members[i];
	return NULL;
}

bool router_members_has(const struct router *r, const struct addr *addr)
{
	for (unsigned i = 0; i < r->n_members; i++)
		if (r->members[i].usable && addr_equal(&r->members[i].addr, addr))
			return true;
	return false;
}

void router_members_forget(struct router *r, struct member *m)
{
	unsigned after = (unsigned)(r->members + r->n_members - (m + 1));

	memmove(m, m + 1, after * sizeof(*m));
	r->n_members--;
}

/* Web-caches that never returned a receive id may be forged: the one that has been
 * silent for longest makes room. */
static struct member *router_members_oldest_candidate(struct router *r)
{
	struct member *oldest = NULL;

	for (unsigned i = 0; i < r->n_members; i++) {
		struct member *m = &r->members[i];

		if (!m->usable && (!oldest || mono_before(m->heard, oldest->heard)))
			oldest = m;
	}
	return oldest;
}

struct member *router_members_add(struct router *r, const struct addr *addr)
{
	struct member *m;

	if (r->n_members == WCCP_MAX_CACHES) {
		m = router_members_oldest_candidate(r);
		if (!m)
			return NULL;
		router_members_forget(r, m);
	}
	m = &r->members[r->n_members++];
	*m = (struct member){ .addr = *addr,
			      .used_id = r->receive_id - 1,
			      .pardons = ROUTER_PARDONS };
	return m;
}

static void router_members_too_many_routers(struct router_call *c,
					    const struct member *m)
{
	c->r->counters.full++;
	actions_complain(c->out, "too-many-routers", &m->source,
			 "Service %s: more than %d routers", c->r->name,
			 WCCP_MAX_ROUTERS);
}

/* Add what one member reports to the `n` routers in `all`; returns the new n. */
static unsigned router_members_add_routers(struct router_call *c,
					   const struct member *m, struct addr *all,
					   unsigned n)
{
	for (unsigned i = 0; i < m->n_routers; i++) {
		if (addr_find(all, n, &m->routers[i]) >= 0)
			continue;
		if (n == WCCP_MAX_ROUTERS) {
			router_members_too_many_routers(c, m);
			break;
		}
		all[n++] = m->routers[i];
	}
	return n;
}

/* True when the union of the reported routers is another set than before. */
static bool router_members_update_routers(struct router_call *c)
{
	struct router *r = c->r;
	struct addr all[WCCP_MAX_ROUTERS];
	unsigned n = 0, kept = 0;

	for (unsigned i = 0; i < r->n_members; i++)
		if (r->members[i].usable)
			n = router_members_add_routers(c, &r->members[i], all, n);
	for (unsigned i = 0; i < n; i++)
		kept += addr_find(r->routers, r->n_routers, &all[i]) >= 0;
	if (n == r->n_routers && kept == n)
		return false;
	memcpy(r->routers, all, n * sizeof(all[0]));
	r->n_routers = n;
	return true;
}

bool router_members_report(struct router_call *c, struct member *m)
{
	const struct wccp_cache_view *v = &c->msg->cache_view;

	m->n_routers = 0;
	for (unsigned i = 0; i < v->n_routers; i++)
		/* Squid also lists routers that it has not heard, with id 0.  A router
		 * of another family could not be listed to the others. */
		if (v->routers[i].receive_id &&
		    v->routers[i].id.family == m->addr.family)
			m->routers[m->n_routers++] = v->routers[i].id;
	return router_members_update_routers(c);
}

void router_members_changed(struct router_call *c)
{
	struct router *r = c->r;

	r->change_number++;
	/* Count from the first change that has no assignment yet. */
	if (r->assigned && mono_is_never(r->flush))
		r->flush = mono_add_ms(c->now, 5 * router_rb_ms(r));
	actions_changed(c->out);
}

void router_members_join(struct router_call *c, struct member *m,
			 const struct wccp_service *service)
{
	struct addr_text text;

	m->usable = true;
	m->since = c->now;
	c->r->n_usable++;
	router_service_learn(c->r, service);
	/* The wording is that of IOS, which log watchers know. */
	actions_note(c->out, NOTE_INFO, "service-found", &m->addr,
		     "%%WCCP-5-SERVICEFOUND: Service %s acquired on WCCP client %s", c->r->name,
		     addr_text(&m->addr, &text));
}

/* Without members nothing is agreed upon. */
static void router_members_emptied(struct router_call *c)
{
	router_table_flush(c, "no web-cache is left");
	router_capabilities_reset(c->r);
	router_service_forget(c->r);
	router_schedule_retime(c);
}

void router_members_leave(struct router_call *c, struct member *m,
			  enum note_level level)
{
	struct router *r = c->r;
	struct addr addr = m->addr;
	struct addr_text text;

	router_members_forget(r, m);
	r->n_usable--;
	router_table_purge(r, &addr);
	router_members_update_routers(c);
	router_members_changed(c);
	actions_note(c->out, level, "service-lost", &addr,
		     "%%WCCP-1-SERVICELOST: Service %s lost on WCCP client %s", r->name,
		     addr_text(&addr, &text));
	if (!r->n_usable)
		router_members_emptied(c);
}
