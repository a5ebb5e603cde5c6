/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything the daemon knows, as one JSON document; field names are stable. */
#ifndef WCCPD_WCCPD_STATUS_JSON_H
#define WCCPD_WCCPD_STATUS_JSON_H

#include <jansson.h>

struct daemon;

/* A new reference; NULL when memory is short. */
json_t *status_json(struct daemon *d);

#endif
