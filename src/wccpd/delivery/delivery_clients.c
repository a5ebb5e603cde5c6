/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccpd/delivery/delivery_clients.h"

static enum delivery_clients_verdict
delivery_clients_settle(struct delivery_clients *c, const struct delivery_clients_counts *now)
{
	c->last = *now;
	c->has_counts = true;
	c->in_doubt = 0;
	return DELIVERY_CLIENTS_FINE;
}

/* What follows the SYN gets lost on its way to the socket: clients have sent data more
 * than once, and not one connection has got any. */
static bool delivery_clients_are_stuck(struct delivery_clients *c,
				       const struct delivery_clients_counts *now)
{
	bool stuck = c->has_counts && now->confirmed == c->confirmed &&
		     now->stuck >= c->stuck + DELIVERY_CLIENTS_FEW;

	if (!c->has_counts || stuck || now->confirmed != c->confirmed ||
	    now->stuck < c->stuck) {
		c->confirmed = now->confirmed;
		c->stuck = now->stuck;
	}
	return stuck;
}

enum delivery_clients_verdict
delivery_clients_look(struct delivery_clients *c, const struct delivery_clients_counts *now,
		      bool answered)
{
	/* The counters of a service that was removed and added again start at 0. */
	bool comparable = c->has_counts && now->new_flows >= c->last.new_flows &&
			  now->completed >= c->last.completed;
	uint64_t syns = now->new_flows - c->last.new_flows;

	if (delivery_clients_are_stuck(c, now)) {
		delivery_clients_settle(c, now);
		return DELIVERY_CLIENTS_STUCK;
	}
	if (!comparable || answered || now->completed > c->last.completed)
		return delivery_clients_settle(c, now);
	/* With few clients, too, SYNs add up over many looks. */
	if (!c->in_doubt) {
		if (syns < DELIVERY_CLIENTS_FEW)
			return DELIVERY_CLIENTS_FINE;
		c->last = *now;
		c->in_doubt = 1;
		return DELIVERY_CLIENTS_DOUBT;
	}
	if (syns > 0) {
		delivery_clients_settle(c, now);
		return DELIVERY_CLIENTS_UNANSWERED;
	}
	if (++c->in_doubt > DELIVERY_CLIENTS_LOOKS)
		return delivery_clients_settle(c, now);
	return DELIVERY_CLIENTS_DOUBT;
}

bool delivery_silence_look(struct delivery_silence *s, unsigned my_slots,
			   uint64_t redirected, struct mono now)
{
	if (!my_slots) {
		s->has_slots = false;
		return false;
	}
	if (!s->has_slots) {
		*s = (struct delivery_silence){
			.has_slots = true,
			.since = now,
			.redirected = redirected,
		};
		return false;
	}
	if (redirected != s->redirected)
		s->settled = true;
	if (s->settled || !mono_due(mono_add_ms(s->since, DELIVERY_SILENCE_MS), now))
		return false;
	s->settled = true;
	return true;
}
