/* SPDX-License-Identifier: GPL-2.0-or-later */
/* WCCP messages as text. */
#include "wccprouter/net/trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	DUMP_MAX = 256, /* octets that are shown of what cannot be decoded */
	DUMP_ROW = 16,
};

/* -- who wants what ---------------------------------------------------------------- */

static int trace_parse_service(const char *word, struct trace_filter *out,
			       struct err *err)
{
	if (out->service[0])
		return err_set(err, "%.64s: neither an address nor a second service",
			       word);
	if (strlen(word) >= sizeof(out->service))
		return err_set(err, "%.64s is neither a service nor an address", word);
	strcpy(out->service, word);
	return 0;
}

int trace_parse(unsigned n, char *const *words, struct trace_filter *out,
		struct err *err)
{
	struct addr a;
	unsigned i;

	*out = (struct trace_filter){ 0 };
	for (i = 0; i < n; i++) {
		if (addr_parse(words[i], &a) < 0) {
			if (trace_parse_service(words[i], out, err) < 0)
				return -1;
			continue;
		}
		if (addr_is_set(&out->peer))
			return err_set(err, "%s: one peer only", words[i]);
		out->peer = a;
	}
	return 0;
}

bool trace_wants(const struct trace_filter *f, const struct trace_message *m)
{
	if (f->service[0] && (!m->service || strcmp(f->service, m->service) != 0))
		return false;
	return !addr_is_set(&f->peer) || addr_equal(&f->peer, m->peer);
}

/* -- text -------------------------------------------------------------------------- */

struct text {
	char *at;
	size_t len; /* as much as there would be with room */
};

static void trace_say(struct text *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void trace_say(struct text *t, const char *format, ...)
{
	bool room = t->len < TRACE_MAX;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(room ? t->at + t->len : NULL, room ? TRACE_MAX - t->len : 0,
		      format, ap);
	va_end(ap);
	if (n > 0)
		t->len += (size_t)n;
}

static void trace_say_octets(struct text *t, const struct trace_message *m)
{
	const uint8_t *octets = m->datagram->octets;
	size_t i, n = m->datagram->len < DUMP_MAX ? m->datagram->len : DUMP_MAX;

	for (i = 0; i < n; i++) {
		if (i % DUMP_ROW == 0)
			trace_say(t, "  %04zx:", i);
		trace_say(t, " %02x%s", octets[i],
			  i % DUMP_ROW == DUMP_ROW - 1 || i == n - 1 ? "\n" : "");
	}
	if (n < m->datagram->len)
		trace_say(t, "  and %zu octets more\n", m->datagram->len - n);
}

static void trace_say_head(struct text *t, const struct trace_message *m)
{
	trace_say(t, "%s %s, service %s, %zu octets: ",
		  m->way == TRACE_RECEIVED ? "received from" : "sent to",
		  ADDR_TEXT(m->peer), m->service ? m->service : "unknown",
		  m->datagram->len);
}

static enum codec_refusal trace_check(const struct trace_message *m)
{
	enum codec_refusal r = m->datagram->refusal;

	if (r != CODEC_OK || !m->password)
		return r;
	return codec_authenticate(m->datagram, m->password);
}

static void trace_say_message(struct text *t, const struct trace_message *m,
			      struct wccp_msg *scratch)
{
	struct err err = { "not a WCCP message" };
	enum codec_refusal distrust = trace_check(m);
	enum codec_refusal r = codec_decode(m->datagram, scratch, &err);

	if (r != CODEC_OK) {
		trace_say(t, "%s: %s\n",
			  codec_refusal_name(distrust != CODEC_OK ? distrust : r),
			  err.text);
		trace_say_octets(t, m);
		return;
	}
	if (distrust != CODEC_OK)
		trace_say(t, "%s: ", codec_refusal_name(distrust));
	if (t->len < TRACE_MAX)
		t->len += (size_t)codec_print(scratch, t->at + t->len,
					      TRACE_MAX - t->len);
}

size_t trace_print(const struct trace_message *m, struct wccp_msg *scratch,
		   char text[TRACE_MAX])
{
	static const char end[] = "...\n";
	struct text t = { .at = text };

	trace_say_head(&t, m);
	trace_say_message(&t, m, scratch);
	if (t.len < TRACE_MAX)
		return t.len;
	strcpy(text + TRACE_MAX - sizeof(end), end);
	return TRACE_MAX - 1;
}
