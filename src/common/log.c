/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Log lines in logfmt, to stderr or to syslog. */
#include "log.h"
#include "common/limit.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

/* A line is one write(2) of at most this, so that lines never interleave. */
enum { LINE_MAX_LEN = 1024 };

struct line {
	size_t len;
	char text[LINE_MAX_LEN];
};

static struct {
	enum log_to to;
	enum note_level least;
	struct limit limit;
} state = { .to = LOG_TO_STDERR, .least = NOTE_INFO };

void log_open(const char *program, enum log_to to, enum note_level least)
{
	state.to = to;
	state.least = least;
	if (to == LOG_TO_SYSLOG)
		openlog(program, LOG_PID, LOG_DAEMON);
}

void log_close(void)
{
	if (state.to == LOG_TO_SYSLOG)
		closelog();
	state.to = LOG_TO_STDERR;
}

static const char *log_level_name(enum note_level level)
{
	static const char *const names[] = {
		[NOTE_DEBUG] = "debug",
		[NOTE_INFO] = "info",
		[NOTE_WARNING] = "warning",
		[NOTE_ERROR] = "error",
	};

	return names[level];
}

static int log_syslog_priority(enum note_level level)
{
	static const int priorities[] = {
		[NOTE_DEBUG] = LOG_DEBUG,
		[NOTE_INFO] = LOG_INFO,
		[NOTE_WARNING] = LOG_WARNING,
		[NOTE_ERROR] = LOG_ERR,
	};

	return priorities[level];
}

/* One octet is kept back for the newline (or NUL) at the end. */
static void log_put(struct line *l, char c)
{
	if (l->len < sizeof(l->text) - 1)
		l->text[l->len++] = c;
}

static void log_put_text(struct line *l, const char *text)
{
	while (*text)
		log_put(l, *text++);
}

/* Text that logfmt readers accept without quotes. */
static bool log_is_plain(const char *text)
{
	return *text && text[strcspn(text, " \"=\\")] == '\0';
}

/* A log line stays one line, whatever a peer or a file put into its text. */
static void log_put_escaped(struct line *l, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		char hex[5];

		if (c == '"' || c == '\\') {
			log_put(l, '\\');
			log_put(l, (char)c);
		} else if (c < 0x20 || c == 0x7f) {
			snprintf(hex, sizeof(hex), "\\x%02x", c);
			log_put_text(l, hex);
		} else {
			log_put(l, (char)c);
		}
	}
}

static void log_put_pair(struct line *l, const char *key, const char *value)
{
	bool quote = !log_is_plain(value);

	if (l->len)
		log_put(l, ' ');
	log_put_text(l, key);
	log_put(l, '=');
	if (quote)
		log_put(l, '"');
	log_put_escaped(l, value);
	if (quote)
		log_put(l, '"');
}

/* UTC with milliseconds.  Syslog and the journal add their own. */
static void log_put_time(struct line *l)
{
	struct timespec now;
	struct tm tm;
	char day[32], text[64];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%03ldZ", day, now.tv_nsec / 1000000);
	log_put_pair(l, "time", text);
}

static void log_emit(struct line *l, enum note_level level)
{
	if (state.to == LOG_TO_SYSLOG) {
		l->text[l->len] = '\0';
		syslog(log_syslog_priority(level), "%s", l->text);
		return;
	}
	l->text[l->len++] = '\n';
	/* Nobody is left to tell if stderr is gone. */
	if (write(STDERR_FILENO, l->text, l->len) < 0)
		return;
}

void log_event(enum note_level level, const char *event, struct log_about about,
	       const char *format, ...)
{
	int saved = errno;
	struct line line = { .len = 0 };
	char msg[768];
	va_list ap;

	if (level < state.least)
		return;
	va_start(ap, format);
	vsnprintf(msg, sizeof(msg), format, ap);
	va_end(ap);

	if (state.to == LOG_TO_STDERR)
		log_put_time(&line);
	log_put_pair(&line, "level", log_level_name(level));
	log_put_pair(&line, "event", event);
	if (about.service)
		log_put_pair(&line, "service", about.service);
	if (about.peer)
		log_put_pair(&line, "peer", about.peer);
	if (about.instance)
		log_put_pair(&line, "instance", about.instance);
	log_put_pair(&line, "msg", msg);
	log_emit(&line, level);
	errno = saved;
}

/* A line about `peer` (unset or NULL: about no peer); says how many like it were
 * suppressed before. */
static void log_about_peer(enum note_level level, const char *event,
			   const struct addr *peer, const char *service,
			   unsigned suppressed, const char *text)
{
	struct log_about about = { .service = service };
	struct addr_text peer_text;

	if (addr_is_set(peer))
		about.peer = addr_text(peer, &peer_text);
	if (suppressed)
		log_event(level, event, about, "%s (and %u more like it)", text,
			  suppressed);
	else
		log_event(level, event, about, "%s", text);
}

void log_note(const struct actions *a, const struct action *note, const char *service,
	      struct mono now)
{
	unsigned suppressed = 0;

	if (note->level < state.least)
		return;
	if (note->rate_limited && !limit_pass(&state.limit, note->event, &note->peer,
					      service, now, &suppressed))
		return;
	log_about_peer(note->level, note->event, &note->peer, service, suppressed,
		       action_octets(a, note));
}

void log_complain(const char *event, const struct addr *peer, const char *service,
		  struct mono now, const char *format, ...)
{
	static const struct addr nobody;
	unsigned suppressed = 0;
	char text[512];
	va_list ap;

	if (!peer)
		peer = &nobody;
	if (NOTE_WARNING < state.least ||
	    !limit_pass(&state.limit, event, peer, service, now, &suppressed))
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	log_about_peer(NOTE_WARNING, event, peer, service, suppressed, text);
}
