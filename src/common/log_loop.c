/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log on an event loop. */
#include "log_loop.h"

#include "clock.h"
#include "log.h"

#include <stdlib.h>

struct log_loop {
	struct event *timer;
};

static void log_loop_on_pending(void *arg)
{
	struct log_loop *l = arg;
	struct timeval soon = { .tv_sec = 1 };

	if (!evtimer_pending(l->timer, NULL))
		evtimer_add(l->timer, &soon);
}

static void log_loop_on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	if (log_catch_up(clock_now()))
		log_loop_on_pending(arg);
}

/* By itself libevent writes to stderr, and would wait there. */
static void log_loop_on_message(int severity, const char *text)
{
	enum note_level level = severity >= EVENT_LOG_ERR    ? NOTE_ERROR
				: severity == EVENT_LOG_WARN ? NOTE_WARNING
							     : NOTE_DEBUG;

	log_state(level, "libevent", (struct log_about){ 0 }, "%s", text);
}

struct log_loop *log_loop_new(struct event_base *base)
{
	struct log_loop *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->timer = evtimer_new(base, log_loop_on_timer, l);
	if (!l->timer) {
		free(l);
		return NULL;
	}
	event_set_log_callback(log_loop_on_message);
	log_when_pending(log_loop_on_pending, l);
	log_loop_on_pending(l); /* of the time before */
	return l;
}

void log_loop_free(struct log_loop *l)
{
	if (!l)
		return;
	log_when_pending(NULL, NULL);
	event_free(l->timer);
	free(l);
}
