/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of routers: those configured, those met by multicast, and those that we are
 * leaving.
 */
#include "core/cache/cache_impl.h"

#include <string.h>

struct peer *cache_find_peer(struct cache *c, const struct addr *address)
{
	for (unsigned i = 0; i < c->n_peers; i++)
		if (addr_equal(&c->peers[i].address, address))
			return &c->peers[i];
	return NULL;
}

struct peer *cache_find_peer_by_id(struct cache *c, const struct addr *id)
{
	for (unsigned i = 0; i < c->n_peers; i++)
		if (c->peers[i].said.heard && addr_equal(&c->peers[i].said.id, id))
			return &c->peers[i];
	return NULL;
}

/* Unused so far.  By multicast, all routers are given it. */
static uint16_t cache_new_token(struct cache *c)
{
	c->token = freshness_next_token(c->token);
	for (unsigned i = 0; cache_is_multicast(c) && i < c->n_peers; i++)
		if (c->peers[i].fresh.given)
			c->peers[i].fresh.given = c->token;
	return c->token;
}

void peer_new_token(struct cache *c, struct peer *p)
{
	/* One that it has not returned so far is new enough. */
	if (p->fresh.given && (p->fresh.shared || p->fresh.given == p->fresh.token))
		freshness_give(&p->fresh, cache_new_token(c));
}

void peer_forget_freshness(struct cache *c, struct peer *p)
{
	uint16_t token = c->conf.password.set ? cache_new_token(c) : 0;
	bool was_known = p->fresh.known;

	freshness_forget(&p->fresh, token, cache_is_multicast(c));
	if (!token || !was_known || !cache_is_multicast(c))
		return;
	/* Nor does what it said before count with another sender. */
	for (unsigned i = 0; i < c->n_peers; i++)
		if (!c->peers[i].fresh.known)
			c->peers[i].fresh.token = token;
}

void peer_forget_said(struct cache *c, struct peer *p)
{
	peer_forget_freshness(c, p);
	p->home_heard = MONO_NEVER;
	p->listed = false;
	p->said = (struct peer_said){ .heard = false };
	p->agreed = (struct peer_agreed){ .forward = 0 };
	p->assigned = (struct peer_assigned){ .sent = false };
	p->noted = (struct peer_noted){ .mirror_mismatch_due = MONO_NEVER };
	peer_table_forget(p);
	peer_forget_version(c, p);
	cache_mark(c, DIRTY_VIEW);
}

void cache_remove_peer(struct cache *c, struct peer *p)
{
	c->n_peers--;
	memmove(p, p + 1, (size_t)(&c->peers[c->n_peers] - p) * sizeof(*p));
	cache_mark(c, DIRTY_VIEW | DIRTY_STATUS);
}

/* Make room for one more: a router that we are leaving has had most of its time. */
static void cache_make_room(struct cache *c)
{
	for (unsigned i = 0; i < c->n_peers && c->n_peers == PEERS_MAX; i++)
		if (c->peers[i].removed)
			cache_remove_peer(c, &c->peers[i--]);
}

struct peer *cache_add_peer(struct cache *c, const struct addr *address,
			    struct mono now)
{
	struct peer *p;

	cache_make_room(c);
	if (c->n_peers == PEERS_MAX)
		return NULL; /* cannot be: at most half as many are configured or met */
	p = &c->peers[c->n_peers++];
	memset(p, 0, sizeof(*p));
	p->address = *address;
	peer_fsm_init(p, now);
	peer_forget_said(c, p);
	peer_stop_timers(p);
	return p;
}

void cache_forget_removed(struct cache *c)
{
	for (unsigned i = 0; i < c->n_peers; i++) {
		const struct peer *p = &c->peers[i];

		if (p->removed && (p->state == PEER_IDLE || p->state == PEER_WITHDRAWN))
			cache_remove_peer(c, &c->peers[i--]);
	}
}
