/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "trace": for some seconds, a line for each packet of one client.  One trace at a time,
 * and so many lines a second at most; what is beyond that is counted.
 */
#ifndef WCCPD_WCCPD_TELL_PACKET_TRACE_H
#define WCCPD_WCCPD_TELL_PACKET_TRACE_H

#include "control.h"
#include "dp/dp.h"

enum {
	PACKET_TRACE_S = 10, /* unless said otherwise */
	PACKET_TRACE_MAX_S = 300,
};

struct packet_trace;

/* Nothing is owned; names of services are those of `plan`, the newest one. */
struct packet_trace *packet_trace_new(struct event_base *base, struct dp *dp,
				      const struct plan *plan);
void packet_trace_free(struct packet_trace *t); /* NULL is fine */

/* The command: client ADDRESS [PORT|any [SECONDS]].  Its lines go to those who follow
 * "trace" on `control`. */
json_t *packet_trace_follow(struct packet_trace *t, struct control *control, unsigned n,
			    char *const *words);

#endif
