/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wccpctl show */
#include "wccpctl/show.h"
#include "json_get.h"
#include "wccp.h"
#include "wccpctl/duration.h"
#include "wccpctl/show_packets.h"
#include "wccpctl/show_problems.h"
#include "wccpctl/show_service.h"
#include "wccpctl/table.h"

#include <string.h>

/* -- small texts ------------------------------------------------------------------- */

struct short_text {
	char s[32];
};

static struct short_text show_share(const json_t *service, long long slots)
{
	struct short_text t;

	snprintf(t.s, sizeof(t.s), "%lld (%.2f%%)", slots,
		 (double)slots * 100 / (double)show_service_slots(service));
	return t;
}

static int show_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return 0;
}

/* Octet by octet as on the wire, the lower bucket in the lower bit. */
static bool show_has_bucket(const char *hex, unsigned b)
{
	int octet = show_hex_digit(hex[b / 8 * 2]) << 4 |
		    show_hex_digit(hex[b / 8 * 2 + 1]);

	return octet >> (b % 8) & 1;
}

/* The last bucket of the run of owned buckets that begins at `first`. */
static unsigned show_run_end(const char *hex, unsigned first)
{
	while (first + 1 < WCCP_BUCKETS && show_has_bucket(hex, first + 1))
		first++;
	return first;
}

static bool show_is_by_mask(const json_t *service)
{
	return strcmp(json_get_text(json_get_member(service, "assignment"), "method"),
		      "mask") == 0;
}

/* Ours, by either method. */
static long long show_own_slots(const json_t *service)
{
	return show_is_by_mask(service)
		       ? json_get_number(json_get_member(service, "assignment"),
					 "my_slots")
		       : json_get_number(service, "buckets");
}

/* "0-63, 200" after a label, wrapped at 80 columns. */
static void show_print_buckets(const json_t *service, const char *hex, FILE *to)
{
	bool mask = show_is_by_mask(service);
	int column = fprintf(to, "%s of %s here:", mask ? "mask values" : "buckets",
			     json_get_text(service, "name"));
	bool any = false;

	for (unsigned b = 0; b < WCCP_BUCKETS; b++) {
		unsigned first = b;
		char item[16];
		int len;

		if (!show_has_bucket(hex, b))
			continue;
		b = show_run_end(hex, b);
		len = b == first ? snprintf(item, sizeof(item), "%u", b)
				 : snprintf(item, sizeof(item), "%u-%u", first, b);
		if (any)
			column += fprintf(to, ",");
		if (column + 1 + len > 79)
			column = fprintf(to, "\n ") - 1;
		column += fprintf(to, " %s", item);
		any = true;
	}
	fputs(any ? "\n" : " none\n", to);
}

/* -- tables -------------------------------------------------------------------------- */

/* No service, but a pool that listens on ports of the box. */
static bool show_has_only_ports(const json_t *status)
{
	const json_t *pool;
	size_t i;

	if (json_array_size(json_get_member(status, "services")) > 0)
		return false;
	json_array_foreach(json_get_member(status, "pools"), i, pool)
		if (json_array_size(json_get_member(pool, "listen")) > 0)
			return true;
	return false;
}

static void show_print_heading(const json_t *status, FILE *to)
{
	const char *trouble = json_get_text(status, "data_plane_error");

	fprintf(to, "wccpd %s", json_get_text(status, "version"));
	if (!show_has_only_ports(status))
		fprintf(to, " at %s on %s", json_get_text(status, "address"),
			json_get_text(status, "interface"));
	fprintf(to, ", up %s, data plane %s\n",
		duration_text(json_get_number(status, "uptime_s")).s,
		json_get_true(status, "data_plane") ? "in force"
		: strcmp(trouble, "-") == 0	    ? "not in force yet"
						    : "in trouble:");
	if (strcmp(trouble, "-") != 0)
		fprintf(to, "  %s\n", trouble);
	if (show_problems_count(status))
		fprintf(to, "problems: %zu (see wccpctl show problems)\n",
			show_problems_count(status));
}

static void show_print_service(const json_t *service, struct table *t)
{
	const json_t *packets = json_object_get(service, "packets");

	table_cell(t, "%s", json_get_text(service, "name"));
	table_cell(t, "%s %lld", json_get_text(service, "type"),
		   json_get_number(service, "id"));
	table_cell(t, "%s", json_get_true(service, "up") ? "up" : "down");
	table_cell(t, "%lld", json_get_number(service, "weight"));
	table_cell(t, "%s", show_share(service, show_own_slots(service)).s);
	table_cell(t, "%s%s", json_get_text(service, "designated_cache"),
		   json_get_true(service, "designated") ? " (this)" : "");
	table_cell(t, "%lld", json_get_number(packets, "redirected"));
	table_cell(t, "%lld", json_get_number(packets, "delivered"));
	table_cell(t, "%lld", json_get_number(packets, "new_flows"));
	table_cell(t, "%lld", json_get_number(packets, "returned"));
	table_cell(t, "%lld", json_get_number(packets, "handed_over"));
	table_cell(t, "%lld", json_get_number(packets, "dropped"));
}

static void show_print_services(const json_t *status, FILE *to)
{
	struct table *t = table_new("SERVICE|TYPE|STATE|>WEIGHT|>BUCKETS|DESIGNATED|"
				    ">REDIRECTED|>DELIVERED|>NEW|>RETURNED|>HANDED|"
				    ">DROPPED");
	const json_t *service;
	size_t i;

	json_array_foreach(json_get_member(status, "services"), i, service)
		show_print_service(service, t);
	table_print(t, to);
	show_problems_print_delivery(status, to);
	show_service_drains(json_get_member(status, "services"), to);
	fputc('\n', to);
	show_service_descriptions(json_get_member(status, "services"), to);
	json_array_foreach(json_get_member(status, "services"), i, service)
	{
		const char *hex = json_get_text(service, "my_buckets");

		/* It has no more than 256 of them. */
		if (strlen(hex) == WCCP_BUCKETS / 4 &&
		    show_service_slots(service) <= WCCP_BUCKETS)
			show_print_buckets(service, hex, to);
	}
}

static void show_print_router(const char *service, const json_t *router,
			      struct table *t)
{
	table_cell(t, "%s", service);
	table_cell(t, "%s", json_get_text(router, "address"));
	table_cell(t, "%s", json_get_text(router, "id"));
	table_cell(t, "%s", json_get_text(router, "state"));
	table_cell(t, "%s", duration_text(json_get_number(router, "since_s")).s);
	table_cell(t, "%s", json_get_text(router, "forward"));
	table_cell(t, "%s", json_get_text(router, "return"));
	table_cell(t, "%s", json_get_text(router, "assign"));
	table_cell(t, "%s", json_get_text(router, "version"));
	table_cell(t, "%.1fs", (double)json_get_number(router, "transmit_t_ms") / 1000);
	table_cell(t, "%lld", json_get_number(router, "outstanding"));
	table_cell(t, "%lld", json_get_number(router, "caches"));
	table_cell(t, "%s", json_get_text(router, "reason"));
}

static void show_print_routers(const json_t *status, FILE *to)
{
	struct table *t =
		table_new("SERVICE|ROUTER|ID|STATE|SINCE|FORWARD|RETURN|ASSIGN|"
			  "VERSION|>T|>UNANSWERED|>CACHES|REASON");
	const json_t *service, *router;
	size_t i, j;

	json_array_foreach(json_get_member(status, "services"), i, service)
		json_array_foreach(json_get_member(service, "routers"), j, router)
			show_print_router(json_get_text(service, "name"), router, t);
	table_print(t, to);
}

static void show_print_cache(const json_t *service, const json_t *cache,
			     struct table *t)
{
	table_cell(t, "%s", json_get_text(service, "name"));
	table_cell(t, "%s", json_get_text(cache, "address"));
	table_cell(t, "%lld", json_get_number(cache, "weight"));
	table_cell(t, "%s", show_share(service, json_get_number(cache, "buckets")).s);
	table_cell(t, "%lld of %zu", json_get_number(cache, "routers"),
		   json_array_size(json_get_member(service, "routers")));
	table_cell(t, "%s",
		   json_get_true(cache, "stranger")	 ? "not in caches, gets nothing"
		   : json_get_true(cache, "seen_by_all") ? "yes"
							 : "no, so it gets nothing");
}

static void show_print_caches(const json_t *status, FILE *to)
{
	struct table *t =
		table_new("SERVICE|CACHE|>WEIGHT|>BUCKETS|ROUTERS|SEEN BY ALL");
	const json_t *service, *cache;
	size_t i, j;

	json_array_foreach(json_get_member(status, "services"), i, service)
		json_array_foreach(json_get_member(service, "caches"), j, cache)
			show_print_cache(service, cache, t);
	table_print(t, to);
}

static void show_print_instance(const char *pool, const json_t *instance,
				struct table *t)
{
	table_cell(t, "%s/%s", pool, json_get_text(instance, "name"));
	if (json_object_get(instance, "address"))
		table_cell(t, "%s port %lld", json_get_text(instance, "address"),
			   json_get_number(instance, "port"));
	else
		table_cell(t, "%lld", json_get_number(instance, "port"));
	if (json_get_number(instance, "pid") > 0)
		table_cell(t, "%lld", json_get_number(instance, "pid"));
	else
		table_cell(t, "-");
	table_cell(t, "%s", json_get_text(instance, "state"));
	table_cell(t, "%s", duration_text(json_get_number(instance, "since_s")).s);
	table_cell(t, "%s", json_get_text(instance, "last_check"));
	table_cell(t, "%lld", json_get_number(instance, "listeners"));
	table_cell(t, "%lld", json_get_number(instance, "given"));
	table_cell(t, "%s", json_get_text(instance, "reason"));
}

static void show_print_listens(const json_t *pool, FILE *to)
{
	const json_t *listen;
	size_t i;

	json_array_foreach(json_get_member(pool, "listen"), i, listen)
		fprintf(to, "%s %s", i ? "," : "; listens on",
			json_is_string(listen) ? json_string_value(listen) : "-");
}

static void show_print_pool(const json_t *pool, FILE *to)
{
	/* Older daemons do not say it. */
	const char *spread = json_string_value(json_get_member(pool, "spread"));

	fprintf(to, "pool %s is %s: %lld of %zu count, %lld needed",
		json_get_text(pool, "name"), json_get_true(pool, "up") ? "up" : "DOWN",
		json_get_number(pool, "healthy"),
		json_array_size(json_get_member(pool, "instances")),
		json_get_number(pool, "min"));
	show_print_listens(pool, to);
	if (spread)
		fprintf(to, "; spread by %s", spread);
	fputc('\n', to);
}

static void show_print_instances(const json_t *status, FILE *to)
{
	struct table *t = table_new("INSTANCE|>PORT|>PID|STATE|SINCE|LAST CHECK|"
				    ">LISTENERS|>GIVEN|REASON");
	const json_t *pool, *instance;
	size_t i, j;

	json_array_foreach(json_get_member(status, "pools"), i, pool)
	{
		json_array_foreach(json_get_member(pool, "instances"), j, instance)
			show_print_instance(json_get_text(pool, "name"), instance, t);
	}
	table_print(t, to);
	json_array_foreach(json_get_member(status, "pools"), i, pool)
		show_print_pool(pool, to);
}

static void show_print_packets(const json_t *status, FILE *to)
{
	show_packets_print(status, false, to);
}

static void show_print_all_packets(const json_t *status, FILE *to)
{
	show_packets_print(status, true, to);
}

static const struct {
	const char *name; /* NULL: not to be asked for by name */
	enum show_part part;
	void (*print)(const json_t *status, FILE *to);
	bool only_alone; /* not among everything */
} parts_table[] = {
	{ "services", SHOW_SERVICES, show_print_services, false },
	{ "routers", SHOW_ROUTERS, show_print_routers, false },
	{ "caches", SHOW_CACHES, show_print_caches, false },
	{ "instances", SHOW_INSTANCES, show_print_instances, false },
	{ "packets", SHOW_PACKETS, show_print_packets, true },
	{ NULL, SHOW_ALL_PACKETS, show_print_all_packets, true },
	{ "problems", SHOW_PROBLEMS, show_problems_print, true },
};

enum { N_PARTS = sizeof(parts_table) / sizeof(parts_table[0]) };

int show_part(const char *name)
{
	for (unsigned i = 0; i < N_PARTS; i++)
		if (parts_table[i].name && strcmp(parts_table[i].name, name) == 0)
			return parts_table[i].part;
	return -1;
}

void show_print(const json_t *status, unsigned parts, FILE *to)
{
	bool all = parts == 0, only_ports = show_has_only_ports(status);

	if (all)
		show_print_heading(status, to);
	for (unsigned i = 0; i < N_PARTS; i++) {
		if (all ? parts_table[i].only_alone : !(parts & parts_table[i].part))
			continue;
		if (all && only_ports && parts_table[i].part != SHOW_INSTANCES)
			continue;
		if (all)
			fputc('\n', to);
		parts_table[i].print(status, to);
	}
}
