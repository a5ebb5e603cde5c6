/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel knows of the ways to the web-caches: routes, neighbours, its
 * own addresses, by rtnetlink.
 */
#ifndef WCCPD_WCCPROUTER_FORWARD_ROUTES_H
#define WCCPD_WCCPROUTER_FORWARD_ROUTES_H

#include "addr.h"
#include "err.h"

#include <stdbool.h>

struct hops;

struct hop {
	struct addr nexthop; /* the destination itself when it is on-link */
	unsigned ifindex;
	unsigned mtu; /* octets of IP, of the interface */
	bool on_link;
};

struct hops *hops_open(struct err *err);
void hops_close(struct hops *h);

/* A descriptor that becomes readable when a route, link, address or neighbour
 * has changed; hops_drain() makes it quiet again. */
int hops_fd(const struct hops *h);
void hops_drain(struct hops *h);

/* The way to `to`.  -1 when there is none that leaves this host. */
int hops_route(struct hops *h, const struct addr *to, struct hop *out);

/* Call `found` with each neighbour whose link-layer address (6 octets) is known. */
int hops_neighbours(struct hops *h,
		    void (*found)(void *arg, const struct addr *a, unsigned ifindex,
				  const uint8_t mac[6]),
		    void *arg);

/* This host's addresses of a family without loopback's, at most `max`; their
 * number. */
unsigned hops_own(enum addr_family family, struct addr *out, unsigned max);
/* The highest of its IPv4 addresses, as routers choose their id: among those of
 * loopback interfaces if there are any and `loopback_first` is set, else among all.
 * Unset when there is none. */
struct addr hops_highest(bool loopback_first);

#endif
