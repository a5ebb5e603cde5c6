/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Our TC filters on an interface. */
#include "wccprouter/forward/tc_hook.h"

#include "bpf/router/router_maps.h"
#include "kernel/interface_ioctl.h"

#include <errno.h>
#include <linux/sockios.h>
#include <net/if_arp.h>
#include <string.h>

/* tc gives out 1, 2, ...: filters of others are not to be taken for one of ours. */
enum { TC_HOOK_HANDLE = 0x57434352 /* "WCCR" */ };

/* -- the programs ------------------------------------------------------------------ */

/* Choose the programs that the roles ask for; false: none. */
static bool tc_hook_choose(const struct tc_hook *h, const struct tc_hook_programs *all,
			   struct tc_programs *out)
{
	bool incoming = h->roles & (ROUTER_IF_REDIRECT | ROUTER_IF_CACHES);
	bool outgoing = h->roles & ROUTER_IF_OUT;

	*out = (struct tc_programs){
		.handle = TC_HOOK_HANDLE,
		.priority = TC_PRIORITY,
		.ingress = incoming ? all->ingress_fd : -1,
		.egress = outgoing ? all->egress_fd : -1,
	};
	return incoming || outgoing;
}

/* The program expects frames to begin with an Ethernet header. */
static int tc_hook_check_kind(const char *name, struct err *err)
{
	struct ifreq req = { 0 };

	if (interface_ioctl(name, SIOCGIFHWADDR, &req) < 0)
		return err_set(err, "%s: %s", name, strerror(errno));
	if (req.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return err_set(err, "%s: not an Ethernet interface", name);
	return 0;
}

int tc_hook_attach(struct tc_hook *h, const struct tc_hook_programs *programs,
		   struct offloads *offloads, struct err *err)
{
	struct tc_programs chosen;

	h->ifindex = if_nametoindex(h->name);
	if (!h->ifindex)
		return err_set(err, "%s: no such interface", h->name);
	if (!tc_hook_choose(h, programs, &chosen))
		return 0;
	if (tc_hook_check_kind(h->name, err) < 0) {
		h->ifindex = 0;
		return -1;
	}
	if (tc_attach(&h->filter, h->ifindex, &chosen, NULL, err) < 0) {
		tc_hook_detach(h, offloads);
		return err_prefix(err, "%s", h->name);
	}
	if (h->roles & ROUTER_IF_REDIRECT)
		offloads_switch_off(offloads, h->name, h->ifindex);
	return 0;
}

void tc_hook_adopt(struct tc_hook *h, const struct tc_hook *before)
{
	if (if_nametoindex(h->name) == before->ifindex)
		h->filter = before->filter;
}

void tc_hook_detach(struct tc_hook *h, struct offloads *offloads)
{
	if (tc_hook_is_attached(h))
		tc_detach(&h->filter);
	if (h->ifindex)
		offloads_restore(offloads, h->ifindex);
	/* If it is gone or replaced, the filter went with it. */
	h->filter = (struct tc_filter){ 0 };
	h->ifindex = 0;
}

bool tc_hook_is_attached(const struct tc_hook *h)
{
	return h->ifindex && if_nametoindex(h->name) == h->ifindex;
}
