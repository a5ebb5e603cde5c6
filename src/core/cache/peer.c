/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One router alone: the web-caches in its view, and which of them has which slot.
 */
#include "core/cache/peer.h"

#include <string.h>

uint32_t peer_returned_id(const struct peer *p)
{
	return freshness_id(&p->fresh, peer_is_live(p) && p->hello.outstanding == 0);
}

int peer_find_entry(const struct peer *p, const struct addr *cache)
{
	for (unsigned i = 0; i < p->said.n_entries; i++)
		if (addr_equal(&p->said.entries[i].addr, cache))
			return (int)i;
	return -1;
}

void peer_find_entries(const struct peer *p, const struct addr *caches, unsigned n,
		       int *out)
{
	for (unsigned i = 0; i < n; i++)
		out[i] = peer_find_entry(p, &caches[i]);
}

unsigned peer_slots_of(const struct peer *p, int entry)
{
	unsigned n = 0;

	if (entry < 0)
		return 0;
	/* By another mask, but it has slots. */
	if (p->table.foreign)
		return p->said.entries[entry].stated;
	for (unsigned i = 0; i < p->table.n_slots; i++)
		n += p->table.owners[i] == entry;
	return n;
}

bool peer_has_slots(const struct peer *p, int entry)
{
	if (entry < 0)
		return false;
	if (p->table.foreign)
		return p->said.entries[entry].stated > 0;
	return memchr(p->table.owners, entry, p->table.n_slots) != NULL;
}

void peer_table_forget(struct peer *p)
{
	p->table.n_slots = 0;
	p->table.foreign = false;
	for (unsigned i = 0; i < p->said.n_entries; i++)
		p->said.entries[i].stated = 0;
}

void peer_set_assign(struct peer *p, uint32_t assign)
{
	if (assign == p->agreed.assign)
		return;
	p->agreed.assign = assign;
	p->assigned.sent = p->assigned.unacknowledged = false;
	peer_table_forget(p);
}

void peer_stop_timers(struct peer *p)
{
	p->timers = (struct peer_timers){
		.hello_at = MONO_NEVER,
		.dead_at = MONO_NEVER,
		.forget_at = MONO_NEVER,
		.query_at = MONO_NEVER,
	};
}

bool peer_tells_the_same(const struct peer *a, const struct peer *b)
{
	const struct peer_said *x = &a->said, *y = &b->said;

	return a->state == b->state && a->listed == b->listed &&
	       addr_equal(&x->id, &y->id) && x->change_number == y->change_number &&
	       key_equal(&x->key, &y->key) && x->key_changed == y->key_changed &&
	       a->agreed.assign == b->agreed.assign &&
	       a->table.foreign == b->table.foreign && x->n_routers == y->n_routers &&
	       x->n_entries == y->n_entries && a->table.n_slots == b->table.n_slots &&
	       memcmp(x->routers, y->routers, x->n_routers * sizeof(x->routers[0])) ==
		       0 &&
	       memcmp(x->entries, y->entries, x->n_entries * sizeof(x->entries[0])) ==
		       0 &&
	       memcmp(a->table.owners, b->table.owners, a->table.n_slots) == 0;
}
