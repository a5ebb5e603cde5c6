/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The trace of messages: into the log when it is on, and to those who follow. */
#ifndef WCCPD_WCCPROUTER_CONTROL_MESSAGE_DEBUG_H
#define WCCPD_WCCPROUTER_CONTROL_MESSAGE_DEBUG_H

#include "wccprouter/show/trace.h"

#include <jansson.h>

struct routerd;

struct message_debug {
	bool on; /* into the log, of ... */
	struct trace_filter filter;
};

/* A message is on its way.  The router's scratch is free meanwhile. */
void message_debug_see(struct routerd *d, const struct trace_message *m);

/* Commands: [on [SERVICE] [PEER] | off], and follow [SERVICE] [PEER]. */
json_t *message_debug_command(struct routerd *d, unsigned n, char *const *words);
json_t *message_debug_follow(struct routerd *d, unsigned n, char *const *words);

#endif
