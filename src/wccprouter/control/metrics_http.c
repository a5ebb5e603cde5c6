/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the router serves by HTTP. */
#include "wccprouter/control/metrics_http.h"

#include "http.h"
#include "wccprouter/show/metrics.h"

static char *metrics_http_make(void *services, size_t *len)
{
	return metrics_text(services, len);
}

static const struct http_page metrics_http_page = {
	.path = "/metrics",
	.type = METRICS_TYPE,
	.make = metrics_http_make,
};

struct http *metrics_http_open(struct event_base *base, const struct routerd_conf *conf,
			       struct routerd_services *services, struct err *err)
{
	struct err why;
	struct http *h = http_open(base, &conf->metrics, conf->metrics_port,
				   &metrics_http_page, services, &why);

	if (!h)
		err_set(err, "metrics: %s", why.text);
	return h;
}
