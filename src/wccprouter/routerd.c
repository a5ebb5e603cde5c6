/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The glue of wccprouter. */
#include "wccprouter/routerd.h"

#include "clock.h"
#include "control.h"
#include "http.h"
#include "log.h"
#include "wccprouter/control/metrics_http.h"
#include "wccprouter/control/routerd_commands.h"
#include "wccprouter/fault/faults.h"
#include "wccprouter/forward/routes.h"
#include "wccprouter/member_log.h"
#include "wccprouter/net/routerd_multicast.h"
#include "wccprouter/net/routerd_udp.h"
#include "wccprouter/net/transport.h"
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

static void routerd_arm_ms(struct event *ev, int64_t ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	event_add(ev, &tv);
}

/* One timer for all: at the earliest deadline of any service group. */
static void routerd_arm(struct routerd *d, struct mono now)
{
	struct mono next = MONO_NEVER;
	unsigned i;

	for (i = 0; i < d->n_services; i++)
		next = mono_min(next, router_deadline(d->services[i].router));
	if (mono_is_never(next))
		event_del(d->events[ROUTERD_TIMER]);
	else /* rounded up: never a moment too early */
		routerd_arm_ms(d->events[ROUTERD_TIMER],
			       mono_before(now, next) ? mono_ms_between(now, next) + 1
						      : 0);
}

/* ---- the data plane follows ---- */

static void routerd_apply(struct routerd *d)
{
	struct err err;

	if (forward_apply(d->forward, d->status, &err) == 0) {
		if (d->stale)
			log_info("applied", "the data plane follows again");
		d->stale = false;
		return;
	}
	if (!d->stale)
		log_error("apply-failed", "%s; trying again", err.text);
	d->stale = true; /* the refresh timer is the next try */
}

/* ---- events in, actions out ---- */

static void routerd_carry_out(struct routerd *d, struct routerd_service *s,
			      const struct router_event *ev, struct mono now)
{
	unsigned i;

	for (i = 0; i < d->actions.n; i++) {
		const struct action *x = &d->actions.list[i];

		if (x->kind == ACTION_SEND)
			transport_send(d, s, x, ev);
		else if (x->kind == ACTION_NOTE)
			log_note(&d->actions, x, s ? s->conf->name : NULL, now);
	}
	if (d->actions.dropped)
		log_warning("actions-full", "%u actions dropped", d->actions.dropped);
}

static bool routerd_asks_to_apply(const struct actions *a)
{
	unsigned i;

	for (i = 0; i < a->n; i++)
		if (a->list[i].kind == ACTION_CHANGED)
			return true;
	return false;
}

/* One step of service `i`.  The data plane follows before the answer goes out:
 * whoever is told of a change can rely on it. */
static void routerd_step(struct routerd *d, unsigned i, const struct router_event *ev)
{
	struct routerd_service *s = &d->services[i];
	bool changed;

	actions_reset(&d->actions);
	router_step(s->router, ev, &d->msg, &d->actions);
	router_get_status(s->router, &d->fresh);
	changed = member_log_compare(s->conf->name, &d->status[i], &d->fresh);
	d->status[i] = d->fresh;
	if (ev->type == ROUTER_EV_RX)
		reply_source_remember(s->sources, &d->status[i], &ev->rx.from,
				      &d->arrival.local);
	if (changed || routerd_asks_to_apply(&d->actions))
		routerd_apply(d);
	routerd_carry_out(d, s, ev, ev->now);
	scenario_run_look(d->scenario);
}

static int routerd_find_peeked(const struct routerd *d, const struct codec_peek *p)
{
	unsigned i;

	for (i = 0; i < d->n_services; i++) {
		const struct router_conf *r = &d->services[i].conf->router;

		if (r->service_type == p->service_type &&
		    r->service_id == p->service_id)
			return d->services[i].shut ? -1 : (int)i;
	}
	return -1;
}

/* Not for any service of ours: a rate-limited line, and no answer. */
static void routerd_complain(struct routerd *d, const struct router_event *ev,
			     enum codec_refusal r, const struct codec_peek *p)
{
	actions_reset(&d->actions);
	if (r != CODEC_OK) {
		d->refused[r]++;
		actions_complain(&d->actions, codec_refusal_name(r), &ev->rx.from,
				 "datagram of %zu octets refused", ev->rx.len);
	} else {
		d->unknown_service++;
		actions_complain(&d->actions, "unknown-service", &ev->rx.from,
				 "%s service %u is not configured",
				 p->service_type == WCCP_SERVICE_STANDARD ? "well-known"
									  : "dynamic",
				 p->service_id);
	}
	routerd_carry_out(d, NULL, ev, ev->now);
}

static void routerd_dispatch(struct routerd *d, const struct router_event *ev)
{
	struct codec_peek peek;
	enum codec_refusal r = codec_peek(ev->rx.octets, ev->rx.len, &peek);
	int i = r == CODEC_OK ? routerd_find_peeked(d, &peek) : -1;

	if (i < 0)
		routerd_complain(d, ev, r, &peek);
	else
		routerd_step(d, (unsigned)i, ev);
}

const struct routerd_conf_service *routerd_service_of(const struct routerd *d,
						      const void *octets, size_t len)
{
	struct codec_peek peek;
	int i = codec_peek(octets, len, &peek) == CODEC_OK
			? routerd_find_peeked(d, &peek)
			: -1;

	return i < 0 ? NULL : d->services[i].conf;
}

void routerd_take(struct routerd *d, const void *octets, size_t len, struct mono now)
{
	struct router_event ev = { .type = ROUTER_EV_RX, .now = now };

	ev.rx.from = d->arrival.from;
	ev.rx.to = d->arrival.to;
	ev.rx.octets = octets;
	ev.rx.len = len;
	ev.rx.off_link = !forward_is_on_link(d->forward, &ev.rx.from);
	routerd_dispatch(d, &ev);
	routerd_arm(d, now);
}

static void routerd_on_udp(evutil_socket_t fd, short what, void *arg)
{
	struct routerd *d = arg;
	struct mono now = clock_now();
	int left;

	(void)what;
	for (left = RX_BATCH; left > 0; left--) {
		ssize_t n = routerd_udp_receive(fd, d->datagram, sizeof(d->datagram),
						&d->arrival);

		if (n < 0)
			break;
		transport_receive(d, (size_t)n, now);
	}
}

static void routerd_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct routerd *d = arg;
	struct router_event ev = { .type = ROUTER_EV_TICK, .now = clock_now() };
	unsigned i;

	(void)fd, (void)what;
	for (i = 0; i < d->n_services; i++)
		if (mono_due(router_deadline(d->services[i].router), ev.now))
			routerd_step(d, i, &ev);
	routerd_arm(d, ev.now);
}

static void routerd_on_changes(evutil_socket_t fd, short what, void *arg)
{
	struct routerd *d = arg;

	(void)fd, (void)what;
	forward_changes_seen(d->forward);
	if (!event_pending(d->events[ROUTERD_APPLY], EV_TIMEOUT, NULL))
		routerd_arm_ms(d->events[ROUTERD_APPLY], SETTLE_MS);
}

static void routerd_on_packets(evutil_socket_t fd, short what, void *arg)
{
	struct routerd *d = arg;

	(void)fd, (void)what;
	forward_events_handle(d->forward);
}

static void routerd_on_apply(evutil_socket_t fd, short what, void *arg)
{
	struct routerd *d = arg;

	(void)fd, (void)what;
	routerd_multicast_follow(d->multicast, d->udp4, d->udp6);
	routerd_apply(d);
}

static void routerd_on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct routerd *d = arg;

	(void)fd, (void)what;
	event_base_loopbreak(d->base);
}

/* ---- open and close ---- */

static int routerd_open_services(struct routerd *d, struct err *err)
{
	struct mono now = clock_now();
	unsigned i;

	for (i = 0; i < d->conf->n_services; i++) {
		struct routerd_service *s = &d->services[i];

		s->conf = &d->conf->services[i];
		s->in_force = s->conf->router;
		s->router = router_new(&s->in_force, now);
		if (!s->router)
			return err_set(err, "out of memory");
		d->n_services = i + 1;
		router_get_status(s->router, &d->status[i]);
	}
	return 0;
}

static int routerd_add_event(struct routerd *d, enum routerd_event which, int fd,
			     short what, event_callback_fn f, struct err *err)
{
	d->events[which] = event_new(d->base, fd, what, f, d);
	if (!d->events[which])
		return err_set(err, "out of memory");
	if (what & (EV_READ | EV_SIGNAL))
		event_add(d->events[which], NULL);
	return 0;
}

/* Before anything is made that must be removed again. */
static int routerd_add_signals(struct routerd *d, struct err *err)
{
	const short sig = EV_SIGNAL | EV_PERSIST;

	if (routerd_add_event(d, ROUTERD_SIGINT, SIGINT, sig, routerd_on_signal, err) <
		    0 ||
	    routerd_add_event(d, ROUTERD_SIGTERM, SIGTERM, sig, routerd_on_signal,
			      err) < 0)
		return -1;
	return 0;
}

static int routerd_add_events(struct routerd *d, struct err *err)
{
	const short read = EV_READ | EV_PERSIST;

	if (d->udp6 >= 0 &&
	    routerd_add_event(d, ROUTERD_UDP6, d->udp6, read, routerd_on_udp, err) < 0)
		return -1;
	if (routerd_add_event(d, ROUTERD_UDP4, d->udp4, read, routerd_on_udp, err) <
		    0 ||
	    routerd_add_event(d, ROUTERD_TIMER, -1, 0, routerd_on_timer, err) < 0 ||
	    routerd_add_event(d, ROUTERD_CHANGES, forward_changes_fd(d->forward), read,
			      routerd_on_changes, err) < 0 ||
	    routerd_add_event(d, ROUTERD_PACKETS, forward_events_fd(d->forward), read,
			      routerd_on_packets, err) < 0 ||
	    routerd_add_event(d, ROUTERD_APPLY, -1, 0, routerd_on_apply, err) < 0 ||
	    routerd_add_event(d, ROUTERD_REFRESH, -1, EV_PERSIST, routerd_on_apply,
			      err) < 0)
		return -1;
	routerd_arm_ms(d->events[ROUTERD_REFRESH], REFRESH_MS);
	return 0;
}

/* The router id is the source of what we wrap in GRE, and caches return to it. */
static int routerd_check_router_id(const struct addr *id, struct err *err)
{
	struct addr own[ROUTER_MAX_OWN];
	unsigned n = routes_own_addresses(id->family, own, ROUTER_MAX_OWN);

	if (!addr_is_set(id) || addr_find(own, n, id) >= 0)
		return 0;
	return err_set(err, "router-id%s %s is not an address of this host",
		       id->family == ADDR_V6 ? "6" : "", ADDR_TEXT(id));
}

static int routerd_open_udp(struct routerd *d, struct err *err)
{
	d->udp4 = routerd_udp_open(ADDR_V4, err);
	if (d->udp4 < 0 || (d->conf->profile && d->conf->profile->ignores_id_zero &&
			    routerd_udp_ignore_id_zero(d->udp4, err) < 0))
		return -1;
	if (addr_is_set(&d->conf->router_id6)) {
		d->udp6 = routerd_udp_open(ADDR_V6, err);
		if (d->udp6 < 0)
			return -1;
	}
	d->multicast = routerd_multicast_open(d->conf);
	if (!d->multicast)
		return err_set(err, "out of memory");
	routerd_multicast_follow(d->multicast, d->udp4, d->udp6);
	return 0;
}

static int routerd_open_all(struct routerd *d, struct err *err)
{
	d->base = event_base_new();
	if (!d->base)
		return err_set(err, "libevent: cannot start");
	d->faults = faults_new(d->base);
	if (!d->faults)
		return err_set(err, "out of memory");
	if (routerd_check_router_id(&d->conf->router_id, err) < 0 ||
	    routerd_check_router_id(&d->conf->router_id6, err) < 0 ||
	    routerd_open_services(d, err) < 0 || routerd_add_signals(d, err) < 0 ||
	    routerd_open_udp(d, err) < 0)
		return -1;
	d->control = routerd_commands_open(d, err);
	if (!d->control || metrics_http_open(d, err) < 0)
		return -1;
	d->forward = forward_open(d->conf, err);
	if (!d->forward || routerd_add_events(d, err) < 0)
		return -1;
	return forward_apply(d->forward, d->status, err);
}

struct routerd *routerd_new(const struct routerd_conf *conf, struct err *err)
{
	struct routerd *d = calloc(1, sizeof(*d));

	if (!d) {
		err_set(err, "out of memory");
		return NULL;
	}
	d->conf = conf;
	d->udp4 = d->udp6 = -1;
	if (routerd_open_all(d, err) == 0)
		return d;
	routerd_free(d);
	return NULL;
}

void routerd_run(struct routerd *d)
{
	routerd_arm(d, clock_now());
	event_base_dispatch(d->base);
}

int routerd_reset(struct routerd *d, unsigned i, struct err *err)
{
	struct routerd_service *s = &d->services[i];
	struct mono now = clock_now();
	struct router *r = router_new(&s->in_force, now);

	if (!r)
		return err_set(err, "out of memory");
	router_free(s->router);
	s->router = r;
	router_get_status(r, &d->fresh);
	/* What a closed service drops is not known of one that is not there. */
	d->fresh.described &= !s->shut;
	member_log_compare(s->conf->name, &d->status[i], &d->fresh);
	d->status[i] = d->fresh;
	routerd_apply(d);
	routerd_arm(d, now);
	scenario_run_look(d->scenario);
	return 0;
}

int routerd_find(const struct routerd *d, const char *service)
{
	unsigned i;

	for (i = 0; i < d->n_services; i++)
		if (strcmp(d->services[i].conf->name, service) == 0)
			return (int)i;
	return -1;
}

void routerd_free(struct routerd *d)
{
	unsigned i;

	forward_close(d->forward);
	for (i = 0; i < ROUTERD_EVENTS; i++)
		if (d->events[i])
			event_free(d->events[i]);
	if (d->control)
		control_close(d->control);
	http_close(d->http);
	faults_free(d->faults);
	routerd_multicast_close(d->multicast);
	if (d->udp4 >= 0)
		close(d->udp4);
	if (d->udp6 >= 0)
		close(d->udp6);
	for (i = 0; i < d->n_services; i++)
		router_free(d->services[i].router);
	if (d->base)
		event_base_free(d->base);
	free(d);
}
