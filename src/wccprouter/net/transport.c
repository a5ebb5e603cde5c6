/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Datagrams between sockets and service groups. */
#include "wccprouter/net/transport.h"

#include "log.h"
#include "wccprouter/fault/faults.h"
#include "wccprouter/net/routerd_multicast.h"
#include "wccprouter/scenario/scenario_run.h"

/* -- looking on ----------------------------------------------------------------------- */

static void transport_see(struct routerd *d, const struct trace_message *m)
{
	message_debug_see(d, m);
	scenario_run_see(d->scenario, m);
}

/* As it came: before anything befalls it. */
static void transport_see_received(struct routerd *d,
				   const struct routerd_conf_service *conf, size_t len)
{
	struct trace_message m = {
		.way = TRACE_RECEIVED,
		.service = conf ? conf->name : NULL,
		.peer = &d->arrival.from,
		.octets = d->datagram,
		.len = len,
		.password = conf ? &conf->router.password : NULL,
	};

	transport_see(d, &m);
}

/* -- out ------------------------------------------------------------------------------- */

/* A datagram on its way out. */
struct outgoing {
	struct routerd_service *service;
	struct routerd_udp_way way; /* `to` may be the group's address */
};

static void transport_put_out(void *arg, struct mono now, const void *context,
			      const void *octets, size_t len)
{
	struct routerd *d = arg;
	const struct outgoing *out = context;
	const struct routerd_conf_service *conf = out->service->conf;
	struct trace_message m = {
		.way = TRACE_SENT,
		.service = conf->name,
		.peer = &out->way.to,
		.octets = octets,
		.len = len,
	};
	int fd = out->way.to.family == ADDR_V6 ? d->udp6 : d->udp4;
	struct err err;

	(void)now;
	transport_see(d, &m);
	if (addr_equal(&out->way.to, &conf->router.multicast))
		routerd_multicast_send(d->conf, conf, fd, octets, len);
	else if (routerd_udp_send(fd, &out->way, octets, len, &err) < 0)
		log_event(NOTE_DEBUG, "send-failed",
			  (struct log_about){ .service = conf->name }, "%s", err.text);
}

void transport_send(struct routerd *d, struct routerd_service *s,
		    const struct action *x, const struct router_event *ev)
{
	const void *octets = action_octets(&d->actions, x);
	struct outgoing out = { .service = s, .way = { .to = x->peer } };
	struct fault_about about = {
		.way = FAULT_OUT,
		.service = s->conf->name,
		.peer = &x->peer,
		.password = &s->conf->router.password,
	};

	if (ev->type == ROUTER_EV_RX && addr_equal(&x->peer, &ev->rx.from))
		out.way.local = d->arrival.local;
	else
		out.way.local = reply_source_find(s->sources, &x->peer);
	if (faults_any(d->faults))
		faults_pass(d->faults, ev->now, &about, octets, x->len,
			    transport_put_out, d, &out, sizeof(out));
	else
		transport_put_out(d, ev->now, &out, octets, x->len);
}

/* -- in -------------------------------------------------------------------------------- */

static void transport_take_in(void *arg, struct mono now, const void *context,
			      const void *octets, size_t len)
{
	struct routerd *d = arg;

	d->arrival = *(const struct routerd_udp_arrival *)context;
	routerd_take(d, octets, len, now);
}

void transport_receive(struct routerd *d, size_t len, struct mono now)
{
	/* It is written to when the datagram is taken. */
	struct routerd_udp_arrival arrival = d->arrival;
	struct fault_about about = { .way = FAULT_IN, .peer = &arrival.from };
	const struct routerd_conf_service *conf =
		routerd_service_of(d, d->datagram, len);

	transport_see_received(d, conf, len);
	if (!faults_any(d->faults)) {
		routerd_take(d, d->datagram, len, now);
		return;
	}
	about.service = conf ? conf->name : NULL;
	faults_pass(d->faults, now, &about, d->datagram, len, transport_take_in, d,
		    &arrival, sizeof(arrival));
}
