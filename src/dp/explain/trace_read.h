/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happened to the packets of one client, with names. */
#ifndef WCCPD_DP_EXPLAIN_TRACE_READ_H
#define WCCPD_DP_EXPLAIN_TRACE_READ_H

#include "dp/ingress/ingress.h"
#include "dp/plan/traced.h"
#include "dp/steer/steer.h"

/* See dp_trace_begin() and so on. */
void trace_read_begin(struct ingress *ingress, const struct addr *client, uint16_t port,
		      unsigned room);
void trace_read_end(struct ingress *ingress);
uint64_t trace_read(struct ingress *ingress, const struct steer *steer, unsigned room,
		    dp_traced_seen *seen, void *arg);

#endif
