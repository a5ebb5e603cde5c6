/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Datagrams between the UDP sockets and the services. */
#include "wccprouter/service/transport.h"

#include "log.h"

#include <unistd.h>

enum { RX_BATCH = 64 }; /* datagrams that are taken in one go */

/* -- life -------------------------------------------------------------------------- */

int transport_open(struct transport *t, struct err *err)
{
	const struct profile *profile = t->conf->profile;

	t->udp4 = udp_open_any(ADDR_V4, err);
	if (t->udp4 < 0 || (profile && profile->ignores_id_zero &&
			    udp_ignore_id_zero(t->udp4, err) < 0))
		return -1;
	if (addr_is_set(&t->conf->router_id6)) {
		t->udp6 = udp_open_any(ADDR_V6, err);
		if (t->udp6 < 0)
			return -1;
	}
	t->multicast = routerd_multicast_open(t->conf);
	if (!t->multicast)
		return err_set(err, "out of memory");
	transport_follow_interfaces(t);
	return 0;
}

void transport_close(struct transport *t)
{
	routerd_multicast_close(t->multicast);
	if (t->udp4 >= 0)
		close(t->udp4);
	if (t->udp6 >= 0)
		close(t->udp6);
}

void transport_follow_interfaces(struct transport *t)
{
	routerd_multicast_follow(t->multicast, t->udp4, t->udp6);
}

/* -- out --------------------------------------------------------------------------- */

/* A datagram on its way out. */
struct transport_outgoing {
	const struct routerd_conf_service *service;
	struct udp_way way; /* `to` may be the group's address */
};

static void transport_put_out(void *arg, struct mono now, const void *context,
			      const void *octets, size_t len)
{
	struct transport *t = arg;
	const struct transport_outgoing *out = context;
	struct codec_datagram datagram;
	struct trace_message m = {
		.way = TRACE_SENT,
		.service = out->service->name,
		.peer = &out->way.to,
		.datagram = &datagram,
	};
	int fd = out->way.to.family == ADDR_V6 ? t->udp6 : t->udp4;
	struct err err;

	(void)now;
	codec_open(octets, len, &datagram);
	t->watch(t->arg, &m);
	if (addr_equal(&out->way.to, &out->service->router.multicast))
		routerd_multicast_send(t->conf, out->service, fd, octets, len);
	else if (udp_send(fd, &out->way, octets, len, &err) < 0)
		log_event(NOTE_DEBUG, "send-failed",
			  (struct log_about){ .service = out->service->name }, "%s",
			  err.text);
}

void transport_send(struct transport *t, const struct routerd_conf_service *service,
		    const struct udp_way *way, const void *octets, size_t len,
		    struct mono now)
{
	struct transport_outgoing out = { service, *way };
	struct fault_about about = {
		.way = FAULT_OUT,
		.service = service->name,
		.peer = &way->to,
		.password = &service->router.password,
	};

	if (faults_any(t->faults))
		faults_pass(t->faults, now, &about, octets, len, transport_put_out, t,
			    &out, sizeof(out));
	else
		transport_put_out(t, now, &out, octets, len);
}

/* -- in ---------------------------------------------------------------------------- */

/* The faults may have changed it to another message: open it again. */
static void transport_take_in(void *arg, struct mono now, const void *context,
			      const void *octets, size_t len)
{
	struct transport *t = arg;
	struct codec_datagram datagram;

	codec_open(octets, len, &datagram);
	routerd_services_receive(t->services,
				 routerd_services_of(t->services, &datagram), context,
				 &datagram, now);
}

/* For this service, -1 for none of ours. */
static void transport_take(struct transport *t, int service,
			   const struct udp_arrival *arrival,
			   const struct codec_datagram *datagram, struct mono now)
{
	const struct routerd_conf_service *conf =
		service < 0 ? NULL : t->services->list[service].conf;
	struct trace_message m = {
		.way = TRACE_RECEIVED,
		.service = conf ? conf->name : NULL,
		.peer = &arrival->from,
		.datagram = datagram,
		.password = conf ? &conf->router.password : NULL,
	};
	struct fault_about about = {
		.way = FAULT_IN,
		.service = conf ? conf->name : NULL,
		.peer = &arrival->from,
	};

	t->watch(t->arg, &m);
	if (faults_any(t->faults))
		faults_pass(t->faults, now, &about, datagram->octets, datagram->len,
			    transport_take_in, t, arrival, sizeof(*arrival));
	else
		routerd_services_receive(t->services, service, arrival, datagram, now);
}

void transport_receive(struct transport *t, int fd, struct mono now)
{
	for (unsigned left = RX_BATCH; left > 0; left--) {
		struct codec_datagram datagram;
		struct udp_arrival arrival;
		ssize_t n = udp_receive(fd, t->datagram, sizeof(t->datagram), &arrival);

		if (n < 0)
			break;
		codec_open(t->datagram, (size_t)n, &datagram);
		transport_take(t, routerd_services_of(t->services, &datagram), &arrival,
			       &datagram, now);
	}
}
