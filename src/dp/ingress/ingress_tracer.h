/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads what the ingress program reports about one client's packets. */
#ifndef WCCPD_DP_INGRESS_INGRESS_TRACER_H
#define WCCPD_DP_INGRESS_INGRESS_TRACER_H

#include "bpf/ingress/ingress_maps.h"
#include "err.h"

struct ring_buffer;

struct ingress_tracer {
	struct ingress_trace *trace; /* the program's; not owned */
	struct ring_buffer *ring;
	uint64_t untold; /* that have been reported */
	void (*seen)(void *arg, const struct ingress_trace_event *e);
	void *arg;
};

/* `ring` is the descriptor of the program's ring buffer, `trace` its variable.  The tracer
 * must not move. */
int ingress_tracer_init(struct ingress_tracer *t, int ring, struct ingress_trace *trace,
			struct err *err);
void ingress_tracer_free(struct ingress_tracer *t);

/* The port as in a packet; 0: any.  `room` events may come until the first
 * ingress_tracer_read(). */
void ingress_tracer_begin(struct ingress_tracer *t, struct packet_addr client, __be16 port,
			  unsigned room);
void ingress_tracer_end(struct ingress_tracer *t);
/* Read what has come since, and allow up to `room` more.  Returns how many packets
 * there were beyond the limit. */
uint64_t ingress_tracer_read(struct ingress_tracer *t, unsigned room,
			     void (*seen)(void *arg, const struct ingress_trace_event *e),
			     void *arg);

#endif
