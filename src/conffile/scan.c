/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comments, quotes and braces of a configuration file. */
#include "conffile/scan.h"

#include <stdbool.h>

struct scan {
	char *at;
	int line;
	unsigned depth;	 /* of braces */
	int outer_line;	 /* of the outermost open one */
	int opened_line; /* of the quote or comment that is never closed */
	const char *what;
};

static void scan_step(struct scan *s)
{
	s->line += *s->at == '\n';
	s->at++;
}

static void scan_blank(struct scan *s)
{
	bool newline = *s->at == '\n';

	scan_step(s);
	if (!newline)
		s->at[-1] = ' ';
}

static void scan_line_comment(struct scan *s)
{
	while (*s->at && *s->at != '\n')
		scan_blank(s);
}

static void scan_block_comment(struct scan *s)
{
	s->opened_line = s->line;
	s->what = "comment";
	scan_blank(s);
	scan_blank(s);
	while (*s->at && !(s->at[0] == '*' && s->at[1] == '/'))
		scan_blank(s);
	if (!*s->at)
		return;
	scan_blank(s);
	scan_blank(s);
	s->opened_line = 0;
}

static void scan_quoted(struct scan *s)
{
	char quote = *s->at;

	s->opened_line = s->line;
	s->what = "text";
	for (scan_step(s); *s->at && *s->at != quote; scan_step(s))
		if (s->at[0] == '\\' && s->at[1])
			scan_step(s);
	if (!*s->at)
		return;
	scan_step(s);
	s->opened_line = 0;
}

static void scan_brace(struct scan *s)
{
	if (*s->at == '{' && s->depth++ == 0)
		s->outer_line = s->line;
	/* Leave it to libconfuse to report one too many, as it knows the context. */
	if (*s->at == '}' && s->depth > 0)
		s->depth--;
	scan_step(s);
}

int scan_text(char *text, const char **what)
{
	struct scan s = { .at = text, .line = 1 };

	while (*s.at) {
		if (s.at[0] == '#' || (s.at[0] == '/' && s.at[1] == '/'))
			scan_line_comment(&s);
		else if (s.at[0] == '/' && s.at[1] == '*')
			scan_block_comment(&s);
		else if (s.at[0] == '"' || s.at[0] == '\'')
			scan_quoted(&s);
		else
			scan_brace(&s);
	}
	*what = s.what;
	if (s.opened_line)
		return s.opened_line;
	*what = "brace";
	return s.depth ? s.outer_line : 0;
}
