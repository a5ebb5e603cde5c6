/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the router serves by HTTP. */
#include "wccprouter/control/metrics_http.h"

#include "wccprouter/routerd.h"
#include "http.h"
#include "wccprouter/show/metrics.h"
#include "wccprouter/show/show_json.h"

#include <stdlib.h>

static int write_metrics(void *e, struct evbuffer *out)
{
	json_t *all = show_json(e);
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
	.write = write_metrics,
};

int pages_open(struct engine *e, struct err *err)
{
	struct err why;

	if (!addr_is_set(&e->conf->metrics))
		return 0;
	e->http = http_open(e->base, &e->conf->metrics, e->conf->metrics_port, &page, e,
			    &why);
	return e->http ? 0 : err_set(err, "metrics: %s", why.text);
}
