/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers for people, metrics and the data plane.
 */
#include "core/cache/cache_impl.h"

#include <string.h>

static const struct {
	const char *name, *event;
} states[PEER_STATES] = {
	[PEER_IDLE] = { "idle", "idle" },
	[PEER_WAITING] = { "waiting for first answer", "waiting" },
	[PEER_NEGOTIATING] = { "negotiating", "negotiating" },
	[PEER_JOINED] = { "joined", "joined" },
	[PEER_ASSIGNED] = { "assigned", "assigned" },
	[PEER_DRAINING] = { "draining", "draining" },
	[PEER_WITHDRAWN] = { "withdrawn", "withdrawn" },
	[PEER_LOST] = { "lost", "lost" },
	[PEER_MISMATCH] = { "capability mismatch", "mismatch" },
	[PEER_AUTH_FAILED] = { "authentication failed", "auth-failed" },
};

const char *peer_state_name(enum peer_state s)
{
	return s < PEER_STATES ? states[s].name : "unknown";
}

const char *peer_state_event(enum peer_state s)
{
	return s < PEER_STATES ? states[s].event : "unknown";
}

static void router_status(const struct peer *p, struct cache_router_status *r)
{
	*r = (struct cache_router_status){
		.address = p->address,
		.id = p->id,
		.state = p->state,
		.reason = p->reason,
		.since = p->since,
		.receive_id = p->receive_id,
		.change_number = p->change_number,
		.forward = p->forward,
		.ret = p->ret,
		.assign = p->assign,
		.offer = p->offer,
		.transmit_t_ms = p->t_ms,
		.outstanding = p->outstanding,
		.key = p->key,
		.n_caches = p->n_fellows,
		.minor = p->minor,
	};
}

static void cache_status(const struct cache *g, const struct addr *cache,
			 struct cache_member_status *c)
{
	unsigned n_live = 0;

	*c = (struct cache_member_status){ .addr = *cache };
	for (unsigned i = 0; i < g->n_peers; i++) {
		const struct peer *p = &g->peers[i];
		int at = peer_find_fellow(p, cache);
		unsigned buckets;

		if (!peer_is_live(p))
			continue;
		n_live++;
		if (at < 0)
			continue;
		if (c->n_routers++ == 0)
			c->weight = p->fellows[at].weight;
		buckets = peer_slots_of(p, at);
		if (buckets > c->buckets)
			c->buckets = buckets;
	}
	c->seen_by_all = n_live > 0 && c->n_routers == n_live;
}

static void add_routers(const struct cache *g, bool removed, struct cache_status *out)
{
	for (unsigned i = 0; i < g->n_peers && out->n_routers < WCCP_MAX_ROUTERS; i++)
		if (g->peers[i].removed == removed)
			router_status(&g->peers[i], &out->routers[out->n_routers++]);
}

void cache_get_status(const struct cache *g, struct cache_status *out)
{
	memset(out, 0, sizeof(*out));
	out->service = g->conf.service;
	out->self = g->conf.self;
	out->up = g->up;
	out->weight = g->weight;
	out->designated = g->council->designated;
	if (g->council->situation.n_caches)
		out->designated_cache = g->council->situation.caches[0];
	out->key = *cache_key(g);
	add_routers(g, false, out);
	add_routers(g, true, out); /* those being left, as far as there is room */
	for (unsigned i = 0; i < g->view.n_caches; i++)
		cache_status(g, &g->view.caches[i], &out->caches[out->n_caches++]);
	out->by_mask = g->method == WCCP_ASSIGN_MASK;
	out->mask = g->mask;
	out->n_slots = cache_slots(g, g->method);
	out->my_slots = g->my_slots;
	out->my_buckets = out->by_mask ? 0 : g->my_slots;
	memcpy(&out->mine, &g->mine, sizeof(out->mine)); /* slots 0 to 255 */
	memcpy(out->handover, g->handover, sizeof(out->handover));
	out->counters = g->counters;
}
