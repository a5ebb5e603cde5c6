/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way of a marked packet to a local socket: one rule, one route. */
#ifndef WCCPD_DP_LINK_WAY_H
#define WCCPD_DP_LINK_WAY_H

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
struct link_way {
	char interface[IF_NAMESIZE];
	uint32_t mark, mask, table;
};

bool link_way_equal(const struct link_way *a, const struct link_way *b);
/* What is there already, of a run before, is taken over. */
int link_way_add(struct nl_sock *sock, const struct link_way *way, struct err *err);
/* Best effort; the route stays when `keep_route`. */
void link_way_remove(struct nl_sock *sock, const struct link_way *way, bool keep_route);

#endif
