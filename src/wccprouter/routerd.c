/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event loop of the router. */
#include "wccprouter/routerd.h"

#include "clock.h"
#include "common/kept_sockets.h"
#include "common/reexec.h"
#include "control.h"
#include "http.h"
#include "log.h"
#include "log_loop.h"
#include "wccprouter/control/metrics_http.h"
#include "wccprouter/fault/faults.h"
#include "wccprouter/firewall/firewall.h"
#include "wccprouter/forward/routes.h"
#include "wccprouter/scenario/scenario_run.h"

#include <signal.h>
#include <stdlib.h>

enum {
	/* A burst of route and neighbour changes is followed once. */
	SETTLE_MS = 20,
	/* For what no event reports (an entry that has aged). */
	REFRESH_MS = 5000,
	ANSWER_MS = 20, /* for the answer to a request, before a restart in place */
};

static void routerd_arm_ms(struct event *ev, int64_t ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	event_add(ev, &tv);
}

/* One timer for all: at the earliest deadline of any service. */
static void routerd_arm(struct routerd *d, struct mono now)
{
	struct mono next = routerd_services_deadline(d->services);

	if (mono_is_never(next))
		event_del(d->events[ROUTERD_TIMER]);
	else /* rounded up, so as not to fire early */
		routerd_arm_ms(d->events[ROUTERD_TIMER],
			       mono_before(now, next) ? mono_ms_between(now, next) + 1
						      : 0);
}

/* -- what the services and the transport tell -------------------------------------- */

static void routerd_on_send(void *arg, const struct routerd_conf_service *service,
			    const struct udp_way *way, const void *octets,
			    size_t len, struct mono now)
{
	struct routerd *d = arg;

	transport_send(&d->transport, service, way, octets, len, now);
}

static void routerd_on_stepped(void *arg, struct mono now)
{
	struct routerd *d = arg;

	firewall_follow(d->firewall, d->services->status);
	scenario_run_look(d->scenario);
	routerd_arm(d, now);
}

static void routerd_on_message(void *arg, const struct trace_message *m)
{
	struct routerd *d = arg;

	message_debug_see(&d->debug, m);
	scenario_run_see(d->scenario, m);
}

/* -- what the event loop tells ----------------------------------------------------- */

static void routerd_on_udp(evutil_socket_t fd, short what, void *arg)
{
	struct routerd *d = arg;

	(void)what;
	transport_receive(&d->transport, fd, clock_now());
}

static void routerd_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct routerd *d = arg;
	struct mono now = clock_now();

	(void)fd, (void)what;
	routerd_services_tick(d->services, now);
	routerd_arm(d, now);
}

static void routerd_on_changes(evutil_socket_t fd, short what, void *arg)
{
	struct routerd *d = arg;

	(void)fd, (void)what;
	if (forward_has_changes(d->forward) &&
	    !event_pending(d->events[ROUTERD_APPLY], EV_TIMEOUT, NULL))
		routerd_arm_ms(d->events[ROUTERD_APPLY], SETTLE_MS);
}

static void routerd_on_rules(evutil_socket_t fd, short what, void *arg)
{
	struct routerd *d = arg;

	(void)fd, (void)what;
	firewall_have_changed(d->firewall);
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
	transport_follow_interfaces(&d->transport);
	routerd_services_apply(d->services);
	firewall_follow(d->firewall, d->services->status);
}

static void routerd_on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct routerd *d = arg;

	(void)fd, (void)what;
	event_base_loopbreak(d->base);
}

/* -- restart in place -------------------------------------------------------------- */

static int routerd_ask_upgrade(void *arg, struct err *err)
{
	struct routerd *d = arg;

	if (reexec_check(d->conf_path, err) < 0)
		return -1;
	routerd_arm_ms(d->events[ROUTERD_UPGRADE], ANSWER_MS);
	return 0;
}

static void routerd_stop(void *arg, bool keep)
{
	struct routerd *d = arg;
	struct timeval soon = clock_ms(ANSWER_MS);

	d->leaves = keep;
	event_base_loopexit(d->base, &soon);
}

static void routerd_on_usr2(evutil_socket_t fd, short what, void *arg)
{
	struct err err;

	(void)fd, (void)what;
	if (routerd_ask_upgrade(arg, &err) < 0)
		log_error("upgrade", "%s; this process goes on", err.text);
}

static void routerd_on_upgrade(evutil_socket_t fd, short what, void *arg)
{
	struct routerd *d = arg;
	struct err err;

	(void)fd, (void)what;
	log_info("upgrade", "restarting in place");
	log_catch_up(clock_now());
	kept_socket_lend(KEPT_UDP4, d->transport.udp4);
	kept_socket_lend(KEPT_UDP6, d->transport.udp6);
	control_hand_on(d->control);
	reexec_now(&err);
	log_error("upgrade", "%s; this process goes on", err.text);
}

/* -- events ------------------------------------------------------------------------ */

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

/* To be called before anything is made that must be removed again. */
static int routerd_add_signals(struct routerd *d, struct err *err)
{
	const short sig = EV_SIGNAL | EV_PERSIST;

	if (routerd_add_event(d, ROUTERD_SIGINT, SIGINT, sig, routerd_on_signal, err) <
		    0 ||
	    routerd_add_event(d, ROUTERD_SIGTERM, SIGTERM, sig, routerd_on_signal,
			      err) < 0 ||
	    routerd_add_event(d, ROUTERD_SIGUSR2, SIGUSR2, sig, routerd_on_usr2, err) <
		    0 ||
	    routerd_add_event(d, ROUTERD_UPGRADE, -1, 0, routerd_on_upgrade, err) < 0)
		return -1;
	return 0;
}

static int routerd_add_sockets(struct routerd *d, struct err *err)
{
	const short read = EV_READ | EV_PERSIST;

	if (d->transport.udp6 >= 0 &&
	    routerd_add_event(d, ROUTERD_UDP6, d->transport.udp6, read, routerd_on_udp,
			      err) < 0)
		return -1;
	if (routerd_add_event(d, ROUTERD_UDP4, d->transport.udp4, read, routerd_on_udp,
			      err) < 0 ||
	    routerd_add_event(d, ROUTERD_CHANGES, forward_changes_fd(d->forward), read,
			      routerd_on_changes, err) < 0 ||
	    routerd_add_event(d, ROUTERD_RULES, firewall_changes_fd(d->firewall), read,
			      routerd_on_rules, err) < 0 ||
	    routerd_add_event(d, ROUTERD_PACKETS, forward_events_fd(d->forward), read,
			      routerd_on_packets, err) < 0)
		return -1;
	return 0;
}

static int routerd_add_timers(struct routerd *d, struct err *err)
{
	if (routerd_add_event(d, ROUTERD_TIMER, -1, 0, routerd_on_timer, err) < 0 ||
	    routerd_add_event(d, ROUTERD_APPLY, -1, 0, routerd_on_apply, err) < 0 ||
	    routerd_add_event(d, ROUTERD_REFRESH, -1, EV_PERSIST, routerd_on_apply,
			      err) < 0)
		return -1;
	routerd_arm_ms(d->events[ROUTERD_REFRESH], REFRESH_MS);
	return 0;
}

/* -- open and close ---------------------------------------------------------------- */

/* The router id is the source of our GRE packets, and web-caches return packets to
 * it. */
static int routerd_check_id(const struct addr *id, struct err *err)
{
	struct addr own[ROUTER_MAX_OWN];
	unsigned n = routes_own_addresses(id->family, own, ROUTER_MAX_OWN);

	if (!addr_is_set(id) || addr_find(own, n, id) >= 0)
		return 0;
	return err_set(err, "router-id%s %s is not an address of this host",
		       id->family == ADDR_V6 ? "6" : "", ADDR_TEXT(id));
}

static int routerd_open_base(struct routerd *d, struct err *err)
{
	d->base = event_base_new();
	if (!d->base)
		return err_set(err, "libevent: cannot start");
	d->log = log_loop_new(d->base);
	d->faults = faults_new(d->base);
	if (!d->log || !d->faults)
		return err_set(err, "out of memory");
	if (routerd_check_id(&d->conf->router_id, err) < 0 ||
	    routerd_check_id(&d->conf->router_id6, err) < 0)
		return -1;
	return 0;
}

static int routerd_open_services(struct routerd *d, struct err *err)
{
	const struct routerd_services_calls calls = { routerd_on_send,
						      routerd_on_stepped, d };

	d->services = routerd_services_new(d->conf, &calls);
	if (!d->services || routerd_add_signals(d, err) < 0)
		return d->services ? -1 : err_set(err, "out of memory");
	d->transport.faults = d->faults;
	d->transport.services = d->services;
	d->transport.watch = routerd_on_message;
	d->transport.arg = d;
	return transport_open(&d->transport, err);
}

static int routerd_open_control(struct routerd *d, struct err *err)
{
	d->debug.services = d->services;
	d->commands.services = d->services;
	d->commands.faults = d->faults;
	d->commands.debug = &d->debug;
	d->commands.upgrade = routerd_ask_upgrade;
	d->commands.stop = routerd_stop;
	d->commands.arg = d;
	d->control =
		routerd_commands_open(&d->commands, d->base, d->conf->control, err);
	d->debug.control = d->control;
	if (!d->control)
		return -1;
	if (!addr_is_set(&d->conf->metrics))
		return 0;
	d->http = metrics_http_open(d->base, d->conf, d->services, err);
	return d->http ? 0 : -1;
}

static int routerd_open_all(struct routerd *d, struct err *err)
{
	if (routerd_open_base(d, err) < 0 || routerd_open_services(d, err) < 0 ||
	    routerd_open_control(d, err) < 0)
		return -1;
	d->firewall = firewall_open(d->conf, err);
	if (!d->firewall)
		return -1;
	d->services->firewall = d->firewall;
	d->forward = forward_open(d->conf, err);
	if (!d->forward || routerd_add_sockets(d, err) < 0 ||
	    routerd_add_timers(d, err) < 0)
		return -1;
	d->services->forward = d->forward;
	if (forward_apply(d->forward, d->services->status, err) < 0)
		return -1;
	firewall_follow(d->firewall, d->services->status);
	return 0;
}

struct routerd *routerd_new(const struct routerd_conf *conf, const char *conf_path,
			    struct err *err)
{
	struct routerd *d = calloc(1, sizeof(*d));

	if (!d) {
		err_set(err, "out of memory");
		return NULL;
	}
	d->conf = d->transport.conf = conf;
	d->conf_path = conf_path;
	d->transport.udp4 = d->transport.udp6 = -1;
	if (routerd_open_all(d, err) == 0)
		return d;
	routerd_free(d);
	return NULL;
}

void routerd_run(struct routerd *d)
{
	routerd_arm(d, clock_now());
	reexec_done();
	event_base_dispatch(d->base);
	d->stopped = !d->leaves;
}

void routerd_free(struct routerd *d)
{
	if (d->stopped)
		forward_close(d->forward);
	else
		forward_leave(d->forward);
	for (unsigned i = 0; i < ROUTERD_EVENTS; i++)
		if (d->events[i])
			event_free(d->events[i]);
	if (d->control)
		control_close(d->control);
	http_close(d->http);
	faults_free(d->faults);
	transport_close(&d->transport);
	firewall_close(d->firewall);
	routerd_services_free(d->services);
	log_loop_free(d->log);
	if (d->base)
		event_base_free(d->base);
	free(d);
}
