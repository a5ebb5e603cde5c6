/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Check's assertions without Check, which works in its own programs only: they abort. */
#include "fuzz.h"

#include <check.h>
#include <stdio.h>

void _mark_point(const char *file, int line)
{
	(void)file, (void)line;
}

void _ck_assert_failed(const char *file, int line, const char *expr, const char *msg, ...)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, msg ? msg : "");
	fuzz_fail("assertion", expr);
}
