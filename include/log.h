/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines in logfmt, to stderr (with a time) or to syslog:
 *
 *   time=2026-11-24T03:00:00.123Z level=info event=joined service=web-cache
 *   peer=10.0.0.1 msg="usable at router 10.0.0.1"
 *
 * Only programs log; the core returns notes (actions.h).
 */
#ifndef WCCPD_LOG_H
#define WCCPD_LOG_H

#include "actions.h"
#include "mono.h"

enum log_to { LOG_TO_STDERR, LOG_TO_SYSLOG };

void log_open(const char *program, enum log_to to, enum note_level least);
void log_close(void);

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

/* Log a NOTE of the core, observing its rate limit: one line a minute for each (event,
 * peer, service); the next line says how many were suppressed. */
void log_note(const struct actions *a, const struct action *note,
	      const char *service, struct mono now);

/* A warning about what a peer can cause at will, under the same rate limit.  `peer` and
 * `service` may be NULL; `event` is static storage. */
void log_complain(const char *event, const struct addr *peer, const char *service,
		  struct mono now, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

#endif
