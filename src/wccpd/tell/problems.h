/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is wrong now, as a list of JSON objects:
 *
 *   { "kind": "router", "service": "web-cache", "about": "10.0.0.1", "since_s": 12,
 *     "text": "lost: silent for longer than its time-out" }
 *
 * "service", "about" and "since_s" are null where there is no such thing.
 */
#ifndef WCCPD_WCCPD_TELL_PROBLEMS_H
#define WCCPD_WCCPD_TELL_PROBLEMS_H

#include "cache.h"
#include "mono.h"
#include "wccpd/delivery/delivery_fsm.h"
#include "wccpd/pool/pools.h"

#include <jansson.h>

/* What a problem is about; NULL members: nothing. */
struct problem {
	const char *kind;
	const char *service, *about;
	int64_t since_ms; /* how long it has lasted; -1: not known */
};

void problems_add(json_t *list, const struct problem *p, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Packets of a service do not arrive at its instances. */
void problems_add_delivery(json_t *list, const char *service, const struct delivery *d,
			   struct mono now);
/* Routers to which we announce ourselves but that send nothing. */
void problems_add_routers(json_t *list, const char *service,
			  const struct cache_status *st, struct mono now);
/* Instances that do not count, and a pool that has too few. */
void problems_add_pool(json_t *list, const struct pool *p, struct mono now);

/* A text about a service whose delivery is not good; NULL while it is. */
const char *problems_delivery_text(const struct delivery *d);

#endif
