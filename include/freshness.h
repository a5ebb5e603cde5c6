/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is what a router says new, or was it recorded earlier and is replayed?
 *
 * WCCP's digest shows who wrote a message, not when.  Two numbers show that:
 *
 *   the receive id   goes up with every I_SEE_YOU of the router (2.01 section 3.3), as
 *                    long as it runs.
 *   the token        is ours: the Status field of our HERE_I_AMs, which routers pass on
 *                    in their views (2.0 section 5.7.1).  A view that has us with a token
 *                    is younger than the first HERE_I_AM with that token.  We take a new
 *                    one whenever an older message must not count any more.
 *
 * Messages are ordered by token first, then by receive id, so that a router whose ids
 * begin again after a restart is believed as soon as it returns a new token.
 *
 * A message that does not list us has no token: it only claims something.  Nor do
 * routers return tokens that do not pass on the Status field (it is 0 in their views):
 * there, the receive id is all we have.
 */
#ifndef WCCPD_FRESHNESS_H
#define WCCPD_FRESHNESS_H

#include "mono.h"

#include <stdbool.h>
#include <stdint.h>

enum freshness_verdict {
	FRESHNESS_NEWER,    /* than anything believed before */
	FRESHNESS_REPEATED, /* the newest one, once more */
	FRESHNESS_STALE,    /* a recording, or overtaken on its way */
	FRESHNESS_UNPROVEN, /* may be either */
};

/* What a message shows. */
struct freshness_signs {
	uint32_t id;    /* its receive id */
	bool listed;    /* it lists us ... */
	uint16_t token; /* ... with this Status */
};

/* What is known of one router.  All zero, but for `doubted` and `asked`: nothing. */
struct freshness {
	bool known;	/* `id` is that of a message of the router's present life */
	uint32_t id;	/* of the newest message believed */
	uint16_t token; /* that it returned; unless known, the oldest that counts */
	uint16_t given; /* the token in our HERE_I_AMs to it; 0: they have none */
	bool shared;	/* other routers get the same tokens, so it may skip some */
	bool returns_tokens; /* it has returned one */

	/* The lowest id that was returned to it with the token given, and what that was when
	 * it returned the token for the first time: an id that is used up. */
	uint32_t lowest_returned, spent;

	/* Ids that were claimed since our last HERE_I_AM, or before if none was since: the
	 * first and the highest.  They are tried in turn. */
	bool claimed, tried, try_first;
	uint32_t first_claim, claim;
	struct mono doubted; /* since when; MONO_NEVER: no doubt */
	unsigned hellos;     /* HERE_I_AMs with a claimed id since it was last believed */
	/* The last HERE_I_AM that asked whether a claim is true: when, with which id, and
	 * whether it waits for its answer, or even to be sent. */
	struct mono asked;
	uint32_t asked_id;
	bool asking, to_ask;
};

/* Serial arithmetic: is a newer than b? */
static inline bool freshness_id_is_newer(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

/* The one that follows; never 0, which stands for no token. */
static inline uint16_t freshness_next_token(uint16_t token)
{
	return token == UINT16_MAX ? 1 : (uint16_t)(token + 1);
}

/* Nothing is known of the router: older tokens than this, which it is given from now on,
 * do not count. */
void freshness_forget(struct freshness *f, uint16_t token, bool shared);
/* Our next HERE_I_AM to it has this token. */
void freshness_give(struct freshness *f, uint16_t token);
enum freshness_verdict freshness_judge(const struct freshness *f,
				       const struct freshness_signs *x);
/* The message is believed. */
void freshness_believe(struct freshness *f, const struct freshness_signs *x);
/* It is not, or not yet; but its id may be the one that the router wants returned. */
void freshness_claim(struct freshness *f, uint32_t id, struct mono now);
/*
 * A router that works seems to have begun anew, or to have dropped us.  Is that to be
 * believed by now?  `patience_ms` is how long to wait for a message that proves the
 * opposite.
 */
bool freshness_is_convinced(const struct freshness *f, const struct freshness_signs *x,
			    struct mono now, int64_t patience_ms);
/* Ask at once whether the claim is true?  Once in `pause_ms` it notes so, and returns
 * true. */
bool freshness_ask(struct freshness *f, struct mono now, int64_t pause_ms);
/* Is it worth while to list it in a HERE_I_AM for all, without any proof that it is
 * there? */
bool freshness_may_try(const struct freshness *f);
/* The id to return; `works`: the router does, and has answered our last HERE_I_AM. */
uint32_t freshness_id(const struct freshness *f, bool works);
/* It has been returned. */
void freshness_sent(struct freshness *f, uint32_t id);

#endif
