/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "freshness.h"

enum {
	/* A router that is not proven is listed in so many HERE_I_AMs for all, then in
	 * one of so many. */
	TRIES = 3,
	TRIES_PAUSE = 8,
};

void freshness_forget(struct freshness *f, uint16_t token, bool shared)
{
	*f = (struct freshness){ .token = token,
				 .given = token,
				 .shared = shared,
				 .returns_tokens = f->returns_tokens,
				 .hellos = f->known ? 0 : f->hellos,
				 .doubted = MONO_NEVER,
				 .asked = MONO_NEVER };
}

void freshness_give(struct freshness *f, uint16_t token)
{
	f->given = token;
	f->lowest_returned = 0;
}

static enum freshness_verdict freshness_judge_id(const struct freshness *f, uint32_t id,
						 enum freshness_verdict older)
{
	if (!f->known || freshness_id_is_newer(id, f->id))
		return FRESHNESS_NEWER;
	return id == f->id ? FRESHNESS_REPEATED : older;
}

/* Has the router been given this token since the one that it last returned? */
static bool freshness_token_counts(const struct freshness *f, uint16_t token)
{
	if (f->shared)
		return (uint16_t)(token - f->token) <= (uint16_t)(f->given - f->token);
	return token == f->token || token == f->given;
}

enum freshness_verdict freshness_judge(const struct freshness *f,
				       const struct freshness_signs *x)
{
	/* Such a router cannot prove anything. */
	bool mute = !f->given || (!f->returns_tokens && f->known);

	if (!x->listed)
		return mute ? freshness_judge_id(f, x->id, FRESHNESS_UNPROVEN)
			    : FRESHNESS_UNPROVEN;
	if (!f->given || (!x->token && !f->returns_tokens))
		return freshness_judge_id(f, x->id, FRESHNESS_UNPROVEN);
	if (!x->token || !freshness_token_counts(f, x->token))
		return FRESHNESS_STALE;
	if (x->token != f->token)
		return FRESHNESS_NEWER;
	return freshness_judge_id(f, x->id, FRESHNESS_STALE);
}

void freshness_believe(struct freshness *f, const struct freshness_signs *x)
{
	bool new_token = !f->known || x->token != f->token;

	f->known = true;
	f->id = x->id;
	if (f->given && x->listed && x->token && freshness_token_counts(f, x->token)) {
		f->token = x->token;
		f->returns_tokens = true;
		if (new_token)
			f->spent = f->lowest_returned;
	}
	f->claimed = f->asking = f->to_ask = false;
	f->hellos = 0;
	f->doubted = MONO_NEVER;
}

void freshness_claim(struct freshness *f, uint32_t id, struct mono now)
{
	bool first = !f->claimed || f->tried;

	if (first)
		f->first_claim = id;
	if (first || freshness_id_is_newer(id, f->claim))
		f->claim = id;
	f->claimed = true;
	f->tried = false;
	f->doubted = mono_min(f->doubted, now);
}

bool freshness_is_convinced(const struct freshness *f, const struct freshness_signs *x,
			    struct mono now, int64_t patience_ms)
{
	if (mono_is_never(f->doubted))
		return false;
	/* A router that returns no tokens, and goes on from the id that we returned. */
	if (!f->returns_tokens && f->asking && freshness_id_is_newer(x->id, f->asked_id))
		return true;
	return f->hellos >= 2 && mono_ms_between(f->doubted, now) >= patience_ms;
}

bool freshness_ask(struct freshness *f, struct mono now, int64_t pause_ms)
{
	if (!mono_is_never(f->asked) && mono_ms_between(f->asked, now) < pause_ms)
		return false;
	f->asked = now;
	f->asking = f->to_ask = true;
	f->asked_id = f->first_claim;
	return true;
}

bool freshness_may_try(const struct freshness *f)
{
	return f->hellos < TRIES || f->hellos % TRIES_PAUSE == 0;
}

/*
 * A router that was not restarted has higher ids than anything that was recorded.  One
 * that was may have lower ones; then the answer to our last HERE_I_AM is probably what
 * came first.
 */
uint32_t freshness_id(const struct freshness *f, bool works)
{
	if (f->to_ask)
		return f->asked_id;
	if (!f->claimed || (works && f->known))
		return f->id;
	return f->try_first ? f->first_claim : f->claim;
}

void freshness_sent(struct freshness *f, uint32_t id)
{
	if (!f->lowest_returned || freshness_id_is_newer(f->lowest_returned, id))
		f->lowest_returned = id;
	f->try_first = !f->try_first;
	f->tried = true;
	f->to_ask = false;
	f->hellos += f->claimed;
}
