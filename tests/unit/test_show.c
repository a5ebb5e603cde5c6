/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wccpctl's tables, from a sample of the daemon's answer. */
#include "wccpctl/show.h"
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_data(const char *name)
{
	const char *top = getenv("srcdir");
	char path[4096];
	static char text[16384];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/tests/unit/data/%s", top ? top : ".", name);
	f = fopen(path, "r");
	ck_assert_msg(f, "%s", path);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	return text;
}

/* The caller frees the text. */
static char *shown(const json_t *status, unsigned parts)
{
	char *text;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	show_print(status, parts, to);
	fclose(to);
	return text;
}

static json_t *sample(void)
{
	json_t *status = json_loads(read_data("status.json"), 0, NULL);

	ck_assert_ptr_nonnull(status);
	return status;
}

TEST(everything_looks_as_agreed)
{
	json_t *status = sample();
	char *text = shown(status, 0);

	ck_assert_str_eq(text, read_data("show.txt"));
	free(text);
	json_decref(status);
}

TEST(parts_come_alone)
{
	json_t *status = sample();
	char *text = shown(status, (unsigned)show_part("caches"));

	ck_assert_ptr_nonnull(strstr(text, "SEEN BY ALL"));
	ck_assert_ptr_null(strstr(text, "INSTANCE"));
	ck_assert_ptr_null(strstr(text, "wccpd"));
	free(text);
	text = shown(status, SHOW_CACHES | SHOW_INSTANCES);
	ck_assert_ptr_nonnull(strstr(text, "SEEN BY ALL"));
	ck_assert_ptr_nonnull(strstr(text, "INSTANCE"));
	free(text);
	json_decref(status);
	ck_assert_int_eq(show_part("nonsense"), -1);
}

TEST(trouble_of_the_data_plane_is_told)
{
	json_t *status = sample();
	char *text;

	json_object_set_new(status, "data_plane", json_false());
	json_object_set_new(status, "data_plane_error",
			    json_string("eth0: no such device"));
	text = shown(status, 0);
	ck_assert_ptr_nonnull(strstr(text, "data plane in trouble:\n"
					   "  eth0: no such device\n"));
	free(text);
	json_decref(status);
}

/* An older or newer daemon may leave things out or say them in another type. */
TEST(strange_documents_do_no_harm)
{
	static const char services[] = "{\"services\": [5, null, {}, {\"routers\": [1],"
				       " \"caches\": [\"x\"], \"my_buckets\": \"ff\","
				       " \"packets\": 3}], \"pools\": [[], {}]}";
	static const char *const strange[] = {
		"{}",
		"[]",
		"{\"services\": 5, \"pools\": {}}",
		services,
	};

	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
		json_t *status = json_loads(strange[i], 0, NULL);
		char *text;

		ck_assert_ptr_nonnull(status);
		text = shown(status, 0);
		ck_assert_ptr_nonnull(strstr(text, "SERVICE"));
		free(text);
		json_decref(status);
	}
}

/* -- packets and problems ------------------------------------------------------------- */

/* The caller drops it. */
static json_t *small_document(void)
{
	static const char text[] =
		"{\"services\": [{\"name\": \"web\", \"packets\": {\"redirected\": 10,"
		" \"other_caches\": 2, \"completed\": 3, \"odd_header\": 0, \"reasons\":"
		" {\"delivered-new\": 4, \"returned-loop\": 0, \"handed-over\": 8}},"
		" \"delivery\": {\"text\": \"not announced\", \"reason\": \"a filter\"}}],"
		" \"packets_of_no_service\": {\"redirected\": 0, \"reasons\":"
		" {\"returned-no-service\": 0}}, \"problems\": [],"
		" \"gre\": {\"reassembled\": 0, \"strangers\": 7}}";

	return json_loads(text, 0, NULL);
}

static void expect_shown(json_t *status, unsigned parts, const char *want)
{
	char *text = shown(status, parts);

	ck_assert_str_eq(text, want);
	free(text);
}

TEST(packets_by_reason)
{
	json_t *status = small_document();

	expect_shown(status, SHOW_PACKETS,
		     "SERVICE  REASON         PACKETS\n"
		     "web      delivered-new        4\n"
		     "web      handed-over          8\n"
		     "web      all reasons         12  = 10 redirected + 2 from other "
		     "web-caches\n"
		     "web      handshakes           3  completed\n"
		     "(GRE)    strangers            7  not taken: not a router's, see the "
		     "log\n");
	json_decref(status);
}

TEST(all_reasons)
{
	json_t *status = small_document();
	char *text = shown(status, SHOW_ALL_PACKETS);

	ck_assert_ptr_nonnull(strstr(text, "returned-loop "));
	ck_assert_ptr_nonnull(strstr(text, "(none)   returned-no-service "));
	ck_assert_ptr_nonnull(strstr(text, "odd headers"));
	ck_assert_ptr_nonnull(strstr(text, "(GRE)    reassembled "));
	free(text);
	json_decref(status);
}

TEST(a_sum_that_is_not_right_is_not_called_so)
{
	json_t *status = small_document();
	json_t *web = json_array_get(json_object_get(status, "services"), 0);
	char *text;

	json_object_set_new(json_object_get(web, "packets"), "redirected",
			    json_integer(11));
	text = shown(status, SHOW_PACKETS);
	ck_assert_ptr_nonnull(strstr(text, "12  not 11 redirected + 2 from"));
	free(text);
	json_decref(status);
}

TEST(problems_are_one_below_the_other)
{
	json_t *status = small_document(), *list = json_object_get(status, "problems");

	expect_shown(status, SHOW_PROBLEMS, "no problems\n");
	json_array_append_new(
		list, json_pack("{s:s, s:s, s:s, s:i, s:s}", "kind", "router", "service",
				"web", "about", "10.0.0.1", "since_s", 75, "text",
				"lost: silent for a long time, longer than anybody can "
				"wait, and without sending a SHUTDOWN"));
	json_array_append_new(list, json_pack("{s:s, s:n, s:n, s:n, s:s}", "kind",
					      "data-plane", "service", "about",
					      "since_s", "text", "eth0: gone"));
	expect_shown(status, SHOW_PROBLEMS,
		     "SINCE  SERVICE  WHAT             PROBLEM\n"
		     "1m15s  web      router 10.0.0.1  lost: silent for a long time, longer "
		     "than anybody can wait, and\n"
		     "                                 without sending a SHUTDOWN\n"
		     "-      -        data-plane       eth0: gone\n");
	json_decref(status);
}

TEST(the_summary_tells_of_problems)
{
	json_t *status = small_document();
	char *text = shown(status, 0);

	ck_assert_ptr_nonnull(strstr(text, "\nweb: not announced: a filter\n"));
	ck_assert_ptr_null(strstr(text, "problems:"));
	free(text);
	json_array_append_new(json_object_get(status, "problems"), json_object());
	text = shown(status, 0);
	ck_assert_ptr_nonnull(strstr(text, "\nproblems: 1 (see wccpctl show problems)\n"));
	free(text);
	json_decref(status);
}
