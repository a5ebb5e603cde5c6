/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon: starting, the event callbacks, stopping. */
#include "wccpd/daemon.h"

#include "clock.h"
#include "common/reexec.h"
#include "log.h"
#include "log_loop.h"
#include "udp.h"
#include "wccpd/commands.h"
#include "wccpd/earlier.h"
#include "wccpd/leave.h"
#include "wccpd/receive.h"
#include "wccpd/reconcile.h"
#include "wccpd/reload.h"
#include "wccpd/replan.h"
#include "wccpd/services.h"
#include "wccpd/restart.h"
#include "wccpd/tell/packet_trace.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* -- time ---------------------------------------------------------------------------- */

static void daemon_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct cache_event ev = { .type = CACHE_EV_TICK, .now = clock_now() };

	(void)fd, (void)what;
	for (unsigned i = 0; i < d->n_services; i++)
		if (mono_due(cache_deadline(d->services[i].cache), ev.now))
			services_step(d, &d->services[i], &ev);
	services_settle(d);
}

static void daemon_on_pools_changed(void *arg)
{
	replan_soon(arg);
}

/* -- signals ---------------------------------------------------------------------------- */

static void daemon_on_stop(evutil_socket_t sig, short what, void *arg)
{
	(void)sig, (void)what;
	leave_stop(arg);
}

/* The callback runs once for each of several signals: together they are one reload. */
static void daemon_on_hup(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;
	struct timeval soon = { 0, 0 };

	(void)sig, (void)what;
	evtimer_add(d->reload, &soon);
}

/* -- life --------------------------------------------------------------------------------- */

static int daemon_add_events(struct daemon *d)
{
	d->timer = evtimer_new(d->base, daemon_on_timer, d);
	d->signals[0] = evsignal_new(d->base, SIGTERM, daemon_on_stop, d);
	d->signals[1] = evsignal_new(d->base, SIGINT, daemon_on_stop, d);
	d->signals[2] = evsignal_new(d->base, SIGHUP, daemon_on_hup, d);
	d->signals[3] = evsignal_new(d->base, SIGUSR2, restart_on_signal, d);
	d->reload = evtimer_new(d->base, reload_on_event, d);
	if (!d->timer || !d->reload)
		return -1;
	for (int i = 0; i < DAEMON_SIGNALS; i++)
		if (!d->signals[i] || event_add(d->signals[i], NULL) < 0)
			return -1;
	return 0;
}

/* Without an address there are no routers to talk to, only pools that listen. */
static int daemon_open_udp(struct daemon *d, struct err *err)
{
	if (!addr_is_set(&d->conf->address))
		return 0;
	d->udp = udp_open(&d->conf->address, err);
	if (d->udp < 0 || udp_tell_errors(d->udp, d->conf->address.family, err) < 0)
		return -1;
	d->udp_event =
		event_new(d->base, d->udp, EV_READ | EV_PERSIST, receive_datagrams, d);
	if (!d->udp_event || event_add(d->udp_event, NULL) < 0)
		return err_set(err, "cannot set up the event loop");
	return 0;
}

/* Optional: the daemon works without it. */
static void daemon_open_slow_path(struct daemon *d)
{
	struct err err;

	d->strangers = (struct strangers){
		.conf = (struct conf *const *)&d->conf,
		.plan = &d->plan,
		.dp = d->dp,
	};
	if (d->conf->address.family == ADDR_V4 &&
	    gre_slow_path_open(&d->gre, d->base, &d->conf->address, &d->strangers,
			       &err) < 0)
		log_warning("data-plane",
			    "%s: redirected packets that come in fragments will be lost",
			    err.text);
}

static int daemon_open_all(struct daemon *d, struct err *err)
{
	/* First: another wccpd would also be in the way of the socket. */
	if (dp_open(&d->dp, d->conf->pin_directory, d->conf->address.family, err) < 0)
		return -1;
	d->base = event_base_new();
	if (!d->base || daemon_add_events(d) < 0)
		return err_set(err, "cannot set up the event loop");
	if (daemon_open_udp(d, err) < 0)
		return -1;
	if (reconcile_open(d, err) < 0 || leave_open(d, err) < 0 || restart_open(d, err) < 0)
		return -1;
	d->log = log_loop_new(d->base);
	daemon_open_slow_path(d);
	d->trace = packet_trace_new(d->base, d->dp, &d->plan);
	if (!d->trace)
		return err_set(err, "out of memory");
	d->control = commands_open(d, err);
	if (!d->control)
		return -1;
	d->pools = pools_new(d->base, daemon_on_pools_changed, d);
	if (!d->pools)
		return err_set(err, "out of memory");
	if (reload_take(d, d->conf, err) < 0)
		return -1;
	restart_take_over(d);
	return 0;
}

struct daemon *daemon_new(struct conf *conf, const char *conf_path, struct err *err)
{
	struct daemon *d = calloc(1, sizeof(*d));

	if (!d) {
		conf_free(conf);
		err_set(err, "out of memory");
		return NULL;
	}
	d->conf = conf;
	d->conf_path = conf_path;
	d->udp = d->nft = -1;
	d->started = clock_now();
	if (daemon_open_all(d, err) < 0) {
		daemon_free(d);
		return NULL;
	}
	replan_soon(d);
	return d;
}

static void daemon_warn_of_queues(const struct daemon *d)
{
	for (unsigned i = 0; i < d->conf->n_pools && !dp_sees_queues(d->dp); i++)
		if (d->conf->pools[i].queue_high) {
			log_event(NOTE_WARNING, "queues", (struct log_about){ 0 },
				  "queue-high: this kernel does not show how many connections "
				  "wait at a listener (no /sys/kernel/btf/vmlinux, or it is "
				  "locked down): an instance that hangs gets connections until "
				  "its checks fail");
			return;
		}
}

void daemon_run(struct daemon *d)
{
	log_info("started", "wccpd at %s on %s: %u services, %u pools",
		 ADDR_TEXT(&d->conf->address), conf_interfaces_text(d->conf).s, d->conf->n_services,
		 d->conf->n_pools);
	reload_log_warnings(d->conf);
	daemon_warn_of_queues(d);
	earlier_begin(d);
	reexec_done();
	event_base_dispatch(d->base);
	d->stopped = !d->leaves;
	if (d->leaves)
		log_info("stopped", "routers were not told, and what is in the kernel stays");
	else
		log_info("stopped", "%s",
		 services_are_quiet(d) ? "withdrawn from all routers"
				       : "not every router acknowledged");
}

static void daemon_free_event(struct event *e)
{
	if (e)
		event_free(e);
}

void daemon_free(struct daemon *d)
{
	for (unsigned i = 0; i < d->n_services; i++)
		cache_free(d->services[i].cache);
	if (d->control)
		control_close(d->control);
	packet_trace_free(d->trace);
	reconcile_close(d);
	leave_close(d);
	gre_slow_path_close(d->gre);
	multicast_close(&d->multicast);
	pools_free(d->pools);
	if (d->dp && d->stopped)
		dp_close(d->dp);
	else
		dp_leave(d->dp);
	daemon_free_event(d->udp_event);
	daemon_free_event(d->timer);
	daemon_free_event(d->reload);
	restart_close(d);
	for (int i = 0; i < DAEMON_SIGNALS; i++)
		daemon_free_event(d->signals[i]);
	log_loop_free(d->log);
	if (d->base)
		event_base_free(d->base);
	if (d->udp >= 0)
		close(d->udp);
	conf_free(d->conf);
	free(d);
}
