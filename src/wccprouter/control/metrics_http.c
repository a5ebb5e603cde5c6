/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the router serves by HTTP. */
#include "wccprouter/control/metrics_http.h"

#include "http.h"
#include "wccprouter/routerd.h"
#include "wccprouter/show/metrics.h"
#include "wccprouter/show/show_json.h"

#include <stdlib.h>

static int metrics_http_write(void *d, struct evbuffer *out)
{
	json_t *all = show_json_all(d);
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

int metrics_http_open(struct routerd *d, struct err *err)
{
	struct err why;

	if (!addr_is_set(&d->conf->metrics))
		return 0;
	d->http = http_open(d->base, &d->conf->metrics, d->conf->metrics_port, &page, d,
			    &why);
	return d->http ? 0 : err_set(err, "metrics: %s", why.text);
}
