/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccpd/tell/packets_json.h"

static json_t *packets_json_reasons(const struct dp_counters *c)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < DP_REASONS_MAX; i++)
		if (dp_reason_name(i))
			json_object_set_new(o, dp_reason_name(i),
					    json_integer((json_int_t)c->by_reason[i]));
	return o;
}

json_t *packets_json(struct dp *dp, unsigned service)
{
	struct dp_counters c = { 0 };

	dp_get_counters(dp, service, &c);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
			 "redirected", (json_int_t)c.redirected, "redirected_octets",
			 (json_int_t)c.redirected_octets, "delivered",
			 (json_int_t)c.delivered, "new_flows", (json_int_t)c.new_flows,
			 "returned", (json_int_t)c.returned, "handed_over",
			 (json_int_t)c.handed_over, "dropped", (json_int_t)c.dropped,
			 "other_caches", (json_int_t)c.other_caches, "completed",
			 (json_int_t)c.completed, "odd_header", (json_int_t)c.odd_header,
			 "reasons", packets_json_reasons(&c));
}
