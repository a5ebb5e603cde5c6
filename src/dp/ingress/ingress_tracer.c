/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dp/ingress/ingress_tracer.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

static int ingress_tracer_on_event(void *arg, void *event, size_t size)
{
	struct ingress_tracer *t = arg;

	if (size >= sizeof(struct ingress_trace_event) && t->seen)
		t->seen(t->arg, event);
	return 0;
}

int ingress_tracer_init(struct ingress_tracer *t, int ring, struct ingress_trace *trace,
			struct err *err)
{
	*t = (struct ingress_tracer){ .trace = trace };
	t->ring = ring_buffer__new(ring, ingress_tracer_on_event, t, NULL);
	return t->ring ? 0 : err_set(err, "ring buffer: %s", strerror(errno));
}

void ingress_tracer_free(struct ingress_tracer *t)
{
	ring_buffer__free(t->ring);
	t->ring = NULL;
}

static void ingress_tracer_let(struct ingress_tracer *t, unsigned room)
{
	__atomic_store_n(&t->trace->limit,
			 __atomic_load_n(&t->trace->told, __ATOMIC_RELAXED) + room,
			 __ATOMIC_RELAXED);
}

void ingress_tracer_begin(struct ingress_tracer *t, struct packet_addr client, __be16 port,
			  unsigned room)
{
	ingress_tracer_end(t);
	ingress_tracer_read(t, room, NULL, NULL); /* left over from one before */
	__atomic_store_n(&t->trace->port, port, __ATOMIC_RELAXED);
	t->trace->client = client;
	__atomic_store_n(&t->trace->on, 1, __ATOMIC_RELEASE);
}

void ingress_tracer_end(struct ingress_tracer *t)
{
	__atomic_store_n(&t->trace->on, 0, __ATOMIC_RELEASE);
}

uint64_t ingress_tracer_read(struct ingress_tracer *t, unsigned room,
			     void (*seen)(void *arg, const struct ingress_trace_event *e),
			     void *arg)
{
	uint64_t before = t->untold;

	t->seen = seen;
	t->arg = arg;
	ring_buffer__consume(t->ring);
	t->seen = NULL;
	t->untold = __atomic_load_n(&t->trace->untold, __ATOMIC_RELAXED);
	ingress_tracer_let(t, room);
	return t->untold - before;
}
