/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another process' listening socket, as a descriptor of ours for a moment. */
#ifndef WCCPD_DP_STEER_STEER_FETCH_H
#define WCCPD_DP_STEER_STEER_FETCH_H

#include "addr.h"
#include "err.h"

#include <stdint.h>
#include <sys/types.h>

enum steer_fetched {
	STEER_FETCHED,
	STEER_GONE,    /* process or descriptor is not there any more */
	STEER_USELESS, /* not a listener that can take redirected connections */
	STEER_DENIED,  /* not permitted, which will be so for every other one */
};

/* What a listener is to take. */
enum steer_use {
	STEER_USE_REDIRECTED, /* connections to addresses that are not ours: it is transparent */
	STEER_USE_PLAIN,      /* connections to addresses of ours: it is not transparent */
};

/*
 * Fetch descriptor `fd` of process `pid`, which must be the listening TCP socket
 * `inode`, fit for `use` and, unless that is ADDR_NONE, serve the family.  The caller
 * closes *out AT ONCE: while it is open here, the listener of a dead process goes on
 * accepting into a queue that nobody reads.
 */
enum steer_fetched steer_fetch(pid_t pid, int fd, uint64_t inode, unsigned family,
			       enum steer_use use, int *out, struct err *err);

/* Set the largest MSS that connections of this listener announce, in octets; 0: what
 * follows from the route.  Returns the old value. */
int steer_set_mss(int listener, int mss);

/* Set how connections of this listener discover the MTU of their path: IP_PMTUDISC_*.
 * Returns the old value, -1 if that is unknown. */
int steer_set_mtu_discovery(int listener, int how);

#endif
