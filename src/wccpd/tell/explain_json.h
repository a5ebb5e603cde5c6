/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What would happen to a connection, as JSON. */
#ifndef WCCPD_WCCPD_TELL_EXPLAIN_JSON_H
#define WCCPD_WCCPD_TELL_EXPLAIN_JSON_H

#include "cache.h"
#include "dp/dp.h"
#include "wccpd/conf/conf.h"

#include <jansson.h>

/* From the words SRC DST [DPORT [SPORT]]; without ports: to 80, and from 0. */
int explain_json_parse(unsigned n, char *const *words, struct dp_connection *out,
		       struct err *err);

/* Everything except what the service group knows about the slot. */
json_t *explain_json(const struct plan *plan, const struct dp_connection *c,
		     const struct dp_explanation *e);

/* Add that: how the slot is found, and who has it now. */
void explain_json_add_slot(json_t *answer, const struct dp_explanation *e,
			   const struct cache *cache, const struct cache_status *st);

#endif
