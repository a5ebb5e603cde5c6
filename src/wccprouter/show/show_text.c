/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The router's document as text.  Labels and indents are those of IOS-XE, so that scripts
 * written for its output can read this, too; lines that IOS-XE does not have come last. */
#include "wccprouter/show/show_text.h"

#include "json_get.h"
#include "wccprouter/show/show_mask.h"

#include <string.h>

/* Indent and width of the labels. */
struct column {
	int in, width;
};

static const struct column wide = { 4, 36 }, narrow = { 8, 24 };

static void show_text_line(FILE *to, struct column c, const char *label,
			   const char *value)
{
	fprintf(to, "%*s%-*s %s\n", c.in, "", c.width, label, value);
}

static void show_text_count(FILE *to, struct column c, const char *label,
			    long long value)
{
	fprintf(to, "%*s%-*s %lld\n", c.in, "", c.width, label, value);
}

/* A text, or what routers print if there is none. */
static const char *show_text_word(const json_t *o, const char *key)
{
	const char *s = json_get_text(o, key);

	return strcmp(s, "-") == 0 ? "-none-" : s;
}

static const char *show_text_item_text(const json_t *item)
{
	return json_is_string(item) ? json_string_value(item) : "-";
}

/* -- problems ---------------------------------------------------------------------- */

static void show_text_print_problems(const json_t *list, FILE *to)
{
	const json_t *p;
	size_t i;

	json_array_foreach((json_t *)list, i, p)
	{
		fprintf(to, "Problem: %s\n        %s\n        to let it pass:\n"
			    "        %s\n",
			json_get_text(p, "problem"), json_get_text(p, "text"),
			json_get_text(p, "remedy"));
	}
	if (!json_array_size(list))
		fputs("No problems\n", to);
}

/* -- global ------------------------------------------------------------------------ */

static void show_text_print_global(const json_t *all, FILE *to)
{
	fputs("Global WCCP information:\n", to);
	show_text_line(to, wide,
		       "Router Identifier:", show_text_word(all, "router_id"));
	show_text_line(to, wide,
		       "Router Identifier (IPv6):", show_text_word(all, "router_id6"));
	show_text_count(to, wide, "Messages for unknown services:",
			json_get_number(all, "unknown_service"));
	show_text_count(to, wide, "Problems (see show problems):",
			(long long)json_array_size(json_get_member(all, "problems")));
}

/* -- a service --------------------------------------------------------------------- */

static long long show_text_usable_clients(const json_t *s)
{
	long long n = 0;
	const json_t *c;
	size_t i;

	json_array_foreach((json_t *)json_get_member(s, "clients"), i, c)
	{
		n += strcmp(json_get_text(c, "state"), "Usable") == 0;
	}
	return n;
}

static long long show_text_auth_failures(const json_t *s)
{
	const json_t *refused =
		json_get_member(json_get_member(s, "counters"), "refused");

	return json_get_number(refused, "auth-missing") +
	       json_get_number(refused, "auth-unexpected") +
	       json_get_number(refused, "auth-failed");
}

/* A list of addresses on one line. */
static void show_text_print_list(FILE *to, struct column c, const char *label,
				 const json_t *list)
{
	const json_t *item;
	size_t i;

	fprintf(to, "%*s%-*s", c.in, "", c.width, label);
	json_array_foreach((json_t *)list, i, item)
	{
		fprintf(to, " %s", show_text_item_text(item));
	}
	fputs(json_array_size(list) ? "\n" : " -none-\n", to);
}

static void show_text_print_state(const json_t *s, FILE *to)
{
	show_text_line(to, wide,
		       "State:", json_get_true(s, "shut") ? "Shut" : "Active");
	show_text_print_list(to, wide, "Redirected In:", json_get_member(s, "redirect_in"));
	show_text_print_list(to, wide,
			     "Redirected Out:", json_get_member(s, "redirect_out"));
	show_text_line(to, wide, "Group Address:", show_text_word(s, "group_address"));
	show_text_line(to, wide, "Address Family:", show_text_word(s, "family"));
	show_text_line(to, wide, "Assigned by:", show_text_word(s, "assigned_by"));
	if (json_get_true(s, "by_mask"))
		show_text_count(to, wide, "Values unassigned:",
				json_get_number(s, "unassigned_values"));
	else
		show_text_count(to, wide, "Buckets unassigned:",
				json_get_number(s, "unassigned_buckets"));
}

static void show_text_print_service(const json_t *s, FILE *to)
{
	const json_t *packets = json_get_member(s, "packets");

	fprintf(to, "Service Identifier: %s\n", json_get_text(s, "name"));
	show_text_line(to, wide, "Protocol Version:", show_text_word(s, "version"));
	show_text_count(to, wide, "Number of Service Group Clients:",
			show_text_usable_clients(s));
	show_text_count(to, wide, "Number of Service Group Routers:",
			(long long)json_array_size(json_get_member(s, "routers")));
	show_text_count(to, wide, "Total Packets Redirected:",
			json_get_number(packets, "redirected"));
	show_text_line(to, wide,
		       "Service mode:", json_get_true(s, "closed") ? "Closed" : "Open");
	show_text_count(to, wide,
			"Total Packets Dropped:", json_get_number(packets, "dropped"));
	show_text_line(to, wide,
		       "Redirect access-list:", show_text_word(s, "redirect_list"));
	show_text_count(to, wide, "Total Packets Unassigned:",
			json_get_number(packets, "unassigned"));
	show_text_print_list(to, wide,
			     "Group access-list:", json_get_member(s, "group_list"));
	show_text_count(to, wide, "Total Messages Denied to Group:",
			json_get_number(json_get_member(s, "counters"), "not_allowed"));
	show_text_count(to, wide,
			"Total Authentication failures:", show_text_auth_failures(s));
	show_text_count(to, wide, "Total Bypassed Packets Received:",
			json_get_number(packets, "returned"));
	show_text_print_state(s, to);
}

/* -- web-caches -------------------------------------------------------------------- */

/* Of 32 digits each, as routers print it. */
static void show_text_print_vector(const char *hex, FILE *to)
{
	const char *label = "Assigned Hash Info:";

	for (; *hex; hex += strnlen(hex, 32)) {
		fprintf(to, "        %-24s %.32s\n", label, hex);
		label = "";
	}
}

static void show_text_print_assigned(const json_t *service, const json_t *c, FILE *to)
{
	long long buckets = json_get_number(c, "buckets");

	if (strcmp(json_get_text(c, "assign"), "MASK") == 0) {
		show_mask_text(service, c, to);
		return;
	}
	fprintf(to, "        %-24s %lld of 256 (%.2f%%)\n", "Hash Allotment:", buckets,
		(double)buckets * 100 / 256);
	show_text_print_vector(json_get_text(c, "bucket_vector"), to);
}

static void show_text_print_client(const json_t *c, FILE *to)
{
	long long s = json_get_number(c, "connect_time_s");

	fputs("WCCP Client information:\n", to);
	show_text_line(to, narrow, "WCCP Client ID:", show_text_word(c, "address"));
	show_text_line(to, narrow, "Protocol Version:", show_text_word(c, "version"));
	show_text_line(to, narrow, "State:", show_text_word(c, "state"));
	show_text_line(to, narrow, "Redirection:", show_text_word(c, "forward"));
	show_text_line(to, narrow, "Packet Return:", show_text_word(c, "return"));
	show_text_line(to, narrow, "Assignment:", show_text_word(c, "assign"));
	fprintf(to, "%*s%-*s %02lld:%02lld:%02lld\n", narrow.in, "", narrow.width,
		"Connect Time:", s / 3600, s / 60 % 60, s % 60);
	fputs("        Redirected Packets:\n", to);
	show_text_count(to, (struct column){ 10, 22 },
			"eBPF:", json_get_number(c, "redirected"));
}

static void show_text_print_clients(const json_t *s, bool detail, FILE *to)
{
	const json_t *clients = json_get_member(s, "clients"), *c;
	size_t i;

	if (!json_array_size(clients))
		fprintf(to, "Service %s has no clients\n", json_get_text(s, "name"));
	json_array_foreach((json_t *)clients, i, c)
	{
		if (i)
			fputc('\n', to);
		show_text_print_client(c, to);
		if (detail)
			show_text_print_assigned(s, c, to);
	}
}

/* -- view -------------------------------------------------------------------------- */

static void show_text_print_addresses(const char *title, const json_t *list, FILE *to)
{
	const json_t *a;
	size_t i;

	fprintf(to, "    %s\n", title);
	json_array_foreach((json_t *)list, i, a)
	{
		fprintf(to, "        %s\n", show_text_item_text(a));
	}
	if (!json_array_size(list))
		fputs("        -none-\n", to);
}

static void show_text_print_view(const json_t *v, FILE *to)
{
	show_text_print_addresses(
		"WCCP Routers Informed of:", json_get_member(v, "routers"), to);
	fputc('\n', to);
	show_text_print_addresses(
		"WCCP Clients Visible:", json_get_member(v, "clients_visible"), to);
	fputc('\n', to);
	show_text_print_addresses("WCCP Clients NOT Visible:",
				  json_get_member(v, "clients_not_visible"), to);
}

/* -- buckets ----------------------------------------------------------------------- */

static bool show_text_same_bucket(const json_t *a, const json_t *b)
{
	return a && b &&
	       strcmp(json_get_text(a, "client"), json_get_text(b, "client")) == 0 &&
	       json_get_true(a, "alternate") == json_get_true(b, "alternate") &&
	       json_get_number(a, "redirected") == json_get_number(b, "redirected");
}

static void show_text_print_run(size_t first, size_t last, const json_t *b, FILE *to)
{
	char numbers[48];

	if (first == last)
		snprintf(numbers, sizeof(numbers), "%zu", first);
	else
		snprintf(numbers, sizeof(numbers), "%zu-%zu", first, last);
	fprintf(to, "        %-9s %-39s %-5s %lld\n", numbers,
		show_text_word(b, "client"),
		json_get_true(b, "alternate") ? "yes" : "no",
		json_get_number(b, "redirected"));
}

/* Consecutive buckets that agree in everything share a line; packets are per bucket. */
static void show_text_print_bucket_table(const json_t *list, FILE *to)
{
	size_t first = 0, i, n = json_array_size(list);

	fprintf(to, "        %-9s %-39s %-5s %s\n", "Buckets", "Client", "Alt",
		"Packets");
	for (i = 0; i < n; i++) {
		const json_t *b = json_array_get(list, i);

		if (show_text_same_bucket(b, json_array_get(list, i + 1)))
			continue;
		show_text_print_run(first, i, b, to);
		first = i + 1;
	}
}

static void show_text_print_buckets(const json_t *s, FILE *to)
{
	const json_t *c;
	size_t i;

	fprintf(to, "Service %s: assigned by %s, key change %lld\n",
		json_get_text(s, "name"), show_text_word(s, "assigned_by"),
		json_get_number(s, "key_change"));
	if (!json_get_true(s, "by_mask")) {
		show_text_print_bucket_table(json_get_member(s, "buckets"), to);
		return;
	}
	json_array_foreach((json_t *)json_get_member(s, "clients"), i, c)
	{
		show_text_line(to, narrow,
			       "WCCP Client ID:", show_text_word(c, "address"));
		show_mask_text(s, c, to);
	}
}

static void show_text_print_all(const json_t *all, FILE *to)
{
	const json_t *s;
	size_t i;

	show_text_print_global(all, to);
	json_array_foreach((json_t *)json_get_member(all, "services"), i, s)
	{
		fputc('\n', to);
		show_text_print_service(s, to);
	}
}

void show_text_print(const json_t *part, const struct show_request *r, FILE *to)
{
	switch (r->view) {
	case SHOW_ALL:
		show_text_print_all(part, to);
		break;
	case SHOW_GLOBAL:
		show_text_print_global(part, to);
		break;
	case SHOW_PROBLEMS:
		show_text_print_problems(part, to);
		break;
	case SHOW_SERVICE:
		show_text_print_service(part, to);
		break;
	case SHOW_CLIENTS:
	case SHOW_DETAIL:
		show_text_print_clients(part, r->view == SHOW_DETAIL, to);
		break;
	case SHOW_VIEW:
		show_text_print_view(part, to);
		break;
	case SHOW_BUCKETS:
		show_text_print_buckets(part, to);
		break;
	}
}
