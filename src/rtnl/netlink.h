/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every user of libnl needs: a socket, and converting addresses. */
#ifndef WCCPD_RTNL_NETLINK_H
#define WCCPD_RTNL_NETLINK_H

#include "addr.h"
#include "err.h"

#include <stdint.h>

struct nl_addr;
struct nl_msg;
struct nl_sock;

/* A socket for questions to the kernel, to be freed with nl_socket_free(); NULL: `err`
 * says why. */
struct nl_sock *netlink_connect(struct err *err);

/* Unset if it is neither IPv4 nor IPv6; NULL is fine. */
struct addr netlink_to_addr(struct nl_addr *a);
/* To be released with nl_addr_put(); NULL when memory is short. */
struct nl_addr *netlink_from_addr(const struct addr *a);

/* Every route of IPv4 in a table, one RTM_NEWROUTE each; the callback returns NL_OK.
 * Older kernels send routes of other tables, too.  A negative error of libnl when
 * it fails. */
int netlink_dump_routes(struct nl_sock *sock, unsigned family, uint32_t table,
			int (*take)(struct nl_msg *msg, void *arg), void *arg);

#endif
