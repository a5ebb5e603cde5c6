/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket of a daemon: a Unix stream socket.  A client sends one line,
 * the name of a command; it gets one JSON document and the end of the stream.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include "err.h"

#include <event2/event.h>
#include <jansson.h>
#include <stddef.h>

struct control;

struct control_command {
	const char *name;
	/* A new reference to the answer.  {"error": text} is a refusal. */
	json_t *(*run)(void *arg);
};

/* Listen on `path`: a stale socket there is replaced, a live one is an error.  The
 * table of commands (not owned) is in force for `arg` until control_close(). */
struct control *control_open(struct event_base *base, const char *path,
			     const struct control_command *commands, size_t n_commands,
			     void *arg, struct err *err);
void control_close(struct control *c);

#endif
