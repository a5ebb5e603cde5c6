/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The trace of messages. */
#include "wccprouter/control/message_debug.h"

#include "control.h"
#include "log.h"
#include "wccprouter/service/routerd_services.h"

#include <string.h>
#include <time.h>

/* -- out --------------------------------------------------------------------------- */

/* One log line for each line of the text, which is split in place.  At level info: it
 * was asked for, whatever else is logged. */
static void message_debug_log_lines(const struct trace_message *m, char *text)
{
	const char *event = m->way == TRACE_RECEIVED ? "received" : "sent";
	struct addr_text peer;
	struct log_about about = { .service = m->service,
				   .peer = addr_text(m->peer, &peer) };
	char *rest = NULL, *line;

	for (line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest))
		log_event(NOTE_INFO, event, about, "%s", line);
}

static bool message_debug_wants(void *m, unsigned n, char *const *words)
{
	struct trace_filter f;
	struct err err;

	return trace_parse(n, words, &f, &err) == 0 && trace_wants(&f, m);
}

/* Followers get the time, too; the log adds it by itself. */
static void message_debug_publish(const struct message_debug *d,
				  const struct trace_message *m, const char *text,
				  size_t len)
{
	char line[TRACE_MAX + 64], stamp[32];
	struct timespec now;
	struct tm tm;
	int n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	n = snprintf(line, sizeof(line), "%s.%03ldZ %.*s", stamp, now.tv_nsec / 1000000,
		     (int)len, text);
	control_publish(d->control, message_debug_wants, (void *)m, line, (size_t)n);
}

void message_debug_see(struct message_debug *d, const struct trace_message *m)
{
	bool followed = d->control && control_is_followed(d->control);
	bool logged = d->on && trace_wants(&d->filter, m);
	char text[TRACE_MAX];
	size_t len;

	if (!followed && !logged)
		return;
	len = trace_print(m, &d->msg, text);
	if (followed)
		message_debug_publish(d, m, text, len);
	if (logged)
		message_debug_log_lines(m, text);
}

/* -- commands ---------------------------------------------------------------------- */

static json_t *message_debug_refuse(const char *text)
{
	return json_pack("{s:s}", "error", text);
}

/* A filter for a service that is not configured would never show anything. */
static int message_debug_parse(const struct message_debug *d, unsigned n,
			       char *const *words, struct trace_filter *out,
			       struct err *err)
{
	if (trace_parse(n, words, out, err) < 0)
		return -1;
	if (!out->service[0] || routerd_services_find(d->services, out->service) >= 0)
		return 0;
	return err_set(err, "%s is neither a configured service nor an address",
		       out->service);
}

static json_t *message_debug_state(const struct message_debug *d)
{
	bool some = addr_is_set(&d->filter.peer);

	return json_pack("{s:b, s:s*, s:s*, s:s+++++}", "debug", d->on, "service",
			 d->filter.service[0] ? d->filter.service : NULL, "peer",
			 some ? ADDR_TEXT(&d->filter.peer) : NULL, "text", "debug is ",
			 d->on ? "on" : "off", d->filter.service[0] ? ", service " : "",
			 d->filter.service, some ? ", peer " : "",
			 some ? ADDR_TEXT(&d->filter.peer) : "");
}

json_t *message_debug_command(struct message_debug *d, unsigned n, char *const *words)
{
	struct trace_filter f = { 0 };
	struct err err;
	bool on;

	if (n == 0)
		return message_debug_state(d);
	on = strcmp(words[0], "on") == 0;
	if (!on && (strcmp(words[0], "off") != 0 || n > 1))
		return message_debug_refuse(
			"debug: it takes on [SERVICE] [PEER], or off");
	if (message_debug_parse(d, n - 1, words + 1, &f, &err) < 0)
		return message_debug_refuse(err.text);
	d->on = on;
	d->filter = f;
	return message_debug_state(d);
}

json_t *message_debug_follow(const struct message_debug *d, unsigned n,
			     char *const *words)
{
	struct trace_filter f;
	struct err err;

	if (message_debug_parse(d, n, words, &f, &err) < 0)
		return message_debug_refuse(err.text);
	return json_pack("{s:b}", "ok", 1);
}
