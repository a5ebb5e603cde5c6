/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a marked packet is delivered to a local socket: the route, in a table of its own. */
#ifndef WCCPD_DP_LINK_DELIVERY_ROUTE_H
#define WCCPD_DP_LINK_DELIVERY_ROUTE_H

#include "err.h"

#include <stdbool.h>
#include <stdint.h>

struct nl_sock;

/* What is in a routing table, as far as delivery is concerned. */
struct delivery_routes {
	bool ours;	 /* local default dev lo */
	unsigned others; /* routes of other programs ... */
	char other[64];	 /* ... and what the first of them looks like */
};

int delivery_route_look(struct nl_sock *sock, unsigned family, uint32_t table,
			struct delivery_routes *out, struct err *err);
/* local default dev lo; being there already is fine. */
int delivery_route_add(struct nl_sock *sock, unsigned family, uint32_t table, struct err *err);
/* Best effort. */
void delivery_route_remove(struct nl_sock *sock, unsigned family, uint32_t table);

#endif
