/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccpd/tell/packet_trace.h"

#include "clock.h"
#include "wccpd/tell/packet_trace_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PACKET_TRACE_LOOK_MS = 100,
	PACKET_TRACE_LINES = 50, /* from one look to the next */
};

struct packet_trace {
	struct dp *dp;
	const struct plan *plan;
	struct control *control;
	struct event *timer;
	bool is_running;
	struct addr client;
	struct mono until;
};

static bool packet_trace_wants(void *arg, unsigned n, char *const *words)
{
	(void)arg, (void)n, (void)words;
	return true;
}

static void packet_trace_publish(const struct packet_trace *t, const char *text, size_t len)
{
	control_publish(t->control, packet_trace_wants, NULL, text, len);
}

/* Of a point of the monotonic clock. */
static struct timespec packet_trace_wall_time(struct mono at)
{
	struct timespec t;
	int64_t ns;

	clock_gettime(CLOCK_REALTIME, &t);
	ns = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec - (clock_now().ns - at.ns);
	return (struct timespec){ ns / 1000000000, ns % 1000000000 };
}

static void packet_trace_seen(void *arg, const struct dp_traced *p)
{
	const struct packet_trace *t = arg;
	char line[PACKET_TRACE_LINE];
	const char *service = p->service < t->plan->n_services
				      ? t->plan->services[p->service].name
				      : NULL;

	packet_trace_publish(t, line,
			     packet_trace_text(p, service, dp_reason_name(p->reason),
					       packet_trace_wall_time(p->at), line));
}

static void packet_trace_read(struct packet_trace *t)
{
	char line[64];
	uint64_t more = dp_trace_read(t->dp, PACKET_TRACE_LINES, packet_trace_seen, t);

	if (more)
		packet_trace_publish(
			t, line,
			(size_t)snprintf(line, sizeof(line), "and %" PRIu64 " more\n",
					 more));
}

static void packet_trace_stop(struct packet_trace *t)
{
	if (!t->is_running)
		return;
	dp_trace_end(t->dp);
	evtimer_del(t->timer);
	t->is_running = false;
}

static void packet_trace_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct packet_trace *t = arg;
	struct timeval later = clock_ms(PACKET_TRACE_LOOK_MS);
	bool is_over = mono_due(t->until, clock_now());

	(void)fd, (void)what;
	if (is_over)
		dp_trace_end(t->dp);
	packet_trace_read(t);
	if (!is_over && control_is_followed(t->control)) {
		evtimer_add(t->timer, &later);
		return;
	}
	packet_trace_stop(t);
	control_end_following(t->control, "trace");
}

struct packet_trace *packet_trace_new(struct event_base *base, struct dp *dp,
				      const struct plan *plan)
{
	struct packet_trace *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->dp = dp;
	t->plan = plan;
	t->timer = evtimer_new(base, packet_trace_on_timer, t);
	if (t->timer)
		return t;
	free(t);
	return NULL;
}

void packet_trace_free(struct packet_trace *t)
{
	if (!t)
		return;
	packet_trace_stop(t);
	event_free(t->timer);
	free(t);
}

/* -- the command ----------------------------------------------------------------------- */

struct packet_trace_request {
	struct addr client;
	uint16_t port;
	unsigned seconds;
};

static int packet_trace_number(const char *word, unsigned most, const char *what,
			       unsigned *out, struct err *err)
{
	char *end;
	unsigned long n = strtoul(word, &end, 10);

	if (*word < '0' || *word > '9' || *end || n == 0 || n > most)
		return err_set(err, "%s: not %s (1 to %u)", word, what, most);
	*out = (unsigned)n;
	return 0;
}

static int packet_trace_parse(unsigned family, unsigned n, char *const *words,
			      struct packet_trace_request *out, struct err *err)
{
	unsigned port = 0;

	*out = (struct packet_trace_request){ .seconds = PACKET_TRACE_S };
	if (n < 2 || strcmp(words[0], "client") != 0)
		return err_set(err, "trace: it takes client ADDRESS [PORT|any [SECONDS]]");
	if (addr_parse(words[1], &out->client) < 0 || out->client.family != family)
		return err_set(err, "%s: not an IPv%u address", words[1], family);
	if (n > 2 && strcmp(words[2], "any") != 0 &&
	    packet_trace_number(words[2], 65535, "a port", &port, err) < 0)
		return -1;
	out->port = (uint16_t)port;
	return n > 3 ? packet_trace_number(words[3], PACKET_TRACE_MAX_S,
					   "a number of seconds", &out->seconds, err)
		     : 0;
}

json_t *packet_trace_follow(struct packet_trace *t, struct control *control, unsigned n,
			    char *const *words)
{
	struct timeval later = clock_ms(PACKET_TRACE_LOOK_MS);
	struct packet_trace_request r;
	struct err err;

	if (packet_trace_parse(dp_family(t->dp), n, words, &r, &err) < 0)
		return json_pack("{s:s}", "error", err.text);
	/* Who began the last one may have gone before its end. */
	if (t->is_running && control_is_followed(control))
		return json_pack("{s:o}", "error",
				 json_sprintf("client %s is being traced, for %d s more: "
					      "one at a time",
					      ADDR_TEXT(&t->client),
					      (int)(mono_ms_between(clock_now(), t->until) /
						    1000) +
						      1));
	t->control = control;
	t->client = r.client;
	t->until = mono_add_ms(clock_now(), (int64_t)r.seconds * 1000);
	t->is_running = true;
	dp_trace_begin(t->dp, &r.client, r.port, PACKET_TRACE_LINES);
	evtimer_add(t->timer, &later);
	return json_pack("{s:b}", "ok", 1);
}
