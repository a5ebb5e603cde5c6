/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the router serves by HTTP. */
#ifndef WCCPD_WCCPROUTER_CONTROL_METRICS_HTTP_H
#define WCCPD_WCCPROUTER_CONTROL_METRICS_HTTP_H

#include "err.h"
#include "wccprouter/conf/routerd_conf.h"

#include <event2/event.h>

struct routerd_services;

/* Serve the metrics of these services where the configuration says, until http_close().
 * NULL on error. */
struct http *metrics_http_open(struct event_base *base, const struct routerd_conf *conf,
			       struct routerd_services *services, struct err *err);

#endif
