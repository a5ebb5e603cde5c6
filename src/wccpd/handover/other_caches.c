/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccpd/handover/other_caches.h"

#include <stddef.h>

const struct other_cache *other_caches_find(const struct other_caches *o,
					    const struct addr *cache)
{
	for (unsigned i = 0; i < o->n; i++)
		if (addr_equal(&o->list[i].addr, cache))
			return &o->list[i];
	return NULL;
}

/* When it was last heard of in any way. */
static struct mono other_cache_heard(const struct other_cache *c)
{
	if (mono_is_never(c->seen))
		return c->answered;
	if (mono_is_never(c->answered) || mono_before(c->answered, c->seen))
		return c->seen;
	return c->answered;
}

/* A place for a new one: the longest unheard of those in no view makes room. */
static struct other_cache *other_caches_make_room(struct other_caches *o)
{
	struct other_cache *oldest = NULL;

	if (o->n < OTHER_CACHES_MAX)
		return &o->list[o->n++];
	for (unsigned i = 0; i < o->n; i++)
		if (!o->list[i].in_view &&
		    (!oldest || mono_before(other_cache_heard(&o->list[i]),
					    other_cache_heard(oldest))))
			oldest = &o->list[i];
	return oldest;
}

/* NULL when there is no room. */
static struct other_cache *other_caches_get(struct other_caches *o, const struct addr *cache)
{
	struct other_cache *c = (struct other_cache *)other_caches_find(o, cache);

	if (c)
		return c;
	c = other_caches_make_room(o);
	if (c)
		*c = (struct other_cache){ .addr = *cache,
					   .since = MONO_NEVER,
					   .seen = MONO_NEVER,
					   .answered = MONO_NEVER };
	return c;
}

void other_caches_begin(struct other_caches *o)
{
	for (unsigned i = 0; i < o->n; i++)
		o->list[i].in_view = false;
}

void other_caches_see(struct other_caches *o, const struct addr *cache, struct mono now)
{
	struct other_cache *c = other_caches_get(o, cache);

	if (!c)
		return;
	c->in_view = true;
	c->since = mono_min(c->since, now);
	c->seen = now;
}

void other_caches_answer(struct other_caches *o, const struct addr *cache, struct mono at)
{
	struct other_cache *c = other_caches_get(o, cache);

	if (c && (mono_is_never(c->answered) || mono_before(c->answered, at)))
		c->answered = at;
}

void other_caches_forget(struct other_caches *o, int64_t memory_ms, struct mono now)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < o->n; i++) {
		struct mono heard = other_cache_heard(&o->list[i]);

		if (o->list[i].in_view || !mono_due(mono_add_ms(heard, memory_ms), now))
			o->list[kept++] = o->list[i];
	}
	o->n = kept;
}

bool other_cache_answers(const struct other_cache *c, struct mono now)
{
	return !mono_is_never(c->answered) &&
	       !mono_due(mono_add_ms(c->answered, OTHER_CACHES_SILENT_MS), now);
}

bool other_cache_serves(const struct other_cache *c, struct mono now)
{
	/* An implementation that does not know the question never answers. */
	return mono_is_never(c->answered) ? c->in_view : other_cache_answers(c, now);
}

bool other_caches_have_new(const struct other_caches *o, struct mono now)
{
	for (unsigned i = 0; i < o->n; i++)
		if (o->list[i].in_view && mono_is_never(o->list[i].answered) &&
		    !mono_due(mono_add_ms(o->list[i].since, OTHER_CACHES_NEW_MS), now))
			return true;
	return false;
}
