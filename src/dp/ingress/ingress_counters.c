/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dp/ingress/ingress_counters.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stddef.h>

static_assert((int)INGRESS_REASONS_ROOM == (int)DP_REASONS_MAX, "reasons");

/* Of any processor that has seen one. */
static void ingress_counters_take(struct addr *client, struct addr *server,
				  const struct packet_addr *c, const struct packet_addr *s)
{
	const struct addr seen = packet_addr_to(c);

	if (!addr_is_set(&seen))
		return;
	*client = seen;
	*server = packet_addr_to(s);
}

void ingress_counters_add(struct dp_counters *sum, const struct ingress_counters *c)
{
	sum->redirected += c->redirected;
	sum->redirected_octets += c->redirected_octets;
	sum->completed += c->completed;
	sum->confirmed += c->confirmed;
	sum->stuck += c->stuck;
	sum->odd_header += c->odd_header;
	sum->other_caches += c->other_caches;
	ingress_counters_take(&sum->client, &sum->server, &c->client, &c->server);
	ingress_counters_take(&sum->lost_client, &sum->lost_server, &c->lost_client,
			      &c->lost_server);
	sum->new_flows += c->packets[INGRESS_DELIVERED_NEW];
	sum->unanswered += c->packets[INGRESS_RETURNED_UNANSWERED];
	sum->handed_over += c->packets[INGRESS_HANDED_OVER];
	for (unsigned i = 0; i < INGRESS_REASONS; i++) {
		sum->by_reason[i] += c->packets[i];
		if (ingress_is_delivered(i))
			sum->delivered += c->packets[i];
		if (ingress_is_returned(i))
			sum->returned += c->packets[i];
		if (ingress_is_dropped(i))
			sum->dropped += c->packets[i];
	}
}

const char *ingress_reason_name(unsigned reason)
{
	static const char *const names[INGRESS_REASONS] = {
		[INGRESS_DELIVERED_NEW] = "delivered-new",
		[INGRESS_DELIVERED_FLOW] = "delivered-flow",
		[INGRESS_DELIVERED_FRAGMENT] = "delivered-fragment",
		[INGRESS_RETURNED_POOL_DOWN] = "returned-pool-down",
		[INGRESS_RETURNED_HELD] = "returned-delivery-fails",
		[INGRESS_RETURNED_DRAINING] = "returned-draining",
		[INGRESS_RETURNED_BYPASS] = "returned-bypass",
		[INGRESS_RETURNED_UNANSWERED] = "returned-unanswered",
		[INGRESS_RETURNED_FLOW] = "returned-unknown-flow",
		[INGRESS_RETURNED_PROTOCOL] = "returned-protocol",
		[INGRESS_RETURNED_UDP] = "returned-udp",
		[INGRESS_RETURNED_FRAGMENT] = "returned-fragment",
		[INGRESS_RETURNED_SERVICE] = "returned-no-service",
		[INGRESS_RETURNED_LOOP] = "returned-loop",
		[INGRESS_RETURNED_OWN] = "returned-own-address",
		[INGRESS_HANDED_OVER] = "handed-over",
		[INGRESS_HANDED_BACK] = "handed-back",
		[INGRESS_DROPPED_CLOSED] = "dropped-pool-down",
		[INGRESS_DROPPED_UDP] = "dropped-udp",
		[INGRESS_DROPPED_TOO_LONG] = "dropped-too-long",
		[INGRESS_DROPPED_SOURCE] = "dropped-martian-source",
		[INGRESS_DROPPED_DESTINATION] = "dropped-martian-destination",
		[INGRESS_DROPPED_TTL] = "dropped-ttl",
		[INGRESS_DROPPED_MALFORMED] = "dropped-malformed",
		[INGRESS_DROPPED_STRAY] = "dropped-stray",
		[INGRESS_DROPPED_FAILED] = "dropped-failed",
	};

	return reason < INGRESS_REASONS ? names[reason] : NULL;
}
