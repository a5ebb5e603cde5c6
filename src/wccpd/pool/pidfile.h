/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a pid file says, and whether a process descends from it. */
#ifndef WCCPD_WCCPD_POOL_PIDFILE_H
#define WCCPD_WCCPD_POOL_PIDFILE_H

#include "err.h"

#include <stdbool.h>
#include <sys/types.h>

/* The pid in the file; 0 when there is none, `why` says why, as "PATH: ...".  A file of a user
 * names processes of that user only, one of root or of our own user any. */
pid_t pidfile_read(const char *path, struct err *why);
bool pidfile_is_alive(pid_t pid);
/* Is `pid` the process named in the file, or a descendant of it?  Squid's pid
 * file names its master process, whose kids own the sockets. */
bool pidfile_covers(const char *path, pid_t pid);

#endif
