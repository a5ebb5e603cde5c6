/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of the packet path, from the state of the service groups. */
#include "table.h"

#include <stdlib.h>
#include <string.h>

static const struct router_cache_status *find_usable(const struct router_status *st,
						     const struct addr *cache)
{
	unsigned i;

	for (i = 0; i < st->n_caches; i++)
		if (st->caches[i].usable && addr_equal(&st->caches[i].addr, cache))
			return &st->caches[i];
	return NULL;
}

static bool any_usable(const struct router_status *st)
{
	unsigned i;

	for (i = 0; i < st->n_caches; i++)
		if (st->caches[i].usable)
			return true;
	return false;
}

/* L2 needs the web-cache on-link (2.0 section 4.12.2); another one's packets go
 * as if nobody had the bucket. */
static void fill_target(struct router_target *t,
			const struct router_cache_status *cache, table_route *route,
			void *arg)
{
	struct hop hop;

	t->cache = htonl(addr_to_v4(&cache->addr));
	t->method =
		cache->forward & WCCP_METHOD_L2 && !(cache->forward & WCCP_METHOD_GRE)
			? WCCP_METHOD_L2
			: WCCP_METHOD_GRE;
	if (route(arg, &cache->addr, &hop) < 0)
		return;
	if (t->method == WCCP_METHOD_L2 && !hop.on_link)
		return;
	t->nexthop = htonl(addr_to_v4(&hop.nexthop));
	t->mtu = hop.mtu;
	t->ifindex = hop.ifindex;
}

static void fill_buckets(struct router_entry *e, const struct router_status *st,
			 table_route *route, void *arg)
{
	bool takes[WCCP_MAX_CACHES] = { false };
	unsigned i, index;

	memset(e->buckets, WCCP_BUCKET_NONE, sizeof(e->buckets));
	if (!st->assigned)
		return;
	for (i = 0; i < st->table.n_caches && i < WCCP_MAX_CACHES; i++) {
		const struct router_cache_status *cache =
			find_usable(st, &st->table.caches[i]);

		takes[i] = cache;
		if (cache)
			fill_target(&e->targets[i], cache, route, arg);
	}
	for (i = 0; i < WCCP_BUCKETS; i++) {
		index = st->table.buckets[i] & WCCP_BUCKET_INDEX;
		if (st->table.buckets[i] != WCCP_BUCKET_NONE &&
		    index < WCCP_MAX_CACHES && takes[index])
			e->buckets[i] = st->table.buckets[i];
	}
}

static int by_priority(const void *a, const void *b)
{
	const struct router_entry *x = a, *y = b;

	if (x->match.priority != y->match.priority)
		return x->match.priority > y->match.priority ? -1 : 1;
	return x->number < y->number ? -1 : 1; /* as they stand in the file */
}

unsigned table_build(const struct rconf *conf, const struct router_status *status,
		     table_route *route, void *arg, struct router_entry *out)
{
	unsigned i, n = 0;

	memset(out, 0, ROUTER_MAX_SERVICES * sizeof(*out));
	for (i = 0; i < conf->n_services; i++) {
		const struct rconf_service *service = &conf->services[i];
		struct wccp_service described = status[i].service;
		struct router_entry *e = &out[n];

		if (!status[i].described &&
		    service->router.service_type == WCCP_SERVICE_DYNAMIC)
			continue;
		if (!any_usable(&status[i]) && !service->closed)
			continue;
		described.type = service->router.service_type;
		described.id = service->router.service_id;
		packet_service_set(&e->match, &described);
		e->number = i;
		e->used = 1;
		e->closed = service->closed;
		fill_buckets(e, &status[i], route, arg);
		n++;
	}
	qsort(out, n, sizeof(*out), by_priority);
	return n;
}
