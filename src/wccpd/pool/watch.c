/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Notices at once when a process ends. */
#include "wccpd/pool/watch.h"

#include <sys/syscall.h>
#include <unistd.h>

int watch_start(struct watch *w, struct event_base *base, pid_t pid,
		event_callback_fn ended, void *arg)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		return -1;
	*w = (struct watch){ .pid = pid, .pidfd = fd };
	w->event = event_new(base, fd, EV_READ, ended, arg);
	if (w->event && event_add(w->event, NULL) == 0)
		return 0;
	watch_stop(w);
	return -1;
}

void watch_stop(struct watch *w)
{
	if (w->event)
		event_free(w->event);
	close(w->pidfd);
	*w = (struct watch){ .pidfd = -1 };
}
