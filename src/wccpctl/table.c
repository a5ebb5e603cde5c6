/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Aligned columns. */
#include "config.h"

#include "wccpctl/table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COLUMNS = 16 };

struct table {
	unsigned columns;
	bool right[MAX_COLUMNS];
	size_t width[MAX_COLUMNS];
	size_t n_cells;
	char **cells; /* the headings are the first row */
};

static _Noreturn void table_fail(const char *why)
{
	fprintf(stderr, "wccpctl: %s\n", why);
	exit(EXIT_FAILURE);
}

static void table_add(struct table *t, char *text)
{
	size_t len = strlen(text), column = t->n_cells % t->columns;

	t->cells = reallocarray(t->cells, t->n_cells + 1, sizeof(*t->cells));
	if (!t->cells)
		table_fail("out of memory");
	t->cells[t->n_cells++] = text;
	if (len > t->width[column])
		t->width[column] = len;
}

static void table_add_heading(struct table *t, unsigned column, const char *from,
			      size_t len)
{
	char *text;

	t->right[column] = *from == '>';
	text = strndup(from + t->right[column], len - t->right[column]);
	if (!text)
		table_fail("out of memory");
	table_add(t, text);
}

struct table *table_new(const char *columns)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		table_fail("out of memory");
	t->columns = 1;
	for (const char *c = columns; *c; c++)
		t->columns += *c == '|';
	if (t->columns > MAX_COLUMNS)
		table_fail("a table of too many columns");
	for (unsigned i = 0; i < t->columns; i++) {
		size_t len = strcspn(columns, "|");

		table_add_heading(t, i, columns, len);
		columns += len + 1;
	}
	return t;
}

void table_cell(struct table *t, const char *format, ...)
{
	va_list ap;
	char *text;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		table_fail("out of memory");
	va_end(ap);
	table_add(t, text);
}

/* No blanks at the end of a line. */
static void table_print_cell(const struct table *t, size_t i, FILE *to)
{
	size_t column = i % t->columns;
	int width = (int)t->width[column];
	bool last = column == t->columns - 1;

	if (t->right[column])
		fprintf(to, "%*s", width, t->cells[i]);
	else
		fprintf(to, "%-*s", last ? 0 : width, t->cells[i]);
	if (last)
		fputc('\n', to);
	else if (column + 2 < t->columns || *t->cells[i + 1])
		fputs("  ", to);
}

static void table_free(struct table *t)
{
	for (size_t i = 0; i < t->n_cells; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
}

void table_print(struct table *t, FILE *to)
{
	for (size_t i = 0; i < t->n_cells; i++)
		table_print_cell(t, i, to);
	table_free(t);
}

/* Wrap words at `room` columns; a longer word gets a line of its own. */
static void table_print_paragraph(const char *text, size_t indent, size_t room, FILE *to)
{
	size_t column = 0;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (column && column + 1 + len > room) {
			fprintf(to, "\n%*s", (int)indent, "");
			column = 0;
		}
		column += (size_t)fprintf(to, "%s%.*s", column ? " " : "", (int)len, text);
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', to);
}

void table_print_wrapped(struct table *t, size_t width, FILE *to)
{
	size_t indent = 0;

	for (unsigned i = 0; i + 1 < t->columns; i++)
		indent += t->width[i] + 2;
	for (size_t i = 0; i < t->n_cells; i++)
		if ((i + 1) % t->columns)
			table_print_cell(t, i, to);
		else
			table_print_paragraph(t->cells[i], indent,
					      width > indent ? width - indent : 0, to);
	table_free(t);
}
