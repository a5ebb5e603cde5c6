/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of the router for people and for programs.  The running router makes
 * JSON; its client prints that as it is, or as text.
 */
#ifndef SHOW_H
#define SHOW_H

#include <jansson.h>
#include <stdio.h>

struct engine;

/* All of it; the caller owns the reference.  NULL when out of memory. */
json_t *show_json(const struct engine *e);

/* The same as text, in the style of a router's command line. */
void show_text(const json_t *all, FILE *to);

#endif
