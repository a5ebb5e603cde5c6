/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the functions for fuzzing share. */
#define _GNU_SOURCE
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void fuzz_fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	abort();
}

const char *fuzz_file(const uint8_t *octets, size_t len)
{
	static char path[40];
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("fuzz", 0);
	if (fd < 0 || ftruncate(fd, 0) < 0 ||
	    pwrite(fd, octets, len, 0) != (ssize_t)len)
		fuzz_fail("memfd", "cannot be written");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return path;
}

int fuzz_next_line(struct fuzz_lines *l)
{
	size_t left = (size_t)(l->end - l->at), n, kept;
	const uint8_t *end;

	if (!left)
		return 0;
	end = memchr(l->at, '\n', left);
	n = end ? (size_t)(end - l->at) : left;
	kept = n < sizeof(l->line) ? n : sizeof(l->line) - 1;
	memcpy(l->line, l->at, kept);
	l->line[kept] = '\0';
	l->at += end ? n + 1 : n;
	return 1;
}

unsigned fuzz_split(char *line, char **words, unsigned most)
{
	char *rest = NULL;
	unsigned n = 0;

	for (char *w = strtok_r(line, " \t", &rest); w && n < most;
	     w = strtok_r(NULL, " \t", &rest))
		words[n++] = w;
	return n;
}
