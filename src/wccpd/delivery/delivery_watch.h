/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watching over delivery: proofs are sent in rounds, the connections of clients are
 * counted, and both feed the state of each service (delivery_fsm.h).
 */
#ifndef WCCPD_WCCPD_DELIVERY_DELIVERY_WATCH_H
#define WCCPD_WCCPD_DELIVERY_DELIVERY_WATCH_H

#include "dp/dp.h"
#include "wccpd/delivery/delivery_fsm.h"

#include <event2/event.h>

struct delivery_watch;

/* `changed` is called when a service may be announced that could not before, or the other
 * way round, and when connections are to be given back or not any more. */
struct delivery_watch *delivery_watch_new(struct event_base *base, struct dp *dp,
					  void (*changed)(void *arg), void *arg);
void delivery_watch_free(struct delivery_watch *w);

/* The plan is in force; it is kept until the next call and must not change until then,
 * but by delivery_watch_mark().  A round of proofs begins at once. */
void delivery_watch_planned(struct delivery_watch *w, const struct plan *plan);

/* A plan in the making: mark the routers whose new connections are to go back. */
void delivery_watch_mark(const struct delivery_watch *w, struct plan *plan);

/* Links, routes, rules or the packet filter have changed: a round of proofs begins soon, and
 * clients that got no answer are tried again. */
void delivery_watch_kernel_changed(struct delivery_watch *w);

/* Of a service by type and id; never NULL. */
const struct delivery *delivery_watch_of(struct delivery_watch *w,
					 const struct wccp_service *s);

#endif
