/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccpd/leave.h"

#include "clock.h"
#include "log.h"
#include "wccpd/daemon.h"
#include "wccpd/drain/open_flows.h"
#include "wccpd/earlier.h"
#include "wccpd/replan.h"
#include "wccpd/services.h"

#include <stdio.h>
#include <string.h>

enum {
	LEAVE_ANSWER_MS = 20, /* for the answer to who asked */
	LEAVE_LOOK_MS = 250, /* from one count of flows to the next */
	LEAVE_TELL_MS = 10000, /* from one line of progress to the next */
	LEAVE_GOODBYE_MS = 8000, /* for telling every router */
	/* Web-caches that have our slots go on handing over to us what had not ended
	 * in time. */
	LEAVE_LINGER_MS = 5000,
	/* An assignment comes 1.5 times T after a change, and T after that at the
	 * latest everybody has heard of it; in a group with longer times than that, some
	 * connections go past the web-caches for a while. */
	LEAVE_MOVE_TS = 4,
	LEAVE_MOVE_LEAST_MS = 5000,
};

/* -- what is to be known -------------------------------------------------------------- */

static struct service *leave_find(const struct daemon *d, const struct conf_service *conf)
{
	for (unsigned i = 0; i < d->n_services; i++)
		if (d->services[i].conf == conf)
			return (struct service *)&d->services[i];
	return NULL;
}

/* The service that decides for both of a pair: the first.  NULL: it is the first. */
static struct service *leave_first_of(const struct daemon *d, const struct service *s)
{
	unsigned position = (unsigned)(s->conf - d->conf->services);

	if (s->conf->pair < 0 || (unsigned)s->conf->pair > position)
		return NULL;
	return leave_find(d, &d->conf->services[s->conf->pair]);
}

static struct service *leave_mirror_of(const struct daemon *d, const struct service *s)
{
	return s->conf->pair < 0 ? NULL
				 : leave_find(d, &d->conf->services[s->conf->pair]);
}

const struct drain *leave_drain_of(const struct daemon *d, const struct service *s)
{
	const struct service *first = s->conf ? leave_first_of(d, s) : NULL;

	return first ? &first->drain : &s->drain;
}

bool leave_was_asked(const struct daemon *d, const struct service *s)
{
	const struct service *first = s->conf ? leave_first_of(d, s) : NULL;

	return first ? first->drain_asked : s->drain_asked;
}

void leave_mark(const struct daemon *d, const struct service *s, struct plan_service *out)
{
	out->returns_new = leave_drain_of(d, s)->returns;
	out->drain_asked = s->drain_asked;
}

bool leave_awaits_pool(const struct daemon *d, const struct service *s)
{
	const struct pool *pool = pools_get(d->pools, s->conf->pool);
	struct pools_strength k = pools_strength(pool);

	return s->told.up && leave_drain_of(d, s)->state == DRAIN_OFF &&
	       (k.up == 0 || k.up < pool->conf->min_instances) && pools_may_be_up(pool);
}

static const char *leave_why(const struct daemon *d, const struct service *s,
			     const struct pool *pool, bool *stays)
{
	struct pools_strength k = pools_strength(pool);

	*stays = false;
	if (d->stopping)
		return "wccpd stops";
	if (s->drain_asked)
		return "wccpctl drain";
	if ((k.up == 0 || k.up < pool->conf->min_instances) &&
	    !leave_awaits_pool(d, s))
		return "pool is down";
	*stays = true;
	return s->conf->weight == 0 ? "its weight is 0" : NULL;
}

static bool leave_others_can_take(const struct cache_status *status,
				  const struct cache_conf *conf)
{
	for (unsigned i = 0; i < status->n_caches; i++) {
		const struct cache_member_status *c = &status->caches[i];

		if (c->weight > 0 && c->seen_by_all &&
		    !addr_equal(&c->addr, &status->self) &&
		    cache_conf_allows(conf, &c->addr))
			return true;
	}
	return false;
}

/* What the groups of a service and of its mirror know. */
static void leave_ask_group(struct daemon *d, const struct service *s, struct drain_facts *f)
{
	uint32_t t_ms = WCCP_TRANSMIT_T_MS;

	cache_get_status(s->cache, &d->status);
	f->others = f->others && leave_others_can_take(&d->status, &s->conf->group);
	f->moved = f->moved && d->status.my_slots == 0;
	if (d->status.n_routers)
		t_ms = d->status.routers[0].transmit_t_ms;
	f->move_ms = (int64_t)LEAVE_MOVE_TS * t_ms;
	if (f->move_ms < LEAVE_MOVE_LEAST_MS)
		f->move_ms = LEAVE_MOVE_LEAST_MS;
}

/* The ports that a service redirects; none: any. */
static unsigned leave_ports(const struct wccp_service *s, uint16_t out[WCCP_MAX_PORTS])
{
	unsigned n = 0;

	if (s->type == WCCP_SERVICE_STANDARD) {
		out[0] = 80;
		return 1;
	}
	/* By source port: what local sockets see as the port of the other side. */
	if (!(s->flags & WCCP_F_PORTS_DEFINED) || s->flags & WCCP_F_PORTS_SOURCE)
		return 0;
	for (; n < WCCP_MAX_PORTS && s->ports[n]; n++)
		out[n] = s->ports[n];
	return n;
}

static unsigned leave_count(const struct wccp_service *s)
{
	uint16_t ports[WCCP_MAX_PORTS];
	struct err err;
	unsigned n;

	if (open_flows_count(ports, leave_ports(s, ports), &n, &err) == 0)
		return n;
	log_complain("drain", NULL, NULL, clock_now(), "cannot count open connections: %s",
		     err.text);
	return 1; /* at least, for all that we know */
}

static struct drain_facts leave_facts(struct daemon *d, const struct service *s)
{
	const struct pool *pool = pools_get(d->pools, s->conf->pool);
	const struct service *mirror = leave_mirror_of(d, s);
	struct drain_facts f = {
		.at_once = d->stop_at_once,
		.announced = s->told.up,
		.may_return = !s->conf->drop_when_down,
		.others = true,
		.moved = true,
		.time_ms = (int64_t)d->conf->drain_time_s * 1000,
	};

	f.why = leave_why(d, s, pool, &f.stays);
	if (!f.why)
		return f;
	f.gone = pools_are_gone(pool);
	leave_ask_group(d, s, &f);
	if (mirror)
		leave_ask_group(d, mirror, &f);
	/* If the kernel does not follow, waiting for it is of no use. */
	f.returning = d->apply_error.text[0] ||
		      d->plan.services[s->conf - d->conf->services].returns_new;
	f.flows = leave_count(&s->id);
	/* The process before has announced it, and was draining it. */
	f.announced |= s->drain_asked && f.flows && earlier_plan(d);
	return f;
}

/* -- telling -------------------------------------------------------------------------- */

static void leave_tell_progress(struct service *s, struct mono now)
{
	struct log_about about = { .service = s->name };
	int64_t left = drain_left_ms(&s->drain, now);

	s->drain_told = now;
	if (left < 0)
		log_state(NOTE_INFO, "draining", about, "draining (%s): %u flows",
			  s->drain.why, s->drain.flows);
	else
		log_state(NOTE_INFO, "draining", about, "draining (%s): %u flows, %d s left",
			  s->drain.why, s->drain.flows, (int)((left + 999) / 1000));
}

static void leave_tell(struct service *s, enum drain_state was, struct mono now)
{
	struct log_about about = { .service = s->name };
	enum drain_state is = s->drain.state;

	if (is == DRAIN_DRAINING &&
	    (was != is || mono_due(mono_add_ms(s->drain_told, LEAVE_TELL_MS), now)))
		leave_tell_progress(s, now);
	if (was == DRAIN_DRAINING && is == DRAIN_OFF)
		log_state(NOTE_INFO, "drain-ended", about, "takes its share again");
	if (was == DRAIN_DRAINING && is == DRAIN_LEFT)
		log_state(NOTE_INFO, "drained", about,
			  "withdrawing: %u flows are open (%s)", s->drain_left_open,
			  s->drain.why);
}

/* -- looking -------------------------------------------------------------------------- */

static bool leave_look_at(struct daemon *d, struct service *s, struct mono now)
{
	enum drain_state was = s->drain.state;
	struct drain_facts f = leave_facts(d, s);
	bool changed = drain_step(&s->drain, &f, now);

	s->drain_left_open = f.flows;
	leave_tell(s, was, now);
	return changed;
}

static bool leave_is_over(const struct daemon *d)
{
	for (unsigned i = 0; i < d->n_services; i++)
		if (d->services[i].conf &&
		    leave_drain_of(d, &d->services[i])->state != DRAIN_LEFT)
			return false;
	return true;
}

static void leave_say_goodbye(struct daemon *d)
{
	struct cache_event ev = { .type = CACHE_EV_SHUTDOWN, .now = clock_now() };
	struct timeval limit = clock_ms(LEAVE_GOODBYE_MS + LEAVE_LINGER_MS);

	log_info("stopping", "withdrawing from all routers");
	d->said_goodbye = true;
	d->stopped_by = mono_add_ms(ev.now, LEAVE_GOODBYE_MS);
	for (unsigned i = 0; i < d->n_services; i++)
		services_step(d, &d->services[i], &ev);
	event_base_loopexit(d->base, &limit);
	services_settle(d);
}

static bool leave_is_draining(const struct daemon *d)
{
	for (unsigned i = 0; i < d->n_services; i++)
		if (d->services[i].conf && d->services[i].drain.state == DRAIN_DRAINING)
			return true;
	return false;
}

static void leave_again(struct daemon *d)
{
	struct timeval later = clock_ms(LEAVE_LOOK_MS);

	if (!evtimer_pending(d->leave_timer, NULL))
		evtimer_add(d->leave_timer, &later);
}

void leave_look(struct daemon *d)
{
	struct mono now = clock_now();
	bool changed = false;

	if (d->said_goodbye)
		return;
	for (unsigned i = 0; i < d->n_services; i++)
		if (d->services[i].conf && !leave_first_of(d, &d->services[i]))
			changed |= leave_look_at(d, &d->services[i], now);
	if (d->stopping && leave_is_over(d)) {
		leave_say_goodbye(d);
		return;
	}
	if (changed)
		replan_soon(d);
	if (leave_is_draining(d))
		leave_again(d);
}

/* -- the end -------------------------------------------------------------------------- */

static unsigned leave_count_all(struct daemon *d)
{
	unsigned n = 0;

	for (unsigned i = 0; i < d->n_services; i++)
		if (d->services[i].conf && !leave_first_of(d, &d->services[i]))
			n += leave_count(&d->services[i].id);
	return n;
}

/* Every router has heard it, or has had time to.  What other web-caches hand over is
 * served for a moment longer, if there is any. */
static void leave_end(struct daemon *d)
{
	struct mono now = clock_now();
	bool quiet = services_are_quiet(d);

	if (!quiet && !mono_due(d->stopped_by, now)) {
		leave_again(d);
		return;
	}
	if (mono_is_never(d->linger_until))
		d->linger_until = mono_add_ms(now, LEAVE_LINGER_MS);
	if (!d->stop_at_once && !mono_due(d->linger_until, now) && leave_count_all(d)) {
		leave_again(d);
		return;
	}
	event_base_loopbreak(d->base);
}

static void leave_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd, (void)what;
	if (d->said_goodbye)
		leave_end(d);
	else
		leave_look(d);
}

void leave_at_once(struct daemon *d)
{
	struct timeval soon = clock_ms(LEAVE_ANSWER_MS);

	d->leaves = !d->said_goodbye;
	event_base_loopexit(d->base, &soon);
}

void leave_stop(struct daemon *d)
{
	if (d->said_goodbye || d->leaves) { /* do not wait for routers, either */
		event_base_loopbreak(d->base);
		return;
	}
	if (!d->stopping)
		log_info("stopping", "serving the connections that are open, for %u s at most",
			 d->conf->drain_time_s);
	else
		d->stop_at_once = true;
	d->stopping = true;
	leave_look(d);
}

/* -- on command ----------------------------------------------------------------------- */

static struct service *leave_named(const struct daemon *d, const char *name)
{
	for (unsigned i = 0; i < d->n_services; i++) {
		struct service *s = (struct service *)&d->services[i];

		if (s->conf && strcmp(s->name, name) == 0) {
			struct service *first = leave_first_of(d, s);

			return first ? first : s;
		}
	}
	return NULL;
}

int leave_ask(struct daemon *d, const char *service, bool drain, struct err *err)
{
	struct service *s = service ? leave_named(d, service) : NULL;

	if (d->stopping)
		return err_set(err, "the daemon is stopping");
	if (service && !s)
		return err_set(err, "there is no service %s", service);
	for (unsigned i = 0; i < d->n_services; i++)
		if (!s || s == &d->services[i])
			d->services[i].drain_asked = drain;
	leave_look(d);
	replan_soon(d);
	return 0;
}

/* -- life ----------------------------------------------------------------------------- */

int leave_open(struct daemon *d, struct err *err)
{
	d->linger_until = MONO_NEVER;
	d->leave_timer = evtimer_new(d->base, leave_on_timer, d);
	return d->leave_timer ? 0 : err_set(err, "cannot set up the event loop");
}

void leave_close(struct daemon *d)
{
	if (d->leave_timer)
		event_free(d->leave_timer);
}
