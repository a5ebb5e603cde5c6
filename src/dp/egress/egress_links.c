/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dp/egress/egress_links.h"

#include "rtnl/netlink.h"

#include <net/if.h>
#include <net/if_arp.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <stdbool.h>
#include <sys/socket.h>

static bool egress_links_has(const struct egress_links *l, unsigned ifindex)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->ifindex[i] == ifindex)
			return true;
	return false;
}

static bool egress_links_fits(struct nl_cache *links, unsigned ifindex)
{
	struct rtnl_link *link = rtnl_link_get(links, (int)ifindex);
	bool fits = link && rtnl_link_get_arptype(link) == ARPHRD_ETHER &&
		    rtnl_link_get_flags(link) & IFF_UP;

	if (link)
		rtnl_link_put(link);
	return fits;
}

static int egress_links_take(int family, struct nl_cache *links, struct nl_cache *addresses,
			     struct egress_links *out, struct err *err)
{
	struct nl_object *o;

	for (o = nl_cache_get_first(addresses); o; o = nl_cache_get_next(o)) {
		struct rtnl_addr *a = (struct rtnl_addr *)o;
		unsigned ifindex = (unsigned)rtnl_addr_get_ifindex(a);

		if (rtnl_addr_get_family(a) != family ||
		    egress_links_has(out, ifindex) ||
		    !egress_links_fits(links, ifindex))
			continue;
		if (out->n == EGRESS_LINKS_MAX)
			return err_set(err, "more than %d interfaces",
				       EGRESS_LINKS_MAX);
		out->ifindex[out->n++] = ifindex;
	}
	return 0;
}

int egress_links_find(unsigned family, struct egress_links *out, struct err *err)
{
	struct nl_sock *sock = netlink_connect(err);
	struct nl_cache *links = NULL, *addresses = NULL;
	int rc;

	out->n = 0;
	if (!sock)
		return -1;
	rc = rtnl_link_alloc_cache(sock, AF_UNSPEC, &links);
	if (rc >= 0)
		rc = rtnl_addr_alloc_cache(sock, &addresses);
	if (rc >= 0)
		rc = egress_links_take(family == ADDR_V6 ? AF_INET6 : AF_INET, links, addresses,
				       out, err);
	else
		rc = err_set(err, "interfaces: %s", nl_geterror(rc));
	nl_cache_free(links);
	nl_cache_free(addresses);
	nl_socket_free(sock);
	return rc;
}
