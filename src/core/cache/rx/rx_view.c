/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking in what an I_SEE_YOU says.
 */
#include "core/cache/rx/rx.h"

#include <string.h>

static uint32_t rx_listed_method(const struct wccp_cache_id *id)
{
	switch (id->kind) {
	case WCCP_DATA_HASH:
		return WCCP_ASSIGN_HASH;
	case WCCP_DATA_MASK:
	case WCCP_DATA_ALT_MASK:
		return WCCP_ASSIGN_MASK;
	default:
		return 0;
	}
}

static void rx_take_entry(struct peer *p, const struct wccp_cache_id *id, unsigned at)
{
	struct view_entry *e = &p->said.entries[p->said.n_entries++];

	e->addr = id->addr;
	e->weight = id->kind == WCCP_DATA_NONE ? 0 : id->weight;
	e->at = (uint8_t)at;
	e->method = rx_listed_method(id);
	e->stated = 0;
}

/* Take each web-cache once, and ourselves only if that is new.  The view rarely
 * changes, so compare with the last one first. */
static void rx_take_view(const struct cache *c, struct peer *p, bool proven,
			 const struct wccp_router_view *v)
{
	unsigned before = p->said.n_entries;
	bool same = true;

	p->said.n_entries = 0;
	for (unsigned i = 0; i < v->n_caches && p->said.n_entries < WCCP_MAX_CACHES;
	     i++) {
		const struct wccp_cache_id *id = &v->caches[i];

		if (!addr_is_host(&id->addr) ||
		    (!proven && addr_equal(&id->addr, &c->conf.self))) {
			same = false;
			continue;
		}
		same = same && i < before &&
		       addr_equal(&p->said.entries[i].addr, &id->addr);
		if (same || peer_find_entry(p, &id->addr) < 0)
			rx_take_entry(p, id, i);
	}
}

static void rx_take_id(struct cache *c, struct peer *p, const struct addr *id,
		       struct step *s)
{
	if (addr_equal(&p->said.id, id))
		return;
	if (addr_is_set(&p->said.id)) {
		actions_note(s->out, NOTE_WARNING, "router-id", &p->address,
			     "router %s: its id is %s now (was %s)",
			     ADDR_TEXT(&p->address), ADDR_TEXT(id),
			     ADDR_TEXT(&p->said.id));
		p->assigned.sent = false; /* the assignment went to another router */
	}
	p->said.id = *id;
	cache_mark(c, DIRTY_STATUS);
}

/* Some routers take assignments from any web-cache: log it and do no more. */
static void rx_note_usurper(struct cache *c, const struct peer *p, struct step *s)
{
	const struct addr *cache = &p->said.key.cache;

	if (!addr_is_set(cache) || addr_equal(cache, &c->conf.self) ||
	    cache_conf_allows(&c->conf, cache))
		return;
	actions_complain(
		s->out, "stranger-assigns", &p->address,
		"router %s has taken an assignment from %s, which is not in the "
		"list of web-caches allowed",
		ADDR_TEXT(&p->address), ADDR_TEXT(cache));
}

void rx_take_in(struct cache *c, struct peer *p, bool proven, struct step *s)
{
	const struct wccp_msg *m = s->msg;
	const struct wccp_router_view *v = &m->router_view;

	peer_hear_version(c, p, m->minor, s);
	rx_take_id(c, p, &m->router_identity.self.id, s);
	p->said.heard = true;
	p->said.receive_id = m->router_identity.self.receive_id;
	p->said.change_number = v->change_number;
	peer_note_turns(c, p, &v->key, s);
	/* The key in its first answer is older than our acquaintance: it is not a
	 * change. */
	if (peer_is_live(p) && !key_equal(&p->said.key, &v->key))
		p->said.key_changed = true;
	p->said.key = v->key;
	rx_note_usurper(c, p, s);
	p->said.n_routers = v->n_routers;
	memcpy(p->said.routers, v->routers, v->n_routers * sizeof(v->routers[0]));
	p->said.offer = (struct wccp_capabilities){ 0 };
	if (wccp_has(m, WCCP_C_CAPABILITIES))
		p->said.offer = m->capabilities;
	rx_take_view(c, p, proven, v);
}
