/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mask assignment on the side of the web-cache: which mask, and how slots are said
 * in mask/value sets.  One set is enough for all that we have to say.
 */
#include "core/cache/cache_impl.h"

#include <string.h>

/* -- which mask ---------------------------------------------------------------------------- */

static struct addr default_bits(enum addr_family family)
{
	const uint8_t octets[16] = { [14] = MASK_DEFAULT >> 8, [15] = MASK_DEFAULT & 0xff };

	if (family == ADDR_V6)
		return addr_from_octets(ADDR_V6, octets);
	return addr_v4(MASK_DEFAULT);
}

/* On the side that the hash would look at.  The flags of a well-known service are
 * not configured; its hash is of the destination. */
static struct wccp_mask default_mask(const struct cache_conf *conf)
{
	const uint32_t sides = WCCP_F_SRC_IP_HASH | WCCP_F_DST_IP_HASH;
	struct addr bits = default_bits(conf->self.family);

	if (conf->service.type == WCCP_SERVICE_DYNAMIC &&
	    (conf->service.flags & sides) == WCCP_F_SRC_IP_HASH)
		return (struct wccp_mask){ .src = bits };
	return (struct wccp_mask){ .dst = bits };
}

static bool wants_masks(const struct cache_conf *conf)
{
	for (unsigned i = 0; i < conf->assign.n && i < 2; i++)
		if (conf->assign.methods[i] == WCCP_ASSIGN_MASK)
			return true;
	return false;
}

static struct wccp_mask wanted_mask(const struct cache *g)
{
	if (mask_bits(&g->conf.mask))
		return mask_lowest(&g->conf.mask, MASK_BITS_MAX);
	return default_mask(&g->conf);
}

/* What routers said in terms of the old one means nothing any more. */
void cache_change_mask(struct cache *g, const struct wccp_mask *mask)
{
	if (mask_equal(mask, &g->mask))
		return;
	g->mask = *mask;
	g->tables[method_index(WCCP_ASSIGN_MASK)].n_slots = 0;
	g->history[method_index(WCCP_ASSIGN_MASK)] = (struct slot_set){ 0 };
	if (g->method == WCCP_ASSIGN_MASK)
		memset(g->handover, 0, sizeof(g->handover));
	for (unsigned i = 0; i < g->n_peers; i++)
		if (g->peers[i].assign == WCCP_ASSIGN_MASK) {
			g->peers[i].told = false;
			peer_forget_table(&g->peers[i]);
		}
	g->news = g->changed = true;
}

void cache_set_mask(struct cache *g)
{
	struct wccp_mask mask = wanted_mask(g);

	if (!cache_is_mirror(g))
		cache_change_mask(g, &mask);
	if (cache_is_paired(g))
		council_set_masks(g->council);
}

void cache_check_mask(const struct cache *g, struct step *s)
{
	unsigned bits = mask_bits(&g->conf.mask);
	char text[MASK_TEXT_MAX];

	if (wants_masks(&g->conf) && bits > MASK_BITS_MAX)
		actions_note(s->out, NOTE_WARNING, "mask-too-wide", NULL,
			     "the mask has %u bits, at most %d are used: %s", bits,
			     MASK_BITS_MAX, mask_text(&g->mask, text));
}

void peer_note_foreign(const struct cache *g, struct peer *p, struct step *s)
{
	char text[MASK_TEXT_MAX];

	if (p->foreign && !p->said_foreign)
		actions_note(s->out, NOTE_WARNING, "foreign-mask", &p->address,
			     "router %s has a table of another mask than ours, which is "
			     "%s: which values will move is not known",
			     ADDR_TEXT(&p->address), mask_text(&g->mask, text));
	p->said_foreign = p->foreign;
}

/* -- saying it ------------------------------------------------------------------------------- */

static struct wccp_set *open_set(struct wccp_msg *m, const struct wccp_mask *mask,
				 bool alternate, struct wccp_set_list *list)
{
	struct wccp_set *set = &m->sets[m->n_sets];

	*list = (struct wccp_set_list){
		.first = (uint16_t)m->n_sets++, .n = 1, .alternate = alternate
	};
	*set = (struct wccp_set){
		.mask = *mask,
		.first = (uint16_t)(alternate ? m->n_cache_values : m->n_values),
	};
	return set;
}

static void put_value(struct wccp_msg *m, struct wccp_set *set, unsigned slot,
		      const struct addr *cache)
{
	m->values[m->n_values++] = (struct wccp_value){
		.match = mask_value(&set->mask, slot),
		.cache = *cache,
	};
	set->n++;
}

/* Sequence numbers of one web-cache; none when it has no slot. */
static void put_own_vsns(struct wccp_msg *m, struct wccp_set *set,
			 const struct slot_set *slots, unsigned n_slots,
			 const struct addr *cache)
{
	struct wccp_cache_values *c = &m->cache_values[m->n_cache_values];

	*c = (struct wccp_cache_values){ .cache = *cache,
					 .first_vsn = (uint16_t)m->n_vsns };
	for (unsigned i = 0; i < n_slots; i++)
		if (slot_set_has(slots, i))
			m->vsns[m->n_vsns++] = i;
	c->n_vsns = (uint16_t)(m->n_vsns - c->first_vsn);
	if (!c->n_vsns)
		return;
	m->n_cache_values++;
	set->n++;
}

void mask_put_slots(struct wccp_msg *m, const struct wccp_mask *mask,
		    const struct slot_set *slots, const struct addr *cache,
		    bool alternate, struct wccp_set_list *list)
{
	struct wccp_set *set = open_set(m, mask, alternate, list);
	unsigned n_slots = 1u << mask_bits(mask);

	if (alternate)
		put_own_vsns(m, set, slots, n_slots, cache);
	for (unsigned i = 0; !alternate && i < n_slots; i++)
		if (slot_set_has(slots, i))
			put_value(m, set, i, cache);
}

static void put_vsns(struct wccp_msg *m, struct wccp_set *set, const struct cache_table *t,
		     unsigned cache)
{
	struct wccp_cache_values *c = &m->cache_values[m->n_cache_values];

	*c = (struct wccp_cache_values){ .cache = t->caches[cache],
					 .first_vsn = (uint16_t)m->n_vsns };
	for (unsigned i = 0; i < t->n_slots; i++)
		if (t->owners[i] == cache)
			m->vsns[m->n_vsns++] = i;
	c->n_vsns = (uint16_t)(m->n_vsns - c->first_vsn);
	if (!c->n_vsns)
		return;
	m->n_cache_values++;
	set->n++;
}

void mask_put_table(struct wccp_msg *m, const struct cache_table *t, bool alternate,
		    struct wccp_set_list *list)
{
	struct wccp_set *set = open_set(m, &t->mask, alternate, list);

	for (unsigned i = 0; alternate && i < t->n_caches; i++)
		put_vsns(m, set, t, i);
	for (unsigned i = 0; !alternate && i < t->n_slots; i++)
		if (t->owners[i] < t->n_caches)
			put_value(m, set, i, &t->caches[t->owners[i]]);
}
