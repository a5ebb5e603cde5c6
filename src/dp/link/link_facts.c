/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads facts about the host. */
#include "dp/link/link_facts.h"

#include "kernel/neighbours.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/route.h>
#include <string.h>
#include <sys/socket.h>

static void link_facts_take_own_mac(struct rtnl_link *link, struct facts *out)
{
	struct nl_addr *mac = rtnl_link_get_addr(link);

	memset(out->own_mac, 0, sizeof(out->own_mac));
	if (mac && nl_addr_get_len(mac) == sizeof(out->own_mac))
		memcpy(out->own_mac, nl_addr_get_binary_addr(mac), sizeof(out->own_mac));
}

int link_facts_interface(struct nl_sock *sock, const char *name, struct facts *out,
			 struct err *err)
{
	struct rtnl_link *link = NULL;
	int rc = rtnl_link_get_kernel(sock, 0, name, &link);
	unsigned type;

	if (rc < 0)
		return err_set(err, "interface %s: %s", name, nl_geterror(rc));
	out->ifindex = (unsigned)rtnl_link_get_ifindex(link);
	out->mtu = rtnl_link_get_mtu(link);
	link_facts_take_own_mac(link, out);
	type = rtnl_link_get_arptype(link);
	rc = (int)(rtnl_link_get_flags(link) & IFF_UP);
	rtnl_link_put(link);
	if (!rc)
		return err_set(err, "interface %s is down", name);
	if (type != ARPHRD_ETHER)
		return err_set(err, "interface %s is not an Ethernet interface", name);
	return 0;
}

/* -- routers as neighbours --------------------------------------------------------- */

static bool link_facts_needs_mac(const struct plan_router *r)
{
	return (r->forward | r->ret) & WCCP_METHOD_L2;
}

struct link_facts_macs {
	const struct plan *plan;
	struct facts *out;
};

static void link_facts_take_mac(void *arg, const struct neighbour *n)
{
	const struct link_facts_macs *m = arg;

	if (n->ifindex != m->out->ifindex)
		return;
	for (unsigned i = 0; i < m->plan->n_routers; i++)
		if (link_facts_needs_mac(&m->plan->routers[i]) &&
		    addr_equal(&m->plan->routers[i].address, &n->addr)) {
			m->out->macs[i].state = n->state;
			memcpy(m->out->macs[i].octets, n->mac, sizeof(n->mac));
		}
}

int link_facts_macs(struct nl_sock *sock, const struct plan *plan, struct facts *out,
		    struct err *err)
{
	struct link_facts_macs m = { plan, out };

	memset(out->macs, 0, sizeof(out->macs));
	if (neighbours_each(sock, link_facts_take_mac, &m, err) < 0)
		return -1;
	for (unsigned i = 0; i < plan->n_routers; i++)
		if (link_facts_needs_mac(&plan->routers[i]) &&
		    out->macs[i].state != NEIGHBOUR_KNOWN)
			neighbours_ask(sock, &plan->routers[i].address, out->ifindex);
	return 0;
}
