/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where log lines go.  Nothing here ever waits: not for a pipe or a terminal that
 * nobody reads, not for a full disk, not for a log daemon that hangs.  What cannot be
 * written at once is kept, up to some 64 kB, and tried again; what finds no room is
 * counted as lost.
 */
#ifndef WCCPD_COMMON_LOG_SINK_H
#define WCCPD_COMMON_LOG_SINK_H

#include <stdbool.h>
#include <stddef.h>

enum {
	LOG_SINK_ROOM = 65536, /* octets that wait */
	LOG_SINK_LINE = 1200,  /* longest line, with its newline */
};

enum log_sink_kind {
	LOG_SINK_FILE,	 /* never full: it takes a line or fails */
	LOG_SINK_STREAM, /* a pipe or terminal, opened anew as non-blocking ... */
	LOG_SINK_POLLED, /* ... or, if that is not possible, asked before each line */
	LOG_SINK_SOCKET, /* what systemd collects */
	LOG_SINK_SYSLOG, /* datagrams, a line each */
};

struct log_sink {
	enum log_sink_kind kind;
	int fd;		  /* -1: none (yet) */
	bool owns_fd;
	const char *path; /* of the log daemon's socket */
	unsigned lost;	  /* lines that found no room, and that nobody was told of */
	size_t used;	  /* whole lines, but for the beginning of the first one */
	char waiting[LOG_SINK_ROOM];
};

/* Write to `fd`, which stays the caller's.  Its flags do not change, since other
 * processes may share them. */
void log_sink_open(struct log_sink *s, int fd);
/* Write to the log daemon that listens at `path` (not copied). */
void log_sink_open_syslog(struct log_sink *s, const char *path);
/* What still waits is lost if it cannot be written within half a second. */
void log_sink_close(struct log_sink *s);

/* Write a line of `len` octets, its newline included, behind those that wait. */
void log_sink_put(struct log_sink *s, const char *line, size_t len);
/* Give a reader that is only slow half a second to take what waits. */
void log_sink_finish(struct log_sink *s);
/* Try again to write what waits. */
void log_sink_flush(struct log_sink *s);

static inline bool log_sink_is_waiting(const struct log_sink *s)
{
	return s->used > 0 || s->lost > 0;
}

/* Room for one line behind those that wait?  After a loss there must be more of it, or
 * the log would alternate between lines and how many were lost. */
static inline bool log_sink_has_room(const struct log_sink *s)
{
	return s->lost ? s->used < LOG_SINK_ROOM / 2
		       : LOG_SINK_ROOM - s->used >= LOG_SINK_LINE;
}

#endif
