/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a service is and how its traffic is divided, as JSON. */
#ifndef WCCPD_WCCPD_TELL_SERVICE_JSON_H
#define WCCPD_WCCPD_TELL_SERVICE_JSON_H

#include "wccpd/conf/conf.h"

#include <jansson.h>

/* Priority, protocol, ports and hashes; for the well-known one, what routers know. */
json_t *service_json_description(const struct wccp_service *service);
/* Method, mask, and our share of the slots; the same fields for both methods. */
json_t *service_json_assignment(const struct cache_status *st);
/* What the configuration wants of the group. */
json_t *service_json_configured(const struct conf *conf, const struct conf_service *s);

#endif
