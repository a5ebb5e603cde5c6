/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conffile/lines.h"

#include "foreign/foreign_file.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* For 100,000 IPv6 prefixes with remarks. */
enum { LINES_FILE_MAX = 1 << 24 };

static char *lines_trim(char *line)
{
	char *end;

	line[strcspn(line, "#")] = '\0';
	while (isspace((unsigned char)*line))
		line++;
	for (end = line + strlen(line); end > line && isspace((unsigned char)end[-1]);)
		end--;
	*end = '\0';
	return line;
}

static int lines_take_all(char *text, lines_take *take, void *arg)
{
	int rc = 0;

	for (int line = 1; text && rc == 0; line++) {
		char *here = lines_trim(strsep(&text, "\n"));

		if (*here)
			rc = take(arg, here, line);
	}
	return rc;
}

int lines_read(const char *path, lines_take *take, void *arg, struct err *err)
{
	char *text = malloc(LINES_FILE_MAX + 1);
	ssize_t n = -1;
	int rc = -1;

	if (text)
		n = foreign_file_read(path, FOREIGN_LINKS_OURS, text, LINES_FILE_MAX, NULL,
				      err);
	else
		err_set(err, "%s: out of memory", path);
	if (n >= 0 && memchr(text, '\0', (size_t)n)) {
		err_set(err, "%s: not a text file", path);
	} else if (n >= 0) {
		text[n] = '\0';
		rc = lines_take_all(text, take, arg);
	}
	free(text);
	return rc;
}
