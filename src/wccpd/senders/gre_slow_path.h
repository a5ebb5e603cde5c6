/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Redirected packets that came by GRE in fragments: the kernel puts them together, and
 * they are let in once more as one frame, so that the ingress program judges them as it
 * does any other.  What else comes up here is of senders that nobody knows.
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
	uint64_t reassembled; /* and let in again */
	uint64_t too_long;    /* to be let in: dropped */
	uint64_t not_let_in;  /* for another reason: dropped */
	uint64_t strangers;   /* not taken by the ingress program though whole */
};

/* -1: it cannot be had, `err` says why.  All else works without it. */
int gre_slow_path_open(struct gre_slow_path **out, struct event_base *base,
		       const struct addr *self, struct strangers *strangers,
		       struct err *err);
void gre_slow_path_close(struct gre_slow_path *g); /* NULL is fine */
/* All zero without a slow path. */
struct gre_slow_path_counters gre_slow_path_counters(const struct gre_slow_path *g);

#endif
