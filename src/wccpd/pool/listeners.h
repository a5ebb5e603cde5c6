/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The listening TCP sockets of this network namespace on the ports of instances, and their
 * owners.
 *
 * Any user can listen on these ports at some address of this host.  But only with
 * CAP_NET_ADMIN or CAP_NET_RAW is a socket made transparent, as that of an instance has to
 * be.  So all others are shown as far as there is room, and only transparent ones are worth
 * a search for their owner at once; and those at an address and port where a plain one of an
 * instance has to be.
 */
#ifndef WCCPD_WCCPD_POOL_LISTENERS_H
#define WCCPD_WCCPD_POOL_LISTENERS_H

#include "err.h"
#include "wccpd/conf/conf.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	/* SMP instances have several each. */
	LISTENERS_MAX = 4 * CONF_MAX_INSTANCES,
	LISTENERS_PORTS = PLAN_MAX_POOLS * PLAN_MAX_INSTANCES,
	LISTENERS_ENDPOINTS = LISTENERS_PORTS,
	/* Of those on one port that are not transparent, as many as can tell an operator what
	 * is wrong. */
	LISTENERS_PLAIN = 4,
};

struct listener {
	uint16_t port;
	struct addr at; /* unset: every address */
	bool plain; /* of no instance: not transparent, nor at an endpoint */
	uint64_t inode;
	pid_t pid; /* owner, 0 when it could not be found */
	int fd;    /* its descriptor there */
};

/* In the order of their ports. */
struct listeners {
	unsigned n;
	struct listener list[LISTENERS_MAX];
};

/* Remembers what was found out about each socket. */
struct listeners_scan;

struct listeners_scan *listeners_scan_new(void);
void listeners_scan_free(struct listeners_scan *s);
/* The ports to look at, at most LISTENERS_PORTS, in any order. */
void listeners_scan_set_ports(struct listeners_scan *s, const uint16_t *ports, unsigned n);

/* Address and port of a plain listener of an instance. */
struct listeners_endpoint {
	struct addr at;
	uint16_t port;
};
/* At most LISTENERS_ENDPOINTS, in any order; their ports must be among those to look at. */
void listeners_scan_set_endpoints(struct listeners_scan *s,
				  const struct listeners_endpoint *list, unsigned n);
/* Does a listener take what comes to that address?  One for every address does. */
bool listeners_is_at(const struct addr *listens, const struct addr *at);

/* See what is there now.  On failure `out` does not change. */
int listeners_scan_look(struct listeners_scan *s, struct listeners *out, struct err *err);

/* The first one on `port`, and how many there are. */
const struct listener *listeners_at(const struct listeners *all, uint16_t port,
				    unsigned *n);

#endif
