/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Restart in place: the present binary with the present configuration takes this one's
 * place, in the same process.  Routers are not told, and packets do not notice: what is in
 * the kernel stays in force, and sockets are kept.
 */
#ifndef WCCPD_WCCPD_RESTART_H
#define WCCPD_WCCPD_RESTART_H

#include "err.h"

#include <event2/event.h>

struct daemon;

int restart_open(struct daemon *d, struct err *err);
void restart_close(struct daemon *d);

/* Check that it can start; if so, it will in a moment, when the answer to this request has
 * been sent. */
int restart_ask(struct daemon *d, struct err *err);
/* On a signal. */
void restart_on_signal(evutil_socket_t sig, short what, void *arg);

/* Take over what operators have asked of the one before: which services are drained. */
void restart_take_over(struct daemon *d);

#endif
