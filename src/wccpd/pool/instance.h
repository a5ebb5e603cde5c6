/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One local Squid instance at run time: its listening sockets, the processes
 * that own them, its health checks.
 */
#ifndef WCCPD_WCCPD_POOL_INSTANCE_H
#define WCCPD_WCCPD_POOL_INSTANCE_H

#include "dp/plan/plan.h"
#include "wccpd/conf/conf.h"
#include "wccpd/pool/health.h"
#include "wccpd/pool/listeners.h"
#include "wccpd/pool/probe.h"
#include "wccpd/pool/watch.h"

enum { INSTANCE_MAX_LISTENERS = 32 }; /* SMP workers with worker-queues */

/* What an operator wants of an instance, whatever its health. */
enum instance_wanted {
	INSTANCE_SERVING,
	INSTANCE_DRAINED,	/* no new connections */
	INSTANCE_IN_MAINTENANCE, /* the same, and what happens to it is no problem */
};

struct instance;
/* Its state or its sockets changed. `was` is the state before. */
typedef void instance_changed(void *arg, struct instance *in, enum health_state was);

struct instance {
	const struct conf_instance *conf;
	const struct conf_pool *pool;
	struct health health;
	enum instance_wanted wanted;
	unsigned n_listeners, n_watches;
	struct plan_listener listeners[INSTANCE_MAX_LISTENERS];
	struct watch watches[INSTANCE_MAX_LISTENERS];
	struct probe *probe; /* running check, or NULL */
	struct event *timer; /* of the next check */
	bool seen;	     /* has had a listener that counts */
	bool checked;
	const char *failure; /* of the last check, NULL when it was good */
	/* Why no listener counts; empty if one does, or before the first look. */
	struct err obstacle;
	bool obstacle_tells;	    /* more than that nothing listens */
	struct mono obstacle_since; /* never: it has been logged */
	uint64_t useless; /* inode of a listener that does not count; 0: none */
	struct event_base *base;
	instance_changed *changed;
	void *arg;
};

struct instance *instance_new(struct event_base *base, instance_changed *changed,
			      void *arg);
void instance_free(struct instance *in);
/* (Re)set what it is configured as; keeps its health. */
void instance_configure(struct instance *in, const struct conf_pool *pool,
			const struct conf_instance *conf);
/* Update it from the newest list of the host's listening sockets. */
void instance_see(struct instance *in, const struct listeners *all);
/* Returns true if that is new. */
bool instance_want(struct instance *in, enum instance_wanted wanted);
/* Does it count towards the strength of its pool, and does it get new connections? */
bool instance_counts(const struct instance *in, struct mono now);
bool instance_takes(const struct instance *in);
/* Its state as people see it. */
const char *instance_state_name(const struct instance *in);
/* Why it is in its state. */
const char *instance_reason(const struct instance *in);
/* How its last check ended. */
const char *instance_last_check(const struct instance *in);
/* The process to show: owner of its first listener; 0 when there is none. */
pid_t instance_pid(const struct instance *in);

#endif
