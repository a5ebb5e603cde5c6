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

static void step(struct scan *s)
{
	s->line += *s->at == '\n';
	s->at++;
}

static void blank(struct scan *s)
{
	bool newline = *s->at == '\n';

	step(s);
	if (!newline)
		s->at[-1] = ' ';
}

static void line_comment(struct scan *s)
{
	while (*s->at && *s->at != '\n')
		blank(s);
}

static void block_comment(struct scan *s)
{
	s->opened_line = s->line;
	s->what = "comment";
	blank(s);
	blank(s);
	while (*s->at && !(s->at[0] == '*' && s->at[1] == '/'))
		blank(s);
	if (!*s->at)
		return;
	blank(s);
	blank(s);
	s->opened_line = 0;
}

static void quoted(struct scan *s)
{
	char quote = *s->at;

	s->opened_line = s->line;
	s->what = "text";
	for (step(s); *s->at && *s->at != quote; step(s))
		if (s->at[0] == '\\' && s->at[1])
			step(s);
	if (!*s->at)
		return;
	step(s);
	s->opened_line = 0;
}

static void brace(struct scan *s)
{
	if (*s->at == '{' && s->depth++ == 0)
		s->outer_line = s->line;
	/* One too many is libconfuse's to report, it knows the context. */
	if (*s->at == '}' && s->depth > 0)
		s->depth--;
	step(s);
}

int scan_text(char *text, const char **what)
{
	struct scan s = { .at = text, .line = 1 };

	while (*s.at) {
		if (s.at[0] == '#' || (s.at[0] == '/' && s.at[1] == '/'))
			line_comment(&s);
		else if (s.at[0] == '/' && s.at[1] == '*')
			block_comment(&s);
		else if (s.at[0] == '"' || s.at[0] == '\'')
			quoted(&s);
		else
			brace(&s);
	}
	*what = s.what;
	if (s.opened_line)
		return s.opened_line;
	*what = "brace";
	return s.depth ? s.outer_line : 0;
}
