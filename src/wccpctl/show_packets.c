/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccpctl/show_packets.h"

#include "json_get.h"
#include "wccpctl/table.h"

/* What the reasons add up to.  As packets keep arriving, the two sides may differ by a
 * few. */
static void show_packets_print_sum(const json_t *packets, long long sum, struct table *t)
{
	long long redirected = json_get_number(packets, "redirected");
	long long others = json_get_number(packets, "other_caches");

	table_cell(t, "all reasons");
	table_cell(t, "%lld", sum);
	table_cell(t, "%s %lld redirected + %lld from other web-caches",
		   sum == redirected + others ? "=" : "not", redirected, others);
}

static void show_packets_print_row(const char *service, const char *reason, long long n,
				   const char *note, struct table *t)
{
	table_cell(t, "%s", service);
	table_cell(t, "%s", reason);
	table_cell(t, "%lld", n);
	table_cell(t, "%s", note);
}

static void show_packets_print_one(const char *service, const json_t *packets, bool all,
				   struct table *t)
{
	const json_t *n;
	const char *reason;
	long long sum = 0;

	json_object_foreach((json_t *)json_get_member(packets, "reasons"), reason, n)
	{
		sum += json_integer_value(n);
		if (all || json_integer_value(n))
			show_packets_print_row(service, reason, json_integer_value(n), "",
					       t);
	}
	table_cell(t, "%s", service);
	show_packets_print_sum(packets, sum, t);
	if (all || json_get_number(packets, "completed"))
		show_packets_print_row(service, "handshakes",
				       json_get_number(packets, "completed"),
				       "completed", t);
	if (all || json_get_number(packets, "odd_header"))
		show_packets_print_row(service, "odd headers",
				       json_get_number(packets, "odd_header"),
				       "the redirect header named another service", t);
}

/* What came by GRE and could not be taken as it was. */
static void show_packets_print_gre(const json_t *gre, bool all, struct table *t)
{
	static const struct {
		const char *key, *reason, *note;
	} rows[] = {
		{ "reassembled", "reassembled", "came in fragments; counted above, too" },
		{ "too_long", "too long", "came in fragments; dropped" },
		{ "not_let_in", "not let in", "came in fragments; dropped" },
		{ "strangers", "strangers", "not taken: not a router's, see the log" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		long long n = json_get_number(gre, rows[i].key);

		if (all || n)
			show_packets_print_row("(GRE)", rows[i].reason, n, rows[i].note,
					       t);
	}
}

void show_packets_print(const json_t *status, bool all, FILE *to)
{
	struct table *t = table_new("SERVICE|REASON|>PACKETS|");
	const json_t *none = json_get_member(status, "packets_of_no_service");
	const json_t *service;
	size_t i;

	json_array_foreach(json_get_member(status, "services"), i, service)
		show_packets_print_one(json_get_text(service, "name"),
				       json_get_member(service, "packets"), all, t);
	if (all || json_get_number(none, "redirected") ||
	    json_get_number(none, "other_caches"))
		show_packets_print_one("(none)", none, all, t);
	show_packets_print_gre(json_get_member(status, "gre"), all, t);
	table_print(t, to);
}
