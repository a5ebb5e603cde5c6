/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The router's document as OpenMetrics text.
 *
 * One table names the families; most are numbers at a fixed place in each service of
 * the document, or in each of its clients.
 */
#include "wccprouter/show/metrics.h"

#include "json_get.h"
#include "wccprouter/show/show_counters.h"
#include "wccprouter/show/show_json.h"

#include <stdlib.h>
#include <string.h>

/* -- lines ------------------------------------------------------------------------- */

struct label {
	const char *name, *value; /* a NULL name ends the list */
};

/* OpenMetrics 1.0, "Escaping": backslash, quote and line feed. */
static void metrics_put_value(const char *text, FILE *to)
{
	for (; *text; text++) {
		if (*text == '\n') {
			fputs("\\n", to);
			continue;
		}
		if (*text == '"' || *text == '\\')
			fputc('\\', to);
		fputc(*text, to);
	}
}

static void metrics_put_labels(const struct label *labels, FILE *to)
{
	const struct label *l;

	for (l = labels; l->name; l++) {
		fprintf(to, "%c%s=\"", l == labels ? '{' : ',', l->name);
		metrics_put_value(l->value, to);
		fputc('"', to);
	}
	if (l != labels)
		fputc('}', to);
}

struct family {
	const char *name, *type, *unit, *help;
	/* Where the number is: in each service, in an object of it, or in each client. */
	enum { OF_SERVICE, OF_PACKETS, OF_COUNTERS, OF_CLIENT, OF_ELSEWHERE } of;
	const char *key;
	void (*print)(const struct family *f, const json_t *all, FILE *to);
};

static void metrics_put_head(const struct family *f, FILE *to)
{
	fprintf(to, "# TYPE %s %s\n", f->name, f->type);
	if (f->unit)
		fprintf(to, "# UNIT %s %s\n", f->name, f->unit);
	fprintf(to, "# HELP %s %s\n", f->name, f->help);
}

static void metrics_put_sample(const struct family *f, const struct label *labels,
			       long long value, FILE *to)
{
	fputs(f->name, to);
	if (strcmp(f->type, "counter") == 0)
		fputs("_total", to);
	else if (strcmp(f->type, "info") == 0)
		fputs("_info", to);
	metrics_put_labels(labels, to);
	fprintf(to, " %lld\n", value);
}

/* A number or a flag. */
static long long metrics_value_of(const json_t *o, const char *key)
{
	return json_get_true(o, key) ? 1 : json_get_number(o, key);
}

static void metrics_put_of_service(const struct family *f, const json_t *s,
				   const json_t *o, const char *key, const char *label,
				   const char *text, FILE *to)
{
	struct label labels[] = { { "service", json_get_text(s, "name") },
				  { label, text },
				  { 0 } };

	metrics_put_sample(f, labels, metrics_value_of(o, key), to);
}

#define EACH_SERVICE(all, i, s)                                                        \
	json_array_foreach((json_t *)json_get_member(all, "services"), i, s)

/* -- what is more than one number -------------------------------------------------- */

static void metrics_print_info(const struct family *f, const json_t *all, FILE *to)
{
	struct label labels[] = { { "version", json_get_text(all, "version") },
				  { "router_id", json_get_text(all, "router_id") },
				  { 0 } };

	metrics_put_sample(f, labels, 1, to);
}

static void metrics_print_usable(const struct family *f, const json_t *all, FILE *to)
{
	const json_t *s, *c;
	size_t i, k;

	EACH_SERVICE(all, i, s)
	{
		json_array_foreach((json_t *)json_get_member(s, "clients"), k, c)
		{
			struct label labels[] = {
				{ "service", json_get_text(s, "name") },
				{ "client", json_get_text(c, "address") },
				{ 0 }
			};

			metrics_put_sample(
				f, labels,
				strcmp(json_get_text(c, "state"), "Usable") == 0, to);
		}
	}
}

static void metrics_print_routers(const struct family *f, const json_t *all, FILE *to)
{
	const json_t *s;
	size_t i;

	EACH_SERVICE(all, i, s)
	{
		struct label labels[] = { { "service", json_get_text(s, "name") },
					  { 0 } };

		metrics_put_sample(
			f, labels,
			(long long)json_array_size(json_get_member(s, "routers")), to);
	}
}

static void metrics_print_packets(const struct family *f, const json_t *all, FILE *to)
{
	static const char *const actions[] = { "redirected",   "unassigned", "returned",
					       "unreturnable", "bypassed",   "dropped",
					       "too_big" };
	const json_t *s;
	size_t i, k;

	EACH_SERVICE(all, i, s)
	{
		for (k = 0; k < sizeof(actions) / sizeof(actions[0]); k++)
			metrics_put_of_service(f, s, json_get_member(s, "packets"),
					       actions[k], "action", actions[k], to);
	}
}

/* `key` says which direction. */
static void metrics_print_messages(const struct family *f, const json_t *all, FILE *to)
{
	const json_t *s, *n;
	const char *type;
	size_t i;

	EACH_SERVICE(all, i, s)
	{
		json_t *types = json_object_get(json_get_member(s, "counters"), f->key);

		json_object_foreach(types, type, n)
			metrics_put_of_service(f, s, types, type, "type", type, to);
	}
}

static void metrics_print_removed(const struct family *f, const json_t *all, FILE *to)
{
	const json_t *s;
	size_t i;

	EACH_SERVICE(all, i, s)
	{
		const json_t *c = json_get_member(s, "counters");

		metrics_put_of_service(f, s, c, "removed_by_timeout", "reason",
				       "timeout", to);
		metrics_put_of_service(f, s, c, "removed_by_shutdown", "reason",
				       "shutdown", to);
	}
}

static void metrics_print_refused(const struct family *f, const json_t *all, FILE *to)
{
	const json_t *s, *n;
	const char *reason;
	size_t i;

	EACH_SERVICE(all, i, s)
	{
		json_t *counters = json_object_get(s, "counters");
		json_t *refused = json_object_get(counters, "refused");

		for (const struct show_counter *c = show_counters; c->name; c++)
			if (c->refusal)
				metrics_put_of_service(f, s, counters, c->name,
						       "reason", c->name, to);
		json_object_foreach(refused, reason, n) metrics_put_of_service(
			f, s, refused, reason, "reason", reason, to);
	}
}

static void metrics_print_stray(const struct family *f, const json_t *all, FILE *to)
{
	json_t *refused = json_object_get(all, "refused");
	struct label labels[] = { { "reason", "unknown-service" }, { 0 } };
	const json_t *n;
	const char *reason;

	metrics_put_sample(f, labels, json_get_number(all, "unknown_service"), to);
	json_object_foreach(refused, reason, n)
	{
		labels[0].value = reason;
		metrics_put_sample(f, labels, json_integer_value(n), to);
	}
}

/* -- what is one number ------------------------------------------------------------ */

static void metrics_print_clients(const struct family *f, const json_t *s, FILE *to)
{
	const json_t *c;
	size_t i;

	json_array_foreach((json_t *)json_get_member(s, "clients"), i, c)
	{
		metrics_put_of_service(f, s, c, f->key, "client",
				       json_get_text(c, "address"), to);
	}
}

static void metrics_print_number(const struct family *f, const json_t *all, FILE *to)
{
	static const char *const objects[] = {
		[OF_PACKETS] = "packets", [OF_COUNTERS] = "counters"
	};
	const json_t *s;
	size_t i;

	EACH_SERVICE(all, i, s)
	{
		if (f->of == OF_CLIENT)
			metrics_print_clients(f, s, to);
		else
			metrics_put_of_service(
				f, s,
				f->of == OF_SERVICE
					? s
					: json_get_member(s, objects[f->of]),
				f->key, NULL, NULL, to);
	}
}

#define P "wccprouter_"

static const struct family families[] = {
	{ "wccprouter", "info", NULL, "Version and router id", OF_ELSEWHERE, NULL,
	  metrics_print_info },
	{ P "service_assigned", "gauge", NULL, "Is an assignment in force", OF_SERVICE,
	  "assigned", NULL },
	{ P "service_unassigned_buckets", "gauge", NULL,
	  "Buckets that no web-cache has", OF_SERVICE, "unassigned_buckets", NULL },
	{ P "service_routers", "gauge", NULL, "Routers that the web-caches report",
	  OF_ELSEWHERE, NULL, metrics_print_routers },
	{ P "assignments", "counter", NULL, "Assignments taken", OF_COUNTERS,
	  "assignments", NULL },
	{ P "flushes", "counter", NULL,
	  "Assignments dropped because no new one arrived, or no web-cache was left",
	  OF_COUNTERS, "flushes", NULL },
	{ P "packets", "counter", "packets", "What was done with packets", OF_ELSEWHERE,
	  NULL, metrics_print_packets },
	{ P "redirected_bytes", "counter", "bytes", "Redirected, without GRE",
	  OF_PACKETS, "redirected_octets", NULL },
	{ P "messages_received", "counter", NULL, "WCCP messages taken", OF_ELSEWHERE,
	  "received", metrics_print_messages },
	{ P "messages_sent", "counter", NULL, "WCCP messages sent", OF_ELSEWHERE,
	  "sent", metrics_print_messages },
	{ P "messages_refused", "counter", NULL,
	  "WCCP messages refused, in whole or in part", OF_ELSEWHERE, NULL,
	  metrics_print_refused },
	{ P "stray_messages", "counter", NULL, "Messages of no service that is here",
	  OF_ELSEWHERE, NULL, metrics_print_stray },
	{ P "clients_removed", "counter", NULL, "Web-caches that left", OF_ELSEWHERE,
	  NULL, metrics_print_removed },
	{ P "client_usable", "gauge", NULL, "Is the web-cache a member", OF_ELSEWHERE,
	  NULL, metrics_print_usable },
	{ P "client_weight", "gauge", NULL, "Weight that the web-cache states",
	  OF_CLIENT, "weight", NULL },
	{ P "client_buckets", "gauge", NULL, "Buckets assigned, of 256", OF_CLIENT,
	  "buckets", NULL },
	{ P "client_values", "gauge", NULL, "Values of masks assigned", OF_CLIENT,
	  "values", NULL },
	{ P "client_connected_seconds", "gauge", "seconds",
	  "Since the web-cache became a member", OF_CLIENT, "connect_time_s", NULL },
	{ P "client_redirected_packets", "counter", "packets",
	  "Redirected to the web-cache", OF_CLIENT, "redirected", NULL },
	{ P "client_redirected_bytes", "counter", "bytes",
	  "Redirected to the web-cache, without GRE", OF_CLIENT, "redirected_octets",
	  NULL },
};

void metrics_print(const json_t *all, FILE *to)
{
	size_t i;

	for (i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		const struct family *f = &families[i];

		metrics_put_head(f, to);
		(f->print ? f->print : metrics_print_number)(f, all, to);
	}
	fputs("# EOF\n", to);
}

char *metrics_text(const struct routerd_services *services, size_t *len)
{
	json_t *all = show_json_all(services);
	char *text = NULL;
	FILE *to = all ? open_memstream(&text, len) : NULL;

	if (to) {
		metrics_print(all, to);
		if (fclose(to) != 0) {
			free(text);
			text = NULL;
		}
	}
	json_decref(all);
	return text;
}
