/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Carries datagrams between the UDP sockets and the services, and applies the faults to
 * them.  Watchers see what is on the wire: incoming messages before the faults,
 * outgoing ones after them.
 */
#ifndef WCCPD_WCCPROUTER_SERVICE_TRANSPORT_H
#define WCCPD_WCCPROUTER_SERVICE_TRANSPORT_H

#include "wccprouter/fault/faults.h"
#include "wccprouter/net/routerd_multicast.h"
#include "wccprouter/net/trace.h"
#include "wccprouter/service/routerd_services.h"

struct transport {
	const struct routerd_conf *conf;
	int udp4, udp6; /* the latter -1 without a router id of IPv6 */
	struct routerd_multicast *multicast;
	/* Not owned: */
	struct faults *faults;
	struct routerd_services *services;
	/* A message is on the wire; called with the owner's `arg`. */
	void (*watch)(void *arg, const struct trace_message *m);
	void *arg;
	uint8_t datagram[WCCP_MAX_DATAGRAM]; /* scratch */
};

/* Open the sockets that t->conf asks for (they must be -1), and join its groups.  Call
 * transport_close() also after an error. */
int transport_open(struct transport *t, struct err *err);
void transport_close(struct transport *t);
/* Interfaces may have come or gone: join the groups on those that are there. */
void transport_follow_interfaces(struct transport *t);

/* Receive what has arrived on one of the sockets, up to a limit, so that a flood does
 * not stop the timers. */
void transport_receive(struct transport *t, int fd, struct mono now);
/* Send a message of a service: routerd_services_calls.send. */
void transport_send(struct transport *t, const struct routerd_conf_service *service,
		    const struct udp_way *way, const void *octets, size_t len,
		    struct mono now);

#endif
