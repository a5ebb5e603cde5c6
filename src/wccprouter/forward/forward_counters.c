/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The counters of the packet path. */
#include "wccprouter/forward/forward_counters.h"

#include "kernel/bpf_maps.h"

#include <string.h>

enum { NUMBERS = sizeof(struct router_tally) / sizeof(__u64) };

_Static_assert(sizeof(struct router_tally) == NUMBERS * sizeof(__u64), "numbers only");

/* Summed over the CPUs; zeros when that fails. */
static int sum(const struct tally *t, unsigned service, struct router_tally *out)
{
	__u32 key = service;

	return maps_sum(t->fd, &key, (unsigned long long *)out, NUMBERS);
}

/* -1: none. */
static int find(const struct tally_slot *slots, const struct addr *cache)
{
	for (int i = 0; i < WCCP_MAX_CACHES; i++)
		if (addr_equal(&slots[i].cache, cache))
			return i;
	return -1;
}

static bool is_same(const struct addr *a, const struct packet_addr *b)
{
	struct packet_addr x = packet_addr_of(a);

	return memcmp(&x, b, sizeof(x)) == 0;
}

static bool is_known(const struct router_status *st, const struct addr *cache)
{
	for (unsigned i = 0; i < st->n_caches; i++)
		if (addr_equal(&st->caches[i].addr, cache))
			return true;
	return false;
}

/* There is one slot for each web-cache that a service can know, so one is free. */
static void take_slot(struct tally *t, unsigned service, const struct addr *cache)
{
	const struct addr free = { 0 };
	int i = find(t->slots[service], &free);
	struct router_tally now;

	if (i < 0)
		return;
	sum(t, service, &now);
	t->slots[service][i] = (struct tally_slot){ *cache, now.caches[i] };
}

void tally_follow(struct tally *t, const struct router_status *status, unsigned n)
{
	for (unsigned s = 0; s < n; s++) {
		struct tally_slot *slots = t->slots[s];

		for (unsigned i = 0; i < WCCP_MAX_CACHES; i++)
			if (!is_known(&status[s], &slots[i].cache))
				slots[i].cache = (struct addr){ 0 };
		for (unsigned i = 0; i < status[s].n_caches; i++)
			if (find(slots, &status[s].caches[i].addr) < 0)
				take_slot(t, s, &status[s].caches[i].addr);
	}
}

static void number_targets(const struct tally_slot *slots,
			   struct router_target targets[WCCP_MAX_CACHES])
{
	for (unsigned i = 0; i < WCCP_MAX_CACHES; i++)
		for (unsigned slot = 0; slot < WCCP_MAX_CACHES; slot++)
			if (targets[i].ifindex &&
			    is_same(&slots[slot].cache, &targets[i].cache))
				targets[i].slot = slot;
}

void tally_number(const struct tally *t, struct router_entry *table, unsigned n)
{
	for (unsigned e = 0; e < n; e++)
		number_targets(t->slots[table[e].number], table[e].targets);
}

/* ---- reading ---- */

int tally_packets(const struct tally *t, unsigned service, struct router_packets *out)
{
	struct router_tally now;
	int r = sum(t, service, &now);

	*out = now.all;
	return r;
}

int tally_cache_packets(const struct tally *t, unsigned service,
			const struct addr *cache, struct router_cache_packets *out)
{
	const struct tally_slot *slots = t->slots[service];
	int i = find(slots, cache);
	struct router_tally now;

	memset(out, 0, sizeof(*out));
	if (i < 0 || sum(t, service, &now) < 0)
		return -1;
	out->redirected = now.caches[i].redirected - slots[i].before.redirected;
	out->redirected_octets =
		now.caches[i].redirected_octets - slots[i].before.redirected_octets;
	return 0;
}

int tally_bucket_packets(const struct tally *t, unsigned service,
			 uint64_t out[WCCP_BUCKETS])
{
	struct router_tally now;
	int r = sum(t, service, &now);

	for (unsigned b = 0; b < WCCP_BUCKETS; b++)
		out[b] = now.buckets[b];
	return r;
}
