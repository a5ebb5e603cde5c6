/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The router side of one service group: events in, actions out.
 */
#include "core/router/router_impl.h"

#include <stdlib.h>

struct router *router_new(const struct router_conf *conf, struct mono beginning)
{
	struct router *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->conf = *conf;
	r->conf.assign &= WCCP_ASSIGN_HASH | WCCP_ASSIGN_MASK;
	if (r->conf.n_allowed > WCCP_MAX_CACHES)
		r->conf.n_allowed = WCCP_MAX_CACHES;
	/* Ahead of all ids sent before a restart, unless there were 1,000 a second. */
	r->change_number = (uint32_t)(beginning.ns / 1000000);
	r->receive_id = r->change_number ? r->change_number : 1;
	r->flush = MONO_NEVER;
	router_service_init(r);
	router_capabilities_reset(r);
	router_schedule_init(r);
	router_strangers_init(r);
	return r;
}

void router_free(struct router *r)
{
	free(r);
}

void router_allow(struct router *r, const struct addr_prefix *list, unsigned n)
{
	r->conf.n_allowed = n < WCCP_MAX_CACHES ? n : WCCP_MAX_CACHES;
	for (unsigned i = 0; i < r->conf.n_allowed; i++)
		r->conf.allowed[i] = list[i];
}

enum { FAR_AHEAD = 1000003 };

void router_skip_receive_ids(struct router *r, bool to_the_last)
{
	r->receive_id = to_the_last ? UINT32_MAX : r->receive_id + FAR_AHEAD;
	if (r->receive_id == 0)
		r->receive_id = 1;
}

void router_set_id(struct router *r, const struct addr *id)
{
	if (id->family == ADDR_V6)
		r->conf.id6 = *id;
	else
		r->conf.id = *id;
}

static enum codec_refusal router_decode(struct router_call *c,
					const struct codec_datagram *d, struct err *err)
{
	enum codec_refusal refusal;

	refusal = codec_authenticate(d, &c->r->conf.password);
	if (refusal != CODEC_OK) {
		err_set(err, "not authenticated");
		return refusal;
	}
	return codec_decode(d, c->msg, err);
}

static void router_refuse(struct router_call *c, enum codec_refusal refusal,
			  const struct err *err)
{
	const char *name = codec_refusal_name(refusal);
	struct addr_text text;

	c->r->counters.refused[refusal]++;
	actions_complain(c->out, name, &c->from, "Service %s: datagram from %s: %s: %s",
			 c->r->name, addr_text(&c->from, &text), name, err->text);
}

static void router_receive(struct router_call *c, const struct codec_datagram *d)
{
	struct err err = { "not a WCCP message" };
	enum codec_refusal refusal = d->refusal;

	if (refusal == CODEC_OK && (d->service_type != c->r->conf.service_type ||
				    d->service_id != c->r->conf.service_id)) {
		c->r->counters.bad_service++;
		return;
	}
	if (router_multicast_is_foreign(c)) {
		c->r->counters.wrong_group++;
		return;
	}
	if (refusal == CODEC_OK)
		refusal = router_decode(c, d, &err);
	if (refusal != CODEC_OK) {
		router_refuse(c, refusal, &err);
		return;
	}
	c->r->counters.rx[c->msg->type - WCCP_HERE_I_AM]++;
	if (c->msg->type == WCCP_HERE_I_AM)
		router_here_i_am_rx(c);
	else if (c->msg->type == WCCP_REDIRECT_ASSIGN)
		router_assignment_rx(c);
	/* I_SEE_YOU and REMOVAL_QUERY are for web-caches. */
}

/* Silence ends membership after 3 TB, half a TB after the query (2.0 section 4.14).  A
 * web-cache that is not yet a member may have chosen any T that we offer, and already
 * use it. */
static struct mono router_removal_time(const struct router *r, const struct member *m)
{
	int64_t tb = m->usable ? router_tb_ms(r) : router_longest_tb_ms(r);

	return mono_add_ms(m->heard, 3 * tb);
}

static struct mono router_query_time(const struct router *r, const struct member *m)
{
	return mono_add_ms(m->heard, 5 * router_tb_ms(r) / 2);
}

/* Returns true if the member was removed and another has taken its place. */
static bool router_tick_member(struct router_call *c, struct member *m)
{
	struct router *r = c->r;

	if (mono_due(router_removal_time(r, m), c->now)) {
		if (m->usable) {
			r->counters.removed_by_timeout++;
			router_members_leave(c, m, NOTE_WARNING);
		} else {
			router_members_forget(r, m);
		}
		return true;
	}
	if (m->usable && !m->queried && mono_due(router_query_time(r, m), c->now)) {
		m->queried = true;
		router_tx_query(c, m);
	}
	return false;
}

static void router_tick(struct router_call *c)
{
	struct router *r = c->r;

	for (unsigned i = 0; i < r->n_members;)
		if (!router_tick_member(c, &r->members[i]))
			i++;
	if (mono_due(r->flush, c->now))
		router_table_flush(c, "the group changed and no new one arrived");
	router_multicast_tick(c);
}

void router_step(struct router *r, const struct router_event *ev,
		 struct wccp_msg *scratch, struct actions *out)
{
	struct router_call c = {
		.r = r,
		.now = ev->now,
		.msg = scratch,
		.from = ev->rx.from,
		.to = ev->rx.to,
		.methods = ev->rx.off_link ? ~(uint32_t)WCCP_METHOD_L2 : UINT32_MAX,
		.out = out,
	};

	/* Overdue timers come first: a datagram does not revive a member that has
	 * timed out. */
	router_tick(&c);
	if (ev->type == ROUTER_EV_RX)
		router_receive(&c, ev->rx.datagram);
}

struct mono router_deadline(const struct router *r)
{
	struct mono next = mono_min(r->flush, router_schedule_deadline(r));

	for (unsigned i = 0; i < r->n_members; i++) {
		const struct member *m = &r->members[i];

		next = mono_min(next, m->usable && !m->queried
					      ? router_query_time(r, m)
					      : router_removal_time(r, m));
	}
	return next;
}

static void router_cache_status_of(const struct router *r, const struct member *m,
				   struct router_cache_status *out)
{
	*out = (struct router_cache_status){
		.addr = m->addr,
		.usable = m->usable,
		.multicast = m->multicast,
		.minor = m->minor_seen,
		.forward = m->forward,
		.ret = m->ret,
		.assign = m->usable ? r->agreed.assign : 0,
		.weight = m->weight,
		.since = m->since,
	};
	out->buckets = router_table_buckets(r, &m->addr, &out->vector);
	out->values = router_mask_count(r, &m->addr);
}

void router_get_status(const struct router *r, struct router_status *out)
{
	*out = (struct router_status){
		.service = r->service,
		.described = r->described,
		.family = router_family(r),
		.change_number = r->change_number,
		.key = r->key,
		.transmit_t_ms = r->agreed.transmit_t_ms,
		.n_caches = r->n_members,
		.n_routers = r->n_routers,
		.assigned = r->assigned,
		.by_mask = router_mask_in_force(r),
		.counters = r->counters,
	};
	for (unsigned i = 0; i < r->n_members; i++)
		router_cache_status_of(r, &r->members[i], &out->caches[i]);
	for (unsigned i = 0; i < r->n_routers; i++)
		out->routers[i] = r->routers[i];
	if (out->by_mask)
		router_mask_copy(&out->masks, &r->masks);
	else if (r->assigned)
		out->table = r->table;
}
