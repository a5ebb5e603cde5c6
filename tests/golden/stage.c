/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nodes of a play: steps are made, actions carried out, time goes to whatever is
 * due next.
 */
#include "golden.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { PACKETS = 1024 };

/* On their way; all take the same time, so it is a queue. */
struct packet {
	struct mono at;
	const struct node *from;
	struct node *to;
	struct addr sent_to;
	size_t len;
	uint8_t *octets; /* its own allocation, so that ASan sees reads past its end */
};

static struct wccp_msg scratch;
static struct actions actions;
static struct packet queue[PACKETS];
static unsigned n_queued;

void stage_fail(struct stage *st, const char *format, ...)
{
	va_list args;

	if (st->failed)
		return;
	st->failed = true;
	va_start(args, format);
	vsnprintf(st->why, sizeof(st->why), format, args);
	va_end(args);
}

struct node *stage_node(struct stage *st, const char *name)
{
	for (unsigned i = 0; i < st->n_nodes; i++)
		if (strcmp(st->nodes[i].name, name) == 0)
			return &st->nodes[i];
	return NULL;
}

struct node *stage_node_at(struct stage *st, const struct addr *addr)
{
	for (unsigned i = 0; i < st->n_nodes; i++)
		if (addr_equal(&st->nodes[i].addr, addr))
			return &st->nodes[i];
	return NULL;
}

/* -- network ---------------------------------------------------------------------------- */

static bool is_lost(struct stage *st, const struct node *from, const struct node *to,
		    const void *octets, size_t len)
{
	struct codec_datagram d;

	codec_open(octets, len, &d);
	for (unsigned i = 0; i < st->n_losses; i++) {
		struct loss *l = &st->losses[i];

		if (l->from != from || l->to != to || !l->left ||
		    (l->type && l->type != d.type))
			continue;
		if (l->left != UINT_MAX)
			l->left--;
		return true;
	}
	return false;
}

static void post(struct stage *st, const struct node *from, struct node *to,
		 const struct addr *sent_to, const void *octets, size_t len)
{
	struct packet *p = &queue[n_queued];

	if (n_queued == PACKETS) {
		stage_fail(st, "more than %d datagrams on their way", PACKETS);
		return;
	}
	*p = (struct packet){
		mono_add_ms(st->now, DELAY_MS), from, to, *sent_to, len, malloc(len)
	};
	if (!p->octets)
		abort();
	memcpy(p->octets, octets, len);
	n_queued++;
}

static const struct addr *group_address(const struct node *n)
{
	return n->kind == NODE_CACHE ? &n->cache_conf.multicast
				     : &n->router_conf.multicast;
}

/* Everybody else in the group hears it. */
static void send_to_group(struct stage *st, const struct node *from,
			  const struct addr *to, const void *octets, size_t len)
{
	char fate[128] = "";

	for (unsigned i = 0; i < st->n_nodes; i++) {
		struct node *n = &st->nodes[i];

		if (n == from || !addr_equal(group_address(n), to))
			continue;
		if (is_lost(st, from, n, octets, len)) {
			size_t at = strlen(fate);

			snprintf(fate + at, sizeof(fate) - at, " (lost for %s)",
				 n->name);
		} else {
			post(st, from, n, to, octets, len);
		}
	}
	if (!st->hide_messages)
		message_trace(st, from, "all", octets, len, fate);
}

void stage_send(struct stage *st, const struct node *from, const struct addr *to,
		const void *octets, size_t len)
{
	struct node *n = stage_node_at(st, to);
	bool lost;

	for (unsigned i = 0; !n && i < st->n_nodes; i++)
		if (addr_equal(group_address(&st->nodes[i]), to)) {
			send_to_group(st, from, to, octets, len);
			return;
		}
	lost = n && is_lost(st, from, n, octets, len);
	if (!st->hide_messages)
		message_trace(st, from, n ? n->name : ADDR_TEXT(to), octets, len,
			      !n     ? " (nobody there)"
			      : lost ? " (lost)"
				     : "");
	if (n && !lost)
		post(st, from, n, to, octets, len);
}

/* -- steps -------------------------------------------------------------------------------- */

static const char *level_text(enum note_level level)
{
	static const char *const names[] = { "debug: ", "", "warning: ", "error: " };

	return names[level];
}

static void carry_out(struct stage *st, const struct node *n, unsigned service)
{
	for (unsigned i = 0; i < actions.n; i++) {
		const struct action *x = &actions.list[i];

		if (x->kind == ACTION_SEND)
			stage_send(st, n, &x->peer, action_octets(&actions, x), x->len);
		else if (x->kind == ACTION_NOTE)
			trace_line(st, "%s%s%s notes %s: %s%s", n->name,
				   st->n_services > 1 && n->kind == NODE_CACHE
					   ? " service "
					   : "",
				   st->n_services > 1 && n->kind == NODE_CACHE
					   ? st->services[service].name
					   : "",
				   x->event, level_text(x->level),
				   (const char *)action_octets(&actions, x));
	}
	if (actions.dropped)
		stage_fail(st, "%s: %u actions found no room", n->name,
			   actions.dropped);
}

static void step_group(struct stage *st, struct node *n, unsigned service,
		       struct cache_event *ev)
{
	struct cache *g = n->machines[service].cache;

	ev->now = st->now;
	actions_reset(&actions);
	cache_step(g, ev, &scratch, &actions);
	carry_out(st, n, service);
	/* What is due was done: a deadline that stays would spin the daemon. */
	if (mono_due(cache_deadline(g), st->now))
		stage_fail(st, "%s: deadline does not move on", n->name);
}

static void step_router(struct stage *st, struct node *n, unsigned service,
			struct router_event *ev)
{
	struct router *r = n->machines[service].router;

	ev->now = st->now;
	actions_reset(&actions);
	router_step(r, ev, &scratch, &actions);
	carry_out(st, n, service);
	if (mono_due(router_deadline(r), st->now))
		stage_fail(st, "%s: deadline does not move on", n->name);
}

/* -- a node's life ------------------------------------------------------------------------- */

static struct cache_conf cache_conf(const struct stage *st, const struct node *n,
				    unsigned i)
{
	struct cache_conf conf = n->cache_conf;

	conf.service = st->services[i].service;
	conf.self = n->addr;
	return conf;
}

static void start_group(struct stage *st, struct node *n, unsigned i)
{
	struct cache_conf conf = cache_conf(st, n, i);

	n->machines[i].cache = cache_new(&conf, st->now);
	if (st->services[i].mirror_of >= 0)
		cache_pair(n->machines[st->services[i].mirror_of].cache,
			   n->machines[i].cache);
}

static void start_router(struct stage *st, struct node *n, unsigned i)
{
	struct router_conf conf = n->router_conf;

	conf.service_type = st->services[i].service.type;
	conf.service_id = st->services[i].service.id;
	n->machines[i].router = router_new(&conf, st->now);
}

void stage_start(struct stage *st, struct node *n)
{
	stage_stop(st, n);
	for (unsigned i = 0; i < st->n_services; i++)
		if (n->kind == NODE_CACHE)
			start_group(st, n, i);
		else if (n->kind == NODE_ROUTER)
			start_router(st, n, i);
}

void stage_stop(struct stage *st, struct node *n)
{
	for (unsigned i = 0; i < st->n_services; i++) {
		struct machine *m = &n->machines[i];

		if (m->cache)
			cache_free(m->cache);
		if (m->router)
			router_free(m->router);
		*m = (struct machine){ 0 };
	}
}

void stage_health(struct stage *st, struct node *n, unsigned service, bool up,
		  uint16_t weight)
{
	struct cache_event ev = { .type = CACHE_EV_HEALTH };

	ev.u.health.up = up;
	ev.u.health.weight = weight;
	step_group(st, n, service, &ev);
}

void stage_shutdown(struct stage *st, struct node *n)
{
	for (unsigned i = 0; i < st->n_services; i++) {
		struct cache_event ev = { .type = CACHE_EV_SHUTDOWN };

		step_group(st, n, i, &ev);
	}
}

void stage_conf(struct stage *st, struct node *n)
{
	for (unsigned i = 0; i < st->n_services; i++) {
		struct cache_conf conf = cache_conf(st, n, i);
		struct cache_event ev = { .type = CACHE_EV_CONF };

		ev.u.conf = &conf;
		step_group(st, n, i, &ev);
	}
}

void stage_end(struct stage *st)
{
	while (n_queued)
		free(queue[--n_queued].octets);
	for (unsigned i = 0; i < st->n_nodes; i++)
		stage_stop(st, &st->nodes[i]);
	message_forget(st);
}

/* -- time ---------------------------------------------------------------------------------- */

/* The machine of the service that it claims to be for.  One that tells nothing is
 * for the first, which refuses it. */
static unsigned service_of(const struct stage *st, const struct codec_datagram *d)
{
	if (d->refusal != CODEC_OK)
		return 0;
	for (unsigned i = 0; i < st->n_services; i++)
		if (st->services[i].service.type == d->service_type &&
		    st->services[i].service.id == d->service_id)
			return i;
	return 0;
}

static void deliver(struct stage *st)
{
	struct packet p = queue[0];
	struct codec_datagram datagram;
	struct machine *m;
	unsigned i;

	memmove(queue, queue + 1, --n_queued * sizeof(queue[0]));
	codec_open(p.octets, p.len, &datagram);
	i = service_of(st, &datagram);
	m = &p.to->machines[i];
	if (m->cache) {
		struct cache_event ev = { .type = CACHE_EV_RX };

		ev.u.rx.from = p.from->addr;
		ev.u.rx.datagram = &datagram;
		step_group(st, p.to, i, &ev);
	} else if (m->router) {
		struct router_event ev = { .type = ROUTER_EV_RX };

		ev.rx.from = p.from->addr;
		ev.rx.to = p.sent_to;
		ev.rx.datagram = &datagram;
		ev.rx.off_link = p.from->off_link;
		step_router(st, p.to, i, &ev);
	}
	free(p.octets);
}

static struct mono deadline(const struct machine *m)
{
	if (m->cache)
		return cache_deadline(m->cache);
	return m->router ? router_deadline(m->router) : MONO_NEVER;
}

static void tick(struct stage *st, struct node *n, unsigned i)
{
	if (n->machines[i].cache)
		step_group(st, n, i, &(struct cache_event){ .type = CACHE_EV_TICK });
	else
		step_router(st, n, i, &(struct router_event){ .type = ROUTER_EV_TICK });
}

/* Whose deadline is the earliest; the first of several. */
static struct mono next_deadline(struct stage *st, struct node **who, unsigned *service)
{
	struct mono next = MONO_NEVER;

	for (unsigned k = 0; k < st->n_nodes; k++)
		for (unsigned i = 0; i < st->n_services; i++) {
			struct mono d = deadline(&st->nodes[k].machines[i]);

			if (!mono_before(d, next))
				continue;
			next = d;
			*who = &st->nodes[k];
			*service = i;
		}
	return next;
}

void stage_run(struct stage *st, struct mono end)
{
	while (!st->failed) {
		struct node *who = NULL;
		unsigned service = 0;
		struct mono due = next_deadline(st, &who, &service);
		struct mono arrival = n_queued ? queue[0].at : MONO_NEVER;
		struct mono next = mono_min(due, arrival);

		if (!mono_before(next, end))
			break;
		if (mono_before(st->now, next))
			st->now = next;
		if (mono_before(due, arrival))
			tick(st, who, service);
		else
			deliver(st);
	}
	st->now = end;
}
