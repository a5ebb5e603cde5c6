/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a service is and how its traffic is divided, as JSON. */
#include "wccpd/tell/service_json.h"

#include <stdlib.h>
#include <string.h>

/* "a, b" as a list of texts, or of numbers; "-" as an empty one. */
static json_t *service_json_split(const char *text, bool numbers)
{
	json_t *list = json_array();

	while (*text && strcmp(text, "-") != 0) {
		size_t len = strcspn(text, ",");

		json_array_append_new(list, numbers ? json_integer(atoi(text))
						    : json_stringn(text, len));
		text += len;
		text += strspn(text, ", ");
	}
	return list;
}

json_t *service_json_description(const struct wccp_service *service)
{
	struct conf_description d = conf_describe(service);
	bool any = strcmp(d.ports, "any") == 0;

	return json_pack("{s:i, s:s, s:o, s:s, s:o, s:o, s:b}", "priority",
			 (int)d.priority, "protocol", d.protocol, "ports",
			 any ? json_string("any") : service_json_split(d.ports, true),
			 "port_type", d.port_type, "hash",
			 service_json_split(d.hash, false), "alternate_hash",
			 service_json_split(d.alternate, false), "only_protocol_0",
			 d.only_protocol_0);
}

json_t *service_json_assignment(const struct cache_status *st)
{
	return json_pack(
		"{s:s, s:o, s:i, s:i}", "method", st->by_mask ? "mask" : "hash", "mask",
		st->by_mask ? json_string(conf_mask_text(&st->mask).s) : json_null(),
		"slots", (int)st->n_slots, "my_slots", (int)st->my_slots);
}

static json_t *service_json_address_list(const struct addr *list, unsigned n)
{
	json_t *out = json_array();

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(out, json_string(ADDR_TEXT(&list[i])));
	return out;
}

json_t *service_json_configured(const struct conf *conf, const struct conf_service *s)
{
	const struct cache_conf *g = &s->group;

	return json_pack(
		"{s:s, s:o, s:o, s:o}", "version", conf_version_name(g->version),
		"multicast",
		addr_is_set(&g->multicast) ? json_string(ADDR_TEXT(&g->multicast))
					   : json_null(),
		"allowed_caches", service_json_address_list(g->allowed, g->n_allowed),
		"mirror_of",
		s->pair >= 0 ? json_string(conf->services[s->pair].name) : json_null());
}
