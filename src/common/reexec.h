/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Restart in place: the process executes the program that now lies where its own lay, with
 * the same arguments.  It keeps its number, its privileges and the sockets of
 * kept_sockets.h.
 */
#ifndef WCCPD_COMMON_REEXEC_H
#define WCCPD_COMMON_REEXEC_H

#include "err.h"

/* First in main(), with its arguments, which must stay. */
void reexec_init(char *const *argv);

/* Would it start?  Runs it with -n and this configuration file, and waits for some seconds.
 * -1: `err` has its last line, or why it cannot be executed. */
int reexec_check(const char *conf_path, struct err *err);

/* Returns only if it fails.  Signals wait until reexec_done(). */
void reexec_now(struct err *err);
/* We handle signals. */
void reexec_done(void);

#endif
