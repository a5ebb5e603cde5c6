/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccpctl/show_problems.h"

#include "json_get.h"
#include "wccpctl/duration.h"
#include "wccpctl/table.h"

#include <string.h>

enum { SHOW_PROBLEMS_WIDTH = 100 };

size_t show_problems_count(const json_t *status)
{
	return json_array_size(json_get_member(status, "problems"));
}

static void show_problems_print_one(const json_t *problem, struct table *t)
{
	const char *about = json_get_text(problem, "about");

	if (json_is_integer(json_get_member(problem, "since_s")))
		table_cell(t, "%s", duration_text(json_get_number(problem, "since_s")).s);
	else
		table_cell(t, "-");
	table_cell(t, "%s", json_get_text(problem, "service"));
	table_cell(t, "%s%s%s", json_get_text(problem, "kind"),
		   strcmp(about, "-") == 0 ? "" : " ",
		   strcmp(about, "-") == 0 ? "" : about);
	table_cell(t, "%s", json_get_text(problem, "text"));
}

void show_problems_print(const json_t *status, FILE *to)
{
	const json_t *problem;
	struct table *t;
	size_t i;

	if (show_problems_count(status) == 0) {
		fputs("no problems\n", to);
		return;
	}
	t = table_new("SINCE|SERVICE|WHAT|PROBLEM");
	json_array_foreach(json_get_member(status, "problems"), i, problem)
		show_problems_print_one(problem, t);
	table_print_wrapped(t, SHOW_PROBLEMS_WIDTH, to);
}

void show_problems_print_delivery(const json_t *status, FILE *to)
{
	const json_t *service;
	size_t i;

	json_array_foreach(json_get_member(status, "services"), i, service)
	{
		const json_t *delivery = json_get_member(service, "delivery");

		if (strcmp(json_get_text(delivery, "text"), "-") != 0)
			fprintf(to, "%s: %s: %s\n", json_get_text(service, "name"),
				json_get_text(delivery, "text"),
				json_get_text(delivery, "reason"));
	}
}
