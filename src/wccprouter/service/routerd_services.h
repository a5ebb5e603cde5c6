/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The services of the router: datagrams and points of time go in; the data plane
 * follows the protocol core, whose messages go out through a callback.  The owner reads
 * the sockets and the clock.
 */
#ifndef WCCPD_WCCPROUTER_SERVICE_ROUTERD_SERVICES_H
#define WCCPD_WCCPROUTER_SERVICE_ROUTERD_SERVICES_H

#include "actions.h"
#include "err.h"
#include "router.h"
#include "wccprouter/conf/routerd_conf.h"
#include "wccprouter/forward/forward.h"
#include "udp.h"
#include "wccprouter/service/reply_source.h"

struct firewall;

struct routerd_service {
	const struct routerd_conf_service *conf;
	struct router_conf in_force; /* conf->router, as changed since */
	bool shut;		     /* as if it were not configured */
	struct router *router;
	struct reply_source sources[WCCP_MAX_CACHES];
};

/* What the services tell their owner. */
struct routerd_services_calls {
	/* Send these octets of this service, from way->local where that is known. */
	void (*send)(void *arg, const struct routerd_conf_service *service,
		     const struct udp_way *way, const void *octets, size_t len,
		     struct mono now);
	/* A service has made a step: its status and routerd_services_deadline() may
	 * have changed. */
	void (*stepped)(void *arg, struct mono now);
	void *arg;
};

struct routerd_services {
	const struct routerd_conf *conf; /* not owned */
	struct routerd_services_calls calls;
	struct forward *forward; /* not owned; NULL: there is none yet */
	const struct firewall *firewall; /* for those who show it; not owned */
	bool stale;		 /* the data plane does not follow, and was logged */
	unsigned n;
	struct routerd_service list[ROUTERD_MAX_SERVICES];
	/* Side by side, as forward_apply() wants them. */
	struct router_status status[ROUTERD_MAX_SERVICES];
	/* Datagrams that belong to no service of ours. */
	uint64_t refused[CODEC_REFUSALS], unknown_service;
	/* Scratch, large and reused. */
	struct router_status fresh;
	struct wccp_msg msg;
	struct actions actions;
};

/* Those of the configuration, which must outlive them.  NULL when memory is short. */
struct routerd_services *
routerd_services_new(const struct routerd_conf *conf,
		     const struct routerd_services_calls *calls);
void routerd_services_free(struct routerd_services *s); /* NULL is fine */

/* The number of the service that an opened datagram claims to be for; -1: none of
 * ours, or it was refused. */
int routerd_services_of(const struct routerd_services *s,
			const struct codec_datagram *datagram);

/* Process a datagram that has arrived for this service, -1 for none. */
void routerd_services_receive(struct routerd_services *s, int service,
			      const struct udp_arrival *arrival,
			      const struct codec_datagram *datagram, struct mono now);
/* Do whatever is due at `now`. */
void routerd_services_tick(struct routerd_services *s, struct mono now);
struct mono routerd_services_deadline(const struct routerd_services *s);
/* Make the data plane follow the current routes, neighbours and interfaces. */
void routerd_services_apply(struct routerd_services *s);

/* Reset service `i` as a restart of the router does: it has no members, and no receive
 * id sent before is valid. */
int routerd_services_reset(struct routerd_services *s, unsigned i, struct mono now,
			   struct err *err);
/* The number of the service of this name; -1 when there is none. */
int routerd_services_find(const struct routerd_services *s, const char *name);

#endif
