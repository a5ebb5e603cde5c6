/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's neighbours. */
#include "rtnl/neighbours.h"

#include "rtnl/netlink.h"

#include <linux/neighbour.h>
#include <netlink/netlink.h>
#include <netlink/route/neighbour.h>
#include <string.h>

enum {
	/* States in which the kernel uses the MAC address. */
	NEIGHBOURS_USABLE = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE |
			    NUD_STALE | NUD_DELAY,
};

static struct neighbour neighbours_from_nl(struct rtnl_neigh *n)
{
	struct nl_addr *mac = rtnl_neigh_get_lladdr(n);
	int state = rtnl_neigh_get_state(n);
	struct neighbour out = {
		.addr = netlink_to_addr(rtnl_neigh_get_dst(n)),
		.ifindex = (unsigned)rtnl_neigh_get_ifindex(n),
		.state = state & NUD_INCOMPLETE ? NEIGHBOUR_ASKED : NEIGHBOUR_SILENT,
	};

	if (state & NEIGHBOURS_USABLE && mac &&
	    nl_addr_get_len(mac) == sizeof(out.mac)) {
		out.state = NEIGHBOUR_KNOWN;
		memcpy(out.mac, nl_addr_get_binary_addr(mac), sizeof(out.mac));
	}
	return out;
}

int neighbours_each(struct nl_sock *sock,
		    void (*found)(void *arg, const struct neighbour *n), void *arg,
		    struct err *err)
{
	struct nl_cache *cache;
	int rc = rtnl_neigh_alloc_cache(sock, &cache);

	if (rc < 0)
		return err_set(err, "neighbours: %s", nl_geterror(rc));
	for (struct nl_object *o = nl_cache_get_first(cache); o;
	     o = nl_cache_get_next(o)) {
		struct neighbour n = neighbours_from_nl((struct rtnl_neigh *)o);

		if (addr_is_set(&n.addr))
			found(arg, &n);
	}
	nl_cache_free(cache);
	return 0;
}

void neighbours_ask(struct nl_sock *sock, const struct addr *addr, unsigned ifindex)
{
	struct rtnl_neigh *n = rtnl_neigh_alloc();
	struct nl_addr *ip = netlink_from_addr(addr);

	if (n && ip) {
		rtnl_neigh_set_ifindex(n, (int)ifindex);
		rtnl_neigh_set_dst(n, ip);
		rtnl_neigh_set_state(n, NUD_NONE);
		rtnl_neigh_set_flags(n, NTF_USE);
		rtnl_neigh_add(sock, n, NLM_F_CREATE);
	}
	rtnl_neigh_put(n);
	nl_addr_put(ip);
}
