/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How packets are delivered to local sockets: an interface of our own, by which unwrapped
 * packets come in.
 *
 * It is a TUN device that no process has open: an interface for bare IP packets, which
 * nothing can enter but what the ingress program redirects to it.  Like rules and filters
 * it outlives the daemon, so that connections go on after a crash, and the next run takes
 * it over.
 */
#ifndef WCCPD_DP_LINK_DELIVERY_INTERFACE_H
#define WCCPD_DP_LINK_DELIVERY_INTERFACE_H

#include "err.h"

#include <net/if.h>

struct nl_sock;

/*
 * Make sure that it exists, is up, and does not filter by the route back.  Returns its index,
 * or -1; `err` says why, for instance that another program has an interface of that name.
 * `changed` says what it had to do to one that was there (empty: nothing).
 */
int delivery_interface_make(struct nl_sock *sock, const char *name, struct err *changed,
			    struct err *err);

/* Remove all that a wccpd has made, except that of index `keep` (0: none of them is
 * kept).  Best effort. */
void delivery_interface_remove(struct nl_sock *sock, int keep);

#endif
