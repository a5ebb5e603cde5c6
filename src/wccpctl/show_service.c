/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptions of services: the fields that routers and other web-caches use. */
#include "wccpctl/show_service.h"

#include "json_get.h"
#include "wccp.h"
#include "wccpctl/table.h"

#include <string.h>

struct joined {
	char s[128];
};

static void show_service_add(struct joined *j, const char *text)
{
	size_t used = strlen(j->s);

	snprintf(j->s + used, sizeof(j->s) - used, "%s", text);
}

/* A list of texts or numbers with commas; "-" when it is empty or none. */
static struct joined show_service_join(const json_t *list)
{
	struct joined j = { "" };
	const json_t *item;
	char number[24];
	size_t i;

	json_array_foreach(list, i, item)
	{
		show_service_add(&j, i ? ", " : "");
		snprintf(number, sizeof(number), "%lld",
			 (long long)json_integer_value(item));
		show_service_add(&j, json_is_string(item) ? json_string_value(item)
							  : number);
	}
	if (!*j.s)
		show_service_add(&j, "-");
	return j;
}

/* "to 80, 8080", "from 80", "any", "-" */
static struct joined show_service_ports(const json_t *what)
{
	const json_t *list = json_get_member(what, "ports");
	struct joined j = { "" }, numbers = show_service_join(list);

	if (json_is_string(list)) {
		show_service_add(&j, json_string_value(list));
		return j;
	}
	if (json_array_size(list))
		show_service_add(&j,
				 strcmp(json_get_text(what, "port_type"), "source") == 0
					 ? "from "
					 : "to ");
	show_service_add(&j, numbers.s);
	return j;
}

static struct joined show_service_method(const json_t *assignment)
{
	struct joined j = { "" };

	show_service_add(&j, json_get_text(assignment, "method"));
	if (json_is_string(json_get_member(assignment, "mask"))) {
		show_service_add(&j, " ");
		show_service_add(&j, json_get_text(assignment, "mask"));
	}
	return j;
}

static void show_service_print_one(const json_t *service, struct table *t)
{
	const json_t *what = json_get_member(service, "description");
	const json_t *wish = json_get_member(service, "configured");

	table_cell(t, "%s", json_get_text(service, "name"));
	table_cell(t, "%s%s", json_get_text(what, "protocol"),
		   json_get_true(what, "only_protocol_0") ? " 0 only" : "");
	table_cell(t, "%s", show_service_ports(what).s);
	if (json_is_integer(json_get_member(what, "priority")))
		table_cell(t, "%lld", json_get_number(what, "priority"));
	else
		table_cell(t, "-");
	table_cell(t, "%s", show_service_join(json_get_member(what, "hash")).s);
	table_cell(t, "%s",
		   show_service_join(json_get_member(what, "alternate_hash")).s);
	table_cell(t, "%s",
		   show_service_method(json_get_member(service, "assignment")).s);
	table_cell(t, "%s", json_get_text(wish, "version"));
	table_cell(t, "%s", json_get_text(wish, "multicast"));
	table_cell(t, "%s", json_get_text(wish, "mirror_of"));
}

void show_service_descriptions(const json_t *services, FILE *to)
{
	struct table *t = table_new("SERVICE|PROTOCOL|PORTS|>PRIORITY|HASH|ALTERNATE|"
				    "ASSIGNMENT|VERSION|MULTICAST|MIRROR OF");
	const json_t *service;
	size_t i;

	json_array_foreach(services, i, service) show_service_print_one(service, t);
	table_print(t, to);
}

long long show_service_slots(const json_t *service)
{
	long long n = json_get_number(json_get_member(service, "assignment"), "slots");

	return n > 0 ? n : WCCP_BUCKETS;
}

/* -- leaving ------------------------------------------------------------------------- */

/* "84 s left" */
static struct joined show_service_drain_left(const json_t *drain)
{
	long long left = json_get_number(drain, "left_s");
	struct joined j = { "no limit" };

	if (left >= 0)
		snprintf(j.s, sizeof(j.s), "%lld s left", left);
	return j;
}

void show_service_drains(const json_t *services, FILE *to)
{
	const json_t *service;
	size_t i;

	json_array_foreach(services, i, service)
	{
		const json_t *drain = json_get_member(service, "drain");
		const char *state = json_get_text(drain, "state");

		if (strcmp(state, "draining") == 0)
			fprintf(to, "%s: draining (%s): %lld flows, %s%s\n",
				json_get_text(service, "name"),
				json_get_text(drain, "reason"),
				json_get_number(drain, "flows"),
				show_service_drain_left(drain).s,
				json_get_true(drain, "new_returned")
					? ", new connections go back to the routers"
					: "");
		else if (strcmp(state, "left") == 0)
			fprintf(to, "%s: withdrawn (%s)\n", json_get_text(service, "name"),
				json_get_text(drain, "reason"));
	}
}
