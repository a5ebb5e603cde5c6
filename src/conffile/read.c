/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a file to libconfuse's tree, with the line of every value. */
#include "conffile/read.h"
#include "conffile/scan.h"
#include "foreign/foreign_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Far beyond what the capacities of conf.h can hold. */
enum { FILE_MAX = 1 << 20, VALUES_MAX = 1 << 14 };

/* libconfuse's callbacks carry no pointer of ours. */
static struct reader *parsing;

static int read_say_at(const struct reader *r, struct err *out, int line,
		       const char *format, va_list ap)
{
	char text[200];

	vsnprintf(text, sizeof(text), format, ap);
	/* A quoted text may have anything in it; an error is one line. */
	for (char *c = text; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
	return err_set(out, "%s:%d: %s", r->path, line, text);
}

static int read_fail_at(struct reader *r, int line, const char *format, va_list ap)
{
	return read_say_at(r, r->err, line, format, ap);
}

static void read_on_error(cfg_t *cfg, const char *format, va_list ap)
{
	read_fail_at(parsing, cfg->line, format, ap);
}

static const struct read_line *read_find_line(const struct reader *r,
					      const cfg_opt_t *option, unsigned index)
{
	for (unsigned i = 0; i < r->n_lines; i++)
		if (r->lines[i].option == option && r->lines[i].index == index)
			return &r->lines[i];
	return NULL;
}

static int read_note_line(struct reader *r, const cfg_opt_t *option, unsigned index,
			  int line)
{
	unsigned n = r->n_lines;

	if (n == VALUES_MAX)
		return err_set(r->err, "%s:%d: more than %d values", r->path, line,
			       VALUES_MAX);
	/* Room for a power of two of them: doubled when that is full. */
	if ((n & (n - 1)) == 0) {
		size_t room = n ? 2 * (size_t)n : 1;
		struct read_line *grown = realloc(r->lines, room * sizeof(*grown));

		if (!grown)
			return err_set(r->err, "%s:%d: out of memory", r->path, line);
		r->lines = grown;
	}
	r->lines[r->n_lines++] = (struct read_line){ option, index, line };
	return 0;
}

int read_value(cfg_t *cfg, cfg_opt_t *option, const char *value, void *result)
{
	unsigned index = cfg_opt_size(option) - 1;

	/* libconfuse would silently let the last one win.  (A list that is set again
	 * begins at 0 again.) */
	if (index == 0 && read_find_line(parsing, option, 0)) {
		cfg_error(cfg, "%s is set twice", option->name);
		return -1;
	}
	*(const char **)result = value;
	return read_note_line(parsing, option, index, cfg->line);
}

/* The whole file as a string; the caller frees it. */
static char *read_load(const char *path, struct stat *st, struct err *err)
{
	char *text = malloc(FILE_MAX + 1);
	ssize_t n = -1;

	if (text)
		n = foreign_file_read(path, FOREIGN_LINKS_OURS, text, FILE_MAX, st, err);
	else
		err_set(err, "%s: out of memory", path);
	if (n >= 0 && memchr(text, '\0', (size_t)n)) {
		err_set(err, "%s: not a text file", path);
		n = -1;
	}
	if (n >= 0) {
		text[n] = '\0';
		return text;
	}
	free(text);
	return NULL;
}

/* It may have passwords in it. */
static void read_wipe(char *text)
{
	explicit_bzero(text, strlen(text));
	free(text);
}

static int read_parse(struct reader *r, char *text)
{
	FILE *in = fmemopen(text, strlen(text), "r");
	int result;

	if (!in)
		return err_set(r->err, "%s: %s", r->path, strerror(errno));
	err_set(r->err, "%s: out of memory", r->path); /* the one silent failure */
	parsing = r;
	result = cfg_parse_fp(r->root, in);
	parsing = NULL;
	fclose(in);
	return result == CFG_SUCCESS ? 0 : -1;
}

int read_open(struct reader *r, const char *path, cfg_opt_t *options, struct err *err)
{
	const char *what;
	int unclosed, result = -1;
	struct stat st;
	char *text;

	*r = (struct reader){ .path = path, .err = err };
	text = read_load(path, &st, err);
	if (!text)
		return -1;
	r->is_public = foreign_file_is_public(&st);
	unclosed = scan_text(text, &what);
	r->root = cfg_init(options, CFGF_NONE);
	if (unclosed) {
		err_set(err, "%s:%d: this %s is never closed", path, unclosed, what);
	} else if (!r->root) {
		err_set(err, "%s: out of memory", path);
	} else {
		cfg_set_error_function(r->root, read_on_error);
		result = read_parse(r, text);
	}
	read_wipe(text);
	return result;
}

void read_close(struct reader *r)
{
	if (r->root)
		cfg_free(r->root);
	free(r->lines);
}

int read_line_of(struct reader *r, cfg_t *section, const char *name, unsigned index)
{
	const struct read_line *found = NULL;

	if (name)
		found = read_find_line(r, cfg_getopt(section, name), index);
	return found ? found->line : section->line;
}

int read_fail(struct reader *r, cfg_t *section, const char *name, const char *format,
	      ...)
{
	va_list ap;

	va_start(ap, format);
	read_fail_at(r, read_line_of(r, section, name, 0), format, ap);
	va_end(ap);
	return -1;
}

int read_fail_item(struct reader *r, cfg_t *section, const char *name, unsigned index,
		   const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	read_fail_at(r, read_line_of(r, section, name, index), format, ap);
	va_end(ap);
	return -1;
}

void read_warn(struct reader *r, cfg_t *section, const char *name, const char *format,
	       ...)
{
	va_list ap;

	if (r->n_warnings == r->max_warnings)
		return;
	va_start(ap, format);
	read_say_at(r, &r->warnings[r->n_warnings++], read_line_of(r, section, name, 0),
		    format, ap);
	va_end(ap);
}
