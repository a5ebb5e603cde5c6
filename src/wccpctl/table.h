/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table of text whose columns are as wide as their widest cell.
 *
 *   struct table *t = table_new("NAME|>COUNT");      ">": to the right
 *   table_cell(t, "%s", name);  table_cell(t, "%d", count);  ...row by row
 *   table_print(t, stdout);                          prints and frees
 */
#ifndef WCCPD_WCCPCTL_TABLE_H
#define WCCPD_WCCPCTL_TABLE_H

#include <stdio.h>

struct table;

/* Exits when memory is short: this is for a short-lived program. */
struct table *table_new(const char *columns);
void table_cell(struct table *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void table_print(struct table *t, FILE *to);
/* The same, but wraps the last column at `width`. */
void table_print_wrapped(struct table *t, size_t width, FILE *to);

#endif
