/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of the packet path, from the state of the service groups. */
#include "wccprouter/forward/member_table.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((int)ROUTER_MAX_MASKS == (int)ROUTER_MAX_SETS, "a mask for each set");
_Static_assert((int)ROUTER_MAX_MASK_VALUES ==
		       2 * (int)ROUTER_MAX_SERVICES * (int)ROUTER_MAX_VALUES,
	       "room for all values, and those on their way out");

static const struct router_cache_status *
member_table_find_usable(const struct router_status *st, const struct addr *cache)
{
	unsigned i;

	for (i = 0; i < st->n_caches; i++)
		if (st->caches[i].usable && addr_equal(&st->caches[i].addr, cache))
			return &st->caches[i];
	return NULL;
}

static bool member_table_any_usable(const struct router_status *st)
{
	unsigned i;

	for (i = 0; i < st->n_caches; i++)
		if (st->caches[i].usable)
			return true;
	return false;
}

/* L2 needs the web-cache on-link (2.0 section 4.12.2); otherwise its packets are
 * treated as if the bucket had no owner. */
static void member_table_fill_target(struct router_target *t,
				     const struct router_cache_status *cache,
				     member_table_route *route, void *arg)
{
	struct route way;

	t->cache = packet_addr_of(&cache->addr);
	t->method =
		cache->forward & WCCP_METHOD_L2 && !(cache->forward & WCCP_METHOD_GRE)
			? WCCP_METHOD_L2
			: WCCP_METHOD_GRE;
	if (route(arg, &cache->addr, &way) < 0)
		return;
	if (t->method == WCCP_METHOD_L2 && !way.on_link)
		return;
	t->nexthop = packet_addr_of(&way.nexthop);
	t->mtu = way.mtu;
	t->ifindex = way.ifindex;
}

/* The assignment's list of web-caches, and which of them take packets. */
struct takers {
	bool takes[WCCP_MAX_CACHES];
};

static struct takers member_table_fill_targets(struct router_entry *e,
					       const struct router_status *st,
					       const struct addr *list, unsigned n,
					       member_table_route *route, void *arg)
{
	struct takers out = { { false } };
	unsigned i;

	for (i = 0; i < n && i < WCCP_MAX_CACHES; i++) {
		const struct router_cache_status *cache =
			member_table_find_usable(st, &list[i]);

		out.takes[i] = cache;
		if (cache)
			member_table_fill_target(&e->targets[i], cache, route, arg);
	}
	return out;
}

/* Bits of an address, not an address: for IPv4 without the ::ffff prefix. */
static struct packet_addr member_table_bits(const struct addr *a)
{
	if (a->family == ADDR_V4)
		return (struct packet_addr){ { 0, 0, 0, htonl(addr_to_v4(a)) } };
	return packet_addr_of(a);
}

static struct router_fields member_table_fields(const struct wccp_mask *m)
{
	return (struct router_fields){
		.src = member_table_bits(&m->src),
		.dst = member_table_bits(&m->dst),
		.sport = htons(m->sport),
		.dport = htons(m->dport),
	};
}

/* Masks of the other family do not apply to the packets of this entry. */
static bool member_table_speaks_of(const struct router_entry *e,
				   const struct wccp_mask *m)
{
	unsigned other = e->v6 ? ADDR_V4 : ADDR_V6;

	return m->src.family != other && m->dst.family != other;
}

static void member_table_fill_values(struct member_table_values *out,
				     const struct router_masks *m, unsigned mask,
				     const struct takers *takers)
{
	const struct wccp_set *set = &m->sets[mask];
	unsigned i;

	for (i = set->first; i < set->first + set->n; i++) {
		const struct router_value *v = &m->values[i];

		if (takers->takes[v->cache])
			out->list[out->n++] = (struct member_table_value){
				.fields = member_table_fields(&v->match),
				.mask = (uint16_t)mask,
				.target = v->cache,
			};
	}
}

static void member_table_fill_masks(struct router_entry *e,
				    const struct router_status *st,
				    member_table_route *route, void *arg,
				    struct member_table_values *values)
{
	const struct router_masks *m = &st->masks;
	struct takers takers =
		member_table_fill_targets(e, st, m->caches, m->n_caches, route, arg);
	unsigned i;

	e->by_mask = 1;
	for (i = 0; i < m->n_sets && member_table_speaks_of(e, &m->sets[i].mask); i++) {
		e->masks[i] = member_table_fields(&m->sets[i].mask);
		member_table_fill_values(values, m, i, &takers);
	}
	e->n_masks = (__u8)i;
}

static void member_table_fill_buckets(struct router_entry *e,
				      const struct router_status *st,
				      member_table_route *route, void *arg)
{
	struct takers takers;
	unsigned i, index;

	memset(e->buckets, WCCP_BUCKET_NONE, sizeof(e->buckets));
	if (!st->assigned)
		return;
	takers = member_table_fill_targets(e, st, st->table.caches, st->table.n_caches,
					   route, arg);
	for (i = 0; i < WCCP_BUCKETS; i++) {
		index = st->table.buckets[i] & WCCP_BUCKET_INDEX;
		if (st->table.buckets[i] != WCCP_BUCKET_NONE &&
		    index < WCCP_MAX_CACHES && takers.takes[index])
			e->buckets[i] = st->table.buckets[i];
	}
}

static int member_table_by_priority(const void *a, const void *b)
{
	const struct router_entry *x = a, *y = b;

	if (x->match.priority != y->match.priority)
		return x->match.priority > y->match.priority ? -1 : 1;
	return x->number < y->number ? -1 : 1; /* in the order of the file */
}

enum addr_family member_table_family(const struct routerd_conf_service *service,
				     const struct router_status *status,
				     enum addr_family before)
{
	const struct router_conf *r = &service->router;
	unsigned i;

	if (status->family != ADDR_NONE)
		return (enum addr_family)status->family;
	if (before != ADDR_NONE)
		return before;
	if (r->multicast.family == ADDR_V6)
		return ADDR_V6;
	for (i = 0; i < r->n_allowed; i++)
		if (r->allowed[i].addr.family != ADDR_V6)
			return ADDR_V4;
	return r->n_allowed ? ADDR_V6 : ADDR_V4;
}

/* Does it affect packets at all? */
static bool member_table_has_entry(const struct routerd_conf_service *service,
				   const struct router_status *status)
{
	if (!status->described)
		return false;
	return member_table_any_usable(status) || service->closed;
}

static void member_table_fill_entry(struct router_entry *e,
				    const struct routerd_conf_service *service,
				    const struct router_status *status)
{
	struct wccp_service described = status->service;

	described.type = service->router.service_type;
	described.id = service->router.service_id;
	packet_service_set(&e->match, &described);
	e->used = 1;
	e->closed = service->closed;
	e->has_list = service->n_rules > 0;
}

unsigned member_table_build(const struct routerd_conf *conf,
			    const struct router_status *status,
			    const enum addr_family *families, member_table_route *route,
			    void *arg, struct router_entry *out,
			    struct member_table_values *values)
{
	unsigned i, n = 0;

	memset(out, 0, ROUTER_MAX_SERVICES * sizeof(*out));
	for (i = 0; i < conf->n_services; i++) {
		struct router_entry *e = &out[n];

		values[i].n = 0;
		if (!member_table_has_entry(&conf->services[i], &status[i]))
			continue;
		member_table_fill_entry(e, &conf->services[i], &status[i]);
		e->number = i;
		e->v6 = families[i] == ADDR_V6;
		if (status[i].by_mask)
			member_table_fill_masks(e, &status[i], route, arg, &values[i]);
		else
			member_table_fill_buckets(e, &status[i], route, arg);
		n++;
	}
	qsort(out, n, sizeof(*out), member_table_by_priority);
	return n;
}
