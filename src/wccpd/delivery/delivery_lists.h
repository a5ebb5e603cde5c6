/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known about the delivery of each service, and of each service at a router. */
#ifndef WCCPD_WCCPD_DELIVERY_DELIVERY_LISTS_H
#define WCCPD_WCCPD_DELIVERY_DELIVERY_LISTS_H

#include "dp/plan/plan.h"
#include "wccpd/delivery/delivery_clients.h"
#include "wccpd/delivery/delivery_fsm.h"

/* One service, and what the current round has shown so far. */
struct delivery_service {
	struct wccp_service id; /* type and id count */
	char name[32];
	struct delivery delivery;
	struct delivery_clients clients;
	struct delivery_silence silence;
	uint64_t unanswered; /* SYNs, up to the newest look */
	bool in_doubt; /* whether its clients get answers */
	bool planned;
	unsigned n_sent, n_lost, n_routers, n_routers_lost;
	char reason[sizeof(((struct delivery *)0)->reason)];
	char told[sizeof(((struct delivery *)0)->reason)]; /* logged while unproven */
};

/* A service at a router of which the proofs fail, while others arrive. */
struct delivery_router {
	struct wccp_service service;
	struct addr id;
	unsigned failed; /* rounds in a row */
	bool lost;	 /* in the round under way */
};

struct delivery_lists {
	bool trusts; /* services that are added count as proven */
	unsigned n_services, n_routers;
	struct delivery_service services[PLAN_MAX_SERVICES];
	struct delivery_router routers[PLAN_MAX_ADDRESSES];
};

/* Type and id count; NULL: not there. */
struct delivery_service *delivery_lists_find(struct delivery_lists *l,
					     const struct wccp_service *id);
/* The same; adds it, unproven, if it is missing. */
struct delivery_service *delivery_lists_service(struct delivery_lists *l,
						const struct wccp_service *id);
/* NULL: not there, and not to be added, or no room. */
struct delivery_router *delivery_lists_router(struct delivery_lists *l,
					      const struct wccp_service *service,
					      const struct addr *id, bool add);

/* Are new connections that this router sends for the service to be given back? */
bool delivery_lists_holds(const struct delivery_lists *l, const struct wccp_service *service,
			  const struct addr *router);

/* The same for reasons of this router alone. */
bool delivery_lists_holds_router(const struct delivery_lists *l,
				 const struct wccp_service *service,
				 const struct addr *router);

#endif
