/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of the router for people and for programs.  The running router makes
 * JSON; its client prints that as it is, or as text (show_text.h).
 */
#ifndef WCCPD_WCCPROUTER_SHOW_SHOW_JSON_H
#define WCCPD_WCCPROUTER_SHOW_SHOW_JSON_H

#include "err.h"

#include <jansson.h>

struct routerd_services;
struct show_request;

/* All of it; the caller owns the reference.  NULL when out of memory. */
json_t *show_json_all(const struct routerd_services *services);

/* The part that is asked for (show_view.h).  NULL with the reason. */
json_t *show_json_answer(const struct routerd_services *services,
			 const struct show_request *r, struct err *err);

#endif
