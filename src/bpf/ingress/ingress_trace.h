/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Part of ingress.bpf.c: telling what became of each packet of one client.  While nobody
 * asks, that costs one comparison for each packet.
 */
#ifndef WCCPD_BPF_INGRESS_TRACE_H
#define WCCPD_BPF_INGRESS_TRACE_H

#include "bpf/ingress/ingress_judge.h"

struct ingress_trace trace = { 0 };

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, INGRESS_TRACE_RING);
} traced SEC(".maps");

static __always_inline bool ingress_is_traced(const struct packet *p)
{
	ingress_addr client;

	if (!trace.on)
		return false;
	client = ingress_addr_in(&trace.client);
	if (!ingress_addr_equal(ingress_src(p), client) &&
	    !ingress_addr_equal(ingress_dst(p), client))
		return false;
	return !trace.port || p->sport == trace.port || p->dport == trace.port;
}

/* 1 + the slot of the listener that steering chose just now, if that says something. */
static __always_inline __u16 ingress_trace_listener(enum ingress_reason reason)
{
	struct steer_probe *probe;
	__u32 zero = 0;

	if (reason != INGRESS_DELIVERED_NEW && reason != INGRESS_DELIVERED_FLOW)
		return 0;
	probe = bpf_map_lookup_elem(&probes, &zero);
	return probe ? probe->chosen : 0;
}

static __always_inline void ingress_tell(const struct ingress_job *job,
					 enum ingress_reason reason)
{
	struct ingress_trace_event *e = NULL;

	if (reason >= INGRESS_REASONS)
		return;
	if (trace.told < trace.limit)
		e = bpf_ringbuf_reserve(&traced, sizeof(*e), 0);
	if (!e) {
		__sync_fetch_and_add(&trace.untold, 1);
		return;
	}
	__sync_fetch_and_add(&trace.told, 1);
	*e = (struct ingress_trace_event){
		.at = bpf_ktime_get_ns(),
		.src = ingress_addr_out(ingress_src(&job->p)),
		.dst = ingress_addr_out(ingress_dst(&job->p)),
		.sport = job->p.sport,
		.dport = job->p.dport,
		.counters = job->service ? job->service->counters : INGRESS_SERVICES,
		.reason = reason,
		.listener = ingress_trace_listener(reason),
		.protocol = job->p.protocol,
		.tcp_flags = job->tcp.flags,
		.by_gre = job->by_gre,
		.fragment = job->p.fragment,
	};
	if (job->router)
		e->from = job->router->id;
	else if (job->from)
		e->from = ingress_addr_out(job->from);
	if (job->other)
		e->other = ingress_addr_out(job->other);
	bpf_ringbuf_submit(e, 0);
}

#endif
