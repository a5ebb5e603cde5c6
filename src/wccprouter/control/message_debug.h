/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The trace of messages: to the log when it is on, and to clients that follow. */
#ifndef WCCPD_WCCPROUTER_CONTROL_MESSAGE_DEBUG_H
#define WCCPD_WCCPROUTER_CONTROL_MESSAGE_DEBUG_H

#include "wccprouter/net/trace.h"

#include <jansson.h>

struct control;
struct routerd_services;

struct message_debug {
	bool on; /* into the log, of ... */
	struct trace_filter filter;
	/* Not owned: */
	struct control *control; /* whose clients may follow; NULL: none yet */
	const struct routerd_services *services;
	struct wccp_msg msg; /* scratch */
};

/* Call this with each message on the wire. */
void message_debug_see(struct message_debug *d, const struct trace_message *m);

/* Commands: [on [SERVICE] [PEER] | off], and follow [SERVICE] [PEER]. */
json_t *message_debug_command(struct message_debug *d, unsigned n, char *const *words);
json_t *message_debug_follow(const struct message_debug *d, unsigned n,
			     char *const *words);

#endif
