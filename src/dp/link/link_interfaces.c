/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interfaces that redirected packets arrive on. */
#include "dp/link/link_interfaces.h"

#include "rtnl/netlink.h"

#include <net/if_arp.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/*
 * Packets that arrive on a port of a bridge, a bond or a team belong to that: taken at
 * the port, they would never reach the address.  What arrives on a member of a VRF does not
 * reach sockets outside of the VRF, whatever its mark (seen with Linux 6.1).
 */
static int link_interfaces_check_master(struct nl_cache *all, struct rtnl_link *link,
					struct err *err)
{
	int index = rtnl_link_get_master(link);
	struct rtnl_link *master = index ? rtnl_link_get(all, index) : NULL;
	const char *kind;
	int result;

	if (!master)
		return 0;
	kind = rtnl_link_get_type(master);
	if (kind && strcmp(kind, "vrf") == 0)
		result = err_set(err, "%s is in VRF %s: its packets do not reach the instances",
				 rtnl_link_get_name(link), rtnl_link_get_name(master));
	else
		result = err_set(err, "%s is a port of %s %s: use %s",
				 rtnl_link_get_name(link), kind ? kind : "interface",
				 rtnl_link_get_name(master), rtnl_link_get_name(master));
	rtnl_link_put(master);
	return result;
}

static int link_interfaces_check_kind(struct nl_cache *all, struct rtnl_link *link,
				      struct err *err)
{
	if (rtnl_link_get_arptype(link) != ARPHRD_ETHER)
		return err_set(err, "interface %s is not an Ethernet interface",
			       rtnl_link_get_name(link));
	return link_interfaces_check_master(all, link, err);
}

/* It shares the MAC address of the interface below, which keeps what is not addressed to
 * one of its IP addresses. */
static bool link_interfaces_is_ipvlan(struct rtnl_link *link)
{
	const char *kind = rtnl_link_get_type(link);

	return kind && strcmp(kind, "ipvlan") == 0;
}

static void link_interfaces_fill(struct rtnl_link *link, struct facts_link *out)
{
	struct nl_addr *mac = rtnl_link_get_addr(link);

	*out = (struct facts_link){
		.ifindex = (unsigned)rtnl_link_get_ifindex(link),
		.mtu = rtnl_link_get_mtu(link),
		.only_own_addresses = link_interfaces_is_ipvlan(link),
	};
	snprintf(out->name, sizeof(out->name), "%s", rtnl_link_get_name(link));
	if (mac && nl_addr_get_len(mac) == sizeof(out->mac))
		memcpy(out->mac, nl_addr_get_binary_addr(mac), sizeof(out->mac));
}

static int link_interfaces_take(struct nl_cache *all, struct rtnl_link *link,
				struct facts *out, struct err *err)
{
	if (!(rtnl_link_get_flags(link) & IFF_UP))
		return err_set(err, "interface %s is down", rtnl_link_get_name(link));
	if (link_interfaces_check_kind(all, link, err) < 0)
		return -1;
	if (out->n_links == PLAN_MAX_INTERFACES)
		return err_set(err, "interface %s left out: %d are the limit",
			       rtnl_link_get_name(link), PLAN_MAX_INTERFACES);
	link_interfaces_fill(link, &out->links[out->n_links++]);
	return 0;
}

static int link_interfaces_take_named(struct nl_cache *all, const char *name,
				      struct facts *out, struct err *err)
{
	struct rtnl_link *link = rtnl_link_get_by_name(all, name);
	int result;

	if (!link)
		return err_set(err, "interface %s: there is none of that name", name);
	result = link_interfaces_take(all, link, out, err);
	rtnl_link_put(link);
	return result;
}

/* Interfaces that cannot be used need no message if the configuration does not name
 * them. */
static void link_interfaces_take_any(struct nl_cache *all, struct facts *out,
				     struct err *trouble)
{
	for (struct nl_object *o = nl_cache_get_first(all); o; o = nl_cache_get_next(o))
		link_interfaces_take(all, (struct rtnl_link *)o, out,
				     out->n_links == PLAN_MAX_INTERFACES ? trouble
									  : NULL);
}

int link_interfaces(struct nl_sock *sock, const struct plan *plan, struct facts *out,
		    struct err *trouble, struct err *err)
{
	struct nl_cache *all;
	struct err last = { "there is no Ethernet interface that is up" };
	int rc = rtnl_link_alloc_cache(sock, AF_UNSPEC, &all);

	if (rc < 0)
		return err_set(err, "interfaces: %s", nl_geterror(rc));
	out->n_links = 0;
	rc = 0;
	if (plan->any_interface)
		link_interfaces_take_any(all, out, trouble);
	for (unsigned i = 0; i < plan->n_interfaces; i++)
		rc |= link_interfaces_take_named(all, plan->interfaces[i], out, &last);
	nl_cache_free(all);
	if (out->n_links == 0)
		return err_set(err, "%s", last.text);
	if (rc < 0)
		*trouble = last;
	return 0;
}

int link_interfaces_check(const char *name, struct err *err)
{
	struct nl_sock *sock = netlink_connect(NULL);
	struct rtnl_link *link = NULL;
	struct nl_cache *all = NULL;
	int result = 0;

	if (sock && rtnl_link_alloc_cache(sock, AF_UNSPEC, &all) == 0)
		link = rtnl_link_get_by_name(all, name);
	if (link)
		result = link_interfaces_check_kind(all, link, err);
	if (link && result == 0 && link_interfaces_is_ipvlan(link))
		result = err_set(err, "interface %s is an ipvlan: only GRE works, not L2",
				 name);
	rtnl_link_put(link);
	nl_cache_free(all);
	nl_socket_free(sock);
	return result;
}
