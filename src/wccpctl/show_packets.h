/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happened to the packets of each service, and why. */
#ifndef WCCPD_WCCPCTL_SHOW_PACKETS_H
#define WCCPD_WCCPCTL_SHOW_PACKETS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Of the daemon's document; with `all`, also reasons that no packet had. */
void show_packets_print(const json_t *status, bool all, FILE *to);

#endif
