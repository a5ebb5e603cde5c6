/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of the router for people and for programs.  The running router makes
 * JSON; its client prints that as it is, or as text (show_text.h).
 */
#ifndef WCCPD_WCCPROUTER_SHOW_SHOW_JSON_H
#define WCCPD_WCCPROUTER_SHOW_SHOW_JSON_H

#include "err.h"

#include <jansson.h>

struct engine;
struct show_request;

/* All of it; the caller owns the reference.  NULL when out of memory. */
json_t *show_json(const struct engine *e);

/* The part that is asked for (show_view.h).  NULL with the reason. */
json_t *show_answer(const struct engine *e, const struct show_request *r,
		    struct err *err);

#endif
