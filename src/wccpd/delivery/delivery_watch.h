/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watches delivery: sends proofs in rounds and counts the connections of clients; both
 * drive the state of each service (delivery_fsm.h).
 */
#ifndef WCCPD_WCCPD_DELIVERY_DELIVERY_WATCH_H
#define WCCPD_WCCPD_DELIVERY_DELIVERY_WATCH_H

#include "dp/dp.h"
#include "wccpd/delivery/delivery_fsm.h"

#include <event2/event.h>

struct delivery_watch;

/* `changed` is called when it changes whether a service may be announced, or whether
 * connections are to be returned. */
struct delivery_watch *delivery_watch_new(struct event_base *base, struct dp *dp,
					  void (*changed)(void *arg), void *arg);
void delivery_watch_free(struct delivery_watch *w);

/* An earlier process has left everything in force: services count as proven until proofs
 * say otherwise. */
void delivery_watch_trust(struct delivery_watch *w);

/* The plan is in force.  It is kept until the next call and must not change until then,
 * except by delivery_watch_mark().  A round of proofs begins at once. */
void delivery_watch_planned(struct delivery_watch *w, const struct plan *plan);

/* For a plan that is being made: mark the routers whose new connections are to be
 * returned. */
void delivery_watch_mark(const struct delivery_watch *w, struct plan *plan);

/* Links, routes, rules or the packet filter have changed: a round of proofs begins soon, and
 * clients that got no answer are tried again. */
void delivery_watch_kernel_changed(struct delivery_watch *w);

/* Of a service by type and id; never NULL. */
const struct delivery *delivery_watch_of(struct delivery_watch *w,
					 const struct wccp_service *s);
/* Are new connections given back to this router alone, as its packets do not arrive? */
bool delivery_watch_holds_router(const struct delivery_watch *w,
				 const struct wccp_service *s, const struct addr *router);

#endif
