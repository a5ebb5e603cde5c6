/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's neighbours: who has which MAC address on which interface. */
#ifndef WCCPD_RTNL_NEIGHBOURS_H
#define WCCPD_RTNL_NEIGHBOURS_H

#include "addr.h"
#include "err.h"

#include <stdint.h>

struct nl_sock;

enum neighbour_state {
	NEIGHBOUR_ABSENT, /* the kernel has no entry: nobody has asked */
	NEIGHBOUR_ASKED,  /* the kernel has asked and waits for the answer */
	NEIGHBOUR_SILENT, /* it has not answered */
	NEIGHBOUR_KNOWN,
};

struct neighbour {
	struct addr addr;
	unsigned ifindex;
	enum neighbour_state state;
	uint8_t mac[6]; /* NEIGHBOUR_KNOWN: usable, though maybe not confirmed lately */
};

/* Call `found` with each neighbour of both families on an Ethernet interface.  -1: the
 * kernel could not be asked. */
int neighbours_each(struct nl_sock *sock,
		    void (*found)(void *arg, const struct neighbour *n), void *arg,
		    struct err *err);

/* Have the kernel ask for the MAC address, like `ip neigh ... use`; it overwrites
 * nothing.  The answer comes later: see RTNL_NEIGHBOUR in rtnl/rtnl_monitor.h. */
void neighbours_ask(struct nl_sock *sock, const struct addr *addr, unsigned ifindex);

#endif
