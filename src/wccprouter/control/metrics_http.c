/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the router serves by HTTP. */
#include "wccprouter/control/metrics_http.h"

#include "http.h"
#include "wccprouter/show/metrics.h"
#include "wccprouter/show/show_json.h"

#include <stdlib.h>

static int metrics_http_write(void *services, struct evbuffer *out)
{
	json_t *all = show_json_all(services);
	char *text = NULL;
	size_t len;
	FILE *to = all ? open_memstream(&text, &len) : NULL;
	int result = -1;

	if (to) {
		metrics_print(all, to);
		if (fclose(to) == 0)
			result = evbuffer_add(out, text, len);
	}
	free(text);
	json_decref(all);
	return result;
}

static const struct http_page page = {
	.path = "/metrics",
	.type = METRICS_TYPE,
	.write = metrics_http_write,
};

struct http *metrics_http_open(struct event_base *base, const struct routerd_conf *conf,
			       struct routerd_services *services, struct err *err)
{
	struct err why;
	struct http *h = http_open(base, &conf->metrics, conf->metrics_port, &page,
				   services, &why);

	if (!h)
		err_set(err, "metrics: %s", why.text);
	return h;
}
