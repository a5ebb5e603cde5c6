/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel knows about reaching the web-caches, by rtnetlink: routes,
 * neighbours, its own addresses.
 */
#ifndef WCCPD_WCCPROUTER_FORWARD_ROUTES_H
#define WCCPD_WCCPROUTER_FORWARD_ROUTES_H

#include "addr.h"
#include "err.h"
#include "rtnl/neighbours.h"

#include <stdbool.h>

struct routes;

struct route {
	struct addr nexthop; /* the destination itself when it is on-link */
	unsigned ifindex;
	unsigned mtu; /* octets of IP, of the interface */
	bool on_link;
};

struct routes *routes_open(struct err *err);
void routes_close(struct routes *routes);

/* A descriptor for the event loop, readable when the kernel reports changes of
 * routes, links, addresses or neighbours; routes_have_changed() then says whether
 * they matter. */
int routes_fd(const struct routes *routes);
bool routes_have_changed(struct routes *routes);

/* The route to `to`.  -1 if there is none that leaves this host. */
int routes_find(struct routes *routes, const struct addr *to, struct route *out);

/* Call `found` with each neighbour, see rtnl/neighbours.h. */
int routes_neighbours(struct routes *routes,
		      void (*found)(void *arg, const struct neighbour *n), void *arg,
		      struct err *err);

/* This host's addresses of a family except loopback ones, at most `max`; returns how
 * many. */
unsigned routes_own_addresses(enum addr_family family, struct addr *out, unsigned max);
/* The highest of its IPv4 addresses, as routers choose their id: among those of
 * loopback interfaces if there are any and `loopback_first` is set, else among all.
 * Unset when there is none. */
struct addr routes_highest_address(bool loopback_first);

#endif
