/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Datagrams between sockets and service groups. */
#include "wccprouter/net/transport.h"

#include "wccprouter/net/routerd_multicast.h"
#include "wccprouter/fault/faults.h"
#include "log.h"
#include "wccprouter/scenario/scenario_run.h"

/* -- looking on ----------------------------------------------------------------------- */

static void see(struct engine *e, const struct trace_message *m)
{
	debug_see(e, m);
	scenario_run_see(e->scenario, m);
}

/* As it came: before anything befalls it. */
static void see_received(struct engine *e, const struct rconf_service *conf, size_t len)
{
	struct trace_message m = {
		.way = TRACE_RECEIVED,
		.service = conf ? conf->name : NULL,
		.peer = &e->arrival.from,
		.octets = e->datagram,
		.len = len,
		.password = conf ? &conf->router.password : NULL,
	};

	see(e, &m);
}

/* -- out ------------------------------------------------------------------------------- */

/* A datagram on its way out. */
struct outgoing {
	struct engine_service *service;
	struct rudp_way way; /* `to` may be the group's address */
};

static void put_out(void *arg, struct mono now, const void *context, const void *octets,
		    size_t len)
{
	struct engine *e = arg;
	const struct outgoing *out = context;
	const struct rconf_service *conf = out->service->conf;
	struct trace_message m = {
		.way = TRACE_SENT,
		.service = conf->name,
		.peer = &out->way.to,
		.octets = octets,
		.len = len,
	};
	int fd = out->way.to.family == ADDR_V6 ? e->udp6 : e->udp4;
	struct err err;

	(void)now;
	see(e, &m);
	if (addr_equal(&out->way.to, &conf->router.multicast))
		casts_send(e->conf, conf, fd, octets, len);
	else if (rudp_send(fd, &out->way, octets, len, &err) < 0)
		log_event(NOTE_DEBUG, "send-failed",
			  (struct log_about){ .service = conf->name }, "%s", err.text);
}

void exchange_send(struct engine *e, struct engine_service *s, const struct action *x,
		   const struct router_event *ev)
{
	const void *octets = action_octets(&e->actions, x);
	struct outgoing out = { .service = s, .way = { .to = x->peer } };
	struct fault_about about = {
		.way = FAULT_OUT,
		.service = s->conf->name,
		.peer = &x->peer,
		.password = &s->conf->router.password,
	};

	if (ev->type == ROUTER_EV_RX && addr_equal(&x->peer, &ev->rx.from))
		out.way.local = e->arrival.local;
	else
		out.way.local = locals_find(s->locals, &x->peer);
	if (faults_any(e->faults))
		faults_pass(e->faults, ev->now, &about, octets, x->len, put_out, e,
			    &out, sizeof(out));
	else
		put_out(e, ev->now, &out, octets, x->len);
}

/* -- in -------------------------------------------------------------------------------- */

static void take_in(void *arg, struct mono now, const void *context, const void *octets,
		    size_t len)
{
	struct engine *e = arg;

	e->arrival = *(const struct rudp_arrival *)context;
	engine_take(e, octets, len, now);
}

void exchange_receive(struct engine *e, size_t len, struct mono now)
{
	/* It is written to when the datagram is taken. */
	struct rudp_arrival arrival = e->arrival;
	struct fault_about about = { .way = FAULT_IN, .peer = &arrival.from };
	const struct rconf_service *conf = engine_service_of(e, e->datagram, len);

	see_received(e, conf, len);
	if (!faults_any(e->faults)) {
		engine_take(e, e->datagram, len, now);
		return;
	}
	about.service = conf ? conf->name : NULL;
	faults_pass(e->faults, now, &about, e->datagram, len, take_in, e, &arrival,
		    sizeof(arrival));
}
