/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One way to accept connections, for every stream socket that others connect to: so many
 * at once and no more, each for a limited time if so wished, and no busy loop when the
 * process has run out of descriptors.
 */
#ifndef WCCPD_LISTEN_H
#define WCCPD_LISTEN_H

#include "err.h"

#include <event2/event.h>

struct listener;
/* Where one connection is; given back by listener_leave(). */
struct listener_place;

/* A client has connected.  `fd` does not block; it is the callee's to close, after
 * listener_leave().  -1: not wanted, the listener closes it and takes the place back. */
typedef int listener_accept(void *arg, int fd, struct listener_place *place);

struct listener_conf {
	const char *name; /* in log lines; not copied */
	unsigned places;  /* connections at once; one more is closed at once */
	/* Seconds that a connection may last; then it is shut down, which whoever serves
	 * it sees as its end.  0: as long as it likes. */
	unsigned life_s;
	listener_accept *accept;
	void *arg;
};

/* Take connections from `fd`, a listening socket that does not block.  It is closed by
 * listener_free().  NULL when memory is short; then `fd` is left open. */
struct listener *listener_new(struct event_base *base, int fd,
			      const struct listener_conf *conf, struct err *err);
/* After the last place has been given back.  NULL is fine. */
void listener_free(struct listener *l);

/* The connection is about to be closed: its place is free. */
void listener_leave(struct listener_place *place);

#endif
