/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The UDP sockets that WCCP messages go through, port 2048 to port 2048. */
#ifndef WCCPD_WCCPD_UDP_H
#define WCCPD_WCCPD_UDP_H

#include "addr.h"
#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A non-blocking socket bound to `self` of either family, or -1.  The address need
 * not be on the host yet (it may come and go with its interface). */
int udp_open(const struct addr *self, struct err *err);
/* Does the host have this address now? */
bool udp_is_local(const struct addr *self);
/* A non-blocking socket that only receives what is sent to a multicast group on
 * the interface of this index, or -1. */
int udp_join(const struct addr *group, unsigned ifindex, struct err *err);
/* Octets of one datagram and who sent it; -1 when there is none now. */
ssize_t udp_receive(int fd, void *octets, size_t size, struct addr *from);
/* `ifindex` and `ttl` count for multicast, and the index for link-local addresses;
 * ttl 0 is the default of 1. */
int udp_send(int fd, const struct addr *to, unsigned ifindex, unsigned ttl,
	     const void *octets, size_t len, struct err *err);

#endif
