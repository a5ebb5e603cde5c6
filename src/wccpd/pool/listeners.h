/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The listening TCP sockets of this network namespace, and their owners. */
#ifndef WCCPD_WCCPD_POOL_LISTENERS_H
#define WCCPD_WCCPD_POOL_LISTENERS_H

#include "err.h"
#include "wccpd/conf/conf.h"

#include <stdint.h>
#include <sys/types.h>

/* SMP instances have several each. */
enum { LISTENERS_MAX = 4 * CONF_MAX_INSTANCES };

struct listener {
	uint16_t port;
	uint64_t inode;
	pid_t pid; /* owner, 0 when it could not be found */
	int fd;    /* its descriptor there */
	unsigned searches; /* made in vain for its owner */
};

struct listeners {
	unsigned n;
	struct listener list[LISTENERS_MAX];
};

/*
 * Ask the kernel (sock_diag) for the listening TCP sockets on any of `ports`.  Takes
 * known owners from `before` (may be the same object as `out`) and searches /proc only
 * for those of new sockets.  On failure `out` does not change.
 */
int listeners_find(const uint16_t *ports, unsigned n_ports,
		   const struct listeners *before, struct listeners *out,
		   struct err *err);

#endif
