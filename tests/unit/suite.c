/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUITE_MAX = 1024 };

struct suite_entry {
	const struct suite_case *begins; /* NULL: a test */
	const TTest *test;
	int from, to;
};

static struct suite_entry suite_entries[SUITE_MAX];
static unsigned n_suite_entries;

static struct suite_entry *suite_add(void)
{
	if (n_suite_entries == SUITE_MAX) {
		fputs("suite: too many tests\n", stderr);
		abort();
	}
	return &suite_entries[n_suite_entries++];
}

void suite_case(const struct suite_case *c)
{
	suite_add()->begins = c;
}

void suite_test(const TTest *test, int from, int to)
{
	*suite_add() = (struct suite_entry){ .test = test, .from = from, .to = to };
}

static const char *suite_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static TCase *suite_begin(Suite *s, const char *name, const struct suite_case *c)
{
	TCase *tc = tcase_create(name);

	suite_add_tcase(s, tc);
	if (c && (c->setup || c->teardown))
		tcase_add_checked_fixture(tc, c->setup, c->teardown);
	if (c && c->timeout > 0)
		tcase_set_timeout(tc, c->timeout);
	return tc;
}

/* `only`: the one test that is wanted; NULL: all.  How many there are. */
static unsigned suite_fill(Suite *s, const char *only)
{
	const char *file = "";
	TCase *tc = NULL;
	unsigned n = 0;

	for (unsigned i = 0; i < n_suite_entries; i++) {
		const struct suite_entry *e = &suite_entries[i];

		if (e->begins) {
			file = e->begins->file;
			tc = suite_begin(s, e->begins->name, e->begins);
			continue;
		}
		/* The case of another file is none of this one's. */
		if (strcmp(e->test->file, file) != 0) {
			file = e->test->file;
			tc = suite_begin(s, suite_basename(file), NULL);
		}
		if (only && strcmp(only, e->test->name) != 0)
			continue;
		tcase_add_loop_test(tc, e->test, e->from, e->to);
		n++;
	}
	return n;
}

int main(int argc, char **argv)
{
	Suite *s = suite_create(suite_basename(argv[0]));
	SRunner *sr = srunner_create(s);
	unsigned n = suite_fill(s, argc > 1 ? argv[1] : NULL);
	int failed;

	if (!n)
		fprintf(stderr, "%s: no such test\n", argc > 1 ? argv[1] : "suite");
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed || !n ? EXIT_FAILURE : EXIT_SUCCESS;
}
