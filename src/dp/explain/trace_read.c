/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dp/explain/trace_read.h"

#include "dp/ingress/ingress_tracer.h"

#include <arpa/inet.h>
#include <string.h>

struct trace_reader {
	const struct ingress *ingress;
	const struct steer *steer;
	dp_traced_seen *seen;
	void *arg;
};

void trace_read_begin(struct ingress *ingress, const struct addr *client, uint16_t port,
		      unsigned room)
{
	ingress_tracer_begin(ingress_tracer_of(ingress), packet_addr_of(client),
			     htons(port), room);
}

void trace_read_end(struct ingress *ingress)
{
	ingress_tracer_end(ingress_tracer_of(ingress));
}

static void trace_read_listener(const struct steer *steer,
				const struct ingress_trace_event *e, struct dp_traced *t)
{
	const struct steer_owner *owner =
		e->listener > 0 && e->listener <= STEER_SLOTS
			? steer_owner(steer, e->listener - 1u)
			: NULL;

	if (!owner)
		return;
	memcpy(t->pool, owner->pool, sizeof(t->pool));
	memcpy(t->instance, owner->instance, sizeof(t->instance));
}

static void trace_read_event(void *arg, const struct ingress_trace_event *e)
{
	const struct trace_reader *r = arg;
	struct dp_traced t = {
		.at = { (int64_t)e->at },
		.src = packet_addr_to(&e->src),
		.dst = packet_addr_to(&e->dst),
		.sport = ntohs(e->sport),
		.dport = ntohs(e->dport),
		.protocol = e->protocol,
		.tcp_flags = e->tcp_flags,
		.by_gre = e->by_gre,
		.fragment = e->fragment,
		.from = packet_addr_to(&e->from),
		.service = ingress_position_of(r->ingress, e->counters),
		.reason = e->reason,
	};

	if (e->reason == INGRESS_HANDED_OVER)
		t.other = packet_addr_to(&e->other);
	trace_read_listener(r->steer, e, &t);
	r->seen(r->arg, &t);
}

uint64_t trace_read(struct ingress *ingress, const struct steer *steer, unsigned room,
		    dp_traced_seen *seen, void *arg)
{
	struct trace_reader r = { ingress, steer, seen, arg };

	return ingress_tracer_read(ingress_tracer_of(ingress), room, trace_read_event, &r);
}
