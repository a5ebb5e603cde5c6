/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Notices at once when a process ends, by its pidfd. */
#ifndef WCCPD_WCCPD_POOL_WATCH_H
#define WCCPD_WCCPD_POOL_WATCH_H

#include <event2/event.h>
#include <sys/types.h>

struct watch {
	pid_t pid;
	int pidfd;
	struct event *event;
};

/* `ended` is called from the loop as event callbacks are, when `pid` has ended.
 * -1 when there is no such process (any more). */
int watch_start(struct watch *w, struct event_base *base, pid_t pid,
		event_callback_fn ended, void *arg);
void watch_stop(struct watch *w);

#endif
