/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All pools of local instances at run time. */
#include "wccpd/pool/pools.h"

#include "clock.h"
#include "log.h"
#include "wccpd/pool/process_age.h"

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
		if (!instance_counts(in, now))
			continue;
		s.up++;
		s.up_weight += in->conf->weight;
	}
	return s;
}

int64_t pools_age_ms(const struct pool *p)
{
	struct mono now = clock_now();
	int64_t oldest = -1;

	for (unsigned i = 0; i < p->n_instances; i++) {
		const struct instance *in = p->instances[i];
		int64_t age = instance_counts(in, now)
				      ? process_age_ms(instance_pid(in))
				      : -1;

		oldest = age > oldest ? age : oldest;
	}
	return oldest;
}

bool pools_are_gone(const struct pool *p)
{
	for (unsigned i = 0; i < p->n_instances; i++)
		if (instance_pid(p->instances[i]))
			return false;
	return true;
}

/* Are enough instances up, or about to be: found a moment ago, and not checked yet? */
bool pools_may_be_up(const struct pool *p)
{
	struct mono now = clock_now();
	unsigned n = 0;

	for (unsigned i = 0; i < p->n_instances; i++) {
		const struct instance *in = p->instances[i];
		const struct health *h = &in->health;

		n += instance_counts(in, now) ||
		     (in->wanted == INSTANCE_SERVING && h->state == HEALTH_STARTING &&
		      !mono_due(mono_add_ms(h->since, p->conf->health.grace_ms), now));
	}
	return n > 0 && n >= p->conf->min_instances;
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

static bool pools_is_failing(const struct instance *in)
{
	return in->wanted != INSTANCE_IN_MAINTENANCE &&
	       (in->health.state == HEALTH_DOWN || in->health.state == HEALTH_ABSENT);
}

static void pools_log_transition(const struct pools *ps, const struct instance *in)
{
	const struct pool *p = pools_pool_of(ps, in);
	struct pools_strength s = p ? pools_strength(p) : (struct pools_strength){ 0 };
	const char *failure = in->wanted != INSTANCE_IN_MAINTENANCE &&
					      in->health.state == HEALTH_DOWN
				      ? in->failure
				      : NULL;
	char name[80];

	snprintf(name, sizeof(name), "%s/%s", in->pool->name, in->conf->name);
	log_state(pools_is_failing(in) ? NOTE_WARNING : NOTE_INFO, "instance",
		  (struct log_about){ .instance = name },
		  "Instance %s is %s, reason: %s%s%s, %u of %u up", name,
		  instance_state_name(in), instance_reason(in), failure ? ": " : "",
		  failure ? failure : "", s.up, s.all);
}

static void pools_on_instance(void *arg, struct instance *in, enum health_state was)
{
	struct pools *ps = arg;

	if (in->health.state != was)
		pools_log_transition(ps, in);
	ps->changed(ps->arg);
}

/* -- what an operator wants ----------------------------------------------------------- */

static bool pools_is_named(const struct conf_pool *p, const char *name, size_t len)
{
	return strncmp(p->name, name, len) == 0 && !p->name[len];
}

static struct instance *pools_find_instance(const struct pool *p, const char *name)
{
	for (unsigned i = 0; i < p->n_instances; i++)
		if (strcmp(p->instances[i]->conf->name, name) == 0)
			return p->instances[i];
	return NULL;
}

int pools_want(struct pools *ps, const char *name, enum instance_wanted wanted,
	       struct err *err)
{
	const char *slash = strchr(name, '/');
	size_t len = slash ? (size_t)(slash - name) : 0;
	unsigned found = 0;

	for (unsigned p = 0; slash && p < ps->n; p++) {
		const struct conf_pool *conf = ps->pools[p].conf;
		struct instance *in;

		/* One process, whichever of its ports a pool is made of. */
		if (!pools_is_named(conf, name, len) &&
		    !(conf->derived && pools_is_named(ps->pools[conf->parent].conf, name, len)))
			continue;
		in = pools_find_instance(&ps->pools[p], slash + 1);
		if (in && instance_want(in, wanted))
			pools_log_transition(ps, in);
		found += in != NULL;
	}
	return found ? 0 : err_set(err, "there is no instance %s (POOL/INSTANCE)", name);
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
	struct pool pools[PLAN_MAX_POOLS]; /* instances: NULL for those that stay ... */
	/* ... which are these now. */
	struct instance *staying[PLAN_MAX_POOLS][PLAN_MAX_INSTANCES];
	uint16_t ports[PLAN_MAX_POOLS * PLAN_MAX_INSTANCES];
	unsigned n_endpoints;
	struct listeners_endpoint endpoints[LISTENERS_ENDPOINTS];
};

static void pools_free_instances(struct pool *pools, unsigned n)
{
	for (unsigned p = 0; p < n; p++)
		for (unsigned i = 0; i < pools[p].n_instances; i++)
			instance_free(pools[p].instances[i]);
}

/* Is it the instance of that configuration?  The same name is best; whoever listens and
 * answers where it used to is the same one under another name. */
static bool pools_is_same(const struct pool *pool, const struct instance *in,
			  const struct conf_pool *conf_pool,
			  const struct conf_instance *conf, bool by_name)
{
	if (in->conf->port != conf->port || pool->conf->plain != conf_pool->plain ||
	    !addr_equal(&in->conf->at, &conf->at))
		return false;
	if (by_name)
		return strcmp(pool->conf->name, conf_pool->name) == 0 &&
		       strcmp(in->conf->name, conf->name) == 0;
	return in->conf->check_port == conf->check_port &&
	       addr_equal(&in->conf->check, &conf->check) &&
	       strcmp(in->conf->pid_file, conf->pid_file) == 0;
}

static bool pools_is_taken(const struct pools_next *next, const struct instance *in)
{
	for (unsigned p = 0; p < PLAN_MAX_POOLS; p++)
		for (unsigned i = 0; i < PLAN_MAX_INSTANCES; i++)
			if (next->staying[p][i] == in)
				return true;
	return false;
}

/* The running instance that fits and is not spoken for; NULL: there is none. */
static struct instance *pools_find_running(const struct pools *ps,
					   const struct pools_next *next,
					   const struct conf_pool *pool,
					   const struct conf_instance *conf, bool by_name)
{
	for (unsigned p = 0; p < ps->n; p++)
		for (unsigned i = 0; i < ps->pools[p].n_instances; i++) {
			struct instance *in = ps->pools[p].instances[i];

			if (pools_is_same(&ps->pools[p], in, pool, conf, by_name) &&
			    !pools_is_taken(next, in))
				return in;
		}
	return NULL;
}

static void pools_find_staying(const struct pools *ps, const struct conf *conf, bool by_name,
			       struct pools_next *next)
{
	for (unsigned p = 0; p < conf->n_pools; p++)
		for (unsigned i = 0; i < conf->pools[p].n_instances; i++)
			if (!next->staying[p][i])
				next->staying[p][i] = pools_find_running(
					ps, next, &conf->pools[p],
					&conf->pools[p].instances[i], by_name);
}

static int pools_prepare_pool(struct pools *ps, const struct conf_pool *conf,
			      struct pools_next *next)
{
	unsigned p = next->n++;
	struct pool *out = &next->pools[p];

	out->conf = conf;
	for (unsigned i = 0; i < conf->n_instances; i++) {
		next->ports[next->n_ports++] = conf->instances[i].port;
		if (conf->plain)
			next->endpoints[next->n_endpoints++] =
				(struct listeners_endpoint){
					.at = conf->instances[i].at,
					.port = conf->instances[i].port,
				};
		out->n_instances++;
		if (next->staying[p][i])
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

	if (next) {
		pools_find_staying(ps, conf, true, next);
		pools_find_staying(ps, conf, false, next);
	}
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

/* It does not belong to its old place any more. */
static void pools_move_instance(struct pools *ps, struct instance *in, struct instance **to)
{
	for (unsigned p = 0; p < ps->n; p++)
		for (unsigned i = 0; i < ps->pools[p].n_instances; i++)
			if (ps->pools[p].instances[i] == in)
				ps->pools[p].instances[i] = NULL;
	*to = in;
}

void pools_commit(struct pools *ps, struct pools_next *next)
{
	for (unsigned p = 0; p < next->n; p++)
		for (unsigned i = 0; i < next->pools[p].n_instances; i++)
			if (next->staying[p][i])
				pools_move_instance(ps, next->staying[p][i],
						    &next->pools[p].instances[i]);
	pools_free_instances(ps->pools, ps->n);
	memcpy(ps->pools, next->pools, sizeof(ps->pools));
	listeners_scan_set_ports(ps->scan, next->ports, next->n_ports);
	listeners_scan_set_endpoints(ps->scan, next->endpoints, next->n_endpoints);
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

/* When an operator has drained all that could take connections, they go on to, until
 * others have the slots of this box: then its services give new connections back. */
static bool pools_has_only_drained(const struct pool *p)
{
	for (unsigned i = 0; i < p->n_instances; i++)
		if (instance_takes(p->instances[i]))
			return false;
	return true;
}

static bool pools_takes(const struct instance *in, bool only_drained)
{
	return only_drained ? in->wanted == INSTANCE_DRAINED && health_takes(&in->health)
			    : instance_takes(in);
}

void pools_fill_plan(const struct pool *p, struct plan_pool *out)
{
	/* Nobody else takes what comes to a port of this box. */
	bool only_drained = pools_has_only_drained(p) && !p->conf->plain;

	memset(out, 0, sizeof(*out));
	snprintf(out->name, sizeof(out->name), "%s", p->conf->name);
	out->plain = p->conf->plain;
	out->spread = p->conf->spread;
	out->queue_high = p->conf->queue_high;
	for (unsigned i = 0; i < p->n_instances; i++) {
		const struct instance *in = p->instances[i];
		struct plan_instance *pi = &out->instances[out->n_instances++];

		snprintf(pi->name, sizeof(pi->name), "%s", in->conf->name);
		pi->weight = in->conf->weight;
		pi->takes = pools_takes(in, only_drained);
		pi->wanted = in->wanted;
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
