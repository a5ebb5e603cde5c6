/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One HTTP health check: connect, ask, and see whether a status line comes back in
 * time.  Any status counts as alive: it shows that the instance's event loop runs,
 * whatever access rules apply.
 */
#ifndef WCCPD_WCCPD_POOL_PROBE_H
#define WCCPD_WCCPD_POOL_PROBE_H

#include "addr.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

struct probe;

/* `failure` is NULL if the check was good, else the reason (static). */
typedef void probe_done(void *arg, const char *failure);

/* Start a check; `aside`: to a port that a pool listens on, past the steering.  `done` is called exactly once, from the loop, unless the probe
 * is cancelled first.  NULL when it could not even start. */
struct probe *probe_start(struct event_base *base, const struct addr *addr,
			  uint16_t port, bool aside, uint32_t timeout_ms,
			  probe_done *done, void *arg);
/* May be NULL. */
void probe_cancel(struct probe *p);

#endif
