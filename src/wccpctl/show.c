/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wccpctl show */
#include "show.h"
#include "table.h"
#include "wccp.h"

#include <string.h>

/* -- reading the document -------------------------------------------------------- */

static const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s && *s ? s : "-";
}

static long long number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static bool is_true(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

static const json_t *list(const json_t *o, const char *key)
{
	return json_object_get(o, key);
}

/* -- small texts ------------------------------------------------------------------- */

struct short_text {
	char s[32];
};

/* "42s", "12m03s", "3h04m", "5d02h" */
static struct short_text duration(long long s)
{
	struct short_text t;

	if (s < 60)
		snprintf(t.s, sizeof(t.s), "%llds", s);
	else if (s < 3600)
		snprintf(t.s, sizeof(t.s), "%lldm%02llds", s / 60, s % 60);
	else if (s < 86400)
		snprintf(t.s, sizeof(t.s), "%lldh%02lldm", s / 3600, s / 60 % 60);
	else
		snprintf(t.s, sizeof(t.s), "%lldd%02lldh", s / 86400, s / 3600 % 24);
	return t;
}

static struct short_text share(long long buckets)
{
	struct short_text t;

	snprintf(t.s, sizeof(t.s), "%lld (%.2f%%)", buckets,
		 (double)buckets * 100 / WCCP_BUCKETS);
	return t;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return 0;
}

/* Octet by octet as on the wire, the lower bucket in the lower bit. */
static bool has_bucket(const char *hex, unsigned b)
{
	int octet = hex_digit(hex[b / 8 * 2]) << 4 | hex_digit(hex[b / 8 * 2 + 1]);

	return octet >> (b % 8) & 1;
}

/* The run of owned buckets that begins at `first`: its last one. */
static unsigned run_end(const char *hex, unsigned first)
{
	while (first + 1 < WCCP_BUCKETS && has_bucket(hex, first + 1))
		first++;
	return first;
}

/* "0-63, 200" after a label, wrapped at 80 columns. */
static void print_buckets(const char *name, const char *hex, FILE *to)
{
	int column = fprintf(to, "buckets of %s here:", name);
	bool any = false;

	for (unsigned b = 0; b < WCCP_BUCKETS; b++) {
		unsigned first = b;
		char item[16];
		int len;

		if (!has_bucket(hex, b))
			continue;
		b = run_end(hex, b);
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

static void print_heading(const json_t *status, FILE *to)
{
	const char *trouble = text(status, "data_plane_error");

	fprintf(to, "wccpd %s at %s on %s, up %s, data plane %s\n",
		text(status, "version"), text(status, "address"),
		text(status, "interface"), duration(number(status, "uptime_s")).s,
		is_true(status, "data_plane") ? "in force"
		: strcmp(trouble, "-") == 0   ? "not in force yet"
					      : "in trouble:");
	if (strcmp(trouble, "-") != 0)
		fprintf(to, "  %s\n", trouble);
}

static void print_service(const json_t *service, struct table *t)
{
	const json_t *packets = json_object_get(service, "packets");

	table_cell(t, "%s", text(service, "name"));
	table_cell(t, "%s %lld", text(service, "type"), number(service, "id"));
	table_cell(t, "%s", is_true(service, "up") ? "up" : "down");
	table_cell(t, "%lld", number(service, "weight"));
	table_cell(t, "%s", share(number(service, "buckets")).s);
	table_cell(t, "%s%s", text(service, "designated_cache"),
		   is_true(service, "designated") ? " (this)" : "");
	table_cell(t, "%lld", number(packets, "redirected"));
	table_cell(t, "%lld", number(packets, "delivered"));
	table_cell(t, "%lld", number(packets, "new_flows"));
	table_cell(t, "%lld", number(packets, "returned"));
	table_cell(t, "%lld", number(packets, "handed_over"));
	table_cell(t, "%lld", number(packets, "dropped"));
}

static void print_services(const json_t *status, FILE *to)
{
	struct table *t = table_new("SERVICE|TYPE|STATE|>WEIGHT|>BUCKETS|DESIGNATED|"
				    ">REDIRECTED|>DELIVERED|>NEW|>RETURNED|>HANDED|"
				    ">DROPPED");
	const json_t *service;
	size_t i;

	json_array_foreach(list(status, "services"), i, service)
		print_service(service, t);
	table_print(t, to);
	json_array_foreach(list(status, "services"), i, service)
	{
		const char *hex = text(service, "my_buckets");

		if (strlen(hex) == WCCP_BUCKETS / 4)
			print_buckets(text(service, "name"), hex, to);
	}
}

static void print_router(const char *service, const json_t *router, struct table *t)
{
	table_cell(t, "%s", service);
	table_cell(t, "%s", text(router, "address"));
	table_cell(t, "%s", text(router, "id"));
	table_cell(t, "%s", text(router, "state"));
	table_cell(t, "%s", duration(number(router, "since_s")).s);
	table_cell(t, "%s", text(router, "forward"));
	table_cell(t, "%s", text(router, "return"));
	table_cell(t, "%s", text(router, "assign"));
	table_cell(t, "%.1fs", (double)number(router, "transmit_t_ms") / 1000);
	table_cell(t, "%lld", number(router, "outstanding"));
	table_cell(t, "%lld", number(router, "caches"));
	table_cell(t, "%s", text(router, "reason"));
}

static void print_routers(const json_t *status, FILE *to)
{
	struct table *t =
		table_new("SERVICE|ROUTER|ID|STATE|SINCE|FORWARD|RETURN|ASSIGN|"
			  ">T|>UNANSWERED|>CACHES|REASON");
	const json_t *service, *router;
	size_t i, j;

	json_array_foreach(list(status, "services"), i, service)
		json_array_foreach(list(service, "routers"), j, router)
			print_router(text(service, "name"), router, t);
	table_print(t, to);
}

static void print_cache(const json_t *service, const json_t *cache, struct table *t)
{
	table_cell(t, "%s", text(service, "name"));
	table_cell(t, "%s", text(cache, "address"));
	table_cell(t, "%lld", number(cache, "weight"));
	table_cell(t, "%s", share(number(cache, "buckets")).s);
	table_cell(t, "%lld of %zu", number(cache, "routers"),
		   json_array_size(list(service, "routers")));
	table_cell(t, "%s",
		   is_true(cache, "seen_by_all") ? "yes" : "no, so it gets nothing");
}

static void print_caches(const json_t *status, FILE *to)
{
	struct table *t =
		table_new("SERVICE|CACHE|>WEIGHT|>BUCKETS|ROUTERS|SEEN BY ALL");
	const json_t *service, *cache;
	size_t i, j;

	json_array_foreach(list(status, "services"), i, service)
		json_array_foreach(list(service, "caches"), j, cache)
			print_cache(service, cache, t);
	table_print(t, to);
}

static void print_instance(const char *pool, const json_t *instance, struct table *t)
{
	table_cell(t, "%s/%s", pool, text(instance, "name"));
	table_cell(t, "%lld", number(instance, "port"));
	if (number(instance, "pid") > 0)
		table_cell(t, "%lld", number(instance, "pid"));
	else
		table_cell(t, "-");
	table_cell(t, "%s", text(instance, "state"));
	table_cell(t, "%s", duration(number(instance, "since_s")).s);
	table_cell(t, "%s", text(instance, "last_check"));
	table_cell(t, "%lld", number(instance, "listeners"));
	table_cell(t, "%lld", number(instance, "given"));
	table_cell(t, "%s", text(instance, "reason"));
}

static void print_instances(const json_t *status, FILE *to)
{
	struct table *t = table_new("INSTANCE|>PORT|>PID|STATE|SINCE|LAST CHECK|"
				    ">LISTENERS|>GIVEN|REASON");
	const json_t *pool, *instance;
	size_t i, j;

	json_array_foreach(list(status, "pools"), i, pool)
	{
		json_array_foreach(list(pool, "instances"), j, instance)
			print_instance(text(pool, "name"), instance, t);
	}
	table_print(t, to);
	json_array_foreach(list(status, "pools"), i, pool)
		fprintf(to, "pool %s is %s: %lld of %zu count, %lld needed\n",
			text(pool, "name"), is_true(pool, "up") ? "up" : "DOWN",
			number(pool, "healthy"),
			json_array_size(list(pool, "instances")), number(pool, "min"));
}

static const struct {
	const char *name;
	enum show_part part;
	void (*print)(const json_t *status, FILE *to);
} parts_table[] = {
	{ "services", SHOW_SERVICES, print_services },
	{ "routers", SHOW_ROUTERS, print_routers },
	{ "caches", SHOW_CACHES, print_caches },
	{ "instances", SHOW_INSTANCES, print_instances },
};

enum { N_PARTS = sizeof(parts_table) / sizeof(parts_table[0]) };

int show_part(const char *name)
{
	for (unsigned i = 0; i < N_PARTS; i++)
		if (strcmp(parts_table[i].name, name) == 0)
			return parts_table[i].part;
	return -1;
}

void show_print(const json_t *status, unsigned parts, FILE *to)
{
	bool all = parts == 0;

	if (all)
		print_heading(status, to);
	for (unsigned i = 0; i < N_PARTS; i++) {
		if (!all && !(parts & parts_table[i].part))
			continue;
		if (all)
			fputc('\n', to);
		parts_table[i].print(status, to);
	}
}
