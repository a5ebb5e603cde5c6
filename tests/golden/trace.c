/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of the trace, and the states of all machines in it.
 */
#include "golden.h"

#include <stdarg.h>
#include <string.h>

void trace_line(struct stage *st, const char *format, ...)
{
	int64_t ms = mono_ms_between(st->start, st->now);
	va_list args;

	fprintf(st->trace, "%4lld.%03lld ", (long long)(ms / 1000),
		(long long)(ms % 1000));
	va_start(args, format);
	vfprintf(st->trace, format, args);
	va_end(args);
	fputc('\n', st->trace);
}

void trace_more(struct stage *st, const char *format, ...)
{
	va_list args;

	fputs("            ", st->trace);
	va_start(args, format);
	vfprintf(st->trace, format, args);
	va_end(args);
	fputc('\n', st->trace);
}

static const char *way(uint32_t method)
{
	return method == WCCP_METHOD_L2	   ? "l2"
	       : method == WCCP_METHOD_GRE ? "gre"
					   : "-";
}

static const char *assign(uint32_t method)
{
	return method == WCCP_ASSIGN_MASK   ? "mask"
	       : method == WCCP_ASSIGN_HASH ? "hash"
					    : "-";
}

/* " service NAME" where there are several. */
static const char *of_service(const struct stage *st, unsigned i, char text[40])
{
	if (st->n_services == 1)
		return "";
	snprintf(text, 40, " service %s", st->services[i].name);
	return text;
}

static void cache_state(struct stage *st, const struct node *n, unsigned i)
{
	static struct cache_status s;
	char service[40];

	cache_get_status(n->machines[i].cache, &s);
	trace_line(st, "state: %s%s %s weight %u%s, %u of %u slots", n->name,
		   of_service(st, i, service), s.up ? "up" : "down", s.weight,
		   s.designated ? ", designated" : "", s.my_slots, s.n_slots);
	for (unsigned k = 0; k < s.n_routers; k++) {
		const struct cache_router_status *r = &s.routers[k];

		trace_more(st,
			   "at %s: %s, forward %s return %s assign %s, T %u ms, "
			   "2.%02u, key %s/%u",
			   ADDR_TEXT(&r->address), peer_state_name(r->state),
			   way(r->forward), way(r->ret), assign(r->assign),
			   r->transmit_t_ms, r->minor, ADDR_TEXT(&r->key.cache),
			   (unsigned)r->key.change_number);
	}
}

static void router_state(struct stage *st, const struct node *n, unsigned i)
{
	static struct router_status s;
	char service[40];

	router_get_status(n->machines[i].router, &s);
	trace_line(st, "state: %s%s change %u, key %s/%u, %s", n->name,
		   of_service(st, i, service), (unsigned)s.change_number,
		   ADDR_TEXT(&s.key.cache), (unsigned)s.key.change_number,
		   s.assigned ? "assigned" : "not assigned");
	for (unsigned k = 0; k < s.n_caches; k++) {
		const struct router_cache_status *c = &s.caches[k];

		if (!c->usable)
			trace_more(st, "cache %s: not usable", ADDR_TEXT(&c->addr));
		else
			trace_more(
				st,
				"cache %s: usable, forward %s return %s assign %s, "
				"weight %u, %u %s",
				ADDR_TEXT(&c->addr), way(c->forward), way(c->ret),
				assign(c->assign), c->weight,
				c->assign == WCCP_ASSIGN_MASK ? c->values : c->buckets,
				c->assign == WCCP_ASSIGN_MASK ? "values" : "buckets");
	}
}

void trace_state(struct stage *st)
{
	for (unsigned k = 0; k < st->n_nodes; k++)
		for (unsigned i = 0; i < st->n_services; i++) {
			const struct node *n = &st->nodes[k];

			if (n->machines[i].cache)
				cache_state(st, n, i);
			else if (n->machines[i].router)
				router_state(st, n, i);
		}
}
