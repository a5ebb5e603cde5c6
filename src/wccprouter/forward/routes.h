/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel knows of the ways to the web-caches: routes, neighbours, its
 * own addresses, by rtnetlink.
 */
#ifndef WCCPD_WCCPROUTER_FORWARD_ROUTES_H
#define WCCPD_WCCPROUTER_FORWARD_ROUTES_H

#include "addr.h"
#include "err.h"
#include "kernel/neighbours.h"

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

/* A descriptor for the event loop, readable when the kernel tells of routes, links,
 * addresses or neighbours; then routes_have_changed() says whether it matters. */
int routes_fd(const struct routes *routes);
bool routes_have_changed(struct routes *routes);

/* The way to `to`.  -1 when there is none that leaves this host. */
int routes_find(struct routes *routes, const struct addr *to, struct route *out);

/* Call `found` with each neighbour, see kernel/neighbours.h. */
int routes_neighbours(struct routes *routes,
		      void (*found)(void *arg, const struct neighbour *n), void *arg,
		      struct err *err);

/* This host's addresses of a family without loopback's, at most `max`; their
 * number. */
unsigned routes_own_addresses(enum addr_family family, struct addr *out, unsigned max);
/* The highest of its IPv4 addresses, as routers choose their id: among those of
 * loopback interfaces if there are any and `loopback_first` is set, else among all.
 * Unset when there is none. */
struct addr routes_highest_address(bool loopback_first);

#endif
