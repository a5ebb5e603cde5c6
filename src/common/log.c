/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Log lines in logfmt, to stderr or to syslog. */
#include "log.h"

#include "clock.h"
#include "common/limit.h"
#include "common/log_sink.h"

#include <errno.h>
#include <paths.h>
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
	const char *program;
	struct limit limit;
	struct log_sink sink;
	void (*pending)(void *arg);
	void *pending_arg;
} state = {
	.to = LOG_TO_STDERR,
	.least = NOTE_INFO,
	.sink = { .kind = LOG_SINK_FILE, .fd = STDERR_FILENO },
};

void log_open(const char *program, enum log_to to, enum note_level least)
{
	log_sink_close(&state.sink);
	state.to = to;
	state.least = least;
	state.program = program;
	if (to == LOG_TO_SYSLOG)
		log_sink_open_syslog(&state.sink, _PATH_LOG);
	else
		log_sink_open(&state.sink, STDERR_FILENO);
}

void log_close(void)
{
	log_open(state.program, LOG_TO_STDERR, state.least);
}

void log_finish(void)
{
	log_sink_finish(&state.sink);
}

void log_when_pending(void (*call)(void *arg), void *arg)
{
	state.pending = call;
	state.pending_arg = arg;
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

/* What the log daemon expects before a line, in local time: "<28>Nov 24 03:00:00
 * wccpd[123]: ". */
static void log_put_syslog_head(struct line *l, enum note_level level)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t now = time(NULL);
	char text[96];
	struct tm tm;

	localtime_r(&now, &tm);
	snprintf(text, sizeof(text), "<%d>%.3s %2d %02d:%02d:%02d %.32s[%d]: ",
		 LOG_DAEMON | log_syslog_priority(level), months + 3 * tm.tm_mon,
		 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, state.program,
		 (int)getpid());
	log_put_text(l, text);
}

static void log_put_line(enum note_level level, const char *event,
			 const struct log_about *about, const char *msg)
{
	struct line line = { .len = 0 };

	if (state.to == LOG_TO_SYSLOG)
		log_put_syslog_head(&line, level);
	else
		log_put_time(&line);
	log_put_pair(&line, "level", log_level_name(level));
	log_put_pair(&line, "event", event);
	if (about->service)
		log_put_pair(&line, "service", about->service);
	if (about->peer)
		log_put_pair(&line, "peer", about->peer);
	if (about->instance)
		log_put_pair(&line, "instance", about->instance);
	log_put_pair(&line, "msg", msg);
	line.text[line.len++] = '\n';
	log_sink_put(&state.sink, line.text, line.len);
}

static void log_tell_lost(void)
{
	static const struct log_about nothing;
	unsigned n = state.sink.lost;
	char msg[64];

	if (!n || !log_sink_has_room(&state.sink))
		return;
	snprintf(msg, sizeof(msg), "%u lines lost: the log was not read", n);
	state.sink.lost = 0;
	log_put_line(NOTE_WARNING, "lines-lost", &nothing, msg);
}

static bool log_is_pending(void)
{
	return log_sink_is_waiting(&state.sink) || limit_is_pending(&state.limit);
}

static void log_tell_pending(void)
{
	if (state.pending && log_is_pending())
		state.pending(state.pending_arg);
}

/* errno does not change. */
static void log_emit(enum note_level level, const char *event,
		     const struct log_about *about, const char *msg)
{
	int saved = errno;

	log_tell_lost();
	log_put_line(level, event, about, msg);
	log_tell_pending();
	errno = saved;
}

bool log_catch_up(struct mono now)
{
	struct limit_summary summary;

	log_sink_flush(&state.sink);
	log_tell_lost();
	while (limit_take(&state.limit, now, &summary))
		log_put_line(summary.level, summary.event, &summary.about, summary.text);
	return log_is_pending();
}

/* -- lines -------------------------------------------------------------------------- */

enum { LOG_MSG_MAX = 768 };

void log_event(enum note_level level, const char *event, struct log_about about,
	       const char *format, ...)
{
	char msg[LOG_MSG_MAX];
	va_list ap;

	if (level < state.least)
		return;
	va_start(ap, format);
	vsnprintf(msg, sizeof(msg), format, ap);
	va_end(ap);
	log_emit(level, event, &about, msg);
}

static void log_limited(const struct limit_line *line, const char *text, struct mono now)
{
	char msg[LOG_MSG_MAX];
	unsigned held;

	if (!limit_pass(&state.limit, line, text, now, &held)) {
		log_tell_pending();
		return;
	}
	if (held) {
		snprintf(msg, sizeof(msg), "%s (and %u more like it)", text, held);
		text = msg;
	}
	log_emit(line->level, line->event, &line->about, text);
}

void log_state(enum note_level level, const char *event, struct log_about about,
	       const char *format, ...)
{
	struct limit_line line = { LIMIT_STATE, level, event, about };
	char msg[LOG_MSG_MAX];
	va_list ap;

	if (level < state.least)
		return;
	va_start(ap, format);
	vsnprintf(msg, sizeof(msg), format, ap);
	va_end(ap);
	log_limited(&line, msg, clock_now());
}

/* Lines for debugging were asked for: all of them. */
void log_note(const struct actions *a, const struct action *note, const char *service,
	      struct mono now)
{
	struct limit_line line = { .class = note->rate_limited ? LIMIT_COMPLAINT
							       : LIMIT_STATE,
				   .level = note->level,
				   .event = note->event,
				   .about = { .service = service } };
	struct addr_text peer;

	if (note->level < state.least)
		return;
	if (addr_is_set(&note->peer))
		line.about.peer = addr_text(&note->peer, &peer);
	if (note->level == NOTE_DEBUG)
		log_emit(note->level, note->event, &line.about, action_octets(a, note));
	else
		log_limited(&line, action_octets(a, note), now);
}

void log_complain(const char *event, const struct addr *peer, const char *service,
		  struct mono now, const char *format, ...)
{
	struct limit_line line = { .class = LIMIT_COMPLAINT,
				   .level = NOTE_WARNING,
				   .event = event,
				   .about = { .service = service } };
	struct addr_text peer_text;
	char text[512];
	va_list ap;

	if (NOTE_WARNING < state.least)
		return;
	if (peer && addr_is_set(peer))
		line.about.peer = addr_text(peer, &peer_text);
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	log_limited(&line, text, now);
}
