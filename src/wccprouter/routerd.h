/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The glue of wccprouter: it reads the clock, gives datagrams and ticks to the
 * service groups, carries out what they answer, and has the data plane follow.
 */
#ifndef WCCPD_WCCPROUTER_ROUTERD_H
#define WCCPD_WCCPROUTER_ROUTERD_H

#include "actions.h"
#include "err.h"
#include "router.h"
#include "wccprouter/conf/routerd_conf.h"
#include "wccprouter/control/message_debug.h"
#include "wccprouter/forward/forward.h"
#include "wccprouter/net/reply_source.h"
#include "wccprouter/net/routerd_udp.h"

#include <event2/event.h>

struct routerd_multicast;
struct control;
struct faults;
struct http;
struct scenario_run;

struct routerd_service {
	const struct routerd_conf_service *conf;
	struct router_conf in_force; /* conf->router, as changed since */
	bool shut;		     /* as if it were not configured */
	struct router *router;
	struct reply_source sources[WCCP_MAX_CACHES];
};

enum routerd_event {
	ROUTERD_UDP4,
	ROUTERD_UDP6,
	ROUTERD_TIMER,
	ROUTERD_CHANGES,
	ROUTERD_PACKETS,
	ROUTERD_APPLY,
	ROUTERD_REFRESH,
	ROUTERD_SIGINT,
	ROUTERD_SIGTERM,
	ROUTERD_EVENTS,
};

struct routerd {
	const struct routerd_conf *conf;
	struct event_base *base;
	struct event *events[ROUTERD_EVENTS];
	struct forward *forward;
	struct control *control;
	struct routerd_multicast *multicast;
	struct http *http; /* NULL: metrics are not served */
	int udp4, udp6;	   /* the latter only with a router id of IPv6 */
	struct message_debug debug;
	struct faults *faults;
	struct scenario_run *scenario; /* not owned; NULL: none */
	bool stale; /* the data plane does not follow yet, and was logged */
	unsigned n_services;
	struct routerd_service services[ROUTERD_MAX_SERVICES];
	/* Side by side, as forward_apply() wants them. */
	struct router_status status[ROUTERD_MAX_SERVICES];
	/* Datagrams that belong to no service of ours. */
	uint64_t refused[CODEC_REFUSALS], unknown_service;
	/* Scratch, large and reused. */
	struct router_status fresh;
	struct wccp_msg msg;
	struct actions actions;
	struct routerd_udp_arrival arrival;
	uint8_t datagram[WCCP_MAX_DATAGRAM];
};

/* Open everything; `conf` must outlive it.  NULL on error, nothing left behind. */
struct routerd *routerd_new(const struct routerd_conf *conf, struct err *err);
void routerd_run(struct routerd *d); /* until SIGINT or SIGTERM */
void routerd_free(struct routerd *d);
/* Service `i` as after a restart of the router: nobody is in it, and nobody's receive
 * id is right. */
int routerd_reset(struct routerd *d, unsigned i, struct err *err);
/* A datagram that has arrived as d->arrival says.  What follows from it is done. */
void routerd_take(struct routerd *d, const void *octets, size_t len, struct mono now);
/* The service of ours that a datagram claims to be for; NULL when there is none. */
const struct routerd_conf_service *routerd_service_of(const struct routerd *d,
						      const void *octets, size_t len);
/* The number of the service of this name; -1 when there is none. */
int routerd_find(const struct routerd *d, const char *service);

#endif
