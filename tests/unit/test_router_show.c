/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What wccprouter shows, from a sample of its document: parts, text, metrics. */
#include "wccprouter/show/metrics.h"
#include "wccprouter/show/show_counters.h"
#include "wccprouter/show/show_text.h"
#include "wccprouter/show/show_view.h"
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct err err;
static json_t *sample;

static FILE *open_data(const char *name)
{
	const char *top = getenv("srcdir");
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/unit/data/%s", top ? top : ".", name);
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s", path);
	return f;
}

static const char *read_data(const char *name)
{
	static char text[16384];
	FILE *f = open_data(name);

	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	return text;
}

static void begin(void)
{
	FILE *f = open_data("router.json");

	sample = json_loadf(f, 0, NULL);
	fclose(f);
	ck_assert_ptr_nonnull(sample);
}

static void end(void)
{
	json_decref(sample);
}

/* Words as on the command line, separated by one blank. */
static int parse(const char *line, struct show_request *r)
{
	static char words[128];
	char *list[8], *rest = NULL;
	unsigned n = 0;

	snprintf(words, sizeof(words), "%s", line);
	for (char *w = strtok_r(words, " ", &rest); w; w = strtok_r(NULL, " ", &rest))
		list[n++] = w;
	return show_view_parse(n, list, r, &err);
}

/* With 256 buckets to the first service, as the router adds them when asked. */
static void add_buckets(void)
{
	json_t *list = json_array(), *services = json_object_get(sample, "services");

	for (int b = 0; b < 256; b++)
		json_array_append_new(
			list, json_pack("{s:i, s:s?, s:b, s:i}", "bucket", b, "client",
					b < 192 ? "10.0.1.2" : NULL, "alternate",
					b == 10, "redirected", b == 11 ? 449 : 0));
	json_object_set_new(json_array_get(services, 0), "buckets", list);
}

static json_t *select_part(const char *line, struct show_request *r)
{
	ck_assert_int_eq(parse(line, r), 0);
	return show_view_select(sample, r, &err);
}

/* The caller frees the text. */
static char *text_of(const char *line)
{
	struct show_request r;
	json_t *part = select_part(line, &r);
	char *text;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	ck_assert_msg(part != NULL, "%s", err.text);
	show_text_print(part, &r, to);
	fclose(to);
	json_decref(part);
	return text;
}

static void assert_has(const char *line, const char *words)
{
	char *text = text_of(line);

	ck_assert_msg(strstr(text, words) != NULL, "no \"%s\" in:\n%s", words, text);
	free(text);
}

static void assert_lacks(const char *line, const char *words)
{
	char *text = text_of(line);

	ck_assert_msg(strstr(text, words) == NULL, "\"%s\" in:\n%s", words, text);
	free(text);
}

CASE(router_show, .setup = begin, .teardown = end)

TEST(requests)
{
	static const struct {
		const char *line, *service;
		enum show_view view;
	} cases[] = {
		{ "", NULL, SHOW_ALL },
		{ "global", NULL, SHOW_GLOBAL },
		{ "problems", NULL, SHOW_PROBLEMS },
		{ "80", "80", SHOW_SERVICE },
		{ "80 clients", "80", SHOW_CLIENTS },
		{ "web-cache detail", "web-cache", SHOW_DETAIL },
		{ "80 view", "80", SHOW_VIEW },
		{ "80 buckets", "80", SHOW_BUCKETS },
	};
	struct show_request r;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_int_eq(parse(cases[i].line, &r), 0);
		ck_assert_int_eq(r.view, cases[i].view);
		ck_assert(!r.service == !cases[i].service);
		if (r.service)
			ck_assert_str_eq(r.service, cases[i].service);
	}
}

TEST(what_is_not_there_is_said)
{
	struct show_request r;

	ck_assert_int_eq(parse("80 nonsense", &r), -1);
	ck_assert_str_eq(err.text, "no view \"nonsense\": there are clients, detail, "
				   "view and buckets");
	ck_assert_int_eq(parse("80 view more", &r), -1);
	ck_assert_str_eq(err.text, "show: \"more\" is one word too many");
	ck_assert_int_eq(parse("global view", &r), -1);
	ck_assert_int_eq(parse("problems view", &r), -1);
	ck_assert_ptr_null(select_part("81", &r));
	ck_assert_str_eq(err.text,
			 "no service \"81\" is configured: there is web-cache, 80");
	ck_assert_ptr_null(select_part("81 buckets", &r));
}

TEST(parts_have_what_they_should)
{
	struct show_request r;
	json_t *o = select_part("global", &r);

	ck_assert_ptr_null(json_object_get(o, "services"));
	ck_assert_ptr_nonnull(json_object_get(sample, "services"));
	ck_assert_int_eq(json_integer_value(json_object_get(o, "unknown_service")), 3);
	json_decref(o);
	o = select_part("web-cache view", &r);
	ck_assert_uint_eq(json_array_size(json_object_get(o, "clients_visible")), 1);
	ck_assert_uint_eq(json_array_size(json_object_get(o, "clients_not_visible")),
			  1);
	ck_assert_str_eq(json_string_value(json_object_get(o, "router_id")),
			 "10.0.255.1");
	json_decref(o);
	o = select_part("80 clients", &r);
	ck_assert_str_eq(json_string_value(json_object_get(o, "name")), "80");
	ck_assert_uint_eq(json_array_size(json_object_get(o, "clients")), 1);
	ck_assert_uint_eq(json_object_size(o), 2);
	json_decref(o);
}

TEST(everything_looks_as_agreed)
{
	static const char *const lines[] = { "",	  "web-cache detail",
					     "80 detail", "web-cache view",
					     "80 view",	  "web-cache buckets",
					     "80 buckets", "problems" };
	char *all;
	size_t len;
	FILE *to = open_memstream(&all, &len);

	add_buckets();
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char *text = text_of(lines[i]);

		fprintf(to, "$ show %s\n%s\n", lines[i], text);
		free(text);
	}
	fclose(to);
	if (strcmp(all, read_data("router_show.txt")) != 0) {
		fputs(all, stderr); /* longer than what Check tells */
		ck_abort_msg("the text is not that of router_show.txt");
	}
	free(all);
}

TEST(views_leave_out_what_others_have)
{
	assert_lacks("web-cache", "WCCP Client ID");
	assert_has("web-cache clients", "WCCP Client ID:          10.0.1.2");
	assert_lacks("web-cache clients", "Hash Allotment");
	assert_has("web-cache detail", "Hash Allotment:          192 of 256 (75.00%)");
	assert_has("web-cache", "Total Authentication failures:       6");
	assert_lacks("global", "Service Identifier");
}

/* -- metrics ----------------------------------------------------------------------- */

static char *metrics(void)
{
	char *text;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	metrics_print(sample, to);
	fclose(to);
	return text;
}

TEST(metrics_have_types_units_and_an_end)
{
	static const char *const lines[] = {
		"# TYPE wccprouter info\n",
		"wccprouter_info{version=\"0.1.0\",router_id=\"10.0.255.1\"} 1\n",
		"# TYPE wccprouter_redirected_bytes counter\n"
		"# UNIT wccprouter_redirected_bytes bytes\n",
		"\nwccprouter_redirected_bytes_total{service=\"web-cache\"} 180900\n",
		"\nwccprouter_service_assigned{service=\"80\"} 1\n",
		"\nwccprouter_packets_total{service=\"web-cache\",action=\"dropped\"} "
		"2\n",
		"\nwccprouter_messages_received_total{service=\"web-cache\","
		"type=\"here_i_am\"} 20\n",
		"\nwccprouter_messages_refused_total{service=\"web-cache\","
		"reason=\"auth-failed\"} 5\n",
		"\nwccprouter_messages_refused_total{service=\"web-cache\","
		"reason=\"not_allowed\"} 9\n",
		"\nwccprouter_stray_messages_total{reason=\"unknown-service\"} 3\n",
		"\nwccprouter_stray_messages_total{reason=\"truncated\"} 7\n",
		"\nwccprouter_client_usable{service=\"web-cache\",client=\"10.0.2.2\"} "
		"0\n",
		"\nwccprouter_client_connected_seconds{service=\"80\",client=\"10.0.3."
		"3\"} 59\n",
	};
	char *text = metrics();

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_msg(strstr(text, lines[i]) != NULL, "no %s in:\n%s", lines[i],
			      text);
	ck_assert_ptr_null(strstr(text, "maps_left_out"));
	ck_assert_str_eq(text + strlen(text) - 6, "# EOF\n");
	free(text);
}

/* What happened to be a number of the document once counted as a refusal. */
TEST(only_refusals_are_refusals)
{
	json_t *s = json_array_get(json_object_get(sample, "services"), 0);
	json_t *counters = json_object_get(s, "counters");
	char *text;

	json_object_set_new(counters, "something_new", json_integer(5));
	text = metrics();
	ck_assert_ptr_null(strstr(text, "something_new"));
	for (const struct show_counter *c = show_counters; c->name; c++) {
		char want[80];

		snprintf(want, sizeof(want), "reason=\"%s\"} ", c->name);
		ck_assert_int_eq(strstr(text, want) != NULL, c->refusal);
	}
	free(text);
}

TEST(labels_are_escaped)
{
	json_t *s = json_array_get(json_object_get(sample, "services"), 0);
	char *text;

	json_object_set_new(s, "name", json_string("a\"b\\c\nd"));
	text = metrics();
	ck_assert_ptr_nonnull(strstr(text, "{service=\"a\\\"b\\\\c\\nd\"} 1\n"));
	free(text);
}

/* An older or newer router may leave things out or say them in another type. */
TEST(strange_documents_do_no_harm)
{
	static const char *const strange[] = {
		"{}",
		"{\"services\": 5}",
		("{\"services\": [5, null, {}, {\"name\": \"80\", \"clients\": [1, {}],"
		 " \"routers\": [2], \"group_list\": \"x\", \"buckets\": [3]}]}"),
	};
	static const char *const lines[] = { "",	  "global",  "problems", "80",
					     "80 detail", "80 view", "80 buckets" };

	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
		json_decref(sample);
		sample = json_loads(strange[i], 0, NULL);
		ck_assert_ptr_nonnull(sample);
		free(metrics());
		for (size_t k = 0; k < sizeof(lines) / sizeof(lines[0]); k++) {
			struct show_request r;
			json_t *part = select_part(lines[k], &r);

			json_decref(part);
			if (part)
				free(text_of(lines[k]));
		}
	}
}
