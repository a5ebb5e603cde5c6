/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a marked packet is delivered to a local socket: one rule, one route. */
#ifndef WCCPD_DP_LINK_DELIVERY_ROUTE_H
#define WCCPD_DP_LINK_DELIVERY_ROUTE_H

#include "err.h"

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

struct nl_sock;

/*
 * Rule:  fwmark MARK/MASK iif INTERFACE lookup TABLE
 * Route: local default dev lo table TABLE
 *
 * The rule names the interface because without it, it would also catch what sockets
 * send that took their mark from a connection (tcp_fwmark_accept), and the look-up
 * of the source address where src_valid_mark is set.
 */
struct delivery_route {
	char interface[IF_NAMESIZE];
	uint32_t mark, mask, table;
};

bool delivery_route_equal(const struct delivery_route *a,
			  const struct delivery_route *b);
/* What is there already, of a run before, is taken over. */
int delivery_route_add(struct nl_sock *sock, const struct delivery_route *wanted,
		       struct err *err);
/* Best effort; the route stays when `keep_route`. */
void delivery_route_remove(struct nl_sock *sock, const struct delivery_route *wanted,
			   bool keep_route);

#endif
