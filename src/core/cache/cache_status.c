/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Status for people, metrics and the data plane.
 */
#include "core/cache/cache_impl.h"

#include <string.h>

static void cache_status_router(const struct peer *p, struct cache_router_status *r)
{
	*r = (struct cache_router_status){
		.address = p->address,
		.id = p->said.id,
		.state = p->state,
		.reason = p->reason,
		.since = p->since,
		.receive_id = p->said.receive_id,
		.change_number = p->said.change_number,
		.forward = p->agreed.forward,
		.ret = p->agreed.ret,
		.assign = p->agreed.assign,
		.offer = p->said.offer,
		.transmit_t_ms = p->agreed.t_ms,
		.outstanding = p->hello.outstanding,
		.key = p->said.key,
		.n_caches = p->said.n_entries,
		.minor = p->version.spoken,
	};
}

static void cache_status_member(const struct cache *c, const struct addr *cache,
				struct cache_member_status *m)
{
	unsigned n_live = 0;

	*m = (struct cache_member_status){ .addr = *cache };
	for (unsigned i = 0; i < c->n_peers; i++) {
		const struct peer *p = &c->peers[i];
		int at = peer_find_entry(p, cache);
		unsigned buckets;

		if (!peer_is_live(p))
			continue;
		n_live++;
		if (at < 0)
			continue;
		if (m->n_routers++ == 0)
			m->weight = p->said.entries[at].weight;
		buckets = peer_slots_of(p, at);
		if (buckets > m->buckets)
			m->buckets = buckets;
	}
	m->seen_by_all = n_live > 0 && m->n_routers == n_live;
}

static void cache_status_add_routers(const struct cache *c, bool removed,
				     struct cache_status *out)
{
	for (unsigned i = 0; i < c->n_peers && out->n_routers < WCCP_MAX_ROUTERS; i++)
		if (c->peers[i].removed == removed)
			cache_status_router(&c->peers[i],
					    &out->routers[out->n_routers++]);
}

void cache_get_status(const struct cache *c, struct cache_status *out)
{
	memset(out, 0, sizeof(*out));
	out->service = c->conf.service;
	out->self = c->conf.self;
	out->up = c->up;
	out->weight = c->weight;
	out->designated = c->designated->is_us;
	if (c->designated->membership.n_caches)
		out->designated_cache = c->designated->stands_in
						? c->conf.self
						: c->designated->membership.caches[0];
	out->key = *cache_key(c);
	cache_status_add_routers(c, false, out);
	cache_status_add_routers(c, true,
				 out); /* those we are leaving, as far as there is room */
	for (unsigned i = 0; i < c->view.n_caches; i++)
		cache_status_member(c, &c->view.caches[i],
				    &out->caches[out->n_caches++]);
	out->by_mask = c->method == WCCP_ASSIGN_MASK;
	out->mask = c->mask;
	out->n_slots = cache_slots(c, c->method);
	out->my_slots = c->my_slots;
	memcpy(&out->mine, &c->mine, sizeof(out->mine)); /* slots 0 to 255 */
	cache_get_handover(c, out->handover);
	out->counters = c->counters;
}

unsigned cache_get_slot_owners(const struct cache *c, unsigned slot,
			       struct cache_slot_owner *out)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->n_peers && n < WCCP_MAX_ROUTERS; i++) {
		const struct peer *p = &c->peers[i];
		uint8_t owner = slot < p->table.n_slots ? p->table.owners[slot]
							: ASSIGN_NOBODY;

		if (!peer_is_live(p))
			continue;
		out[n] = (struct cache_slot_owner){ .router = p->address };
		if (owner < p->said.n_entries)
			out[n].cache = p->said.entries[owner].addr;
		n++;
	}
	return n;
}
