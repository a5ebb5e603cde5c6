/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One local Squid instance at run time. */
#include "wccpd/pool/instance.h"

#include "clock.h"
#include "log.h"
#include "wccpd/pool/obstacle.h"
#include "wccpd/pool/pidfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char NO_CHECK[] = "check could not be started";

/* While the verdict is open, look more often than the configured interval. */
enum { FAST_DIVISOR = 5, FAST_LEAST_MS = 20 };

static void instance_step(struct instance *in, enum health_event ev)
{
	enum health_state was = in->health.state;

	if (health_step(&in->health, &in->pool->health, ev, clock_now()))
		in->changed(in->arg, in, was);
}

/* -- health checks ----------------------------------------------------------- */

static void instance_schedule_check(struct instance *in)
{
	uint32_t ms = in->pool->interval_ms;
	struct timeval delay;

	if (in->health.state == HEALTH_STARTING || in->health.streak > 0)
		ms /= FAST_DIVISOR;
	delay = clock_ms(ms < FAST_LEAST_MS ? FAST_LEAST_MS : ms);
	evtimer_add(in->timer, &delay);
}

static void instance_check_done(void *arg, const char *failure)
{
	struct instance *in = arg;

	in->probe = NULL;
	in->checked = true;
	in->failure = failure;
	instance_step(in, failure ? HEALTH_EV_CHECK_FAILED : HEALTH_EV_CHECK_OK);
	if (in->n_listeners > 0)
		instance_schedule_check(in);
}

/* A problem of ours (no descriptor, no memory), which says nothing about the
 * instance. */
static void instance_check_impossible(struct instance *in)
{
	if (!in->failure || strcmp(in->failure, NO_CHECK) != 0)
		log_state(NOTE_WARNING, "check", (struct log_about){ 0 },
			  "%s/%s: %s: %s", in->pool->name, in->conf->name, NO_CHECK,
			  strerror(errno));
	in->failure = NO_CHECK;
	instance_schedule_check(in);
}

static void instance_start_check(evutil_socket_t fd, short what, void *arg)
{
	struct instance *in = arg;

	(void)fd, (void)what;
	if (in->probe || in->n_listeners == 0)
		return;
	in->probe = probe_start(in->base, &in->conf->check, in->conf->check_port,
				in->conf->check_aside, in->pool->timeout_ms, instance_check_done, in);
	if (!in->probe)
		instance_check_impossible(in);
}

static void instance_stop_checks(struct instance *in)
{
	probe_cancel(in->probe);
	in->probe = NULL;
	evtimer_del(in->timer);
}

/* -- processes and their sockets ------------------------------------------------ */

static void instance_drop_watch(struct instance *in, unsigned i)
{
	watch_stop(&in->watches[i]);
	in->watches[i] = in->watches[--in->n_watches];
}

static void instance_drop_listeners_of(struct instance *in, pid_t pid)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < in->n_listeners; i++)
		if (in->listeners[i].pid != pid)
			in->listeners[kept++] = in->listeners[i];
	in->n_listeners = kept;
}

static void instance_process_ended(evutil_socket_t fd, short what, void *arg)
{
	struct instance *in = arg;

	(void)what;
	for (unsigned i = 0; i < in->n_watches; i++)
		if (in->watches[i].pidfd == fd) {
			instance_drop_listeners_of(in, in->watches[i].pid);
			instance_drop_watch(in, i);
			break;
		}
	if (in->n_listeners > 0) {
		in->changed(in->arg, in, in->health.state);
	} else if (in->n_watches == 0) {
		instance_stop_checks(in);
		instance_step(in, HEALTH_EV_EXITED);
	}
}

static bool instance_is_watched(const struct instance *in, pid_t pid)
{
	for (unsigned i = 0; i < in->n_watches; i++)
		if (in->watches[i].pid == pid)
			return true;
	return false;
}

static void instance_watch_owners(struct instance *in)
{
	for (unsigned i = 0; i < in->n_listeners; i++) {
		pid_t pid = in->listeners[i].pid;
		if (instance_is_watched(in, pid) ||
		    in->n_watches == INSTANCE_MAX_LISTENERS)
			continue;
		if (watch_start(&in->watches[in->n_watches], in->base, pid,
				instance_process_ended, in) == 0)
			in->n_watches++;
	}
}

/* With a pid file, only that process and its children count: another program that took
 * the port must not get the traffic. */
static bool instance_is_ours(const struct instance *in, pid_t pid)
{
	if (pid <= 0)
		return false;
	return !in->conf->pid_file[0] || pidfile_covers(in->conf->pid_file, pid);
}

static bool instance_is_known(const struct instance *in, const struct listener *l)
{
	for (unsigned i = 0; i < in->n_listeners; i++)
		if (in->listeners[i].inode == l->inode)
			return true;
	return false;
}

/* A port that is not transparent cannot answer from the address that the client asked. */
static bool instance_is_useful(struct instance *in, const struct listener *l)
{
	struct err why;

	if (l->inode == in->useless)
		return false;
	if (obstacle_is_usable(in->conf, l, &why))
		return true;
	in->useless = l->inode;
	return false;
}

static unsigned instance_collect(struct instance *in, const struct listeners *all,
				 struct plan_listener *mine, bool *changed)
{
	unsigned n = 0, there;
	const struct listener *l = listeners_at(all, in->conf->port, &there);

	for (; there > 0 && n < INSTANCE_MAX_LISTENERS; there--, l++) {
		bool known = instance_is_known(in, l);

		if (!obstacle_is_in_place(in->conf, l))
			continue;
		if (!known && (l->plain || !instance_is_ours(in, l->pid) ||
			       !instance_is_useful(in, l)))
			continue;
		*changed |= !known;
		mine[n++] = (struct plan_listener){ .inode = l->inode,
						    .pid = l->pid,
						    .fd = l->fd };
	}
	*changed |= n != in->n_listeners;
	return n;
}

/* How long an instance may lack a listener before we log why: longer than a start or a
 * restart takes. */
enum { INSTANCE_OBSTACLE_MS = 3000 };

static void instance_log_obstacle(struct instance *in)
{
	char name[80];

	snprintf(name, sizeof(name), "%s/%s", in->pool->name, in->conf->name);
	log_state(NOTE_WARNING, "instance", (struct log_about){ .instance = name },
		  "instance %s does not count: %s", name, in->obstacle.text);
}

static void instance_note_obstacle(struct instance *in, const struct listeners *all)
{
	struct mono now = clock_now();
	struct err why = { "" };

	if (in->n_listeners == 0)
		in->obstacle_tells = obstacle_explain(in->conf, all, &why);
	if (strcmp(why.text, in->obstacle.text) != 0) {
		in->obstacle = why;
		in->obstacle_since = now;
	}
	if (!in->obstacle.text[0] || mono_is_never(in->obstacle_since) ||
	    !mono_due(mono_add_ms(in->obstacle_since, INSTANCE_OBSTACLE_MS), now))
		return;
	in->obstacle_since = MONO_NEVER;
	instance_log_obstacle(in);
}

/* -- what an operator wants ------------------------------------------------------- */

bool instance_want(struct instance *in, enum instance_wanted wanted)
{
	if (in->wanted == wanted)
		return false;
	in->wanted = wanted;
	in->changed(in->arg, in, in->health.state);
	return true;
}

bool instance_counts(const struct instance *in, struct mono now)
{
	return in->wanted == INSTANCE_SERVING && health_counts(&in->health, now);
}

bool instance_takes(const struct instance *in)
{
	return in->wanted == INSTANCE_SERVING && health_takes(&in->health);
}

const char *instance_state_name(const struct instance *in)
{
	if (in->wanted == INSTANCE_IN_MAINTENANCE)
		return "maintenance";
	if (in->wanted == INSTANCE_DRAINED && in->health.state == HEALTH_UP)
		return "draining";
	return health_state_name(in->health.state);
}

/* -- what others see -------------------------------------------------------------- */

const char *instance_reason(const struct instance *in)
{
	if (in->wanted == INSTANCE_IN_MAINTENANCE)
		return "wccpctl maintenance";
	if (in->wanted == INSTANCE_DRAINED && in->health.state == HEALTH_UP)
		return "wccpctl drain";
	/* "process exited" says more than that nothing listens. */
	if (in->health.state == HEALTH_ABSENT && in->obstacle.text[0] &&
	    (in->obstacle_tells || !in->seen))
		return in->obstacle.text;
	return in->health.reason ? in->health.reason : "";
}

const char *instance_last_check(const struct instance *in)
{
	if (!in->checked)
		return "-";
	return in->failure ? in->failure : "ok";
}

static void instance_follow(struct instance *in, const struct listeners *all)
{
	struct plan_listener mine[INSTANCE_MAX_LISTENERS];
	enum health_state was = in->health.state;
	unsigned had = in->n_listeners;
	bool changed = false;
	unsigned n = instance_collect(in, all, mine, &changed);

	if (!mono_is_never(in->health.deadline) &&
	    mono_due(in->health.deadline, clock_now()))
		instance_step(in, HEALTH_EV_TICK);
	if (!changed)
		return;
	memcpy(in->listeners, mine, n * sizeof(*mine));
	in->n_listeners = n;
	in->seen = true;
	instance_watch_owners(in);
	if (n > 0 && had == 0) {
		instance_step(in, HEALTH_EV_LISTENING);
		instance_start_check(-1, 0, in);
	} else if (n == 0) {
		instance_stop_checks(in);
		instance_step(in,
			      in->n_watches > 0 ? HEALTH_EV_DEAF : HEALTH_EV_EXITED);
	}
	if (in->health.state == was)
		in->changed(in->arg, in, was); /* other sockets, same state */
}

void instance_see(struct instance *in, const struct listeners *all)
{
	instance_follow(in, all);
	instance_note_obstacle(in, all);
}

pid_t instance_pid(const struct instance *in)
{
	if (in->n_listeners > 0)
		return in->listeners[0].pid;
	return in->n_watches > 0 ? in->watches[0].pid : 0;
}

/* -- life ------------------------------------------------------------------------- */

struct instance *instance_new(struct event_base *base, instance_changed *changed,
			      void *arg)
{
	struct instance *in = calloc(1, sizeof(*in));

	if (!in)
		return NULL;
	in->base = base;
	in->changed = changed;
	in->arg = arg;
	health_init(&in->health, clock_now());
	in->timer = evtimer_new(base, instance_start_check, in);
	if (!in->timer) {
		free(in);
		return NULL;
	}
	return in;
}

void instance_free(struct instance *in)
{
	if (!in)
		return;
	instance_stop_checks(in);
	while (in->n_watches > 0)
		instance_drop_watch(in, 0);
	event_free(in->timer);
	free(in);
}

void instance_configure(struct instance *in, const struct conf_pool *pool,
			const struct conf_instance *conf)
{
	in->pool = pool;
	in->conf = conf;
}
