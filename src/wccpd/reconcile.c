/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes the kernel follow the plan, and tells routers accordingly. */
#include "wccpd/reconcile.h"

#include "clock.h"
#include "rtnl/nft_monitor.h"
#include "rtnl/rtnl_monitor.h"
#include "log.h"
#include "udp.h"
#include "wccpd/daemon.h"
#include "wccpd/drain/slow_start.h"
#include "wccpd/earlier.h"
#include "wccpd/handover/handover_watch.h"
#include "wccpd/leave.h"
#include "wccpd/planner/planner.h"
#include "wccpd/receive.h"
#include "wccpd/replan.h"
#include "wccpd/services.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	RECONCILE_RETRY_MS =
		1000, /* until a failed change of the kernel is tried again */
	/* A safety net for changes that the kernel does not report, such as sysctls and
	 * filters that others have changed. */
	RECONCILE_LOOK_MS = 5000,
	RECONCILE_GATHER_MS = 20, /* after the first of several changes of the kernel */
	RECONCILE_DRIFTS = 10, /* this many are logged ... */
	RECONCILE_DRIFT_MS = 60000, /* ... in this time */
};

/* -- the plan -------------------------------------------------------------------------- */

static void reconcile_make_plan(struct daemon *d)
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
						    earlier_plan(d), &d->plan);
				leave_mark(d, &d->services[k],
					   &d->plan.services[d->plan.n_services - 1]);
			}
	for (unsigned i = 0; i < d->plan.n_services; i++)
		planner_add_guesses(&d->conf->services[i], i, &d->plan);
	earlier_keep_instances(d);
	handover_watch_mark(d->handover, &d->plan, (int64_t)d->conf->handover_memory_s * 1000);
	delivery_watch_mark(d->delivery, &d->plan);
}

/* Log a text only when it is new, so that a lasting problem is one line, not one a
 * second. */
static void reconcile_tell_once(struct complaint *last, const char *event,
				const char *text, enum note_level level,
				const char *cured)
{
	if (strcmp(last->text, text) == 0)
		return;
	if (text[0])
		log_state(level, event, (struct log_about){ 0 },
			  "%s (will be looked at again)", text);
	else
		log_state(NOTE_INFO, event, (struct log_about){ 0 }, "%s", cured);
	snprintf(last->text, sizeof(last->text), "%s", text);
	last->since = clock_now();
}

/* Two programs that keep undoing each other's work must not fill the log. */
static void reconcile_tell_drift(struct daemon *d)
{
	const char *text = dp_drift(d->dp);
	struct mono now = clock_now();

	if (!text[0])
		return;
	if (mono_due(d->drift_again, now)) {
		d->drift_again = mono_add_ms(now, RECONCILE_DRIFT_MS);
		d->n_drift = 0;
	}
	if (d->n_drift++ < RECONCILE_DRIFTS)
		log_warning("drift", "restored: %s", text);
	else if (d->n_drift == RECONCILE_DRIFTS + 1)
		log_warning("drift", "restoring more of that without logging it");
}

static void reconcile_apply_plan(struct daemon *d)
{
	struct err err = { "" };
	bool good = dp_apply(d->dp, &d->plan, &err) == 0;
	const char *trouble = good ? dp_trouble(d->dp) : d->trouble.text;
	bool settled = good && !trouble[0] && !dp_is_waiting(d->dp);
	struct timeval later =
		clock_ms(settled ? RECONCILE_LOOK_MS : RECONCILE_RETRY_MS);

	d->applied = d->applied || good;
	/* Even if it failed: then proofs of what is missing will fail as well. */
	delivery_watch_planned(d->delivery, &d->plan);
	reconcile_tell_once(&d->apply_error, "data-plane",
			    err.text, NOTE_ERROR, "the kernel follows the plan again");
	if (good)
		reconcile_tell_once(&d->trouble, "data-plane",
				    trouble, NOTE_WARNING,
				    "all parts of the plan are in force");
	if (good) {
		reconcile_tell_once(&d->obstacle, "data-plane",
				    dp_obstacle(d->dp), NOTE_ERROR,
				    "packets reach local sockets again");
		reconcile_tell_drift(d);
	}
	evtimer_add(d->retry, &later);
}

/* Too early for the plan; see earlier_waits(). */
static void reconcile_wait(struct daemon *d)
{
	struct timeval later = clock_ms(RECONCILE_RETRY_MS);
	struct err err = { "" };

	if (dp_look(d->dp, &d->plan, &err) < 0)
		log_complain("data-plane", NULL, NULL, clock_now(), "%s", err.text);
	evtimer_add(d->retry, &later);
}

/* What to announce.  Until it is drained, a service is not withdrawn because of its
 * pool: the announcement then has weight 0. */
static struct announcement reconcile_strength_of(const struct daemon *d,
						 const struct service *s)
{
	const struct pool *p = pools_get(d->pools, s->conf->pool);
	const struct drain *drain = leave_drain_of(d, s);
	struct pools_strength k = pools_strength(p);
	uint16_t weight =
		health_pool_weight(s->conf->weight, k.up, p->conf->min_instances,
				   k.up_weight, k.all_weight);

	if (leave_awaits_pool(d, s))
		return s->told;
	if (!mono_is_never(s->slow_since))
		weight = slow_start_weight(weight, mono_ms_between(s->slow_since, clock_now()),
					   (int64_t)s->conf->slow_start_s * 1000);
	if (drain->state == DRAIN_DRAINING)
		weight = 0;
	return (struct announcement){ .up = drain->state != DRAIN_LEFT, .weight = weight };
}

static void reconcile_tell_announcement(const struct daemon *d, const struct service *s,
					bool up, bool delivers)
{
	const char *pool = pools_get(d->pools, s->conf->pool)->conf->name;
	struct log_about about = { .service = s->name };

	if (up)
		log_state(NOTE_INFO, "pool", about, "pool %s is up: announcing service %s",
			  pool, s->name);
	else if (!delivers)
		log_state(NOTE_INFO, "pool", about,
			  "delivery to pool %s fails: withdrawing service %s", pool,
			  s->name);
	else if (leave_was_asked(d, s))
		log_state(NOTE_INFO, "pool", about, "drained: withdrawing service %s", s->name);
	else
		log_state(NOTE_INFO, "pool", about,
			  "pool %s is down: withdrawing service %s", pool, s->name);
}

/* Its instances have just been started: they have everything to fetch yet.  After a
 * restart of wccpd alone they have not. */
static void reconcile_start_slowly(const struct daemon *d, struct service *s,
				   struct mono now)
{
	const struct pool *p = pools_get(d->pools, s->conf->pool);
	int64_t total = (int64_t)s->conf->slow_start_s * 1000, age = pools_age_ms(p);

	s->slow_since = MONO_NEVER;
	if (age < 0 || age >= total)
		return;
	s->slow_since = now;
	log_state(NOTE_INFO, "slow-start", (struct log_about){ .service = s->name },
		  "pool %s has been started %d s ago: its share grows for %u s",
		  p->conf->name, (int)(age / 1000), s->conf->slow_start_s);
}

/* The next step is not reported by anything. */
static void reconcile_follow_slow_start(struct daemon *d, struct service *s,
					struct mono now)
{
	struct timeval later = clock_ms(RECONCILE_RETRY_MS);
	int64_t total = (int64_t)s->conf->slow_start_s * 1000;

	if (mono_is_never(s->slow_since))
		return;
	if (mono_due(mono_add_ms(s->slow_since, total), now))
		s->slow_since = MONO_NEVER;
	else
		evtimer_add(d->retry, &later);
}

/* Announce nothing before the kernel has been seen to deliver. */
static void reconcile_announce(struct daemon *d, bool waits)
{
	struct cache_event ev = { .type = CACHE_EV_HEALTH, .now = clock_now() };

	for (unsigned i = 0; i < d->n_services && !d->said_goodbye; i++) {
		struct service *s = &d->services[i];
		struct announcement a;
		bool delivers;

		if (!s->conf || earlier_is_too_early(d, s))
			continue;
		/* An obstacle that the data plane names makes proofs fail, too. */
		delivers = (d->applied || waits) &&
			   delivery_may_announce(
				   delivery_watch_of(d->delivery, &s->id));
		if (delivers && !s->told.up &&
		    leave_drain_of(d, s)->state != DRAIN_LEFT)
			reconcile_start_slowly(d, s, ev.now);
		reconcile_follow_slow_start(d, s, ev.now);
		a = reconcile_strength_of(d, s);
		a.up = a.up && delivers;
		if (a.up == s->told.up && a.weight == s->told.weight)
			continue;
		if (a.up != s->told.up)
			reconcile_tell_announcement(d, s, a.up, delivers);
		s->told = a;
		ev.u.health.up = a.up;
		ev.u.health.weight = a.weight;
		ev.u.health.why = delivers ? leave_drain_of(d, s)->why : "delivery fails";
		services_step(d, s, &ev);
	}
}

static void reconcile_join_groups(struct daemon *d)
{
	struct err err = { "" };

	multicast_follow(&d->multicast, d->conf, d->base, receive_datagrams, d, &err);
	reconcile_tell_once(&d->multicast_error, "multicast",
			    err.text, NOTE_ERROR, "all multicast groups are joined");
}

/* The address may come and go with its interface; routers notice our silence.  The same
 * goes for those that pools listen on. */
static void reconcile_look_for_address(struct daemon *d)
{
	const struct conf *conf = d->conf;
	struct err err = { "" };

	for (unsigned i = 0; i < conf->n_listens; i++) {
		const struct plan_listen *l = &conf->listens[i];

		if (addr_is_set(&l->addr) && !udp_is_local(&l->addr))
			err_set(&err,
				"pool %s listens on %s, but this host does not have that "
				"address",
				conf->pools[l->pool].name,
				conf_endpoint_text(&l->addr, l->port).s);
	}
	if (addr_is_set(&conf->address) && !udp_is_local(&conf->address))
		err_set(&err, "this host does not have the address %s",
			ADDR_TEXT(&conf->address));
	reconcile_tell_once(&d->address_error, "address",
			    err.text, NOTE_ERROR, "the address is there again");
}

static void reconcile_now(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	bool waits;

	(void)fd, (void)what;
	reconcile_look_for_address(d);
	if (d->routes_changed && d->unreachable)
		services_tell_reachable(d);
	d->routes_changed = false;
	reconcile_join_groups(d);
	reconcile_make_plan(d);
	waits = earlier_waits(d);
	if (waits)
		reconcile_wait(d);
	else
		reconcile_apply_plan(d);
	leave_look(d);
	strangers_look(&d->strangers, clock_now());
	reconcile_announce(d, waits);
	services_settle(d);
}

/* -- when ------------------------------------------------------------------------------ */

/* Changes come in bursts, and our own are among them: one look follows them all. */
static void reconcile_on_kernel(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct timeval later = clock_ms(RECONCILE_GATHER_MS);
	unsigned changes = rtnl_monitor_read(d->rtnl);

	(void)fd, (void)what;
	if (changes & ~(unsigned)RTNL_NEIGHBOUR) {
		d->routes_changed = true;
		delivery_watch_kernel_changed(d->delivery);
	}
	if (changes && !evtimer_pending(d->replan, NULL))
		evtimer_add(d->replan, &later);
}

static void reconcile_on_filter(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)what;
	if (nft_monitor_read(fd))
		delivery_watch_kernel_changed(d->delivery);
}

/* Optional: without it, the next round of proofs notices changes of the packet
 * filter. */
static int reconcile_open_filter(struct daemon *d, struct err *err)
{
	struct err why;

	d->nft = nft_monitor_open(&why);
	if (d->nft < 0) {
		log_warning("delivery", "%s", why.text);
		return 0;
	}
	d->nft_event = event_new(d->base, d->nft, EV_READ | EV_PERSIST,
				 reconcile_on_filter, d);
	if (d->nft_event && event_add(d->nft_event, NULL) == 0)
		return 0;
	return err_set(err, "cannot set up the event loop");
}

static void reconcile_on_delivery(void *arg)
{
	replan_soon(arg);
}

int reconcile_open(struct daemon *d, struct err *err)
{
	d->delivery = delivery_watch_new(d->base, d->dp, reconcile_on_delivery, d);
	d->handover = handover_watch_new(d->base, d->dp, reconcile_on_delivery, d);
	if (!d->delivery || !d->handover)
		return err_set(err, "out of memory");
	if (rtnl_monitor_open(&d->rtnl, RTNL_ALL, err) < 0)
		return -1;
	d->replan = evtimer_new(d->base, reconcile_now, d);
	d->retry = evtimer_new(d->base, reconcile_now, d);
	d->rtnl_event = event_new(d->base, rtnl_monitor_fd(d->rtnl),
				  EV_READ | EV_PERSIST, reconcile_on_kernel, d);
	if (d->replan && d->retry && d->rtnl_event &&
	    event_add(d->rtnl_event, NULL) == 0)
		return reconcile_open_filter(d, err);
	return err_set(err, "cannot set up the event loop");
}

static void reconcile_free_event(struct event *e)
{
	if (e)
		event_free(e);
}

void reconcile_close(struct daemon *d)
{
	reconcile_free_event(d->replan);
	reconcile_free_event(d->retry);
	reconcile_free_event(d->rtnl_event);
	reconcile_free_event(d->nft_event);
	if (d->nft >= 0)
		close(d->nft);
	rtnl_monitor_close(d->rtnl);
	delivery_watch_free(d->delivery);
	handover_watch_free(d->handover);
}
