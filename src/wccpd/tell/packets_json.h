/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the data plane has counted, as JSON. */
#ifndef WCCPD_WCCPD_TELL_PACKETS_JSON_H
#define WCCPD_WCCPD_TELL_PACKETS_JSON_H

#include "dp/dp.h"

#include <jansson.h>

/* Of a plan service, or of DP_NO_SERVICE.  In "reasons" every packet is counted once:
 * their sum is "redirected" and "other_caches" together. */
json_t *packets_json(struct dp *dp, unsigned service);

#endif
