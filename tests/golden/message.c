/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages in the trace, as codec_print() puts them.  The first of its kind between two
 * nodes is shown as a whole; of later ones, only what is new in them, and what is gone.
 *
 * An item is a line of a component with all that is indented below it.  Long lists in
 * items are shortened: numbers become runs, values of one web-cache are counted.
 */
#include "golden.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
	TEXT_MAX = 1 << 18,
	PARTS_MAX = 16,	 /* components of a message */
	ITEMS_MAX = 300, /* of a component; a hash table can have one per bucket */
	VALUES_SHOWN = 4,
	ROW_MAX = 96,
};

struct part {
	char *name;
	unsigned n;
	char *items[ITEMS_MAX];
};

struct kept {
	unsigned n;
	struct part parts[PARTS_MAX];
};

struct memory {
	struct memory *next;
	const struct node *from;
	char to[16];
	uint32_t type;
	unsigned service; /* type << 8 | id */
	struct kept last;
	struct mono at;
};

/* -- text ----------------------------------------------------------------------------- */

struct text {
	size_t len;
	char s[TEXT_MAX];
};

static void put(struct text *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void put(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->s + t->len, sizeof(t->s) - t->len, format, args);
	va_end(args);
	if (n < 0 || t->len + (size_t)n >= sizeof(t->s))
		abort();
	t->len += (size_t)n;
}

static bool begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

/* -- shortening ------------------------------------------------------------------------ */

/* Take `n` characters out. */
static void cut(char *at, size_t n)
{
	memmove(at, at + n, strlen(at + n) + 1);
}

/* "src 0x0 dst 0x1 sport 0x0 dport 0x0" loses what is zero; if all is, "0" stays. */
static void drop_zeros(char *line)
{
	static const char *const zeros[] = { "src 0x0 ", "dst 0x0 ", "sport 0x0 " };
	char *at;

	for (unsigned i = 0; i < 3; i++)
		if ((at = strstr(line, zeros[i])))
			cut(at, strlen(zeros[i]));
	at = strstr(line, "dport 0x0");
	if (!at || (at[9] && at[9] != ' '))
		return;
	if ((at - line >= 5 && begins(at - 5, "mask ")) ||
	    (at - line >= 6 && begins(at - 6, "value "))) {
		*at = '0';
		cut(at + 1, 8);
	} else {
		cut(at - 1, 10);
	}
}

/* "numbers 0 1 2 5" as "numbers 0-2 5 (4)". */
static void put_numbers(struct text *t, char *line)
{
	char *list = strstr(line, " numbers") + 8;
	unsigned n = 0;
	char *end;

	put(t, "%.*s", (int)(list - line), line);
	for (char *at = list; *at;) {
		unsigned long first = strtoul(at, &end, 10), last = first;

		for (at = end, n++; *at && strtoul(at, &end, 10) == last + 1; at = end)
			last++, n++;
		put(t, first == last ? " %lu" : " %lu-%lu", first, last);
	}
	put(t, " (%u)", n);
}

/* Consecutive values of one web-cache: the first ones, the last, their number.
 * Returns how many lines they were. */
static unsigned put_values(struct text *t, char *const *lines, unsigned n)
{
	const char *cache = strstr(lines[0], " cache ");
	unsigned run = 1;

	while (run < n && begins(lines[run], "value ") &&
	       strcmp(strstr(lines[run], " cache "), cache) == 0)
		run++;
	put(t, "values%s", "");
	for (unsigned i = 0; i < run; i++) {
		const char *what = lines[i] + 6;

		if (i < VALUES_SHOWN || i == run - 1)
			put(t, "%s%.*s", i ? ", " : " ",
			    (int)(strstr(lines[i], " cache ") - what), what);
		else if (i == VALUES_SHOWN)
			put(t, ", ..");
	}
	put(t, "%s (%u)", cache, run);
	return run;
}

/* An item from its lines, which lose their indentation. */
static char *make_item(char **lines, unsigned n)
{
	static struct text t;

	t.len = 0;
	for (unsigned i = 0; i < n; i++) {
		lines[i] += strspn(lines[i], " ");
		drop_zeros(lines[i]);
	}
	for (unsigned i = 0; i < n;) {
		put(&t, "%s", i ? " | " : "");
		if (begins(lines[i], "value ")) {
			i += put_values(&t, lines + i, n - i);
			continue;
		}
		if (strstr(lines[i], " numbers"))
			put_numbers(&t, lines[i]);
		else
			put(&t, "%s", lines[i]);
		i++;
	}
	return strdup(t.s);
}

/* -- taking apart what codec_print() wrote ---------------------------------------------- */

static unsigned indentation(const char *line)
{
	return (unsigned)strspn(line, " ");
}

static unsigned split_lines(char *text, char **lines, unsigned max)
{
	unsigned n = 0;

	for (char *at = text; *at && n < max;) {
		char *end = strchr(at, '\n');

		lines[n++] = at;
		if (!end)
			break;
		*end = '\0';
		at = end + 1;
	}
	return n;
}

/* Assignments and their maps, which are shown as a whole. */
static bool is_table(const char *name)
{
	return strstr(name, "Assignment") != NULL;
}

/* The lines of an assignment are items of their own, and so are its masks. */
static bool is_item(const char *line, const struct part *part)
{
	if (indentation(line) == 2)
		return true;
	return indentation(line) == 4 && part && is_table(part->name);
}

static void take_apart(char *text, struct kept *out)
{
	static char *lines[1 << 14];
	unsigned n = split_lines(text, lines, 1 << 14);
	struct part *part = NULL;

	out->n = 0;
	for (unsigned i = 1, next; i < n; i = next) {
		next = i + 1;
		if (indentation(lines[i]) == 0) {
			part = &out->parts[out->n++];
			if (out->n > PARTS_MAX)
				abort();
			part->name = strdup(lines[i]);
			part->n = 0;
			continue;
		}
		while (next < n && indentation(lines[next]) > 0 &&
		       !is_item(lines[next], part))
			next++;
		if (!part || part->n == ITEMS_MAX)
			abort();
		part->items[part->n++] = make_item(lines + i, next - i);
	}
}

static void kept_clear(struct kept *k)
{
	for (unsigned i = 0; i < k->n; i++) {
		for (unsigned j = 0; j < k->parts[i].n; j++)
			free(k->parts[i].items[j]);
		free(k->parts[i].name);
	}
	k->n = 0;
}

/* -- what is new ------------------------------------------------------------------------ */

static const struct part *find_part(const struct kept *k, const char *name)
{
	for (unsigned i = 0; i < k->n; i++)
		if (strcmp(k->parts[i].name, name) == 0)
			return &k->parts[i];
	return NULL;
}

static bool has_item(const struct part *p, const char *item)
{
	for (unsigned i = 0; p && i < p->n; i++)
		if (strcmp(p->items[i], item) == 0)
			return true;
	return false;
}

/* Is there another item about the same thing: do two words agree? */
static bool has_like(const struct part *p, const char *item)
{
	size_t len = strcspn(item, " ");

	if (item[len] && !begins(item, "change") && !begins(item, "key"))
		len += 1 + strcspn(item + len + 1, " ");
	for (unsigned i = 0; i < p->n; i++)
		if (strncmp(p->items[i], item, len) == 0 &&
		    (p->items[i][len] == ' ' || !p->items[i][len]))
			return true;
	return false;
}

/* One row when it fits into one, else a row for each item. */
static void trace_part(struct stage *st, const char *name, char *const *items,
		       unsigned n)
{
	size_t len = strlen(name);

	for (unsigned i = 0; i < n; i++)
		len += 2 + strlen(items[i]);
	if (len > ROW_MAX && n > 1) {
		trace_more(st, "%s:", name);
		for (unsigned i = 0; i < n; i++)
			trace_more(st, "  %s", items[i]);
		return;
	}
	fprintf(st->trace, "            %s:", name);
	for (unsigned i = 0; i < n; i++)
		fprintf(st->trace, "%s %s", i ? ";" : "", items[i]);
	fputc('\n', st->trace);
}

static bool same_part(const struct part *a, const struct part *b)
{
	if (!a || !b || a->n != b->n)
		return false;
	for (unsigned i = 0; i < a->n; i++)
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	return true;
}

/* Of an assignment that differs in numbers only, the table is not shown again. */
static bool same_tables(const struct part *was, const struct part *is)
{
	for (unsigned i = 0; was && i < is->n; i++)
		if (!has_item(was, is->items[i]) && !begins(is->items[i], "router ") &&
		    !begins(is->items[i], "key "))
			return false;
	return was;
}

static void trace_news(struct stage *st, const struct part *was, const struct part *is)
{
	bool whole = !was || (is_table(is->name) && !same_tables(was, is));
	char *items[2 * ITEMS_MAX];
	unsigned n = 0, own;

	for (unsigned i = 0; i < is->n; i++)
		if (whole || !has_item(was, is->items[i]))
			items[n++] = is->items[i];
	own = n;
	for (unsigned i = 0; !whole && i < was->n; i++) {
		if (has_like(is, was->items[i]))
			continue;
		items[n] = malloc(strlen(was->items[i]) + 8);
		sprintf(items[n++], "gone: %s", was->items[i]);
	}
	if (!n)
		trace_more(st, "%s: in another order", is->name);
	else
		trace_part(st, is->name, items, n);
	while (n > own)
		free(items[--n]);
}

static bool same_message(const struct kept *a, const struct kept *b)
{
	bool same = a->n == b->n;

	for (unsigned i = 0; same && i < b->n; i++)
		same = same_part(find_part(a, b->parts[i].name), &b->parts[i]);
	return same;
}

static void trace_kept(struct stage *st, const struct kept *was, const struct kept *is)
{
	for (unsigned i = 0; i < is->n; i++) {
		const struct part *before = find_part(was, is->parts[i].name);

		if (!same_part(before, &is->parts[i]))
			trace_news(st, before, &is->parts[i]);
	}
	for (unsigned i = 0; i < was->n; i++)
		if (!find_part(is, was->parts[i].name))
			trace_more(st, "%s: gone", was->parts[i].name);
}

/* -- entry -------------------------------------------------------------------------------- */

static struct memory *recall(struct stage *st, const struct node *from, const char *to,
			     const struct codec_datagram *d)
{
	unsigned service = (unsigned)d->service_type << 8 | d->service_id;
	struct memory *m;

	for (m = st->memory; m; m = m->next)
		if (m->from == from && strcmp(m->to, to) == 0 && m->type == d->type &&
		    m->service == service)
			return m;
	m = calloc(1, sizeof(*m));
	if (!m)
		abort();
	m->from = from;
	snprintf(m->to, sizeof(m->to), "%s", to);
	m->type = d->type;
	m->service = service;
	m->next = st->memory;
	st->memory = m;
	return m;
}

static const char *service_name(const struct stage *st, const struct wccp_service *s)
{
	for (unsigned i = 0; i < st->n_services; i++)
		if (wccp_same_group(&st->services[i].service, s))
			return st->services[i].name;
	return "?";
}

/* The node that got the same message a moment ago, or NULL. */
static const struct memory *said_to(const struct stage *st, const struct memory *m,
				    const struct kept *is)
{
	const struct memory *other = st->said;

	if (!other || other == m || other->from != m->from || other->type != m->type ||
	    other->service != m->service || mono_before(other->at, st->now))
		return NULL;
	return same_message(&other->last, is) ? other : NULL;
}

static void trace_decoded(struct stage *st, const struct node *from, const char *to,
			  const struct codec_datagram *d, const struct wccp_msg *msg,
			  const char *fate)
{
	static char text[TEXT_MAX];
	struct memory *m = recall(st, from, to, d);
	bool several = st->n_services > 1;
	const struct memory *other;
	struct kept is;

	if (codec_print(msg, text, sizeof(text)) >= TEXT_MAX)
		abort();
	take_apart(text, &is);
	other = said_to(st, m, &is);
	trace_line(st, "%s > %s: %s 2.%02u%s%s%s%s%s", from->name, to,
		   codec_type_name(msg->type), msg->minor, several ? " service " : "",
		   several ? service_name(st, &msg->service) : "",
		   other       ? ", as to "
		   : m->last.n ? ", as before"
			       : "",
		   other ? other->to : "", fate);
	if (!other && !same_message(&m->last, &is))
		trace_kept(st, &m->last, &is);
	kept_clear(&m->last);
	m->last = is;
	m->at = st->now;
	if (!other)
		st->said = m;
}

void message_trace(struct stage *st, const struct node *from, const char *to,
		   const void *octets, size_t len, const char *fate)
{
	static struct wccp_msg msg;
	struct codec_datagram d;
	struct err err = { "" };

	if (codec_open(octets, len, &d) == CODEC_OK &&
	    codec_decode(&d, &msg, &err) == CODEC_OK)
		trace_decoded(st, from, to, &d, &msg, fate);
	else
		trace_line(st, "%s > %s: %zu octets that are no message (%s)%s",
			   from->name, to, len, err.text, fate);
}

void message_forget(struct stage *st)
{
	st->said = NULL;
	while (st->memory) {
		struct memory *m = st->memory;

		st->memory = m->next;
		kept_clear(&m->last);
		free(m);
	}
}
