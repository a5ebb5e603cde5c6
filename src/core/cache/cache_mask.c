/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mask assignment: which mask, and what a change of it means.
 */
#include "core/cache/cache_impl.h"

#include <string.h>

static struct addr cache_mask_default_bits(enum addr_family family)
{
	const uint8_t octets[16] = {
		[14] = MASK_DEFAULT >> 8, [15] = MASK_DEFAULT & 0xff
	};

	if (family == ADDR_V6)
		return addr_from_octets(ADDR_V6, octets);
	return addr_v4(MASK_DEFAULT);
}

/* The default mask looks at the same side as the service's hash.  The flags of a
 * well-known service are not configured; its hash looks at the destination. */
static struct wccp_mask cache_mask_default(const struct cache_conf *conf)
{
	const uint32_t sides = WCCP_F_SRC_IP_HASH | WCCP_F_DST_IP_HASH;
	struct addr bits = cache_mask_default_bits(conf->self.family);

	if (conf->service.type == WCCP_SERVICE_DYNAMIC &&
	    (conf->service.flags & sides) == WCCP_F_SRC_IP_HASH)
		return (struct wccp_mask){ .src = bits };
	return (struct wccp_mask){ .dst = bits };
}

static bool cache_mask_is_wanted(const struct cache_conf *conf)
{
	for (unsigned i = 0; i < conf->assign.n && i < 2; i++)
		if (conf->assign.methods[i] == WCCP_ASSIGN_MASK)
			return true;
	return false;
}

struct wccp_mask cache_mask_wanted(const struct cache *c)
{
	if (mask_bits(&c->conf.mask))
		return mask_lowest(&c->conf.mask, MASK_BITS_MAX);
	return cache_mask_default(&c->conf);
}

/* Tables that routers stated by the old mask are void. */
void cache_change_mask(struct cache *c, const struct wccp_mask *mask)
{
	if (mask_equal(mask, &c->mask))
		return;
	c->mask = *mask;
	c->tables[method_index(WCCP_ASSIGN_MASK)].n_slots = 0;
	c->history[method_index(WCCP_ASSIGN_MASK)] = (struct slot_set){ 0 };
	if (c->method == WCCP_ASSIGN_MASK)
		c->former = (struct former_owners){ 0 };
	for (unsigned i = 0; i < c->n_peers; i++)
		if (c->peers[i].agreed.assign == WCCP_ASSIGN_MASK) {
			c->peers[i].assigned.sent = false;
			peer_table_forget(&c->peers[i]);
		}
	cache_mark(c, DIRTY_VIEW | DIRTY_STATUS);
}

void cache_check_mask(const struct cache *c, struct step *s)
{
	unsigned bits = mask_bits(&c->conf.mask);
	char text[MASK_TEXT_MAX];

	if (cache_mask_is_wanted(&c->conf) && bits > MASK_BITS_MAX)
		actions_note(s->out, NOTE_WARNING, "mask-too-wide", NULL,
			     "the mask has %u bits, at most %d are used: %s", bits,
			     MASK_BITS_MAX, mask_text(&c->mask, text));
}

void peer_note_foreign_mask(const struct cache *c, struct peer *p, struct step *s)
{
	char text[MASK_TEXT_MAX];

	if (p->table.foreign && !p->noted.foreign_mask)
		actions_note(
			s->out, NOTE_WARNING, "foreign-mask", &p->address,
			"router %s has a table of another mask than ours, which is "
			"%s: which values will move is not known",
			ADDR_TEXT(&p->address), mask_text(&c->mask, text));
	p->noted.foreign_mask = p->table.foreign;
}
