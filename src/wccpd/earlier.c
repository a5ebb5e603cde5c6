/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccpd/earlier.h"

#include "clock.h"
#include "log.h"
#include "wccpd/daemon.h"
#include "wccpd/planner/planner.h"

#include <stdio.h>

enum {
	EARLIER_TRANSMIT_T_MS = 10000, /* unless configured */
	EARLIER_TIMES = 3, /* so many of them without an answer, and a router is lost */
	EARLIER_LOOK_MS = 10000, /* for instances to be looked at */
};

static int64_t earlier_timeout_ms(const struct conf_service *s)
{
	int64_t t = s->group.transmit_t_ms ? s->group.transmit_t_ms
					   : EARLIER_TRANSMIT_T_MS;

	return EARLIER_TIMES * t * (s->group.timeout_scale ? s->group.timeout_scale : 1);
}

/* What an operator wanted holds until it is taken back. */
static void earlier_go_on_draining(struct daemon *d)
{
	const struct plan *was = dp_earlier_plan(d->dp);

	for (unsigned i = 0; was && i < was->n_services; i++)
		for (unsigned k = 0; k < d->n_services; k++)
			if (was->services[i].drain_asked &&
			    wccp_same_group(&was->services[i].service, &d->services[k].id))
				d->services[k].drain_asked = true;
}

static void earlier_go_on_wanting(struct daemon *d)
{
	const struct plan *was = dp_earlier_plan(d->dp);
	char name[80];
	struct err err;

	for (unsigned i = 0; was && i < was->n_pools; i++)
		for (unsigned k = 0; k < was->pools[i].n_instances; k++) {
			const struct plan_instance *in = &was->pools[i].instances[k];

			snprintf(name, sizeof(name), "%s/%s", was->pools[i].name, in->name);
			/* The configuration may not have it any more. */
			if (in->wanted)
				pools_want(d->pools, name, (enum instance_wanted)in->wanted,
					   &err);
		}
}

void earlier_begin(struct daemon *d)
{
	/* Of pools that listen, instances have to be looked at. */
	int64_t longest = d->conf->n_listens ? EARLIER_LOOK_MS : 0;
	bool none;
	const char *text = dp_pins_text(d->dp, &none);

	log_event(none ? NOTE_WARNING : NOTE_INFO, "pins", (struct log_about){ 0 }, "%s",
		  text);
	for (unsigned i = 0; i < d->conf->n_services; i++)
		if (earlier_timeout_ms(&d->conf->services[i]) > longest)
			longest = earlier_timeout_ms(&d->conf->services[i]);
	d->earlier_until = mono_add_ms(d->started, longest);
	if (dp_earlier(d->dp) != DP_EARLIER_NONE)
		delivery_watch_trust(d->delivery);
	earlier_go_on_draining(d);
	earlier_go_on_wanting(d);
}

const struct plan *earlier_plan(const struct daemon *d)
{
	return mono_due(d->earlier_until, clock_now()) ? NULL : dp_earlier_plan(d->dp);
}

/* -- instances ------------------------------------------------------------------------- */

/* Its checks have not led to anything yet. */
static bool earlier_is_unknown(const struct instance *in)
{
	return in->health.state == HEALTH_STARTING;
}

static bool earlier_knows_pool(const struct pool *p)
{
	for (unsigned i = 0; i < p->n_instances; i++)
		if (earlier_is_unknown(p->instances[i]))
			return false;
	return true;
}

void earlier_keep_instances(struct daemon *d)
{
	const struct plan *earlier = earlier_plan(d);

	for (unsigned i = 0; earlier && i < d->plan.n_pools; i++) {
		const struct pool *p = pools_get(d->pools, i);

		for (unsigned k = 0; k < p->n_instances; k++)
			if (earlier_is_unknown(p->instances[k]))
				planner_keep_instance(earlier, k, &d->plan.pools[i]);
	}
}

bool earlier_is_too_early(const struct daemon *d, const struct service *s)
{
	return dp_earlier(d->dp) != DP_EARLIER_NONE &&
	       !mono_due(mono_add_ms(d->started, EARLIER_LOOK_MS), clock_now()) &&
	       !earlier_knows_pool(pools_get(d->pools, s->conf->pool));
}

/* -- routers --------------------------------------------------------------------------- */

static bool earlier_has_heard_all(struct daemon *d)
{
	for (unsigned i = 0; i < d->n_services; i++) {
		cache_get_status(d->services[i].cache, &d->status);
		for (unsigned k = 0; k < d->status.n_routers; k++)
			if (d->status.routers[k].forward == 0)
				return false;
	}
	return true;
}

bool earlier_waits(struct daemon *d)
{
	if (d->applied || dp_earlier(d->dp) != DP_EARLIER_UNKNOWN ||
	    mono_due(d->earlier_until, clock_now()))
		return false;
	for (unsigned i = 0; i < pools_count(d->pools); i++)
		if (!earlier_knows_pool(pools_get(d->pools, i)))
			return true;
	return !earlier_has_heard_all(d);
}
