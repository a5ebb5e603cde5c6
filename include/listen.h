/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accepts connections, for every stream socket that others connect to: a bounded number
 * at once, each for a limited time if so wished, and without a busy loop when the
 * process has run out of descriptors.
 */
#ifndef WCCPD_LISTEN_H
#define WCCPD_LISTEN_H

#include "err.h"

#include <event2/event.h>

struct listener;
/* The place of one connection; listener_leave() gives it back. */
struct listener_place;

/* A client has connected.  `fd` is non-blocking; the callee closes it after
 * listener_leave().  Returns -1 to decline: then the listener closes `fd` and takes the
 * place back. */
typedef int listener_accept(void *arg, int fd, struct listener_place *place);

struct listener_conf {
	const char *name; /* in log lines; not copied */
	unsigned places;  /* connections at a time; any more are closed straight away */
	/* Seconds that a connection may last; then it is shut down, which its server
	 * sees as the end of the stream.  0: no limit. */
	unsigned life_s;
	listener_accept *accept;
	void *arg;
};

/* Accept connections on `fd`, a non-blocking listening socket, which listener_free()
 * closes.  NULL when memory is short; then `fd` is left open. */
struct listener *listener_new(struct event_base *base, int fd,
			      const struct listener_conf *conf, struct err *err);
/* Call after the last place has been given back.  NULL is fine. */
void listener_free(struct listener *l);

/* The connection is about to be closed: its place is free. */
void listener_leave(struct listener_place *place);

#endif
