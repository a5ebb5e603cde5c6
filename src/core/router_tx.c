/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router: its own messages.
 */
#include "router_impl.h"

#include <string.h>

static void send(struct router_call *c, const struct member *m)
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
		/* Not to be expected: what is too much was refused on its way in. */
		actions_complain(c->out, "cannot-encode", &m->source,
				 "Service %s: no %s for %s: %s", c->r->name,
				 codec_type_name(c->msg->type),
				 addr_text(&m->source, &text), err.text);
		return;
	}
	c->r->counters.tx[c->msg->type - WCCP_HERE_I_AM]++;
	actions_send(c->out, &m->source,
		     actions_datagram(c->out, datagram, (size_t)len), (size_t)len);
}

static void begin(struct router_call *c, const struct member *m, enum wccp_type type)
{
	struct wccp_msg *msg = c->msg;

	codec_begin(msg, type);
	msg->minor = m->minor;
	msg->present = 1u << WCCP_C_SECURITY | 1u << WCCP_C_SERVICE;
	msg->table_family = m->table_family;
}

/* Plain hash data for everybody: 2.0 web-caches know no other form. */
static void put_identity(const struct router *r, const struct member *m,
			 struct wccp_cache_id *out)
{
	*out = (struct wccp_cache_id){
		.addr = m->addr,
		.kind = r->agreed.assign == WCCP_ASSIGN_MASK ? WCCP_DATA_MASK
							     : WCCP_DATA_HASH,
		.weight = m->weight,
		.status = m->status,
	};
	if (!router_assign_buckets(r, &m->addr, &out->buckets)) {
		out->unassigned = true;
		out->buckets = m->history;
	}
}

static void put_view(const struct router *r, struct wccp_msg *msg)
{
	struct wccp_router_view *v = &msg->router_view;

	msg->present |= 1u << WCCP_C_ROUTER_VIEW;
	v->change_number = r->change_number;
	v->key = r->key;
	v->n_routers = r->n_routers;
	memcpy(v->routers, r->routers, r->n_routers * sizeof(r->routers[0]));
	v->n_caches = 0;
	for (unsigned i = 0; i < r->n_members; i++)
		if (r->members[i].usable)
			put_identity(r, &r->members[i], &v->caches[v->n_caches++]);
}

static void put_assignment(const struct router *r, uint32_t receive_id,
			   struct wccp_msg *msg)
{
	struct wccp_assignment *a = &msg->assignment;

	msg->present |= 1u << WCCP_C_ASSIGNMENT;
	a->type = WCCP_AT_HASH;
	a->key = r->key;
	a->n_routers = 1;
	a->routers[0] = (struct wccp_router_assignment){ r->conf.id, receive_id,
							 r->change_number };
	a->hash = r->table;
}

static void put_response(const struct member *m, struct wccp_msg *msg)
{
	msg->present |= 1u << WCCP_C_COMMAND;
	msg->n_commands = 1;
	msg->commands[0] = (struct wccp_command){ WCCP_CMD_SHUTDOWN_RESPONSE, m->addr };
}

static uint32_t next_receive_id(struct router *r)
{
	uint32_t id = r->receive_id++;

	if (!r->receive_id)
		r->receive_id = 1;
	return id;
}

void router_tx_see_you(struct router_call *c, struct member *m,
		       const struct wccp_service *stated, bool shutdown_response)
{
	const struct router *r = c->r;
	struct wccp_msg *msg = c->msg;

	m->receive_id = next_receive_id(c->r);
	begin(c, m, WCCP_I_SEE_YOU);
	msg->service = router_service_stated(r, stated);
	msg->present |= 1u << WCCP_C_ROUTER_ID | 1u << WCCP_C_CAPABILITIES;
	msg->router_identity.self =
		(struct wccp_router_id){ r->conf.id, m->receive_id };
	msg->router_identity.sent_to = m->sent_to;
	msg->router_identity.n_from = 1;
	msg->router_identity.from[0] = m->addr;
	put_view(r, msg);
	router_caps_offer(c, &msg->caps);
	if (r->agreed.assign == WCCP_ASSIGN_MASK)
		router_mask_put(r, msg);
	else if (r->conf.echo_assignment && r->assigned)
		put_assignment(r, m->receive_id, msg);
	if (shutdown_response)
		put_response(m, msg);
	send(c, m);
}

void router_tx_query(struct router_call *c, struct member *m)
{
	struct wccp_msg *msg = c->msg;

	begin(c, m, WCCP_REMOVAL_QUERY);
	msg->service = router_service_stated(c->r, NULL);
	msg->present |= 1u << WCCP_C_ROUTER_QUERY;
	msg->query.router = (struct wccp_router_id){ c->r->conf.id, m->receive_id };
	msg->query.sent_to = m->sent_to;
	msg->query.target = m->addr;
	send(c, m);
}
