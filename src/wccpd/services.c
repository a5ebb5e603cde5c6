/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's service groups: feeding them, and following the configuration. */
#include "wccpd/services.h"

#include "clock.h"
#include "log.h"
#include "udp.h"
#include "wccpd/daemon.h"
#include "wccpd/replan.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* -- one step of one group -------------------------------------------------------- */

/* What could not be sent in one step, and why. */
struct services_unsent {
	unsigned n;
	struct addr to[WCCP_MAX_ROUTERS];
	const char *why[WCCP_MAX_ROUTERS];
};

static void services_add_unsent(struct services_unsent *u, const struct addr *to,
				const char *why)
{
	if (!why || u->n == WCCP_MAX_ROUTERS)
		return;
	u->to[u->n] = *to;
	u->why[u->n++] = why;
}

static void services_send_datagram(struct daemon *d, const struct service *s,
				   const struct action *x, struct mono now,
				   struct services_unsent *unsent)
{
	struct udp_way way = { .to = x->peer };
	struct err err;

	if (udp_is_multicast(&x->peer)) {
		way.local = d->conf->address; /* by which routers know us */
		way.hops = s->multicast_ttl;
	}
	if (udp_needs_interface(&x->peer))
		way.ifindex = multicast_ifindex(d->conf);
	/* Whether it succeeds or not, the group depends on what it hears. */
	if (udp_send(d->udp, &way, action_octets(&d->actions, x), x->len, &err) == 0)
		return;
	services_add_unsent(unsent, &x->peer, udp_error_text(errno));
	log_complain("send-failed", &x->peer, s->name, now, "%s", err.text);
}

static void services_carry_out(struct daemon *d, const struct service *s,
			       struct mono now, struct services_unsent *unsent)
{
	for (unsigned i = 0; i < d->actions.n; i++) {
		const struct action *x = &d->actions.list[i];

		switch (x->kind) {
		case ACTION_SEND:
			services_send_datagram(d, s, x, now, unsent);
			break;
		case ACTION_NOTE:
			log_note(&d->actions, x, s->name, now);
			break;
		case ACTION_CHANGED:
			replan_soon(d);
			break;
		}
	}
	if (d->actions.dropped > 0)
		log_state(NOTE_ERROR, "actions-dropped",
			  (struct log_about){ .service = s->name },
			  "no room for %u actions of service %s", d->actions.dropped,
			  s->name);
}

static void services_step_once(struct daemon *d, struct service *s,
			       const struct cache_event *ev,
			       struct services_unsent *unsent)
{
	actions_reset(&d->actions);
	cache_step(s->cache, ev, &d->msg, &d->actions);
	services_carry_out(d, s, ev->now, unsent);
}

void services_step(struct daemon *d, struct service *s, const struct cache_event *ev)
{
	struct services_unsent unsent = { .n = 0 }, again = { .n = 0 };
	struct cache_event tell = { .type = CACHE_EV_UNREACHABLE, .now = ev->now };

	services_step_once(d, s, ev, &unsent);
	d->unreachable = d->unreachable || unsent.n > 0;
	for (unsigned i = 0; i < unsent.n; i++) {
		tell.u.unreachable.router = unsent.to[i];
		tell.u.unreachable.why = unsent.why[i];
		services_step_once(d, s, &tell, &again);
	}
}

void services_tell_unreachable(struct daemon *d, const struct addr *router,
			       const char *why)
{
	struct cache_event ev = { .type = CACHE_EV_UNREACHABLE, .now = clock_now() };

	ev.u.unreachable.router = *router;
	ev.u.unreachable.why = why;
	for (unsigned i = 0; i < d->n_services; i++)
		services_step(d, &d->services[i], &ev);
}

void services_tell_reachable(struct daemon *d)
{
	struct cache_event ev = { .type = CACHE_EV_REACHABLE, .now = clock_now() };

	d->unreachable = false;
	for (unsigned i = 0; i < d->n_services; i++)
		services_step(d, &d->services[i], &ev);
}

static void services_arm(struct daemon *d)
{
	struct mono deadline = MONO_NEVER;
	struct timeval left;

	for (unsigned i = 0; i < d->n_services; i++)
		deadline = mono_min(deadline, cache_deadline(d->services[i].cache));
	if (mono_is_never(deadline)) {
		evtimer_del(d->timer);
		return;
	}
	left = clock_until(deadline, clock_now());
	evtimer_add(d->timer, &left);
}

bool services_are_quiet(const struct daemon *d)
{
	for (unsigned i = 0; i < d->n_services; i++)
		if (!cache_is_quiet(d->services[i].cache))
			return false;
	return true;
}

static void services_free_removed(struct daemon *d)
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

void services_settle(struct daemon *d)
{
	const struct timeval now = { 0, 0 };

	services_free_removed(d);
	services_arm(d);
	if (d->said_goodbye && services_are_quiet(d))
		evtimer_add(d->leave_timer, &now);
}

/* -- following the configuration ----------------------------------------------------- */

static struct service *services_find_service(struct daemon *d,
					     const struct wccp_service *id)
{
	for (unsigned i = 0; i < d->n_services; i++)
		if (wccp_same_group(&d->services[i].id, id))
			return &d->services[i];
	return NULL;
}

/* Without telling its routers, which remove us when they hear nothing more. */
static void services_forget_leaving(struct daemon *d, struct service *s)
{
	cache_free(s->cache);
	*s = d->services[--d->n_services];
}

/* As many services can be leaving as can be configured.  If reloads come faster than
 * withdrawals finish, one of them makes room. */
static void services_make_room(struct daemon *d)
{
	for (unsigned i = 0; i < d->n_services; i++)
		if (!d->services[i].conf) {
			services_forget_leaving(d, &d->services[i]);
			return;
		}
}

static void services_add(struct daemon *d, const struct conf_service *conf,
			 struct cache *cache)
{
	struct service *s;

	if (d->n_services == DAEMON_MAX_SERVICES)
		services_make_room(d);
	s = &d->services[d->n_services++];
	*s = (struct service){
		.conf = conf,
		.id = conf->group.service,
		.multicast_ttl = conf->multicast_ttl,
		.cache = cache,
	};
	drain_init(&s->drain, clock_now());
	s->slow_since = MONO_NEVER;
	snprintf(s->name, sizeof(s->name), "%s", conf->name);
}

static void services_configure_service(struct daemon *d, struct service *s,
				       const struct conf_service *conf)
{
	struct cache_event ev = { .type = CACHE_EV_CONF, .now = clock_now() };

	ev.u.conf = &conf->group;
	s->conf = conf;
	snprintf(s->name, sizeof(s->name), "%s", conf->name);
	s->multicast_ttl = conf->multicast_ttl;
	services_step(d, s, &ev);
}

/* A removed service withdraws and is freed when it has nothing left to send. */
static void services_remove_service(struct daemon *d, struct service *s)
{
	struct cache_event ev = { .type = CACHE_EV_SHUTDOWN, .now = clock_now() };

	s->conf = NULL;
	services_step(d, s, &ev);
}

static bool services_is_configured(const struct conf *conf, const struct service *s)
{
	for (unsigned i = 0; i < conf->n_services; i++)
		if (wccp_same_group(&conf->services[i].group.service, &s->id))
			return true;
	return false;
}

/* A service and its mirror share one table.  A service that is leaving takes no
 * part. */
static void services_pair_services(struct daemon *d, const struct conf *conf)
{
	for (unsigned i = 0; i < d->n_services; i++)
		if (!d->services[i].conf || d->services[i].conf->pair < 0)
			cache_unpair(d->services[i].cache);
	for (unsigned i = 0; i < conf->n_services; i++) {
		const struct conf_service *c = &conf->services[i];

		if (c->pair > (int)i) /* the mirror comes second */
			cache_pair(services_find_service(d, &c->group.service)->cache,
				   services_find_service(
					   d, &conf->services[c->pair].group.service)
					   ->cache);
	}
}

/* Find a service that only needs its new configuration.  One that is withdrawing starts
 * again from scratch, because its cache has been told to withdraw for good. */
static struct service *services_find_staying(struct daemon *d,
					     const struct conf_service *conf)
{
	struct service *s = services_find_service(d, &conf->group.service);

	return s && s->conf ? s : NULL;
}

/* Were it predictable, I_SEE_YOUs that return it might have been recorded. */
static uint16_t services_random(void)
{
	uint16_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint16_t)(clock_now().ns >> 10);
	return random;
}

int services_prepare(struct daemon *d, const struct conf *conf,
		     struct services_next *next, struct err *err)
{
	*next = (struct services_next){ 0 };
	for (unsigned i = 0; i < conf->n_services; i++) {
		const struct conf_service *c = &conf->services[i];

		if (services_find_staying(d, c))
			continue;
		next->fresh[i] = cache_new(&c->group, clock_now());
		if (!next->fresh[i]) {
			services_discard(next);
			return err_set(err, "out of memory");
		}
		cache_set_token(next->fresh[i], services_random());
	}
	return 0;
}

void services_discard(struct services_next *next)
{
	for (unsigned i = 0; i < PLAN_MAX_SERVICES; i++)
		cache_free(next->fresh[i]);
}

void services_commit(struct daemon *d, const struct conf *conf,
		     const struct services_next *next)
{
	for (unsigned i = 0; i < d->n_services; i++)
		if (d->services[i].conf &&
		    !services_is_configured(conf, &d->services[i]))
			services_remove_service(d, &d->services[i]);
	for (unsigned i = 0; i < conf->n_services; i++) {
		const struct conf_service *c = &conf->services[i];
		struct service *s = services_find_service(d, &c->group.service);

		if (!next->fresh[i]) {
			services_configure_service(d, s, c);
			continue;
		}
		if (s)
			services_forget_leaving(d, s);
		services_add(d, c, next->fresh[i]);
	}
	services_pair_services(d, conf);
}
