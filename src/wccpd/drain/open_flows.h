/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counting the open redirected connections: sockets with a local address that this host
 * does not have. */
#ifndef WCCPD_WCCPD_DRAIN_OPEN_FLOWS_H
#define WCCPD_WCCPD_DRAIN_OPEN_FLOWS_H

#include "err.h"

#include <stdint.h>

/* To any of the ports (none: to any port at all), as the kernel has them now: those
 * that still have something to send or to receive. */
int open_flows_count(const uint16_t *ports, unsigned n_ports, unsigned *out,
		     struct err *err);

/* Of these sockets: the redirected ones, and those to a port that is listened on. */
struct inode_set;
int open_flows_count_of(const struct inode_set *of, const uint16_t *listens,
			unsigned n_listens, unsigned *out, struct err *err);

#endif
