/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong now. */
#ifndef WCCPD_WCCPCTL_SHOW_PROBLEMS_H
#define WCCPD_WCCPCTL_SHOW_PROBLEMS_H

#include <jansson.h>
#include <stdio.h>

/* How many there are in the daemon's document. */
size_t show_problems_count(const json_t *status);
void show_problems_print(const json_t *status, FILE *to);
/* "in trouble" and so on, below the table of services: those whose packets are not
 * delivered. */
void show_problems_print_delivery(const json_t *status, FILE *to);

#endif
