/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's JSON document as tables for people. */
#ifndef WCCPD_WCCPCTL_SHOW_H
#define WCCPD_WCCPCTL_SHOW_H

#include <jansson.h>
#include <stdio.h>

/* What to show of it.  Bits; 0 is everything but packets and problems. */
enum show_part {
	SHOW_SERVICES = 1,
	SHOW_ROUTERS = 2,
	SHOW_CACHES = 4,
	SHOW_INSTANCES = 8,
	SHOW_PACKETS = 16,
	SHOW_ALL_PACKETS = 32, /* also reasons that no packet had */
	SHOW_PROBLEMS = 64,
};

/* The part with this name, or -1. */
int show_part(const char *name);
/* Never fails: anything missing in the document is shown as "-". */
void show_print(const json_t *status, unsigned parts, FILE *to);

#endif
