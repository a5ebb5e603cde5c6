/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watches over handover: which other web-caches serve what is handed over to them, and
 * how long they are to be asked for flows.
 */
#ifndef WCCPD_WCCPD_HANDOVER_HANDOVER_WATCH_H
#define WCCPD_WCCPD_HANDOVER_HANDOVER_WATCH_H

#include "dp/dp.h"

#include <event2/event.h>

struct handover_watch;

/* `changed` is called when a plan should be made.  NULL when memory is short; without
 * a raw socket it works with what views tell. */
struct handover_watch *handover_watch_new(struct event_base *base, struct dp *dp,
					  void (*changed)(void *arg), void *arg);
void handover_watch_free(struct handover_watch *w);

/* Of a plan that is otherwise complete: whom each service asks.  `memory_ms`: how long
 * flows of a table that has changed may live on without a packet handed over. */
void handover_watch_mark(struct handover_watch *w, struct plan *plan, int64_t memory_ms);

#endif
