/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The glue of wccprouter. */
#include "wccprouter/routerd.h"

#include "wccprouter/net/routerd_multicast.h"
#include "clock.h"
#include "wccprouter/control/routerd_commands.h"
#include "control.h"
#include "wccprouter/net/transport.h"
#include "wccprouter/fault/faults.h"
#include "wccprouter/forward/routes.h"
#include "http.h"
#include "log.h"
#include "wccprouter/member_log.h"
#include "wccprouter/control/metrics_http.h"
#include "wccprouter/net/routerd_udp.h"
#include "wccprouter/scenario/scenario_run.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	/* Datagrams taken in one go, so that a flood does not stop the timers. */
	RX_BATCH = 64,
	/* A burst of route and neighbour changes is followed once. */
	SETTLE_MS = 20,
	/* What no event tells (a counter of it, an entry that has aged). */
	REFRESH_MS = 5000,
};

static void arm_ms(struct event *ev, int64_t ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	event_add(ev, &tv);
}

/* One timer for all: at the earliest deadline of any service group. */
static void arm(struct engine *e, struct mono now)
{
	struct mono next = MONO_NEVER;
	unsigned i;

	for (i = 0; i < e->n_services; i++)
		next = mono_min(next, router_deadline(e->services[i].router));
	if (mono_is_never(next))
		event_del(e->events[ENGINE_TIMER]);
	else /* rounded up: never a moment too early */
		arm_ms(e->events[ENGINE_TIMER],
		       mono_before(now, next) ? mono_ms_between(now, next) + 1 : 0);
}

/* ---- the data plane follows ---- */

static void apply(struct engine *e)
{
	struct err err;

	if (forward_apply(e->forward, e->status, &err) == 0) {
		if (e->stale)
			log_info("applied", "the data plane follows again");
		e->stale = false;
		return;
	}
	if (!e->stale)
		log_error("apply-failed", "%s; trying again", err.text);
	e->stale = true; /* the refresh timer is the next try */
}

/* ---- events in, actions out ---- */

static void carry_out(struct engine *e, struct engine_service *s,
		      const struct router_event *ev, struct mono now)
{
	unsigned i;

	for (i = 0; i < e->actions.n; i++) {
		const struct action *x = &e->actions.list[i];

		if (x->kind == ACTION_SEND)
			exchange_send(e, s, x, ev);
		else if (x->kind == ACTION_NOTE)
			log_note(&e->actions, x, s ? s->conf->name : NULL, now);
	}
	if (e->actions.dropped)
		log_warning("actions-full", "%u actions dropped", e->actions.dropped);
}

static bool asks_to_apply(const struct actions *a)
{
	unsigned i;

	for (i = 0; i < a->n; i++)
		if (a->list[i].kind == ACTION_CHANGED)
			return true;
	return false;
}

/* One step of service `i`.  The data plane follows before the answer goes out:
 * whoever is told of a change can rely on it. */
static void step(struct engine *e, unsigned i, const struct router_event *ev)
{
	struct engine_service *s = &e->services[i];
	bool changed;

	actions_reset(&e->actions);
	router_step(s->router, ev, &e->msg, &e->actions);
	router_get_status(s->router, &e->fresh);
	changed = members_compare(s->conf->name, &e->status[i], &e->fresh);
	e->status[i] = e->fresh;
	if (ev->type == ROUTER_EV_RX)
		locals_remember(s->locals, &e->status[i], &ev->rx.from,
				&e->arrival.local);
	if (changed || asks_to_apply(&e->actions))
		apply(e);
	carry_out(e, s, ev, ev->now);
	scenario_run_look(e->scenario);
}

static int find_service(const struct engine *e, const struct codec_peek *p)
{
	unsigned i;

	for (i = 0; i < e->n_services; i++) {
		const struct router_conf *r = &e->services[i].conf->router;

		if (r->service_type == p->service_type &&
		    r->service_id == p->service_id)
			return e->services[i].shut ? -1 : (int)i;
	}
	return -1;
}

/* Not for any service of ours: a rate-limited line, and no answer. */
static void complain(struct engine *e, const struct router_event *ev,
		     enum codec_refusal r, const struct codec_peek *p)
{
	actions_reset(&e->actions);
	if (r != CODEC_OK) {
		e->refused[r]++;
		actions_complain(&e->actions, codec_refusal_name(r), &ev->rx.from,
				 "datagram of %zu octets refused", ev->rx.len);
	} else {
		e->unknown_service++;
		actions_complain(&e->actions, "unknown-service", &ev->rx.from,
				 "%s service %u is not configured",
				 p->service_type == WCCP_SERVICE_STANDARD ? "well-known"
									  : "dynamic",
				 p->service_id);
	}
	carry_out(e, NULL, ev, ev->now);
}

static void dispatch(struct engine *e, const struct router_event *ev)
{
	struct codec_peek peek;
	enum codec_refusal r = codec_peek(ev->rx.octets, ev->rx.len, &peek);
	int i = r == CODEC_OK ? find_service(e, &peek) : -1;

	if (i < 0)
		complain(e, ev, r, &peek);
	else
		step(e, (unsigned)i, ev);
}

const struct rconf_service *engine_service_of(const struct engine *e, const void *octets,
					      size_t len)
{
	struct codec_peek peek;
	int i = codec_peek(octets, len, &peek) == CODEC_OK ? find_service(e, &peek) : -1;

	return i < 0 ? NULL : e->services[i].conf;
}

void engine_take(struct engine *e, const void *octets, size_t len, struct mono now)
{
	struct router_event ev = { .type = ROUTER_EV_RX, .now = now };

	ev.rx.from = e->arrival.from;
	ev.rx.to = e->arrival.to;
	ev.rx.octets = octets;
	ev.rx.len = len;
	ev.rx.off_link = !forward_is_on_link(e->forward, &ev.rx.from);
	dispatch(e, &ev);
	arm(e, now);
}

static void on_udp(evutil_socket_t fd, short what, void *arg)
{
	struct engine *e = arg;
	struct mono now = clock_now();
	int left;

	(void)what;
	for (left = RX_BATCH; left > 0; left--) {
		ssize_t n =
			rudp_receive(fd, e->datagram, sizeof(e->datagram), &e->arrival);

		if (n < 0)
			break;
		exchange_receive(e, (size_t)n, now);
	}
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct engine *e = arg;
	struct router_event ev = { .type = ROUTER_EV_TICK, .now = clock_now() };
	unsigned i;

	(void)fd, (void)what;
	for (i = 0; i < e->n_services; i++)
		if (mono_due(router_deadline(e->services[i].router), ev.now))
			step(e, i, &ev);
	arm(e, ev.now);
}

static void on_changes(evutil_socket_t fd, short what, void *arg)
{
	struct engine *e = arg;

	(void)fd, (void)what;
	forward_changes_seen(e->forward);
	if (!event_pending(e->events[ENGINE_APPLY], EV_TIMEOUT, NULL))
		arm_ms(e->events[ENGINE_APPLY], SETTLE_MS);
}

static void on_packets(evutil_socket_t fd, short what, void *arg)
{
	struct engine *e = arg;

	(void)fd, (void)what;
	forward_events_handle(e->forward);
}

static void on_apply(evutil_socket_t fd, short what, void *arg)
{
	struct engine *e = arg;

	(void)fd, (void)what;
	casts_follow(e->casts, e->udp4, e->udp6);
	apply(e);
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct engine *e = arg;

	(void)fd, (void)what;
	event_base_loopbreak(e->base);
}

/* ---- open and close ---- */

static int open_services(struct engine *e, struct err *err)
{
	struct mono now = clock_now();
	unsigned i;

	for (i = 0; i < e->conf->n_services; i++) {
		struct engine_service *s = &e->services[i];

		s->conf = &e->conf->services[i];
		s->in_force = s->conf->router;
		s->router = router_new(&s->in_force, now);
		if (!s->router)
			return err_set(err, "out of memory");
		e->n_services = i + 1;
		router_get_status(s->router, &e->status[i]);
	}
	return 0;
}

static int add_event(struct engine *e, enum engine_event which, int fd, short what,
		     event_callback_fn f, struct err *err)
{
	e->events[which] = event_new(e->base, fd, what, f, e);
	if (!e->events[which])
		return err_set(err, "out of memory");
	if (what & (EV_READ | EV_SIGNAL))
		event_add(e->events[which], NULL);
	return 0;
}

/* Before anything is made that must be removed again. */
static int add_signals(struct engine *e, struct err *err)
{
	const short sig = EV_SIGNAL | EV_PERSIST;

	if (add_event(e, ENGINE_SIGINT, SIGINT, sig, on_signal, err) < 0 ||
	    add_event(e, ENGINE_SIGTERM, SIGTERM, sig, on_signal, err) < 0)
		return -1;
	return 0;
}

static int add_events(struct engine *e, struct err *err)
{
	const short read = EV_READ | EV_PERSIST;

	if (e->udp6 >= 0 && add_event(e, ENGINE_UDP6, e->udp6, read, on_udp, err) < 0)
		return -1;
	if (add_event(e, ENGINE_UDP4, e->udp4, read, on_udp, err) < 0 ||
	    add_event(e, ENGINE_TIMER, -1, 0, on_timer, err) < 0 ||
	    add_event(e, ENGINE_CHANGES, forward_changes_fd(e->forward), read,
		      on_changes, err) < 0 ||
	    add_event(e, ENGINE_PACKETS, forward_events_fd(e->forward), read,
		      on_packets, err) < 0 ||
	    add_event(e, ENGINE_APPLY, -1, 0, on_apply, err) < 0 ||
	    add_event(e, ENGINE_REFRESH, -1, EV_PERSIST, on_apply, err) < 0)
		return -1;
	arm_ms(e->events[ENGINE_REFRESH], REFRESH_MS);
	return 0;
}

/* The router id is the source of what we wrap in GRE, and caches return to it. */
static int check_router_id(const struct addr *id, struct err *err)
{
	struct addr own[ROUTER_MAX_OWN];
	unsigned n = hops_own(id->family, own, ROUTER_MAX_OWN);

	if (!addr_is_set(id) || addr_find(own, n, id) >= 0)
		return 0;
	return err_set(err, "router-id%s %s is not an address of this host",
		       id->family == ADDR_V6 ? "6" : "", ADDR_TEXT(id));
}

static int open_udp(struct engine *e, struct err *err)
{
	e->udp4 = rudp_open(ADDR_V4, err);
	if (e->udp4 < 0 || (e->conf->profile && e->conf->profile->ignores_id_zero &&
			    rudp_ignore_id_zero(e->udp4, err) < 0))
		return -1;
	if (addr_is_set(&e->conf->router_id6)) {
		e->udp6 = rudp_open(ADDR_V6, err);
		if (e->udp6 < 0)
			return -1;
	}
	e->casts = casts_open(e->conf);
	if (!e->casts)
		return err_set(err, "out of memory");
	casts_follow(e->casts, e->udp4, e->udp6);
	return 0;
}

static int open_all(struct engine *e, struct err *err)
{
	e->base = event_base_new();
	if (!e->base)
		return err_set(err, "libevent: cannot start");
	e->faults = faults_new(e->base);
	if (!e->faults)
		return err_set(err, "out of memory");
	if (check_router_id(&e->conf->router_id, err) < 0 ||
	    check_router_id(&e->conf->router_id6, err) < 0 ||
	    open_services(e, err) < 0 || add_signals(e, err) < 0 ||
	    open_udp(e, err) < 0)
		return -1;
	e->control = commands_open(e, err);
	if (!e->control || pages_open(e, err) < 0)
		return -1;
	e->forward = forward_open(e->conf, err);
	if (!e->forward || add_events(e, err) < 0)
		return -1;
	return forward_apply(e->forward, e->status, err);
}

struct engine *engine_new(const struct rconf *conf, struct err *err)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (!e) {
		err_set(err, "out of memory");
		return NULL;
	}
	e->conf = conf;
	e->udp4 = e->udp6 = -1;
	if (open_all(e, err) == 0)
		return e;
	engine_free(e);
	return NULL;
}

void engine_run(struct engine *e)
{
	arm(e, clock_now());
	event_base_dispatch(e->base);
}

int engine_reset(struct engine *e, unsigned i, struct err *err)
{
	struct engine_service *s = &e->services[i];
	struct mono now = clock_now();
	struct router *r = router_new(&s->in_force, now);

	if (!r)
		return err_set(err, "out of memory");
	router_free(s->router);
	s->router = r;
	router_get_status(r, &e->fresh);
	/* What a closed service drops is not known of one that is not there. */
	e->fresh.described &= !s->shut;
	members_compare(s->conf->name, &e->status[i], &e->fresh);
	e->status[i] = e->fresh;
	apply(e);
	arm(e, now);
	scenario_run_look(e->scenario);
	return 0;
}

int engine_find(const struct engine *e, const char *service)
{
	unsigned i;

	for (i = 0; i < e->n_services; i++)
		if (strcmp(e->services[i].conf->name, service) == 0)
			return (int)i;
	return -1;
}

void engine_free(struct engine *e)
{
	unsigned i;

	forward_close(e->forward);
	for (i = 0; i < ENGINE_EVENTS; i++)
		if (e->events[i])
			event_free(e->events[i]);
	if (e->control)
		control_close(e->control);
	http_close(e->http);
	faults_free(e->faults);
	casts_close(e->casts);
	if (e->udp4 >= 0)
		close(e->udp4);
	if (e->udp6 >= 0)
		close(e->udp6);
	for (i = 0; i < e->n_services; i++)
		router_free(e->services[i].router);
	if (e->base)
		event_base_free(e->base);
	free(e);
}
