/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leaving routers in order: services are drained before they are withdrawn, whether
 * the daemon stops, an operator wants it, or a pool can take nothing new.
 */
#ifndef WCCPD_WCCPD_LEAVE_H
#define WCCPD_WCCPD_LEAVE_H

#include "err.h"
#include "wccpd/drain/drain_fsm.h"

#include <stdbool.h>

struct daemon;
struct service;

int leave_open(struct daemon *d, struct err *err);
void leave_close(struct daemon *d);

/* After a plan has been in force: count flows, and see what is next. */
void leave_look(struct daemon *d);

/* The state of a service, which is that of the service whose mirror it is. */
const struct drain *leave_drain_of(const struct daemon *d, const struct service *s);

/* In a plan that is being made: what the kernel, and the next process, have to know. */
struct plan_service;
void leave_mark(const struct daemon *d, const struct service *s, struct plan_service *out);

/* Does an operator want it to be drained? */
bool leave_was_asked(const struct daemon *d, const struct service *s);

/* Does it have a new pool, by a reload, whose instances have not been checked yet?  Then
 * it stays announced as it was. */
bool leave_awaits_pool(const struct daemon *d, const struct service *s);

/* Drain everything, withdraw, and end the event loop.  Said again, it goes on with the
 * next step at once. */
void leave_stop(struct daemon *d);

/* End the event loop in a moment.  Routers are not told, what is in the kernel stays. */
void leave_at_once(struct daemon *d);

/* On behalf of an operator: drain a service (NULL: all), or take its share again. */
int leave_ask(struct daemon *d, const char *service, bool drain, struct err *err);

#endif
