/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All pools of local instances at run time. */
#include "wccpd/pool/pools.h"

#include "clock.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How soon a new, reopened or closed listener is noticed.  (The death of a
 * process is noticed at once, by its pidfd.) */
enum { SCAN_MS = 200 };

struct pools {
	struct event_base *base;
	struct event *scan_timer;
	pools_changed *changed;
	void *arg;
	unsigned n;
	struct pool pools[PLAN_MAX_POOLS];
	unsigned n_ports;
	uint16_t ports[PLAN_MAX_POOLS * PLAN_MAX_INSTANCES];
	struct listeners listeners;
	bool scan_failing;
};

struct pools_strength pools_strength(const struct pool *p)
{
	struct pools_strength s = { .all = p->n_instances };
	struct mono now = clock_now();

	for (unsigned i = 0; i < p->n_instances; i++) {
		const struct instance *in = p->instances[i];
		s.all_weight += in->conf->weight;
		if (!health_counts(&in->health, now))
			continue;
		s.up++;
		s.up_weight += in->conf->weight;
	}
	return s;
}

/* -- changes ------------------------------------------------------------------------ */

static const struct pool *pools_pool_of(const struct pools *ps,
					const struct instance *in)
{
	for (unsigned i = 0; i < ps->n; i++)
		if (ps->pools[i].conf == in->pool)
			return &ps->pools[i];
	return NULL;
}

static void pools_log_transition(const struct pools *ps, const struct instance *in)
{
	const struct pool *p = pools_pool_of(ps, in);
	struct pools_strength s = p ? pools_strength(p) : (struct pools_strength){ 0 };
	char name[80];

	snprintf(name, sizeof name, "%s/%s", in->pool->name, in->conf->name);
	log_event(in->health.state == HEALTH_DOWN || in->health.state == HEALTH_ABSENT
			  ? NOTE_WARNING
			  : NOTE_INFO,
		  "instance", (struct log_about){ .instance = name },
		  "Instance %s is %s, reason: %s%s%s, %u of %u up", name,
		  health_state_name(in->health.state), in->health.reason,
		  in->health.state == HEALTH_DOWN && in->failure ? ": " : "",
		  in->health.state == HEALTH_DOWN && in->failure ? in->failure : "",
		  s.up, s.all);
}

static void pools_on_instance(void *arg, struct instance *in, enum health_state was)
{
	struct pools *ps = arg;

	if (in->health.state != was)
		pools_log_transition(ps, in);
	ps->changed(ps->arg);
}

/* -- the scan ------------------------------------------------------------------------- */

static void pools_scan(struct pools *ps)
{
	struct err err;

	if (listeners_find(ps->ports, ps->n_ports, &ps->listeners, &ps->listeners,
			   &err) < 0) {
		if (!ps->scan_failing)
			log_error("scan", "cannot list listening sockets: %s",
				  err.text);
		ps->scan_failing = true;
		return;
	}
	ps->scan_failing = false;
	for (unsigned p = 0; p < ps->n; p++)
		for (unsigned i = 0; i < ps->pools[p].n_instances; i++)
			instance_see(ps->pools[p].instances[i], &ps->listeners);
}

static void pools_on_scan(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	pools_scan(arg);
}

/* -- configuration -------------------------------------------------------------------- */

/* Take the running instance that fits out of the old set, or make a new one. */
static struct instance *pools_find_or_new(struct pools *ps, struct pool *old,
					  unsigned n_old, const struct conf_pool *pool,
					  const struct conf_instance *conf)
{
	for (unsigned p = 0; p < n_old; p++)
		for (unsigned i = 0; i < old[p].n_instances; i++) {
			struct instance *in = old[p].instances[i];
			if (in && strcmp(old[p].conf->name, pool->name) == 0 &&
			    strcmp(in->conf->name, conf->name) == 0 &&
			    in->conf->port == conf->port) {
				old[p].instances[i] = NULL;
				return in;
			}
		}
	return instance_new(ps->base, pools_on_instance, ps);
}

static void pools_free_instances(struct pool *pools, unsigned n)
{
	for (unsigned p = 0; p < n; p++)
		for (unsigned i = 0; i < pools[p].n_instances; i++)
			instance_free(pools[p].instances[i]);
}

static int pools_build_pool(struct pools *ps, struct pool *old, unsigned n_old,
			    const struct conf_pool *conf, struct pool *out)
{
	*out = (struct pool){ .conf = conf };
	for (unsigned i = 0; i < conf->n_instances; i++) {
		struct instance *in =
			pools_find_or_new(ps, old, n_old, conf, &conf->instances[i]);
		if (!in)
			return -1;
		instance_configure(in, conf, &conf->instances[i]);
		out->instances[out->n_instances++] = in;
		ps->ports[ps->n_ports++] = conf->instances[i].port;
	}
	return 0;
}

int pools_configure(struct pools *ps, const struct conf *conf, struct err *err)
{
	struct pool *old = calloc(PLAN_MAX_POOLS, sizeof *old);
	unsigned n_old = ps->n;
	int rc = 0;

	if (!old)
		return err_set(err, "out of memory");
	memcpy(old, ps->pools, sizeof ps->pools);
	ps->n = ps->n_ports = 0;
	for (unsigned p = 0; p < conf->n_pools && rc == 0; p++)
		rc = pools_build_pool(ps, old, n_old, &conf->pools[p],
				      &ps->pools[ps->n++]);
	pools_free_instances(old, n_old);
	free(old);
	if (rc < 0)
		return err_set(err, "out of memory");
	pools_scan(ps);
	return 0;
}

/* -- what others see -------------------------------------------------------------------- */

unsigned pools_count(const struct pools *ps)
{
	return ps->n;
}

const struct pool *pools_get(const struct pools *ps, unsigned i)
{
	return &ps->pools[i];
}

void pools_fill_plan(const struct pool *p, struct plan_pool *out)
{
	memset(out, 0, sizeof *out);
	snprintf(out->name, sizeof out->name, "%s", p->conf->name);
	for (unsigned i = 0; i < p->n_instances; i++) {
		const struct instance *in = p->instances[i];
		struct plan_instance *pi = &out->instances[out->n_instances++];

		snprintf(pi->name, sizeof pi->name, "%s", in->conf->name);
		pi->weight = in->conf->weight;
		pi->takes = health_takes(&in->health);
		for (unsigned k = 0; k < in->n_listeners; k++) {
			if (out->n_listeners == PLAN_MAX_LISTENERS)
				return;
			out->listeners[out->n_listeners] = in->listeners[k];
			out->listeners[out->n_listeners++].instance = (uint16_t)i;
		}
	}
}

/* -- life ------------------------------------------------------------------------------ */

struct pools *pools_new(struct event_base *base, pools_changed *changed, void *arg)
{
	struct timeval every = clock_ms(SCAN_MS);
	struct pools *ps = calloc(1, sizeof *ps);

	if (!ps)
		return NULL;
	ps->base = base;
	ps->changed = changed;
	ps->arg = arg;
	ps->scan_timer = event_new(base, -1, EV_PERSIST, pools_on_scan, ps);
	if (!ps->scan_timer || event_add(ps->scan_timer, &every) < 0) {
		pools_free(ps);
		return NULL;
	}
	return ps;
}

void pools_free(struct pools *ps)
{
	if (!ps)
		return;
	pools_free_instances(ps->pools, ps->n);
	if (ps->scan_timer)
		event_free(ps->scan_timer);
	free(ps);
}
