/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Redirected GRE packets that came in fragments: the kernel reassembles them, and they
 * are injected again as one frame, so that the ingress program judges them like any
 * other.  Anything else that arrives here is from unknown senders.
 */
#ifndef WCCPD_WCCPD_SENDERS_GRE_SLOW_PATH_H
#define WCCPD_WCCPD_SENDERS_GRE_SLOW_PATH_H

#include "addr.h"
#include "err.h"

#include <event2/event.h>
#include <stdint.h>

struct gre_slow_path;
struct strangers;

struct gre_slow_path_counters {
	uint64_t reassembled; /* and injected again */
	uint64_t too_long;    /* to be injected: dropped */
	uint64_t not_let_in;  /* for another reason: dropped */
	uint64_t strangers;   /* not accepted by the ingress program although whole */
};

/* -1: not available, `err` says why.  Everything else works without it. */
int gre_slow_path_open(struct gre_slow_path **out, struct event_base *base,
		       const struct addr *self, struct strangers *strangers,
		       struct err *err);
void gre_slow_path_close(struct gre_slow_path *g); /* NULL is fine */
/* All zero without a slow path. */
struct gre_slow_path_counters gre_slow_path_counters(const struct gre_slow_path *g);

#endif
