/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The addresses that the packet path knows. */
#include "wccprouter/forward/member_maps.h"

#include "kernel/bpf_maps.h"

#include <string.h>

/* The values of maps that are used as sets. */
static const uint8_t ones[ROUTER_MAX_MEMBERS];
_Static_assert((int)ROUTER_MAX_MEMBERS >= 2 * (int)ROUTER_MAX_OWN, "for all sets");

/* Its position among the members, or where it would be inserted. */
static unsigned member_maps_find_member(const struct member_maps *maps,
					const struct packet_addr *a)
{
	unsigned i;

	for (i = 0; i < maps->n_members; i++)
		if (memcmp(&maps->members[i], a, sizeof(*a)) == 0)
			break;
	return i;
}

static void member_maps_add_member(struct member_maps *maps, const struct addr *cache,
				   unsigned number)
{
	struct packet_addr a = packet_addr_of(cache);
	unsigned i = member_maps_find_member(maps, &a);

	if (i == maps->n_members) {
		maps->members[i] = a;
		maps->groups[i] = 0;
		maps->n_members++;
	}
	maps->groups[i] |= 1ull << number;
}

/* Only usable ones: any host may send a HERE_I_AM. */
static int member_maps_follow_members(struct member_maps *maps,
				      const struct router_status *status, unsigned n,
				      struct err *err)
{
	unsigned i, j;

	maps->n_members = 0;
	for (i = 0; i < n; i++)
		for (j = 0; j < status[i].n_caches; j++)
			if (status[i].caches[j].usable)
				member_maps_add_member(maps, &status[i].caches[j].addr,
						       i);
	return bpf_maps_sync(maps->members_fd, maps->members, sizeof(maps->members[0]),
			     maps->groups, sizeof(maps->groups[0]), maps->n_members,
			     err);
}

/* Only of members that are on-link: a gateway's address proves nothing. */
static void member_maps_on_neighbour(void *arg, const struct neighbour *n)
{
	struct member_maps *maps = arg;
	struct packet_addr address = packet_addr_of(&n->addr);

	if (n->state != NEIGHBOUR_KNOWN ||
	    member_maps_find_member(maps, &address) == maps->n_members ||
	    maps->n_macs == ROUTER_MAX_MEMBERS)
		return;
	memset(&maps->macs[maps->n_macs], 0, sizeof(maps->macs[0]));
	memcpy(maps->macs[maps->n_macs++].octets, n->mac, sizeof(maps->macs[0].octets));
}

static int member_maps_follow_macs(struct member_maps *maps, struct routes *routes,
				   struct err *err)
{
	maps->n_macs = 0;
	if (routes_neighbours(routes, member_maps_on_neighbour, maps, err) < 0)
		return -1;
	return bpf_maps_sync(maps->macs_fd, maps->macs, sizeof(maps->macs[0]), ones, 1,
			     maps->n_macs, err);
}

static int member_maps_follow_own(struct member_maps *maps, struct err *err)
{
	struct addr list[2 * ROUTER_MAX_OWN];
	struct packet_addr keys[2 * ROUTER_MAX_OWN];
	unsigned i, n = routes_own_addresses(ADDR_V4, list, ROUTER_MAX_OWN);

	n += routes_own_addresses(ADDR_V6, list + n, ROUTER_MAX_OWN);
	for (i = 0; i < n; i++)
		keys[i] = packet_addr_of(&list[i]);
	return bpf_maps_sync(maps->own_fd, keys, sizeof(keys[0]), ones, 1, n, err);
}

int member_maps_follow(struct member_maps *maps, const struct router_status *status,
		       unsigned n, struct routes *routes, struct err *err)
{
	if (member_maps_follow_own(maps, err) < 0 ||
	    member_maps_follow_members(maps, status, n, err) < 0)
		return -1;
	return member_maps_follow_macs(maps, routes, err);
}
