/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every user of libnl needs: a socket, and converting addresses. */
#include "rtnl/netlink.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netlink/addr.h>
#include <netlink/msg.h>
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

int netlink_dump_routes(struct nl_sock *sock, unsigned family, uint32_t table,
			int (*take)(struct nl_msg *msg, void *arg), void *arg)
{
	struct rtmsg head = { .rtm_family = family == ADDR_V6 ? AF_INET6 : AF_INET };
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETROUTE, NLM_F_DUMP);
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int rc = -NLE_NOMEM, on = 1;

	/* Without it the kernel sends every route it has, which is the same to us,
	 * but can be a million. */
	setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on,
		   sizeof(on));
	if (msg && cb && nlmsg_append(msg, &head, sizeof(head), NLMSG_ALIGNTO) == 0 &&
	    nla_put_u32(msg, RTA_TABLE, table) == 0) {
		nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, take, arg);
		rc = nl_send_auto(sock, msg);
	}
	if (rc >= 0)
		rc = nl_recvmsgs(sock, cb);
	on = 0;
	setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on,
		   sizeof(on));
	nlmsg_free(msg);
	nl_cb_put(cb);
	return rc;
}
