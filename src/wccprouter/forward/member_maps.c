/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whom the packet path knows by address. */
#include "wccprouter/forward/member_maps.h"

#include "kernel/bpf_maps.h"

#include <string.h>

/* What the maps that are sets hold. */
static const uint8_t ones[ROUTER_MAX_MEMBERS];
_Static_assert((int)ROUTER_MAX_MEMBERS >= 2 * (int)ROUTER_MAX_OWN, "for all sets");

/* Where it is among the members, or else would be. */
static unsigned find_member(const struct known *k, const struct packet_addr *a)
{
	unsigned i;

	for (i = 0; i < k->n_members; i++)
		if (memcmp(&k->members[i], a, sizeof(*a)) == 0)
			break;
	return i;
}

static void add_member(struct known *k, const struct addr *cache, unsigned number)
{
	struct packet_addr a = packet_addr_of(cache);
	unsigned i = find_member(k, &a);

	if (i == k->n_members) {
		k->members[i] = a;
		k->groups[i] = 0;
		k->n_members++;
	}
	k->groups[i] |= 1ull << number;
}

/* Only who is usable: anybody may say hello. */
static int follow_members(struct known *k, const struct router_status *status,
			  unsigned n, struct err *err)
{
	unsigned i, j;

	k->n_members = 0;
	for (i = 0; i < n; i++)
		for (j = 0; j < status[i].n_caches; j++)
			if (status[i].caches[j].usable)
				add_member(k, &status[i].caches[j].addr, i);
	return maps_sync(k->members_fd, k->members, sizeof(k->members[0]), k->groups,
			 sizeof(k->groups[0]), k->n_members, err);
}

/* Only of members that are on-link: a gateway's address proves nothing. */
static void on_neighbour(void *arg, const struct addr *a, unsigned ifindex,
			 const uint8_t mac[6])
{
	struct known *k = arg;
	struct packet_addr address = packet_addr_of(a);

	(void)ifindex;
	if (find_member(k, &address) == k->n_members || k->n_macs == ROUTER_MAX_MEMBERS)
		return;
	memset(&k->macs[k->n_macs], 0, sizeof(k->macs[0]));
	memcpy(k->macs[k->n_macs++].octets, mac, sizeof(k->macs[0].octets));
}

static int follow_macs(struct known *k, struct hops *hops, struct err *err)
{
	k->n_macs = 0;
	if (hops_neighbours(hops, on_neighbour, k) < 0)
		return err_set(err, "cannot list neighbours");
	return maps_sync(k->macs_fd, k->macs, sizeof(k->macs[0]), ones, 1, k->n_macs,
			 err);
}

static int follow_own(struct known *k, struct err *err)
{
	struct addr list[2 * ROUTER_MAX_OWN];
	struct packet_addr keys[2 * ROUTER_MAX_OWN];
	unsigned i, n = hops_own(ADDR_V4, list, ROUTER_MAX_OWN);

	n += hops_own(ADDR_V6, list + n, ROUTER_MAX_OWN);
	for (i = 0; i < n; i++)
		keys[i] = packet_addr_of(&list[i]);
	return maps_sync(k->own_fd, keys, sizeof(keys[0]), ones, 1, n, err);
}

int known_follow(struct known *k, const struct router_status *status, unsigned n,
		 struct hops *hops, struct err *err)
{
	if (follow_own(k, err) < 0 || follow_members(k, status, n, err) < 0)
		return -1;
	return follow_macs(k, hops, err);
}
