/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All pools of local instances at run time. */
#include "wccpd/pool/pools.h"

#include "clock.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* How soon a new, reopened or closed listener is noticed.  (The death of a process
	 * is noticed at once, by its pidfd.) */
	SCAN_MS = 200,
	/* Less often when looking takes long: it may use 1/50 of a processor. */
	SCAN_PAUSE = 50,
	SCAN_MOST_MS = 10000,
};

struct pools {
	struct event_base *base;
	struct event *scan_timer;
	pools_changed *changed;
	void *arg;
	unsigned n;
	struct pool pools[PLAN_MAX_POOLS];
	struct listeners_scan *scan;
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

bool pools_are_gone(const struct pool *p)
{
	for (unsigned i = 0; i < p->n_instances; i++)
		if (instance_pid(p->instances[i]))
			return false;
	return true;
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

	snprintf(name, sizeof(name), "%s/%s", in->pool->name, in->conf->name);
	log_state(in->health.state == HEALTH_DOWN || in->health.state == HEALTH_ABSENT
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

	if (listeners_scan_look(ps->scan, &ps->listeners, &err) < 0) {
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
	struct pools *ps = arg;
	int64_t began = clock_cpu_us(), pause;
	struct timeval later;

	(void)fd, (void)what;
	pools_scan(ps);
	pause = SCAN_PAUSE * (clock_cpu_us() - began) / 1000;
	if (pause > SCAN_MOST_MS)
		pause = SCAN_MOST_MS;
	later = clock_ms(pause < SCAN_MS ? SCAN_MS : (uint32_t)pause);
	evtimer_add(ps->scan_timer, &later);
}

/* -- configuration -------------------------------------------------------------------- */

struct pools_next {
	unsigned n, n_ports;
	struct pool pools[PLAN_MAX_POOLS]; /* instances: NULL for those that stay */
	uint16_t ports[PLAN_MAX_POOLS * PLAN_MAX_INSTANCES];
};

static void pools_free_instances(struct pool *pools, unsigned n)
{
	for (unsigned p = 0; p < n; p++)
		for (unsigned i = 0; i < pools[p].n_instances; i++)
			instance_free(pools[p].instances[i]);
}

/* The place of the running instance that fits; NULL: there is none. */
static struct instance **pools_find_running(struct pools *ps,
					    const struct conf_pool *pool,
					    const struct conf_instance *conf)
{
	for (unsigned p = 0; p < ps->n; p++)
		for (unsigned i = 0; i < ps->pools[p].n_instances; i++) {
			struct instance *in = ps->pools[p].instances[i];

			if (in && strcmp(ps->pools[p].conf->name, pool->name) == 0 &&
			    strcmp(in->conf->name, conf->name) == 0 &&
			    in->conf->port == conf->port)
				return &ps->pools[p].instances[i];
		}
	return NULL;
}

static int pools_prepare_pool(struct pools *ps, const struct conf_pool *conf,
			      struct pools_next *next)
{
	struct pool *out = &next->pools[next->n++];

	out->conf = conf;
	for (unsigned i = 0; i < conf->n_instances; i++) {
		const struct conf_instance *c = &conf->instances[i];

		next->ports[next->n_ports++] = c->port;
		out->n_instances++;
		if (pools_find_running(ps, conf, c))
			continue;
		out->instances[i] = instance_new(ps->base, pools_on_instance, ps);
		if (!out->instances[i])
			return -1;
	}
	return 0;
}

struct pools_next *pools_prepare(struct pools *ps, const struct conf *conf,
				 struct err *err)
{
	struct pools_next *next = calloc(1, sizeof(*next));

	for (unsigned p = 0; next && p < conf->n_pools; p++)
		if (pools_prepare_pool(ps, &conf->pools[p], next) < 0) {
			pools_discard(next);
			next = NULL;
		}
	if (!next)
		err_set(err, "out of memory");
	return next;
}

void pools_discard(struct pools_next *next)
{
	pools_free_instances(next->pools, next->n);
	free(next);
}

static void pools_commit_pool(struct pools *ps, struct pool *pool)
{
	for (unsigned i = 0; i < pool->n_instances; i++) {
		const struct conf_instance *conf = &pool->conf->instances[i];

		if (!pool->instances[i]) {
			struct instance **running =
				pools_find_running(ps, pool->conf, conf);

			pool->instances[i] = *running;
			*running = NULL;
		}
	}
}

void pools_commit(struct pools *ps, struct pools_next *next)
{
	for (unsigned p = 0; p < next->n; p++)
		pools_commit_pool(ps, &next->pools[p]);
	pools_free_instances(ps->pools, ps->n);
	memcpy(ps->pools, next->pools, sizeof(ps->pools));
	listeners_scan_set_ports(ps->scan, next->ports, next->n_ports);
	ps->n = next->n;
	free(next);
	for (unsigned p = 0; p < ps->n; p++)
		for (unsigned i = 0; i < ps->pools[p].n_instances; i++)
			instance_configure(ps->pools[p].instances[i], ps->pools[p].conf,
					   &ps->pools[p].conf->instances[i]);
	pools_scan(ps);
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
	memset(out, 0, sizeof(*out));
	snprintf(out->name, sizeof(out->name), "%s", p->conf->name);
	for (unsigned i = 0; i < p->n_instances; i++) {
		const struct instance *in = p->instances[i];
		struct plan_instance *pi = &out->instances[out->n_instances++];

		snprintf(pi->name, sizeof(pi->name), "%s", in->conf->name);
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
	struct timeval soon = clock_ms(SCAN_MS);
	struct pools *ps = calloc(1, sizeof(*ps));

	if (!ps)
		return NULL;
	ps->base = base;
	ps->changed = changed;
	ps->arg = arg;
	ps->scan = listeners_scan_new();
	ps->scan_timer = evtimer_new(base, pools_on_scan, ps);
	if (!ps->scan || !ps->scan_timer || evtimer_add(ps->scan_timer, &soon) < 0) {
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
	listeners_scan_free(ps->scan);
	free(ps);
}
