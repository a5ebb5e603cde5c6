/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The glue of wccprouter: it reads the clock, gives datagrams and ticks to the
 * service groups, carries out what they answer, and has the data plane follow.
 */
#ifndef WCCPD_WCCPROUTER_ROUTERD_H
#define WCCPD_WCCPROUTER_ROUTERD_H

#include "actions.h"
#include "wccprouter/control/message_debug.h"
#include "err.h"
#include "wccprouter/forward/forward.h"
#include "wccprouter/net/reply_source.h"
#include "wccprouter/conf/routerd_conf.h"
#include "router.h"
#include "wccprouter/net/routerd_udp.h"

#include <event2/event.h>

struct casts;
struct control;
struct faults;
struct http;
struct scenario_run;

struct engine_service {
	const struct rconf_service *conf;
	struct router_conf in_force; /* conf->router, as changed since */
	bool shut;		     /* as if it were not configured */
	struct router *router;
	struct local locals[WCCP_MAX_CACHES];
};

enum engine_event {
	ENGINE_UDP4,
	ENGINE_UDP6,
	ENGINE_TIMER,
	ENGINE_CHANGES,
	ENGINE_PACKETS,
	ENGINE_APPLY,
	ENGINE_REFRESH,
	ENGINE_SIGINT,
	ENGINE_SIGTERM,
	ENGINE_EVENTS,
};

struct engine {
	const struct rconf *conf;
	struct event_base *base;
	struct event *events[ENGINE_EVENTS];
	struct forward *forward;
	struct control *control;
	struct casts *casts;
	struct http *http; /* NULL: metrics are not served */
	int udp4, udp6;	   /* the latter only with a router id of IPv6 */
	struct debug debug;
	struct faults *faults;
	struct scenario_run *scenario; /* not owned; NULL: none */
	bool stale;	   /* the data plane does not follow yet, and was logged */
	unsigned n_services;
	struct engine_service services[RCONF_MAX_SERVICES];
	/* Side by side, as forward_apply() wants them. */
	struct router_status status[RCONF_MAX_SERVICES];
	/* Datagrams that belong to no service of ours. */
	uint64_t refused[CODEC_REFUSALS], unknown_service;
	/* Scratch, large and reused. */
	struct router_status fresh;
	struct wccp_msg msg;
	struct actions actions;
	struct rudp_arrival arrival;
	uint8_t datagram[WCCP_MAX_DATAGRAM];
};

/* Open everything; `conf` must outlive it.  NULL on error, nothing left behind. */
struct engine *engine_new(const struct rconf *conf, struct err *err);
void engine_run(struct engine *e); /* until SIGINT or SIGTERM */
void engine_free(struct engine *e);
/* Service `i` as after a restart of the router: nobody is in it, and nobody's receive
 * id is right. */
int engine_reset(struct engine *e, unsigned i, struct err *err);
/* A datagram that has arrived as e->arrival says.  What follows from it is done. */
void engine_take(struct engine *e, const void *octets, size_t len, struct mono now);
/* The service of ours that a datagram claims to be for; NULL when there is none. */
const struct rconf_service *engine_service_of(const struct engine *e, const void *octets,
					      size_t len);
/* The number of the service of this name; -1 when there is none. */
int engine_find(const struct engine *e, const char *service);

#endif
