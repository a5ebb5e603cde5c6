/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dp/link/delivery_interface.h"

#include "addr.h"
#include "dp/link/link_sysctl.h"
#include "rtnl/netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Tells ours from those of others. */
#define DELIVERY_INTERFACE_ALIAS "wccpd: redirected packets, unwrapped"

enum {
	/* No limit: a packet may be as long as the interface that it came in by allows, or
	 * longer, before it is cut into segments (checked by Linux before 5.12). */
	DELIVERY_INTERFACE_MTU = 65535,
	/* 192.0.0.8, the dummy address of IPv4 (RFC 7600 section 4.8). */
	DELIVERY_INTERFACE_ADDRESS = 0xc0000008,
	DELIVERY_INTERFACE_ADDRESS_BITS = 32,
};

static bool delivery_interface_is_ours(struct rtnl_link *link)
{
	const char *kind = rtnl_link_get_type(link);
	const char *alias = rtnl_link_get_ifalias(link);

	return kind && !strcmp(kind, "tun") && alias &&
	       !strcmp(alias, DELIVERY_INTERFACE_ALIAS);
}

/* -- making ------------------------------------------------------------------------------ */

/* A change of one that exists. */
static int delivery_interface_set(struct nl_sock *sock, int ifindex, bool up, struct err *err)
{
	struct rtnl_link *which = rtnl_link_alloc(), *change = rtnl_link_alloc();
	int rc = -NLE_NOMEM;

	if (which && change) {
		rtnl_link_set_ifindex(which, ifindex);
		if (up) {
			rtnl_link_set_flags(change, IFF_UP);
		} else {
			rtnl_link_set_ifalias(change, DELIVERY_INTERFACE_ALIAS);
			rtnl_link_set_mtu(change, DELIVERY_INTERFACE_MTU);
		}
		rc = rtnl_link_change(sock, which, change, 0);
	}
	rtnl_link_put(which);
	rtnl_link_put(change);
	if (rc < 0)
		return err_set(err, "%s", nl_geterror(rc));
	return 0;
}

/* It carries our alias before it can outlive us, so that it is always known for ours. */
static int delivery_interface_make_tun(struct nl_sock *sock, int fd, const char *name,
				       struct err *err)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		return err_set(err, "%s", strerror(errno));
	if (delivery_interface_set(sock, (int)if_nametoindex(name), false, err) < 0)
		return -1;
	if (ioctl(fd, TUNSETPERSIST, 1) < 0)
		return err_set(err, "%s", strerror(errno));
	return 0;
}

static int delivery_interface_create(struct nl_sock *sock, const char *name, struct err *err)
{
	static const char device[] = "/dev/net/tun";
	int fd = open(device, O_RDWR | O_CLOEXEC);
	int result;

	if (fd < 0)
		return err_set(err, "interface %s cannot be made: %s: %s", name, device,
			       strerror(errno));
	result = delivery_interface_make_tun(sock, fd, name, err);
	close(fd);
	if (result < 0)
		return err_prefix(err, "interface %s cannot be made", name);
	return (int)if_nametoindex(name);
}

/* -- reverse-path filtering -------------------------------------------------------------- */

static int delivery_interface_add_address(struct nl_sock *sock, int ifindex, struct err *err)
{
	struct addr dummy = addr_v4(DELIVERY_INTERFACE_ADDRESS);
	struct rtnl_addr *a = rtnl_addr_alloc();
	struct nl_addr *local = netlink_from_addr(&dummy);
	int rc = -NLE_NOMEM;

	if (a && local) {
		nl_addr_set_prefixlen(local, DELIVERY_INTERFACE_ADDRESS_BITS);
		rtnl_addr_set_ifindex(a, ifindex);
		rtnl_addr_set_local(a, local);
		/* Never the source of a packet. */
		rtnl_addr_set_scope(a, RT_SCOPE_HOST);
		rc = rtnl_addr_add(sock, a, 0);
	}
	rtnl_addr_put(a);
	nl_addr_put(local);
	if (rc < 0 && rc != -NLE_EXIST)
		return err_set(err, "%s", nl_geterror(rc));
	return 0;
}

/*
 * Routes to clients never lead to it.  Without a filter the kernel does not mind, and has
 * least to look up; where one is set for all interfaces, it is loose here, which needs an
 * address.
 */
static int delivery_interface_set_filter(struct nl_sock *sock, int ifindex, const char *name,
					 struct err *err)
{
	int wanted = link_sysctl("all", "rp_filter") > 0 ? FILTER_LOOSE : FILTER_OFF;

	if (wanted == FILTER_LOOSE && delivery_interface_add_address(sock, ifindex, err) < 0)
		return err_prefix(err, "interface %s", name);
	if (link_sysctl(name, "rp_filter") == wanted)
		return 0;
	return link_sysctl_set(name, "rp_filter", wanted, err);
}

/* -- all --------------------------------------------------------------------------------- */

int delivery_interface_make(struct nl_sock *sock, const char *name, struct err *changed,
			    struct err *err)
{
	struct rtnl_link *there = NULL;
	bool is_ours = true, is_up = false;
	int ifindex;

	changed->text[0] = '\0';
	if (rtnl_link_get_kernel(sock, 0, name, &there) == 0) {
		ifindex = rtnl_link_get_ifindex(there);
		is_ours = delivery_interface_is_ours(there);
		is_up = rtnl_link_get_flags(there) & IFF_UP;
		rtnl_link_put(there);
		if (!is_up)
			err_set(changed, "interface %s was down", name);
	} else {
		ifindex = delivery_interface_create(sock, name, err);
	}
	if (!is_ours)
		return err_set(err,
			       "interface %s is not ours: remove it, or choose another "
			       "`delivery-interface`",
			       name);
	if (ifindex < 0 || delivery_interface_set_filter(sock, ifindex, name, err) < 0)
		return -1;
	if (!is_up && delivery_interface_set(sock, ifindex, true, err) < 0)
		return err_prefix(err, "interface %s", name);
	return ifindex;
}

void delivery_interface_remove(struct nl_sock *sock, int keep)
{
	struct nl_cache *all;

	if (rtnl_link_alloc_cache(sock, AF_UNSPEC, &all) < 0)
		return;
	for (struct nl_object *o = nl_cache_get_first(all); o; o = nl_cache_get_next(o)) {
		struct rtnl_link *link = (struct rtnl_link *)o;

		if (rtnl_link_get_ifindex(link) != keep && delivery_interface_is_ours(link))
			rtnl_link_delete(sock, link);
	}
	nl_cache_free(all);
}
