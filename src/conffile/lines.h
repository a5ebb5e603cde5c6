/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file with one thing on each line, beside the configuration. */
#ifndef WCCPD_CONFFILE_LINES_H
#define WCCPD_CONFFILE_LINES_H

#include "err.h"

/* `text` has neither comments, which begin with "#", nor blanks at its ends, and is never
 * empty.  Not 0: reading ends with that. */
typedef int lines_take(void *arg, const char *text, int line);

/* Call `take` for each line that has something.  -1: the file cannot be read (`err` says why);
 * else what ended it, or 0. */
int lines_read(const char *path, lines_take *take, void *arg, struct err *err);

#endif
