/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sockets of other processes, by proc(5). */
#ifndef WCCPD_FOREIGN_PROCESS_SOCKETS_H
#define WCCPD_FOREIGN_PROCESS_SOCKETS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* `fd` is the number of the descriptor in that process.  Returns false to end the search. */
typedef bool process_socket_seen(void *arg, pid_t pid, int fd, uint64_t inode);

/* Calls `seen` for each descriptor of the process that is a socket.  -1: it could not be
 * done for want of descriptors or memory.  A process that has ended, or that we may not look
 * at, has no sockets. */
int process_sockets(pid_t pid, process_socket_seen *seen, void *arg);

/* The same for all processes, in the order of their numbers. */
int process_sockets_of_all(process_socket_seen *seen, void *arg);

#endif
