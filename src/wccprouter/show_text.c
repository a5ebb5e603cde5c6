/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of the router as text, from its JSON. */
#include "show.h"
#include "show_mask.h"

#include <string.h>

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "-none-";
}

static long long int_of(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void line_text(FILE *to, int indent, int width, const char *label,
		      const char *value)
{
	fprintf(to, "%*s%-*s %s\n", indent, "", width, label, value);
}

static void line_number(FILE *to, int indent, int width, const char *label,
			long long value)
{
	fprintf(to, "%*s%-*s %lld\n", indent, "", width, label, value);
}

/* The vector in two rows, as routers print it. */
static void print_vector(const char *hex, FILE *to)
{
	fprintf(to, "        %-24s %.32s\n", "Assigned Hash Info:", hex);
	if (strlen(hex) > 32)
		fprintf(to, "        %-24s %s\n", "", hex + 32);
}

static void print_buckets(const json_t *c, FILE *to)
{
	long long buckets = int_of(c, "buckets");

	fprintf(to, "        %-24s %lld of 256 (%.2f%%)\n", "Hash Allotment:", buckets,
		(double)buckets * 100 / 256);
	print_vector(text_of(c, "bucket_vector"), to);
}

static void print_client(const json_t *service, const json_t *c, FILE *to)
{
	long long s = int_of(c, "connect_time_s");
	enum { IN = 8, W = 24 };

	fputs("\nWCCP Client information:\n", to);
	line_text(to, IN, W, "WCCP Client ID:", text_of(c, "address"));
	line_text(to, IN, W, "Protocol Version:", text_of(c, "version"));
	line_text(to, IN, W, "State:", text_of(c, "state"));
	line_text(to, IN, W, "Redirection:", text_of(c, "forward"));
	line_text(to, IN, W, "Packet Return:", text_of(c, "return"));
	line_text(to, IN, W, "Assignment:", text_of(c, "assign"));
	fprintf(to, "%*s%-*s %02lld:%02lld:%02lld\n", IN, "", W,
		"Connect Time:", s / 3600, s / 60 % 60, s % 60);
	fprintf(to, "%*sRedirected Packets:\n", IN, "");
	line_number(to, IN + 2, W - 2, "eBPF:", int_of(c, "redirected"));
	if (strcmp(text_of(c, "assign"), "MASK") == 0)
		show_mask_text(service, c, to);
	else
		print_buckets(c, to);
}

static void print_service(const json_t *s, FILE *to)
{
	const json_t *packets = json_object_get(s, "packets");
	const json_t *clients = json_object_get(s, "clients");
	const json_t *refused =
		json_object_get(json_object_get(s, "counters"), "refused");
	long long auth = int_of(refused, "auth-missing") +
			 int_of(refused, "auth-unexpected") +
			 int_of(refused, "auth-failed");
	const json_t *client;
	enum { IN = 4, W = 36 };
	size_t i;

	fprintf(to, "\nService Identifier: %s\n", text_of(s, "name"));
	line_number(to, IN, W, "Number of Service Group Clients:",
		    (long long)json_array_size(clients));
	line_number(to, IN, W, "Number of Service Group Routers:",
		    (long long)json_array_size(json_object_get(s, "routers")));
	line_number(to, IN, W,
		    "Total Packets Redirected:", int_of(packets, "redirected"));
	line_text(to, IN, W, "Service mode:",
		  json_is_true(json_object_get(s, "closed")) ? "Closed" : "Open");
	line_number(to, IN, W, "Total Packets Dropped:", int_of(packets, "dropped"));
	line_text(to, IN, W, "Redirect access-list:", "-none-");
	line_text(to, IN, W, "Group Address:", text_of(s, "group_address"));
	line_text(to, IN, W, "Address Family:", text_of(s, "family"));
	line_number(to, IN, W,
		    "Total Packets Unassigned:", int_of(packets, "unassigned"));
	line_number(to, IN, W, "Total Authentication failures:", auth);
	line_number(to, IN, W,
		    "Total Bypassed Packets Received:", int_of(packets, "returned"));
	line_text(to, IN, W, "Assigned by:", text_of(s, "assigned_by"));
	if (json_is_true(json_object_get(s, "by_mask")))
		line_number(to, IN, W,
			    "Values unassigned:", int_of(s, "unassigned_values"));
	else
		line_number(to, IN, W,
			    "Buckets unassigned:", int_of(s, "unassigned_buckets"));
	json_array_foreach((json_t *)clients, i, client) print_client(s, client, to);
}

void show_text(const json_t *all, FILE *to)
{
	const json_t *services = json_object_get(all, "services"), *s;
	size_t i;

	fputs("Global WCCP information:\n", to);
	line_text(to, 4, 36, "Router Identifier:", text_of(all, "router_id"));
	line_text(to, 4, 36, "Router Identifier of IPv6:", text_of(all, "router_id6"));
	line_number(to, 4, 36,
		    "Messages for unknown services:", int_of(all, "unknown_service"));
	json_array_foreach((json_t *)services, i, s) print_service(s, to);
}
