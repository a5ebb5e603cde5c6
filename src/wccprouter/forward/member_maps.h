/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The addresses that the packet path knows: the members of the service groups, the
 * link-layer addresses of those on-link, and this host's own.
 */
#ifndef WCCPD_WCCPROUTER_FORWARD_MEMBER_MAPS_H
#define WCCPD_WCCPROUTER_FORWARD_MEMBER_MAPS_H

#include "bpf/router/router_maps.h"
#include "err.h"
#include "router.h"
#include "wccprouter/forward/routes.h"

struct member_maps {
	int members_fd, macs_fd, own_fd; /* maps; not owned */
	unsigned n_members, n_macs;
	struct packet_addr members[ROUTER_MAX_MEMBERS];
	uint64_t groups[ROUTER_MAX_MEMBERS]; /* a bit for each service */
	struct router_mac macs[ROUTER_MAX_MEMBERS];
};

/* Make the maps reflect the usable web-caches of these `n` services, their entries in
 * the neighbour tables, and the addresses of this host. */
int member_maps_follow(struct member_maps *maps, const struct router_status *status,
		       unsigned n, struct routes *routes, struct err *err);

#endif
