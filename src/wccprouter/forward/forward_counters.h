/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The counters of the packet path: of services, web-caches and buckets.
 *
 * Each web-cache of a service has a slot there for as long as it is known.  Slots are
 * used again but never set to zero, since packets count all the time: what a slot had
 * when it was given away is subtracted.
 */
#ifndef WCCPD_WCCPROUTER_FORWARD_FORWARD_COUNTERS_H
#define WCCPD_WCCPROUTER_FORWARD_FORWARD_COUNTERS_H

#include "wccprouter/conf/routerd_conf.h"
#include "router.h"
#include "bpf/router_maps.h"

struct tally_slot {
	struct addr cache; /* unset: free */
	struct router_cache_packets before;
};

struct tally {
	int fd; /* of the map; not owned */
	struct tally_slot slots[RCONF_MAX_SERVICES][WCCP_MAX_CACHES];
};

/* Slots for the web-caches that these `n` services know, and for no others. */
void tally_follow(struct tally *t, const struct router_status *status, unsigned n);
/* Give the targets of a table their slots. */
void tally_number(const struct tally *t, struct router_entry *table, unsigned n);

/* As forward.h has them. */
int tally_packets(const struct tally *t, unsigned service, struct router_packets *out);
int tally_cache_packets(const struct tally *t, unsigned service,
			const struct addr *cache, struct router_cache_packets *out);
int tally_bucket_packets(const struct tally *t, unsigned service,
			 uint64_t out[WCCP_BUCKETS]);

#endif
