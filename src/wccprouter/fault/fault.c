/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One fault as text, and back. */
#include "wccprouter/fault/fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REORDER_MS = 500 };

static const struct kind {
	const char *name;
	unsigned ways; /* that it can go */
	bool takes_ms;
} kinds[FAULT_KINDS] = {
	[FAULT_RECEIVE_ID] = { "wrong-receive-id", FAULT_OUT, false },
	[FAULT_CHANGE_NUMBER] = { "stale-change-number", FAULT_OUT, false },
	[FAULT_COUNT] = { "bad-count", FAULT_OUT, false },
	[FAULT_LENGTH] = { "bad-length", FAULT_OUT, false },
	[FAULT_COMPONENT] = { "unknown-component", FAULT_OUT, false },
	[FAULT_ELEMENT] = { "unknown-element", FAULT_OUT, false },
	[FAULT_DIGEST] = { "wrong-digest", FAULT_OUT, false },
	[FAULT_CORRUPT] = { "corrupt", FAULT_IN | FAULT_OUT, false },
	[FAULT_TRUNCATE] = { "truncate", FAULT_IN | FAULT_OUT, false },
	[FAULT_LOSS] = { "loss", FAULT_IN | FAULT_OUT, false },
	[FAULT_DUPLICATE] = { "duplicate", FAULT_IN | FAULT_OUT, false },
	[FAULT_DELAY] = { "delay", FAULT_IN | FAULT_OUT, true },
	[FAULT_REORDER] = { "reorder", FAULT_IN | FAULT_OUT, true },
};

/* -- reading ----------------------------------------------------------------------- */

/* The words that are left. */
struct words {
	unsigned n;
	char *const *at;
};

static const char *fault_take(struct words *w)
{
	if (!w->n)
		return NULL;
	w->n--;
	return *w->at++;
}

/* Read a number up to `most` at the start of `text`; returns the text after it, or
 * NULL. */
static const char *fault_number(const char *text, uint32_t most, uint32_t *out)
{
	char *end;
	unsigned long v;

	if (*text < '0' || *text > '9')
		return NULL;
	v = strtoul(text, &end, 10);
	*out = (uint32_t)v;
	return v <= most ? end : NULL;
}

static int fault_parse_kind(const char *name, struct fault *out, struct err *err)
{
	if (!name)
		return err_set(err, "which fault?");
	*out = (struct fault){ .percent = 100 };
	if (strcmp(name, "silent") == 0 || strcmp(name, "deaf") == 0) {
		out->kind = FAULT_LOSS;
		out->ways = *name == 's' ? FAULT_OUT : FAULT_IN;
		return 0;
	}
	for (unsigned i = 0; i < FAULT_KINDS; i++)
		if (strcmp(name, kinds[i].name) == 0) {
			out->kind = (enum fault_kind)i;
			out->ways = kinds[i].ways;
			out->to_ms = i == FAULT_REORDER ? REORDER_MS : 0;
			return 0;
		}
	return err_set(err, "%.40s is not a fault", name);
}

static int fault_parse_way(const char *word, struct fault *out, struct err *err)
{
	unsigned way = strcmp(word, "in") == 0 ? FAULT_IN : FAULT_OUT;

	if (!(kinds[out->kind].ways & way))
		return err_set(err, "%s is of what is sent only",
			       kinds[out->kind].name);
	out->ways = way;
	return 0;
}

static int fault_parse_service(const char *name, struct fault *out, struct err *err)
{
	if (!name)
		return err_set(err, "service: which one?");
	if (strlen(name) >= sizeof(out->service))
		return err_set(err, "%.40s is not a service", name);
	strcpy(out->service, name);
	return 0;
}

static int fault_parse_peer(const char *word, struct fault *out, struct err *err)
{
	if (!word)
		return err_set(err, "peer: which address?");
	if (addr_parse(word, &out->peer) < 0)
		return err_set(err, "%.60s is not an address", word);
	return 0;
}

/* PERCENT%, MS or MS-MS */
static int fault_parse_number(const char *word, struct fault *out, struct err *err)
{
	uint32_t first, second;
	const char *rest = fault_number(word, FAULT_DELAY_MAX_MS, &first);

	if (rest && strcmp(rest, "%") == 0 && first >= 1 && first <= 100) {
		out->percent = first;
		return 0;
	}
	second = first;
	if (rest && *rest == '-')
		rest = fault_number(rest + 1, FAULT_DELAY_MAX_MS, &second);
	if (!rest || *rest || first > second)
		return err_set(err,
			       "%.40s is neither 1%% to 100%% nor MS or MS-MS, up to "
			       "%d",
			       word, FAULT_DELAY_MAX_MS);
	if (!kinds[out->kind].takes_ms)
		return err_set(err, "%s takes no time", kinds[out->kind].name);
	out->from_ms = out->kind == FAULT_REORDER && second == first ? 0 : first;
	out->to_ms = second;
	return 0;
}

static int fault_parse_word(const char *word, struct words *left, struct fault *out,
			    struct err *err)
{
	if (strcmp(word, "in") == 0 || strcmp(word, "out") == 0)
		return fault_parse_way(word, out, err);
	if (strcmp(word, "service") == 0)
		return fault_parse_service(fault_take(left), out, err);
	if (strcmp(word, "peer") == 0)
		return fault_parse_peer(fault_take(left), out, err);
	return fault_parse_number(word, out, err);
}

int fault_parse(unsigned n, char *const *words, struct fault *out, struct err *err)
{
	struct words left = { n, words };
	const char *word;

	if (fault_parse_kind(fault_take(&left), out, err) < 0)
		return -1;
	while ((word = fault_take(&left)))
		if (fault_parse_word(word, &left, out, err) < 0)
			return -1;
	if (out->kind == FAULT_DELAY && out->to_ms == 0)
		return err_set(err, "delay: for how many ms?");
	return 0;
}

/* -- writing ----------------------------------------------------------------------- */

const char *fault_print(const struct fault *f, char text[FAULT_TEXT_MAX])
{
	static const char *const ways[] = { "", " in", " out", "" };
	char ms[32] = "";

	if (kinds[f->kind].takes_ms)
		snprintf(ms, sizeof(ms), " %u-%u", f->from_ms, f->to_ms);
	snprintf(text, FAULT_TEXT_MAX, "%s%s %u%%%s%s%s%s%s", kinds[f->kind].name, ms,
		 f->percent, f->ways == kinds[f->kind].ways ? "" : ways[f->ways],
		 f->service[0] ? " service " : "", f->service,
		 addr_is_set(&f->peer) ? " peer " : "",
		 addr_is_set(&f->peer) ? ADDR_TEXT(&f->peer) : "");
	return text;
}
