/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What services are: the fields that routers and other web-caches go by. */
#include "wccpctl/show_service.h"

#include "json_get.h"
#include "wccpctl/table.h"
#include "wccp.h"

#include <string.h>

struct joined {
	char s[128];
};

static void add(struct joined *j, const char *text)
{
	size_t used = strlen(j->s);

	snprintf(j->s + used, sizeof(j->s) - used, "%s", text);
}

/* A list of texts or numbers with commas; "-" when it is empty or none. */
static struct joined join(const json_t *list)
{
	struct joined j = { "" };
	const json_t *item;
	char number[24];
	size_t i;

	json_array_foreach(list, i, item)
	{
		add(&j, i ? ", " : "");
		snprintf(number, sizeof(number), "%lld",
			 (long long)json_integer_value(item));
		add(&j, json_is_string(item) ? json_string_value(item) : number);
	}
	if (!*j.s)
		add(&j, "-");
	return j;
}

/* "to 80, 8080", "from 80", "any", "-" */
static struct joined ports(const json_t *what)
{
	const json_t *list = look_at(what, "ports");
	struct joined j = { "" }, numbers = join(list);

	if (json_is_string(list)) {
		add(&j, json_string_value(list));
		return j;
	}
	if (json_array_size(list))
		add(&j, strcmp(look_text(what, "port_type"), "source") == 0 ? "from "
									    : "to ");
	add(&j, numbers.s);
	return j;
}

static struct joined method(const json_t *assignment)
{
	struct joined j = { "" };

	add(&j, look_text(assignment, "method"));
	if (json_is_string(look_at(assignment, "mask"))) {
		add(&j, " ");
		add(&j, look_text(assignment, "mask"));
	}
	return j;
}

static void print_one(const json_t *service, struct table *t)
{
	const json_t *what = look_at(service, "description");
	const json_t *wish = look_at(service, "configured");

	table_cell(t, "%s", look_text(service, "name"));
	table_cell(t, "%s%s", look_text(what, "protocol"),
		   look_is_true(what, "only_protocol_0") ? " 0 only" : "");
	table_cell(t, "%s", ports(what).s);
	if (json_is_integer(look_at(what, "priority")))
		table_cell(t, "%lld", look_number(what, "priority"));
	else
		table_cell(t, "-");
	table_cell(t, "%s", join(look_at(what, "hash")).s);
	table_cell(t, "%s", join(look_at(what, "alternate_hash")).s);
	table_cell(t, "%s", method(look_at(service, "assignment")).s);
	table_cell(t, "%s", look_text(wish, "version"));
	table_cell(t, "%s", look_text(wish, "multicast"));
	table_cell(t, "%s", look_text(wish, "mirror_of"));
}

void show_service_descriptions(const json_t *services, FILE *to)
{
	struct table *t = table_new("SERVICE|PROTOCOL|PORTS|>PRIORITY|HASH|ALTERNATE|"
				    "ASSIGNMENT|VERSION|MULTICAST|MIRROR OF");
	const json_t *service;
	size_t i;

	json_array_foreach(services, i, service) print_one(service, t);
	table_print(t, to);
}

long long show_service_slots(const json_t *service)
{
	long long n = look_number(look_at(service, "assignment"), "slots");

	return n > 0 ? n : WCCP_BUCKETS;
}
