/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The router daemon: the event loop, which reads the clock, and everything that runs on
 * it.
 */
#ifndef WCCPD_WCCPROUTER_ROUTERD_H
#define WCCPD_WCCPROUTER_ROUTERD_H

#include "err.h"
#include "wccprouter/conf/routerd_conf.h"
#include "wccprouter/control/message_debug.h"
#include "wccprouter/control/routerd_commands.h"
#include "wccprouter/service/routerd_services.h"
#include "wccprouter/service/transport.h"

#include <event2/event.h>

struct firewall;
struct http;
struct log_loop;
struct scenario_run;

enum routerd_event {
	ROUTERD_UDP4,
	ROUTERD_UDP6,
	ROUTERD_TIMER,
	ROUTERD_CHANGES,
	ROUTERD_RULES,
	ROUTERD_PACKETS,
	ROUTERD_APPLY,
	ROUTERD_REFRESH,
	ROUTERD_SIGINT,
	ROUTERD_SIGTERM,
	ROUTERD_SIGUSR2,
	ROUTERD_UPGRADE,
	ROUTERD_EVENTS,
};

struct routerd {
	const struct routerd_conf *conf;
	const char *conf_path;
	bool leaves;  /* ends, and all stays in the kernel for the next start */
	bool stopped; /* in order: nothing of ours is to stay in the kernel */
	struct event_base *base;
	struct log_loop *log;
	struct event *events[ROUTERD_EVENTS];
	struct forward *forward;
	struct firewall *firewall;
	struct routerd_services *services;
	struct transport transport;
	struct faults *faults;
	struct message_debug debug;
	struct routerd_commands commands;
	struct control *control;
	struct http *http;	       /* NULL: metrics are not served */
	struct scenario_run *scenario; /* not owned; NULL: none */
};

/* Open everything; `conf`, of the file `conf_path`, must outlive it.  NULL on error, nothing left behind. */
struct routerd *routerd_new(const struct routerd_conf *conf, const char *conf_path,
			    struct err *err);
void routerd_run(struct routerd *d); /* until SIGINT or SIGTERM */
void routerd_free(struct routerd *d);

#endif
