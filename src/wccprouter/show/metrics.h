/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The router's document as OpenMetrics text. */
#ifndef WCCPD_WCCPROUTER_SHOW_METRICS_H
#define WCCPD_WCCPROUTER_SHOW_METRICS_H

#include <jansson.h>
#include <stdio.h>

/* Of the whole document (show.h).  Names and labels are stable. */
void metrics_print(const json_t *all, FILE *to);

struct routerd_services;

/* The same for the running services: *len octets, to be freed by the caller.  NULL when
 * memory is short. */
char *metrics_text(const struct routerd_services *services, size_t *len);

#define METRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

#endif
