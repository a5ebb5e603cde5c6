/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes, neighbours and addresses, by rtnetlink. */
#include "wccprouter/forward/routes.h"

#include "rtnl/netlink.h"
#include "rtnl/rtnl_monitor.h"
#include "sockaddr.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netlink/netlink.h>
#include <netlink/route/route.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct routes {
	struct nl_sock *questions; /* and their answers */
	struct rtnl_monitor *monitor;
	int ioctl_fd;
};

struct routes *routes_open(struct err *err)
{
	struct routes *routes = calloc(1, sizeof(*routes));

	if (!routes) {
		err_set(err, "out of memory");
		return NULL;
	}
	routes->ioctl_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (routes->ioctl_fd < 0)
		err_set(err, "socket: %s", strerror(errno));
	else if ((routes->questions = netlink_connect(err)) &&
		 rtnl_monitor_open(&routes->monitor,
				   RTNL_LINK | RTNL_ADDRESS | RTNL_ROUTE |
					   RTNL_NEIGHBOUR,
				   err) == 0)
		return routes;
	routes_close(routes);
	return NULL;
}

void routes_close(struct routes *routes)
{
	if (!routes)
		return;
	nl_socket_free(routes->questions);
	rtnl_monitor_close(routes->monitor);
	if (routes->ioctl_fd >= 0)
		close(routes->ioctl_fd);
	free(routes);
}

int routes_fd(const struct routes *routes)
{
	return rtnl_monitor_fd(routes->monitor);
}

bool routes_have_changed(struct routes *routes)
{
	return rtnl_monitor_read(routes->monitor) != 0;
}

static unsigned routes_mtu_of(const struct routes *routes, unsigned ifindex)
{
	struct ifreq req = { 0 };

	if (!if_indextoname(ifindex, req.ifr_name) ||
	    ioctl(routes->ioctl_fd, SIOCGIFMTU, &req) < 0)
		return 0;
	return (unsigned)req.ifr_mtu;
}

static int routes_on_answer(struct nl_msg *msg, void *arg)
{
	struct rtnl_route **out = arg;

	if (nlmsg_hdr(msg)->nlmsg_type == RTM_NEWROUTE && !*out &&
	    rtnl_route_parse(nlmsg_hdr(msg), out) < 0)
		*out = NULL;
	return NL_OK;
}

static struct nl_msg *routes_route_question(const struct addr *to)
{
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETROUTE, NLM_F_REQUEST);
	size_t len = addr_len(to);
	struct rtmsg head = {
		.rtm_family = to->family == ADDR_V6 ? AF_INET6 : AF_INET,
		.rtm_dst_len = (unsigned char)(8 * len),
	};

	if (!msg)
		return NULL;
	if (nlmsg_append(msg, &head, sizeof(head), NLMSG_ALIGNTO) == 0 &&
	    nla_put(msg, RTA_DST, (int)len, to->octets) == 0)
		return msg;
	nlmsg_free(msg);
	return NULL;
}

/* The kernel's answer to "how would you send to `to`?", or NULL. */
static struct rtnl_route *routes_look_up(struct routes *routes, const struct addr *to)
{
	struct nl_msg *msg = routes_route_question(to);
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	struct rtnl_route *route = NULL;

	if (msg && cb && nl_send_auto(routes->questions, msg) >= 0) {
		nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, routes_on_answer, &route);
		/* An error is the kernel's way of saying "no route"; the
		 * acknowledgement that libnl asks for ends the wait. */
		if (nl_recvmsgs(routes->questions, cb) == 0)
			nl_wait_for_ack(routes->questions);
	}
	nlmsg_free(msg);
	nl_cb_put(cb);
	return route;
}

int routes_find(struct routes *routes, const struct addr *to, struct route *out)
{
	struct rtnl_route *route = routes_look_up(routes, to);
	struct rtnl_nexthop *nh;
	struct nl_addr *gateway;
	int r = -1;

	if (!route)
		return -1;
	nh = rtnl_route_nexthop_n(route, 0);
	if (nh && rtnl_route_get_type(route) == RTN_UNICAST) {
		gateway = rtnl_route_nh_get_gateway(nh);
		out->on_link = !gateway;
		out->nexthop = gateway ? netlink_to_addr(gateway) : *to;
		out->ifindex = (unsigned)rtnl_route_nh_get_ifindex(nh);
		out->mtu = routes_mtu_of(routes, out->ifindex);
		r = out->mtu && out->nexthop.family == to->family ? 0 : -1;
	}
	rtnl_route_put(route);
	return r;
}

int routes_neighbours(struct routes *routes,
		      void (*found)(void *arg, const struct neighbour *n), void *arg,
		      struct err *err)
{
	return neighbours_each(routes->questions, found, arg, err);
}

/* Unset for loopback addresses, which do not count. */
static struct addr routes_from_sockaddr(const struct sockaddr *any)
{
	static const struct addr nobody, v6 = { .family = ADDR_V6, .octets[15] = 1 };
	struct addr a = sockaddr_address(any);
	bool loopback = addr_to_v4(&a) >> 24 == IN_LOOPBACKNET || addr_equal(&a, &v6);

	return loopback ? nobody : a;
}

unsigned routes_own_addresses(enum addr_family family, struct addr *out, unsigned max)
{
	struct ifaddrs *list, *i;
	unsigned n = 0;

	if (getifaddrs(&list) < 0)
		return 0;
	for (i = list; i && n < max; i = i->ifa_next) {
		struct addr a = routes_from_sockaddr(i->ifa_addr);

		if (a.family == family && addr_is_set(&a))
			out[n++] = a;
	}
	freeifaddrs(list);
	return n;
}

static struct addr routes_higher(const struct addr *a, const struct addr *b)
{
	return addr_compare(a, b) > 0 ? *a : *b;
}

struct addr routes_highest_address(bool loopback_first)
{
	struct addr loopback = { 0 }, any = { 0 };
	struct ifaddrs *list, *i;

	if (getifaddrs(&list) < 0)
		return any;
	for (i = list; i; i = i->ifa_next) {
		struct addr a = routes_from_sockaddr(i->ifa_addr);

		if (a.family != ADDR_V4 || addr_to_v4(&a) >> 24 == IN_LOOPBACKNET)
			continue;
		any = routes_higher(&any, &a);
		if (i->ifa_flags & IFF_LOOPBACK)
			loopback = routes_higher(&loopback, &a);
	}
	freeifaddrs(list);
	return loopback_first && addr_is_set(&loopback) ? loopback : any;
}
