/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router: answers to web-caches that have not returned the receive id of our last
 * I_SEE_YOU.  Anybody can forge the source of a HERE_I_AM, and the answer then goes to
 * somebody who has not asked.  So there are only so many: from time to time to each
 * source, and not too many to all together.  A web-cache that joins needs one.
 *
 * Sources share a limited number of rates.  Which ones do is not known outside, so
 * nobody can use up that of another on purpose.
 */
#include "core/router/router_impl.h"

enum {
	ROUTER_STRANGERS_EACH_MS = 250, /* from one answer to the next ... */
	ROUTER_STRANGERS_ALL_MS = 1,
	ROUTER_STRANGERS_EACH_BURST = 8, /* ... and how many may come at once */
	ROUTER_STRANGERS_ALL_BURST = 256,
};

void router_strangers_init(struct router *r)
{
	r->strangers.seed = r->schedule.random | 1;
}

static struct router_rate *router_strangers_slot(struct router_strangers *s,
						 const struct addr *source)
{
	uint64_t x = s->seed;

	for (size_t i = 0; i < addr_len(source); i++)
		x = (x ^ source->octets[i]) * 0x9e3779b97f4a7c15u;
	return &s->slots[x >> 54];
}
_Static_assert(ROUTER_STRANGER_SLOTS == 1 << (64 - 54), "ten bits");

static bool router_strangers_is_due(const struct router_rate *rate, struct mono now,
				    int64_t ms, int64_t burst)
{
	return !mono_before(mono_add_ms(now, (burst - 1) * ms), rate->due);
}

static void router_strangers_take(struct router_rate *rate, struct mono now, int64_t ms)
{
	rate->due = mono_add_ms(mono_before(rate->due, now) ? now : rate->due, ms);
}

void router_strangers_refuse(struct router_call *c)
{
	c->r->counters.unanswered++;
	actions_complain(c->out, "unanswered", &c->from,
			 "Service %s: too many HERE_I_AMs without our receive id",
			 c->r->name);
}

bool router_strangers_may_answer(struct router_call *c)
{
	struct router_strangers *s = &c->r->strangers;
	struct router_rate *slot = router_strangers_slot(s, &c->from);

	if (!router_strangers_is_due(slot, c->now, ROUTER_STRANGERS_EACH_MS,
				     ROUTER_STRANGERS_EACH_BURST) ||
	    !router_strangers_is_due(&s->all, c->now, ROUTER_STRANGERS_ALL_MS,
				     ROUTER_STRANGERS_ALL_BURST)) {
		router_strangers_refuse(c);
		return false;
	}
	router_strangers_take(slot, c->now, ROUTER_STRANGERS_EACH_MS);
	router_strangers_take(&s->all, c->now, ROUTER_STRANGERS_ALL_MS);
	return true;
}
