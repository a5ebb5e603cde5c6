/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccpd/tell/packet_trace_text.h"

#include <netinet/in.h>
#include <stdio.h>

struct packet_trace_word {
	char s[80];
};

/* As tcpdump has them; "-": none that is known. */
static struct packet_trace_word packet_trace_flags(const struct dp_traced *t)
{
	static const char letters[] = "FSRPAUEC";
	struct packet_trace_word w = { "-" };
	unsigned n = 0;

	if (t->protocol != IPPROTO_TCP) {
		snprintf(w.s, sizeof(w.s), "protocol %u", t->protocol);
		return w;
	}
	for (unsigned i = 0; i < 8; i++)
		if (t->tcp_flags >> i & 1)
			w.s[n++] = letters[i];
	if (n)
		w.s[n] = '\0';
	return w;
}

/* A later fragment shows no ports. */
static struct packet_trace_word packet_trace_end(const struct addr *a, uint16_t port)
{
	struct packet_trace_word w;

	if (port)
		snprintf(w.s, sizeof(w.s), "%s:%u", ADDR_TEXT(a), port);
	else
		snprintf(w.s, sizeof(w.s), "%s", ADDR_TEXT(a));
	return w;
}

/* Whom it was given to, if that is known. */
static struct packet_trace_word packet_trace_taker(const struct dp_traced *t)
{
	struct packet_trace_word w = { "" };

	if (addr_is_set(&t->other))
		snprintf(w.s, sizeof(w.s), " to %s", ADDR_TEXT(&t->other));
	else if (t->instance[0])
		snprintf(w.s, sizeof(w.s), " %s/%s", t->pool, t->instance);
	return w;
}

size_t packet_trace_text(const struct dp_traced *t, const char *service, const char *reason,
			 struct timespec at, char line[PACKET_TRACE_LINE])
{
	char stamp[32];
	struct tm tm;

	gmtime_r(&at.tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	/* Frames have no sender's address; which router they are from is known, though. */
	return (size_t)snprintf(
		line, PACKET_TRACE_LINE, "%s.%03ldZ %s %s > %s %s%s %s%s by %s from %s\n",
		stamp, at.tv_nsec / 1000000, service ? service : "(none)",
		packet_trace_end(&t->src, t->sport).s,
		packet_trace_end(&t->dst, t->dport).s, packet_trace_flags(t).s,
		t->fragment ? " fragment" : "", reason ? reason : "?",
		packet_trace_taker(t).s, t->by_gre ? "gre" : "l2", ADDR_TEXT(&t->from));
}
