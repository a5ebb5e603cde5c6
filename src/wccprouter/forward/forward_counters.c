/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The counters of the packet path. */
#include "wccprouter/forward/forward_counters.h"

#include "kernel/bpf_maps.h"

#include <string.h>

enum { NUMBERS = sizeof(struct fwd_counters) / sizeof(__u64) };

_Static_assert(sizeof(struct fwd_counters) == NUMBERS * sizeof(__u64), "numbers only");

/* Summed over the CPUs; zeros when that fails. */
static int forward_counters_sum(const struct forward_counters *counters,
				unsigned service, struct fwd_counters *out)
{
	__u32 key = service;

	return bpf_maps_sum(counters->fd, &key, (unsigned long long *)out, NUMBERS);
}

/* -1: none. */
static int forward_counters_find(const struct forward_counters_slot *slots,
				 const struct addr *cache)
{
	for (int i = 0; i < WCCP_MAX_CACHES; i++)
		if (addr_equal(&slots[i].cache, cache))
			return i;
	return -1;
}

static bool forward_counters_is_same(const struct addr *a, const struct packet_addr *b)
{
	struct packet_addr x = packet_addr_of(a);

	return memcmp(&x, b, sizeof(x)) == 0;
}

static bool forward_counters_is_known(const struct router_status *st,
				      const struct addr *cache)
{
	for (unsigned i = 0; i < st->n_caches; i++)
		if (addr_equal(&st->caches[i].addr, cache))
			return true;
	return false;
}

/* There is one slot for each web-cache that a service can know, so one is free. */
static void forward_counters_take_slot(struct forward_counters *counters,
				       unsigned service, const struct addr *cache)
{
	const struct addr free = { 0 };
	int i = forward_counters_find(counters->slots[service], &free);
	struct fwd_counters now;

	if (i < 0)
		return;
	forward_counters_sum(counters, service, &now);
	counters->slots[service][i] =
		(struct forward_counters_slot){ *cache, now.caches[i] };
}

void forward_counters_follow(struct forward_counters *counters,
			     const struct router_status *status, unsigned n)
{
	for (unsigned s = 0; s < n; s++) {
		struct forward_counters_slot *slots = counters->slots[s];

		for (unsigned i = 0; i < WCCP_MAX_CACHES; i++)
			if (!forward_counters_is_known(&status[s], &slots[i].cache))
				slots[i].cache = (struct addr){ 0 };
		for (unsigned i = 0; i < status[s].n_caches; i++)
			if (forward_counters_find(slots, &status[s].caches[i].addr) < 0)
				forward_counters_take_slot(counters, s,
							   &status[s].caches[i].addr);
	}
}

static void
forward_counters_number_targets(const struct forward_counters_slot *slots,
				struct router_target targets[WCCP_MAX_CACHES])
{
	for (unsigned i = 0; i < WCCP_MAX_CACHES; i++)
		for (unsigned slot = 0; slot < WCCP_MAX_CACHES; slot++)
			if (targets[i].ifindex &&
			    forward_counters_is_same(&slots[slot].cache,
						     &targets[i].cache))
				targets[i].slot = slot;
}

void forward_counters_number(const struct forward_counters *counters,
			     struct router_entry *table, unsigned n)
{
	for (unsigned e = 0; e < n; e++)
		forward_counters_number_targets(counters->slots[table[e].number],
						table[e].targets);
}

/* -- reading ----------------------------------------------------------------------- */

int forward_counters_packets(const struct forward_counters *counters, unsigned service,
			     struct router_packets *out)
{
	struct fwd_counters now;
	int r = forward_counters_sum(counters, service, &now);

	*out = now.all;
	return r;
}

int forward_counters_cache_packets(const struct forward_counters *counters,
				   unsigned service, const struct addr *cache,
				   struct router_cache_packets *out)
{
	const struct forward_counters_slot *slots = counters->slots[service];
	int i = forward_counters_find(slots, cache);
	struct fwd_counters now;

	memset(out, 0, sizeof(*out));
	if (i < 0 || forward_counters_sum(counters, service, &now) < 0)
		return -1;
	out->redirected = now.caches[i].redirected - slots[i].before.redirected;
	out->redirected_octets =
		now.caches[i].redirected_octets - slots[i].before.redirected_octets;
	return 0;
}

int forward_counters_bucket_packets(const struct forward_counters *counters,
				    unsigned service, uint64_t out[WCCP_BUCKETS])
{
	struct fwd_counters now;
	int r = forward_counters_sum(counters, service, &now);

	for (unsigned b = 0; b < WCCP_BUCKETS; b++)
		out[b] = now.buckets[b];
	return r;
}
