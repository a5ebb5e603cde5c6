/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other web-caches that may have flows of ours, or we of theirs: those in the views
 * of routers, and those that were there and may go on serving what they have.  Pure.
 */
#ifndef WCCPD_WCCPD_HANDOVER_OTHER_CACHES_H
#define WCCPD_WCCPD_HANDOVER_OTHER_CACHES_H

#include "addr.h"
#include "mono.h"

#include <stdbool.h>

enum {
	OTHER_CACHES_MAX = 64,
	/* Three questions without an answer. */
	OTHER_CACHES_SILENT_MS = 3000,
	/* How long one is new: it answers soon, or does not know the question. */
	OTHER_CACHES_NEW_MS = 5000,
};

struct other_cache {
	struct addr addr;
	bool in_view;
	struct mono since;    /* first in a view */
	struct mono seen;     /* last in a view; never: only known from its answers */
	struct mono answered; /* MONO_NEVER: it never has, so it may not know how to */
};

struct other_caches {
	unsigned n;
	struct other_cache list[OTHER_CACHES_MAX];
};

/* Begin with views anew: no web-cache is in one. */
void other_caches_begin(struct other_caches *o);
/* It is in a view. */
void other_caches_see(struct other_caches *o, const struct addr *cache, struct mono now);
/* It has answered; what is older than what is known says nothing. */
void other_caches_answer(struct other_caches *o, const struct addr *cache, struct mono at);
/* Forget those that have been gone for `memory_ms`. */
void other_caches_forget(struct other_caches *o, int64_t memory_ms, struct mono now);

const struct other_cache *other_caches_find(const struct other_caches *o,
					    const struct addr *cache);
/* Is it worth while to hand over to it what it had before? */
bool other_cache_serves(const struct other_cache *c, struct mono now);
/* Does it hand back what it does not have?  Only then may it be asked for any flow: one
 * that does not know us yet, or not what a question is, would lose or reset it. */
bool other_cache_answers(const struct other_cache *c, struct mono now);
/* Is there one that may answer soon for the first time? */
bool other_caches_have_new(const struct other_caches *o, struct mono now);

#endif
