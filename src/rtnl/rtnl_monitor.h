/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tells when links, addresses, routes, rules, neighbours, filters or settings of this network namespace
 * change, so that a daemon can compare the kernel with what it wants.
 *
 * Use: watch rtnl_monitor_fd() for reading (level-triggered); when it is readable, call
 * rtnl_monitor_read(), and if that returns anything, look at the kernel once, some
 * milliseconds later: changes come in bursts that include the caller's own.  Only the
 * kind of change is reported, because the caller has to look at everything anyway if
 * messages were lost.
 */
#ifndef WCCPD_RTNL_RTNL_MONITOR_H
#define WCCPD_RTNL_RTNL_MONITOR_H

#include "err.h"

struct rtnl_monitor;

/* Kinds of change, as bits. */
enum {
	RTNL_LINK = 1,
	RTNL_ADDRESS = 2,
	RTNL_ROUTE = 4,
	RTNL_RULE = 8,
	RTNL_NEIGHBOUR = 16, /* one appeared, vanished, or has another MAC address */
	RTNL_FILTER = 32,    /* of TC, or a qdisc */
	RTNL_SYSCTL = 64,    /* of net.ipv4.conf: rp_filter, forwarding */
	RTNL_ALL = 127,
};

/* Subscribe to these kinds, of IPv4 and IPv6.  -1: `err` says why. */
int rtnl_monitor_open(struct rtnl_monitor **out, unsigned kinds, struct err *err);
void rtnl_monitor_close(struct rtnl_monitor *m); /* NULL is fine */

/* Non-blocking, owned by the monitor. */
int rtnl_monitor_fd(const struct rtnl_monitor *m);

/*
 * Read what has arrived.  Returns the kinds that have changed since the last call, 0
 * for none; all subscribed kinds if the kernel had to drop messages (ENOBUFS).  Takes a
 * bounded number of messages; if more are waiting, the descriptor stays readable.
 *
 * A neighbour that is merely confirmed (REACHABLE to STALE and back) is no change.
 */
unsigned rtnl_monitor_read(struct rtnl_monitor *m);

#endif
