/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accepts connections, for every stream socket that others connect to: a bounded number
 * at once, each for a limited time if so wished, and without a busy loop when the
 * process has run out of descriptors.
 *
 * Whoever comes is let in: when all places are taken, one of the others has to go.  It
 * is one of the client (user, or address) that has most places: one that has asked
 * nothing before one that is being answered, and that before one that follows; of these
 * the oldest.  So nobody can shut others out by connecting and waiting.
 */
#ifndef WCCPD_LISTEN_H
#define WCCPD_LISTEN_H

#include "err.h"

#include <event2/event.h>

struct listener;
/* The place of one connection; listener_leave() gives it back. */
struct listener_place;

/* A client has connected.  `fd` is non-blocking; the callee closes it after
 * listener_leave(), which may be at once.  Returns -1 to decline: then the listener
 * closes `fd` and takes the place back. */
typedef int listener_accept(void *arg, int fd, struct listener_place *place);

struct listener_conf {
	const char *name; /* in log lines; not copied */
	unsigned places;  /* connections at a time */
	/* Seconds that a connection may last.  0: no limit. */
	unsigned life_s;
	listener_accept *accept;
	void *arg;
};

/* Connections that the server has to keep: one that must go is shut down, which the
 * server sees as the end of the stream, and counts until it has left. */
#define LISTENER_CONNECTIONS(places) (2 * (places))

enum listener_rank {
	LISTENER_ASKS,	   /* has not sent a whole request yet */
	LISTENER_ANSWERED, /* has, and reads the answer */
	LISTENER_FOLLOWS,
};

/* Accept connections on `fd`, a non-blocking listening socket, which listener_free()
 * closes.  NULL when memory is short; then `fd` is left open. */
struct listener *listener_new(struct event_base *base, int fd,
			      const struct listener_conf *conf, struct err *err);
/* The socket; it stays the listener's. */
int listener_fd(const struct listener *l);
/* Call after the last place has been given back.  NULL is fine. */
void listener_free(struct listener *l);

/* The connection is about to be closed: its place is free. */
void listener_leave(struct listener_place *place);
void listener_set_rank(struct listener_place *place, enum listener_rank rank);

#endif
