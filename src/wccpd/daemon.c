/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon: starting, the event callbacks, stopping. */
#include "wccpd/daemon.h"

#include "clock.h"
#include "log.h"
#include "wccpd/commands.h"
#include "wccpd/planner.h"
#include "udp.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	RETRY_MS = 1000,      /* until a failed change of the kernel is tried again */
	WAITING_MS = 20,      /* until the kernel is asked whether it has an answer */
	RECHECK_MS = 5000,    /* the plan is applied again, in case others changed
			      * addresses, links or neighbours meanwhile */
	STOP_LIMIT_MS = 8000, /* for saying goodbye to every router */
	BURST = 64,	      /* datagrams per wake-up: timers must not starve */
};

/* -- datagrams ------------------------------------------------------------------- */

static struct service *daemon_service_of(struct daemon *d,
					 const struct codec_datagram *g)
{
	struct wccp_service id = { .type = g->service_type, .id = g->service_id };

	for (unsigned i = 0; i < d->n_services; i++)
		if (wccp_same_group(&d->services[i].id, &id))
			return &d->services[i];
	return NULL;
}

/* For datagrams that cannot be given to any group. */
static void daemon_complain(const char *event, const struct addr *from,
			    const char *text, struct mono now)
{
	log_complain(event, from, NULL, now, "datagram from %s refused: %s",
		     ADDR_TEXT(from), text);
}

static void daemon_take_datagram(struct daemon *d, size_t len, const struct addr *from,
				 struct mono now)
{
	struct cache_event ev = { .type = CACHE_EV_RX, .now = now };
	struct codec_datagram datagram;
	enum codec_refusal r = codec_open(d->datagram, len, &datagram);
	struct service *s;

	if (r != CODEC_OK) {
		d->refused[r]++;
		daemon_complain(codec_refusal_name(r), from, codec_refusal_name(r),
				now);
		return;
	}
	s = daemon_service_of(d, &datagram);
	if (!s) {
		d->unknown_service++;
		daemon_complain("unknown-service", from, "not one of our services",
				now);
		return;
	}
	ev.u.rx.from = *from;
	ev.u.rx.datagram = &datagram;
	services_step(d, s, &ev);
}

static void daemon_settle(struct daemon *d);

static void daemon_on_udp(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct mono now = clock_now();
	struct udp_arrival arrival;
	ssize_t n;

	(void)what;
	for (int i = 0; i < BURST; i++) {
		n = udp_receive(fd, d->datagram, sizeof d->datagram, &arrival);
		if (n < 0)
			break;
		daemon_take_datagram(d, (size_t)n, &arrival.from, now);
	}
	daemon_settle(d);
}

/* -- time ---------------------------------------------------------------------------- */

static bool daemon_all_quiet(const struct daemon *d)
{
	for (unsigned i = 0; i < d->n_services; i++)
		if (!cache_is_quiet(d->services[i].cache))
			return false;
	return true;
}

static void daemon_free_removed(struct daemon *d)
{
	for (unsigned i = 0; i < d->n_services; i++) {
		struct service *s = &d->services[i];

		if (s->conf || !cache_is_quiet(s->cache))
			continue;
		cache_free(s->cache);
		*s = d->services[--d->n_services];
		i--;
	}
}

static void daemon_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct cache_event ev = { .type = CACHE_EV_TICK, .now = clock_now() };

	(void)fd, (void)what;
	for (unsigned i = 0; i < d->n_services; i++)
		if (mono_due(cache_deadline(d->services[i].cache), ev.now))
			services_step(d, &d->services[i], &ev);
	daemon_settle(d);
}

/* After every batch of steps: who has said goodbye is freed, the timer follows
 * the deadlines, and a stop ends once nobody has anything left to say. */
static void daemon_settle(struct daemon *d)
{
	daemon_free_removed(d);
	services_arm(d);
	if (d->stopping && daemon_all_quiet(d))
		event_base_loopbreak(d->base);
}

/* -- the plan ------------------------------------------------------------------------- */

void daemon_replan(struct daemon *d)
{
	struct timeval soon = { 0, 0 };

	evtimer_add(d->replan, &soon);
}

static void daemon_warn_of_v6(struct daemon *d)
{
	for (unsigned i = 0; i < d->status.n_routers && !d->told_v6; i++)
		if (d->status.routers[i].id.family == ADDR_V6) {
			log_event(NOTE_WARNING, "data-plane", (struct log_about){ 0 },
				  "IPv6 routers are spoken to, but redirected packets "
				  "of theirs are not taken yet");
			d->told_v6 = true;
		}
}

static void daemon_make_plan(struct daemon *d)
{
	planner_begin(d->conf, &d->plan);
	for (unsigned i = 0; i < pools_count(d->pools); i++)
		pools_fill_plan(pools_get(d->pools, i),
				&d->plan.pools[d->plan.n_pools++]);
	/* By position in the configuration, so that counters keep their meaning. */
	for (unsigned i = 0; i < d->conf->n_services; i++)
		for (unsigned k = 0; k < d->n_services; k++)
			if (d->services[k].conf == &d->conf->services[i]) {
				cache_get_status(d->services[k].cache, &d->status);
				planner_add_service(d->services[k].conf, &d->status,
						    &d->plan);
				daemon_warn_of_v6(d);
			}
}

/* Log a text when it is new, so that what lasts is one line and not one a second. */
static void daemon_tell_once(char *last, size_t size, const char *event,
			     const char *text, enum note_level level, const char *cured)
{
	if (strcmp(last, text) == 0)
		return;
	if (text[0])
		log_event(level, event, (struct log_about){ 0 },
			  "%s (will be looked at again)", text);
	else
		log_info(event, "%s", cured);
	snprintf(last, size, "%s", text);
}

static void daemon_apply_plan(struct daemon *d)
{
	struct err err = { "" };
	bool good = dp_apply(d->dp, &d->plan, &err) == 0;
	const char *trouble = good ? dp_trouble(d->dp) : d->trouble;
	struct timeval later = clock_ms(good && dp_is_waiting(d->dp) ? WAITING_MS
					: good && !trouble[0]	     ? RECHECK_MS
								     : RETRY_MS);

	d->applied = d->applied || good;
	daemon_tell_once(d->apply_error, sizeof d->apply_error, "data-plane", err.text,
			 NOTE_ERROR, "the kernel follows the plan again");
	if (good)
		daemon_tell_once(d->trouble, sizeof d->trouble, "data-plane", trouble,
				 NOTE_WARNING, "all parts of the plan are in force");
	evtimer_add(d->retry, &later);
}

static struct announcement daemon_strength_of(const struct daemon *d,
					      const struct service *s)
{
	const struct pool *p = pools_get(d->pools, s->conf->pool);
	struct pools_strength k = pools_strength(p);
	uint16_t weight =
		health_pool_weight(s->conf->weight, k.up, p->conf->min_instances,
				   k.up_weight, k.all_weight);
	bool up = k.up > 0 && k.up >= p->conf->min_instances;

	return (struct announcement){ .up = up, .weight = weight };
}

/* Nobody is told that we are here before the kernel can deliver. */
static void daemon_announce(struct daemon *d)
{
	struct cache_event ev = { .type = CACHE_EV_HEALTH, .now = clock_now() };

	for (unsigned i = 0; i < d->n_services && !d->stopping; i++) {
		struct service *s = &d->services[i];
		struct announcement a;

		if (!s->conf)
			continue;
		a = daemon_strength_of(d, s);
		a.up = a.up && d->applied;
		if (a.up == s->told.up && a.weight == s->told.weight)
			continue;
		if (a.up != s->told.up)
			log_event(NOTE_INFO, "pool",
				  (struct log_about){ .service = s->name },
				  "pool %s is %s: %s service %s",
				  pools_get(d->pools, s->conf->pool)->conf->name,
				  a.up ? "up" : "down",
				  a.up ? "announcing" : "withdrawing", s->name);
		s->told = a;
		ev.u.health.up = a.up;
		ev.u.health.weight = a.weight;
		services_step(d, s, &ev);
	}
}

static void daemon_join_groups(struct daemon *d)
{
	struct err err = { "" };

	multicast_follow(&d->multicast, d->conf, d->base, daemon_on_udp, d, &err);
	daemon_tell_once(d->multicast_error, sizeof d->multicast_error, "multicast",
			 err.text, NOTE_ERROR, "all multicast groups are joined");
}

/* It may come and go with its interface; routers notice by our silence. */
static void daemon_look_for_address(struct daemon *d)
{
	struct err err = { "" };

	if (!udp_is_local(&d->conf->address))
		err_set(&err, "this host does not have the address %s",
			ADDR_TEXT(&d->conf->address));
	daemon_tell_once(d->address_error, sizeof d->address_error, "address", err.text,
			 NOTE_ERROR, "the address is there again");
}

static void daemon_reconcile(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd, (void)what;
	daemon_look_for_address(d);
	daemon_join_groups(d);
	daemon_make_plan(d);
	daemon_apply_plan(d);
	daemon_announce(d);
	daemon_settle(d);
}

static void daemon_on_pools_changed(void *arg)
{
	daemon_replan(arg);
}

/* -- signals ---------------------------------------------------------------------------- */

static void daemon_begin_stop(struct daemon *d)
{
	struct cache_event ev = { .type = CACHE_EV_SHUTDOWN, .now = clock_now() };
	struct timeval limit = clock_ms(STOP_LIMIT_MS);

	log_info("stopping", "withdrawing from all routers");
	d->stopping = true;
	for (unsigned i = 0; i < d->n_services; i++)
		services_step(d, &d->services[i], &ev);
	event_base_loopexit(d->base, &limit);
	daemon_settle(d);
}

static void daemon_on_stop(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;

	(void)sig, (void)what;
	if (d->stopping)
		event_base_loopbreak(d->base); /* asked twice: do not wait */
	else
		daemon_begin_stop(d);
}

/* The callback comes once for each of many signals: together they are one reload. */
static void daemon_on_hup(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;
	struct timeval soon = { 0, 0 };

	(void)sig, (void)what;
	evtimer_add(d->reload, &soon);
}

static void daemon_on_reload(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct err err;

	(void)fd, (void)what;
	if (daemon_reload(d, &err) < 0)
		log_error("reload", "%s; the old configuration stays in force",
			  err.text);
}

static void daemon_tell_warnings(const struct conf *conf)
{
	for (unsigned i = 0; i < conf->n_warnings; i++)
		log_event(NOTE_WARNING, "configuration", (struct log_about){ 0 }, "%s",
			  conf->warnings[i].text);
}

/* What a reload cannot change without starting anew. */
static int daemon_check_reload(const struct conf *old, const struct conf *new,
			       struct err *err)
{
	if (!addr_equal(&old->address, &new->address))
		return err_set(
			err, "address cannot change from %s to %s in a reload: restart",
			ADDR_TEXT(&old->address), ADDR_TEXT(&new->address));
	if (strcmp(old->control, new->control) != 0)
		return err_set(err, "control cannot change in a reload: restart");
	return 0;
}

int daemon_reload(struct daemon *d, struct err *err)
{
	struct conf *old = d->conf;
	struct conf *new;

	if (d->stopping)
		return err_set(err, "the daemon is stopping");
	new = conf_load(d->conf_path, err);
	if (!new)
		return -1;
	if (daemon_check_reload(old, new, err) < 0) {
		err_prefix(err, "%s", d->conf_path);
		conf_free(new);
		return -1;
	}
	/* From here only a lack of memory can fail; groups and pools then point
	 * into the new configuration already, so it is the one to keep. */
	d->conf = new;
	if (pools_configure(d->pools, new, err) < 0 ||
	    services_configure(d, new, err) < 0) {
		log_error("reload", "%s", err->text);
		exit(EXIT_FAILURE);
	}
	conf_free(old);
	log_info("reload", "configuration %s is in force", d->conf_path);
	daemon_tell_warnings(new);
	daemon_settle(d);
	daemon_replan(d);
	return 0;
}

/* -- life --------------------------------------------------------------------------------- */

static int daemon_add_events(struct daemon *d)
{
	d->timer = evtimer_new(d->base, daemon_on_timer, d);
	d->replan = evtimer_new(d->base, daemon_reconcile, d);
	d->retry = evtimer_new(d->base, daemon_reconcile, d);
	d->udp_event =
		event_new(d->base, d->udp, EV_READ | EV_PERSIST, daemon_on_udp, d);
	d->signals[0] = evsignal_new(d->base, SIGTERM, daemon_on_stop, d);
	d->signals[1] = evsignal_new(d->base, SIGINT, daemon_on_stop, d);
	d->signals[2] = evsignal_new(d->base, SIGHUP, daemon_on_hup, d);
	d->reload = evtimer_new(d->base, daemon_on_reload, d);
	if (!d->timer || !d->replan || !d->retry || !d->reload || !d->udp_event)
		return -1;
	for (int i = 0; i < 3; i++)
		if (!d->signals[i] || event_add(d->signals[i], NULL) < 0)
			return -1;
	return event_add(d->udp_event, NULL);
}

static int daemon_open_all(struct daemon *d, struct err *err)
{
	d->udp = udp_open(&d->conf->address, err);
	if (d->udp < 0)
		return -1;
	if (dp_open(&d->dp, err) < 0)
		return -1;
	d->base = event_base_new();
	if (!d->base || daemon_add_events(d) < 0)
		return err_set(err, "cannot set up the event loop");
	d->control = commands_open(d, err);
	if (!d->control)
		return -1;
	d->pools = pools_new(d->base, daemon_on_pools_changed, d);
	if (!d->pools)
		return err_set(err, "out of memory");
	if (services_configure(d, d->conf, err) < 0)
		return -1;
	return pools_configure(d->pools, d->conf, err);
}

struct daemon *daemon_new(struct conf *conf, const char *conf_path, struct err *err)
{
	struct daemon *d = calloc(1, sizeof *d);

	if (!d) {
		conf_free(conf);
		err_set(err, "out of memory");
		return NULL;
	}
	d->conf = conf;
	d->conf_path = conf_path;
	d->udp = -1;
	d->started = clock_now();
	if (daemon_open_all(d, err) < 0) {
		daemon_free(d);
		return NULL;
	}
	daemon_replan(d);
	return d;
}

void daemon_run(struct daemon *d)
{
	log_info("started", "wccpd at %s on %s: %u services, %u pools",
		 ADDR_TEXT(&d->conf->address), d->conf->interface, d->conf->n_services,
		 d->conf->n_pools);
	daemon_tell_warnings(d->conf);
	event_base_dispatch(d->base);
	log_info("stopped", "%s",
		 daemon_all_quiet(d) ? "withdrawn from all routers"
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
	multicast_close(&d->multicast);
	pools_free(d->pools);
	if (d->dp)
		dp_close(d->dp);
	daemon_free_event(d->udp_event);
	daemon_free_event(d->timer);
	daemon_free_event(d->replan);
	daemon_free_event(d->retry);
	daemon_free_event(d->reload);
	for (int i = 0; i < 3; i++)
		daemon_free_event(d->signals[i]);
	if (d->base)
		event_base_free(d->base);
	if (d->udp >= 0)
		close(d->udp);
	conf_free(d->conf);
	free(d);
}
