/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every user of rtnetlink by libnl needs: a socket, and addresses. */
#include "kernel/netlink.h"

#include <linux/netlink.h>
#include <netlink/addr.h>
#include <netlink/netlink.h>
#include <sys/socket.h>

struct nl_sock *netlink_connect(struct err *err)
{
	struct nl_sock *sock = nl_socket_alloc();
	int rc = sock ? nl_connect(sock, NETLINK_ROUTE) : -NLE_NOMEM;

	if (rc == 0)
		return sock;
	err_set(err, "netlink: %s", nl_geterror(rc));
	nl_socket_free(sock);
	return NULL;
}

struct addr netlink_to_addr(struct nl_addr *a)
{
	unsigned len = a ? nl_addr_get_len(a) : 0;

	if (len != 4 && len != 16)
		return (struct addr){ 0 };
	return addr_from_octets(len == 4 ? ADDR_V4 : ADDR_V6,
				nl_addr_get_binary_addr(a));
}

struct nl_addr *netlink_from_addr(const struct addr *a)
{
	return nl_addr_build(a->family == ADDR_V6 ? AF_INET6 : AF_INET, a->octets,
			     addr_len(a));
}
