/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router: its own messages.
 */
#include "core/router/router_impl.h"

#include <string.h>

static void router_tx_send(struct router_call *c, const struct addr *to)
{
	uint8_t datagram[WCCP_MAX_DATAGRAM];
	struct err err = { "" };
	struct addr_text text;
	int len;

	do {
		len = codec_encode(c->msg, &c->r->conf.password, datagram,
				   sizeof(datagram), &err);
	} while (len < 0 && router_mask_shrink(c));
	if (len < 0) {
		/* Not expected: anything too large was refused on its way in. */
		actions_complain(c->out, "cannot-encode", to,
				 "Service %s: no %s for %s: %s", c->r->name,
				 codec_type_name(c->msg->type), addr_text(to, &text),
				 err.text);
		return;
	}
	c->r->counters.tx[c->msg->type - WCCP_HERE_I_AM]++;
	actions_send(c->out, to, actions_datagram(c->out, datagram, (size_t)len),
		     (size_t)len);
}

static void router_tx_begin(struct router_call *c, enum wccp_type type, uint8_t minor,
			    uint16_t table_family)
{
	struct wccp_msg *msg = c->msg;

	codec_begin(msg, type);
	msg->minor = minor;
	msg->present = 1u << WCCP_C_SECURITY | 1u << WCCP_C_SERVICE;
	msg->table_family = table_family;
}

/* Plain hash data for every web-cache: those that speak 2.0 know no other form. */
static void router_tx_put_cache_identity(const struct router *r, const struct member *m,
					 struct wccp_cache_id *out)
{
	*out = (struct wccp_cache_id){
		.addr = m->addr,
		.kind = r->agreed.assign == WCCP_ASSIGN_MASK ? WCCP_DATA_MASK
							     : WCCP_DATA_HASH,
		.weight = m->weight,
		.status = m->status,
	};
	if (!router_table_buckets(r, &m->addr, &out->buckets)) {
		out->unassigned = true;
		out->buckets = m->history;
	}
}

static void router_tx_begin_view(const struct router *r, struct wccp_msg *msg)
{
	struct wccp_router_view *v = &msg->router_view;

	msg->present |= 1u << WCCP_C_ROUTER_VIEW;
	v->change_number = r->change_number;
	v->key = r->key;
	v->n_routers = v->n_caches = 0;
}

static void router_tx_fill_view(const struct router *r, struct wccp_msg *msg)
{
	struct wccp_router_view *v = &msg->router_view;

	v->n_routers = r->n_routers;
	memcpy(v->routers, r->routers, r->n_routers * sizeof(r->routers[0]));
	for (unsigned i = 0; i < r->n_members; i++)
		if (r->members[i].usable)
			router_tx_put_cache_identity(r, &r->members[i],
						     &v->caches[v->n_caches++]);
}

/* The form of 2.01 (section 4.3 there). */
static void router_tx_put_map(const struct router *r, struct wccp_msg *msg)
{
	msg->present |= 1u << WCCP_C_ALT_ASSIGN_MAP;
	msg->map.type = WCCP_AT_HASH;
	msg->map.hash = r->table;
}

static void router_tx_put_assignment(const struct router *r, struct wccp_msg *msg)
{
	struct wccp_assignment *a = &msg->assignment;
	const struct wccp_router_id *self = &msg->router_identity.self;

	if (msg->minor) {
		router_tx_put_map(r, msg);
		return;
	}
	msg->present |= 1u << WCCP_C_ASSIGNMENT;
	a->type = WCCP_AT_HASH;
	a->key = r->key;
	a->n_routers = 1;
	a->routers[0] = (struct wccp_router_assignment){ self->id, self->receive_id,
							 r->change_number };
	a->hash = r->table;
}

static void router_tx_put_shutdown_responses(const struct router_batch *batch,
					     struct wccp_msg *msg)
{
	if (!batch->n_shutdown_responses)
		return;
	msg->present |= 1u << WCCP_C_COMMAND;
	msg->n_commands = batch->n_shutdown_responses;
	for (unsigned i = 0; i < batch->n_shutdown_responses; i++)
		msg->commands[i] =
			(struct wccp_command){ WCCP_CMD_SHUTDOWN_RESPONSE,
					       batch->shutdown_responses[i] };
}

static uint32_t router_tx_next_receive_id(struct router *r)
{
	uint32_t id = r->receive_id++;

	if (!r->receive_id)
		r->receive_id = 1;
	return id;
}

/* The answer may have been made for a copy of the web-cache. */
static void router_tx_note_id(struct router *r, const struct addr *cache,
			      uint32_t receive_id)
{
	struct member *m = router_members_find(r, cache);

	if (m)
		m->receive_id = receive_id;
}

static void router_tx_put_router_identity(struct router_call *c,
					  const struct router_batch *batch)
{
	struct wccp_router_identity *ri = &c->msg->router_identity;
	uint32_t receive_id = router_tx_next_receive_id(c->r);

	c->msg->present |= 1u << WCCP_C_ROUTER_ID;
	ri->self.id = *router_family_id(c->r, batch->from[0]->addr.family);
	ri->self.receive_id = receive_id;
	ri->sent_to = batch->sent_to;
	ri->n_from = batch->n_from;
	for (unsigned i = 0; i < batch->n_from; i++) {
		ri->from[i] = batch->from[i]->addr;
		batch->from[i]->receive_id = receive_id;
		router_tx_note_id(c->r, &ri->from[i], receive_id);
	}
}

/* All that can be long: the members, the routers, and the assignment. */
static void router_tx_put_group(const struct router *r, struct wccp_msg *msg)
{
	router_tx_fill_view(r, msg);
	if (r->agreed.assign == WCCP_ASSIGN_MASK)
		router_mask_put(r, msg);
	else if (r->conf.echo_assignment && r->assigned)
		router_tx_put_assignment(r, msg);
}

void router_tx_batch(struct router_call *c, const struct router_batch *batch)
{
	const struct router *r = c->r;
	struct wccp_msg *msg = c->msg;

	router_tx_begin(c, WCCP_I_SEE_YOU, batch->minor, batch->table_family);
	msg->service = router_service_stated(r, &batch->stated);
	router_tx_put_router_identity(c, batch);
	router_tx_begin_view(r, msg);
	msg->present |= 1u << WCCP_C_CAPABILITIES;
	router_capabilities_offer(c, &msg->capabilities);
	if (!batch->brief)
		router_tx_put_group(r, msg);
	router_tx_put_shutdown_responses(batch, msg);
	router_tx_send(c, &batch->to);
}

void router_tx_see_you(struct router_call *c, struct member *m,
		       const struct router_see_you *what)
{
	struct router_batch batch = {
		.to = m->source,
		.sent_to = m->sent_to,
		.minor = router_version_answer(c->r, m),
		.stated = what->stated,
		.brief = what->brief,
		.n_from = 1,
		.from = { m },
		.n_shutdown_responses = what->shutdown_response,
		.shutdown_responses = { m->addr },
	};

	batch.table_family = router_version_table(m, batch.minor);
	router_tx_batch(c, &batch);
}

void router_tx_query(struct router_call *c, struct member *m)
{
	struct wccp_msg *msg = c->msg;
	uint8_t minor = router_version_answer(c->r, m);

	router_tx_begin(c, WCCP_REMOVAL_QUERY, minor, router_version_table(m, minor));
	msg->service = router_service_stated(c->r, NULL);
	msg->present |= 1u << WCCP_C_ROUTER_QUERY;
	msg->query.router =
		(struct wccp_router_id){ *router_family_id(c->r, m->addr.family),
					 m->receive_id };
	msg->query.sent_to = m->sent_to;
	msg->query.target = m->addr;
	router_tx_send(c, &m->source);
}
