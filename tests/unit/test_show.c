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
