/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The counters of the packet path: of services, web-caches and buckets.
 *
 * Each web-cache of a service has a slot for as long as it is known.  Slots are reused
 * but never set to zero, because packets are counted all the time: what a slot had when
 * it was assigned is subtracted.
 */
#ifndef WCCPD_WCCPROUTER_FORWARD_FORWARD_COUNTERS_H
#define WCCPD_WCCPROUTER_FORWARD_FORWARD_COUNTERS_H

#include "bpf/router/router_maps.h"
#include "router.h"
#include "wccprouter/conf/routerd_conf.h"

struct forward_counters_slot {
	struct addr cache; /* unset: free */
	struct router_cache_packets before;
};

struct forward_counters {
	int fd; /* of the map; not owned */
	struct forward_counters_slot slots[ROUTERD_MAX_SERVICES][WCCP_MAX_CACHES];
};

/* Slots for the web-caches that these `n` services know, and for no others. */
void forward_counters_follow(struct forward_counters *counters,
			     const struct router_status *status, unsigned n);
/* Give the targets of a table their slots. */
void forward_counters_number(const struct forward_counters *counters,
			     struct router_entry *table, unsigned n);

/* As forward.h has them. */
int forward_counters_packets(const struct forward_counters *counters, unsigned service,
			     struct router_packets *out);
int forward_counters_cache_packets(const struct forward_counters *counters,
				   unsigned service, const struct addr *cache,
				   struct router_cache_packets *out);
int forward_counters_bucket_packets(const struct forward_counters *counters,
				    unsigned service, uint64_t out[WCCP_BUCKETS]);

#endif
