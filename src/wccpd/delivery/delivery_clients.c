/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccpd/delivery/delivery_clients.h"

enum delivery_clients_verdict
delivery_clients_look(struct delivery_clients *c, const struct delivery_clients_counts *now,
		      bool answered)
{
	uint64_t syns = now->new_flows - c->last.new_flows;
	uint64_t handshakes = now->completed - c->last.completed;
	/* Counters of a service that was planned anew begin at 0. */
	bool comparable = c->has_counts && now->new_flows >= c->last.new_flows &&
			  now->completed >= c->last.completed;

	/* A few SYNs more are waited for while in doubt. */
	if (comparable && c->suspicious && syns == 0 && handshakes == 0)
		return DELIVERY_CLIENTS_DOUBT;
	c->last = *now;
	c->has_counts = true;
	if (!comparable || handshakes || answered ||
	    syns < (c->suspicious ? 1 : DELIVERY_CLIENTS_FEW)) {
		c->suspicious = 0;
		return DELIVERY_CLIENTS_FINE;
	}
	c->suspicious++;
	return c->suspicious > 1 ? DELIVERY_CLIENTS_UNANSWERED : DELIVERY_CLIENTS_DOUBT;
}
