/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines in logfmt, to stderr (with a time) or to syslog:
 *
 *   time=2026-11-24T03:00:00.123Z level=info event=joined service=web-cache
 *   peer=10.0.0.1 msg="usable at router 10.0.0.1"
 *
 * Only programs log; the core returns notes (actions.h).  Logging never waits: lines
 * that the target does not take at once are kept, and lost when there are too many of
 * them; "lines-lost" says how many (common/log_sink.h).
 */
#ifndef WCCPD_LOG_H
#define WCCPD_LOG_H

#include "actions.h"
#include "mono.h"

enum log_to { LOG_TO_STDERR, LOG_TO_SYSLOG };

void log_open(const char *program, enum log_to to, enum note_level least);
void log_close(void);
/* Give a slow reader half a second for the lines that wait: before the program executes
 * itself. */
void log_finish(void);

/* What a line is about; members that are NULL do not appear in it. */
struct log_about {
	const char *service;
	const char *peer;
	const char *instance;
};

/* Log one line.  `event` is a short stable word.  errno does not change. */
void log_event(enum note_level level, const char *event, struct log_about about,
	       const char *format, ...) __attribute__((format(printf, 4, 5)));
#define log_info(event, ...) \
	log_event(NOTE_INFO, event, (struct log_about){ 0 }, __VA_ARGS__)
#define log_warning(event, ...) \
	log_event(NOTE_WARNING, event, (struct log_about){ 0 }, __VA_ARGS__)
#define log_error(event, ...) \
	log_event(NOTE_ERROR, event, (struct log_about){ 0 }, __VA_ARGS__)

/* The same for what changes as fast as a peer, a client or an instance likes: within the
 * budget for changes of state (common/limit.h). */
void log_state(enum note_level level, const char *event, struct log_about about,
	       const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Log a NOTE of the core within the budgets of common/limit.h: a complaint once a minute
 * for each (event, peer, service), changes of state as fast as they come, up to a
 * point.  A later line says how many were held back. */
void log_note(const struct actions *a, const struct action *note,
	      const char *service, struct mono now);

/* A complaint about what a peer can cause at will, within the same budget.  `peer` and
 * `service` may be NULL; `event` is static storage. */
void log_complain(const char *event, const struct addr *peer, const char *service,
		  struct mono now, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Write what waits and what is due of the lines that were held back.  True: there is
 * more, so call it again in about a second. */
bool log_catch_up(struct mono now);
/* call(arg) says that there is something for log_catch_up() to do; NULL: nobody cares. */
void log_when_pending(void (*call)(void *arg), void *arg);

#endif
