/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Check tells the process that counts of every assertion that holds, for the "after this
 * point" of a crash, and that process keeps all of it.  Some tests make a million
 * assertions, which cost far more than what they test: here each line is told of once.
 *
 * Linked with --wrap=_mark_point.
 */
#include "suite.h"

#include <stdint.h>

enum { SUITE_MARKS = 4096 };

/* Lines told of; two that collide are told of again, no harm done. */
static struct {
	const char *file;
	int line;
} suite_marks[SUITE_MARKS];

void __real__mark_point(const char *file, int line);
void __wrap__mark_point(const char *file, int line);

void __wrap__mark_point(const char *file, int line)
{
	unsigned at = ((unsigned)((uintptr_t)file >> 4) + (unsigned)line) % SUITE_MARKS;

	if (suite_marks[at].file == file && suite_marks[at].line == line)
		return;
	suite_marks[at].file = file;
	suite_marks[at].line = line;
	__real__mark_point(file, line);
}
