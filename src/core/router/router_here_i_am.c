/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router: HERE_I_AMs: which web-caches may speak, which get an answer, and which become
 * or stay members, namely those that return the receive id of the last I_SEE_YOU sent
 * to them (2.0 section 4.3).
 *
 * An old HERE_I_AM that somebody replays does not have that id.  We answer it, because its
 * sender may just have missed our last I_SEE_YOU, but only so often, and take nothing else
 * from it.  As such answers make the id that a member is about to return a stale one, any
 * id counts that was sent to it since the one that it returned before.  None counts twice,
 * but for the last one by multicast, where not every HERE_I_AM has an answer of its own.
 */
#include "core/router/router_impl.h"

static bool router_is_allowed(const struct router_conf *conf, const struct addr *addr)
{
	for (unsigned i = 0; i < conf->n_allowed; i++)
		if (addr_prefix_has(&conf->allowed[i], addr))
			return true;
	return !conf->n_allowed;
}

/* Is exactly this address listed, not just a prefix that contains it? */
static bool router_is_listed(const struct router_conf *conf, const struct addr *addr)
{
	for (unsigned i = 0; i < conf->n_allowed; i++)
		if (addr_prefix_is_one(&conf->allowed[i]) &&
		    addr_equal(&conf->allowed[i].addr, addr))
			return true;
	return false;
}

static void router_here_i_am_refuse(struct router_call *c, uint64_t *counter,
				    const char *event, const char *what)
{
	struct addr_text text;

	++*counter;
	actions_complain(c->out, event, &c->from,
			 "Service %s: HERE_I_AM of web-cache %s refused: %s",
			 c->r->name, addr_text(&c->msg->cache_identity.addr, &text),
			 what);
}

static bool router_is_our_address(const struct router_call *c, const struct addr *addr)
{
	return addr_equal(addr, &c->r->conf.id) || addr_equal(addr, &c->r->conf.id6) ||
	       addr_equal(addr, &c->to);
}

/* Why the web-cache may not have the address it states, or NULL.  If it differs from
 * the source it must be listed itself; otherwise any host, or any host in a listed
 * prefix, could claim the address of another. */
static const char *router_address_objection(const struct router_call *c)
{
	const struct addr *addr = &c->msg->cache_identity.addr;

	if (!addr_is_host(addr))
		return "the address it states is not that of a host";
	if (router_is_our_address(c, addr))
		return "the address it states is ours";
	if (router_is_listed(&c->r->conf, addr))
		return NULL;
	if (!addr_equal(addr, &c->from))
		return "it states another address than its own, which needs to be in "
		       "the group-list itself";
	return NULL;
}

/* A member's source does not change, nor does that of a web-cache that speaks for
 * itself. */
static bool router_may_speak_for(const struct router_call *c, const struct member *m)
{
	if (addr_equal(&m->source, &c->from))
		return true;
	return !m->usable && !addr_equal(&m->source, &m->addr);
}

/* May this web-cache speak to us at all?  If not, it gets no answer. */
static bool router_may_speak(struct router_call *c)
{
	struct router *r = c->r;
	const struct addr *addr = &c->msg->cache_identity.addr;
	const struct member *m = router_members_find(r, addr);
	const char *objection;

	if (!router_is_allowed(&r->conf, addr) ||
	    !router_is_allowed(&r->conf, &c->from)) {
		router_here_i_am_refuse(c, &r->counters.not_allowed, "not-allowed",
					"not allowed");
		return false;
	}
	if (m && !router_may_speak_for(c, m)) {
		router_here_i_am_refuse(c, &r->counters.wrong_source, "wrong-source",
					"the member speaks from another address");
		return false;
	}
	objection = router_family_objection(c);
	if (objection) {
		router_here_i_am_refuse(c, &r->counters.bad_family, "bad-family",
					objection);
		return false;
	}
	objection = router_address_objection(c);
	if (objection) {
		router_here_i_am_refuse(c, &r->counters.bad_address, "bad-address",
					objection);
		return false;
	}
	if (!router_service_accepts(r, &c->msg->service)) {
		router_here_i_am_refuse(c, &r->counters.conflicting_service,
					"conflicting-service",
					"it describes the service differently");
		return false;
	}
	return true;
}

/* Every answer needs this, even one to a message that is refused. */
static void router_take_address(struct router_call *c, struct member *m)
{
	m->source = c->from;
	m->sent_to = c->to;
	m->multicast = router_multicast_is_ours(c);
	m->methods = c->methods;
	m->minor_seen = c->msg->minor;
	m->asks_version = c->msg->cache_identity.min_version;
	m->table_family = c->msg->table_family;
}

static bool router_wants_shutdown(const struct wccp_msg *msg)
{
	if (!wccp_has(msg, WCCP_C_COMMAND))
		return false;
	for (unsigned i = 0; i < msg->n_commands; i++)
		if (msg->commands[i].type == WCCP_CMD_SHUTDOWN &&
		    addr_equal(&msg->commands[i].cache, &msg->cache_identity.addr))
			return true;
	return false;
}

/* The receive id that the message returns to us; 0 if its view does not list us. */
static uint32_t router_returned_id(const struct router_call *c)
{
	const struct wccp_cache_view *v = &c->msg->cache_view;
	const struct addr *id =
		router_family_id(c->r, c->msg->cache_identity.addr.family);

	for (unsigned i = 0; i < v->n_routers; i++)
		if (addr_equal(&v->routers[i].id, id))
			return v->routers[i].receive_id;
	return 0;
}

/* Serial arithmetic. */
static bool router_id_counts(const struct member *m, uint32_t id)
{
	if (!m->receive_id || !id)
		return false;
	if (id == m->receive_id)
		return id != m->used_id || m->multicast;
	return (int32_t)(id - m->used_id) > 0 && (int32_t)(m->receive_id - id) > 0;
}

static bool router_id_is_right(struct router_call *c, const struct member *m)
{
	uint32_t id = router_returned_id(c);

	if (!id)
		return false; /* its first message, or it has forgotten us */
	if (router_id_counts(m, id))
		return true;
	router_here_i_am_refuse(c, &c->r->counters.bad_receive_id, "bad-receive-id",
				"its receive id is not the last one");
	return false;
}

static void router_take_identity(struct member *m, const struct wccp_cache_id *id)
{
	m->weight = id->weight;
	m->status = id->status;
	if (id->kind == WCCP_DATA_HASH)
		m->history = id->buckets;
}

/* The message is accepted: its sender is, or now becomes, a member. */
static void router_take_member(struct router_call *c, struct member *m,
			       const struct router_choice *choice)
{
	bool joins = !m->usable;
	bool changed;

	m->heard = c->now;
	m->queried = false;
	router_take_identity(m, &c->msg->cache_identity);
	if (m->forward != choice->forward || m->ret != choice->ret)
		actions_changed(c->out);
	m->forward = choice->forward;
	m->ret = choice->ret;
	if (!c->r->n_usable)
		c->r->agreed = choice->agreement;
	if (joins) {
		router_members_join(c, m, &c->msg->service);
		router_schedule_retime(c);
	}
	changed = router_members_report(c, m);
	if (joins || changed)
		router_members_changed(c);
}

static bool router_has_place(const struct router *r, const struct member *m)
{
	return m->usable || !r->conf.max_caches || r->n_usable < r->conf.max_caches;
}

static void router_judge(struct router_call *c, struct member *m)
{
	struct router_choice choice;
	const char *objection = router_capabilities_choice(c, &choice);

	/* Whatever becomes of it, it does not count again. */
	m->used_id = router_returned_id(c);
	if (!objection && router_has_place(c->r, m)) {
		router_take_member(c, m, &choice);
		return;
	}
	if (!objection) {
		router_here_i_am_refuse(c, &c->r->counters.full, "full",
					"the group is full");
		m->heard = c->now;
		return;
	}
	/* Answer it all the same: it must see what the group has agreed upon since it
	 * chose. */
	router_here_i_am_refuse(c, &c->r->counters.bad_capability, "bad-capability",
				objection);
	if (!m->usable)
		m->heard = c->now;
}

/* Is one that does not count to be answered?  Not every one: there may be somebody who
 * sends old ones as fast as he can. */
static bool router_pardon(const struct router_call *c, struct member *m)
{
	int64_t pace = c->r->agreed.transmit_t_ms / ROUTER_PARDONS;

	while (m->pardons < ROUTER_PARDONS && mono_due(m->pardon_at, c->now)) {
		m->pardons++;
		m->pardon_at = mono_add_ms(m->pardon_at, pace);
	}
	if (m->pardons == 0)
		return false;
	if (m->pardons-- == ROUTER_PARDONS)
		m->pardon_at = mono_add_ms(c->now, pace);
	return true;
}

/* Tell who sent it the right id.  Nothing else in it is believed. */
static void router_answer_only(struct router_call *c, struct member *m,
			       const struct router_see_you *what)
{
	struct member as_sent = *m;

	if (m->multicast && router_multicast_is_ours(c)) {
		router_multicast_schedule_answer(c, m, &what->stated);
		return;
	}
	router_take_address(c, &as_sent);
	router_tx_see_you(c, &as_sent, what);
}

/* From a web-cache that is no member yet. */
static void router_take_candidate(struct router_call *c, struct member *m)
{
	router_take_address(c, m);
	m->heard = c->now;
}

/* It may be forged: only so often, and briefly. */
static void router_answer_stranger(struct router_call *c, struct member *m,
				   struct router_see_you what)
{
	what.brief = true;
	if (router_strangers_may_answer(c))
		router_tx_see_you(c, m, &what);
}

static void router_take_here_i_am(struct router_call *c, struct member *m)
{
	const struct router_see_you what = { .stated = c->msg->service };
	bool right;

	if (!m)
		m = router_members_add(c->r, &c->msg->cache_identity.addr);
	if (!m) {
		router_here_i_am_refuse(c, &c->r->counters.full, "full",
					"the group is full");
		return;
	}
	/* The id was sent to the other source. */
	if (!addr_equal(&m->source, &c->from)) {
		m->receive_id = 0;
		m->used_id = c->r->receive_id - 1;
	}
	right = router_id_is_right(c, m);
	if (!right && !router_pardon(c, m)) {
		router_strangers_refuse(c);
		return;
	}
	if (!right && m->usable) {
		router_answer_only(c, m, &what);
		return;
	}
	if (m->usable)
		router_take_address(c, m);
	else
		router_take_candidate(c, m);
	if (right)
		router_judge(c, m);
	if (m->multicast)
		router_multicast_schedule_answer(c, m, &what.stated);
	else if (right)
		router_tx_see_you(c, m, &what);
	else
		router_answer_stranger(c, m, what);
}

/* A repeated SHUTDOWN gets the same answer, because that may have been lost. */
static void router_take_shutdown(struct router_call *c, struct member *m)
{
	const struct router_see_you what = { .stated = c->msg->service,
					     .shutdown_response = true };
	struct member departing = { .addr = c->msg->cache_identity.addr };
	bool was_member = m && m->usable;

	router_take_address(c, &departing);
	if (was_member) {
		c->r->counters.removed_by_shutdown++;
		router_members_leave(c, m, NOTE_INFO);
	}
	if (departing.multicast)
		router_multicast_schedule_shutdown_response(c, &departing, &what.stated);
	else if (was_member)
		router_tx_see_you(c, &departing, &what);
	else
		router_answer_stranger(c, &departing, what);
}

void router_here_i_am_rx(struct router_call *c)
{
	struct member *m;

	if (!router_may_speak(c))
		return;
	m = router_members_find(c->r, &c->msg->cache_identity.addr);
	/* A member's SHUTDOWN needs the right receive id, like anything that changes
	 * the group; if it is wrong, our answer tells the right one. */
	if (router_wants_shutdown(c->msg) &&
	    (!m || !m->usable || router_id_counts(m, router_returned_id(c))))
		router_take_shutdown(c, m);
	else
		router_take_here_i_am(c, m);
}
