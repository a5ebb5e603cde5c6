/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What would happen to a connection. */
#ifndef WCCPD_WCCPCTL_SHOW_EXPLAIN_H
#define WCCPD_WCCPCTL_SHOW_EXPLAIN_H

#include <jansson.h>
#include <stdio.h>

/* The daemon's answer to "explain". */
void show_explain_print(const json_t *answer, FILE *to);

#endif
