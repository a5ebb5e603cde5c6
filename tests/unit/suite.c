/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUITE_MAX = 1024 };

struct suite_entry {
	const TTest *test; /* NULL: a case begins */
	const char *file, *name;
	suite_configure *configure;
	int from, to;
};

static struct suite_entry entries[SUITE_MAX];
static unsigned n_entries;

static struct suite_entry *add(void)
{
	if (n_entries == SUITE_MAX) {
		fputs("suite: too many tests\n", stderr);
		abort();
	}
	return &entries[n_entries++];
}

void suite_case(const char *file, const char *name, suite_configure *configure)
{
	*add() = (struct suite_entry){ .file = file, .name = name,
				       .configure = configure };
}

void suite_test(const TTest *test, int from, int to)
{
	*add() = (struct suite_entry){ .test = test, .file = test->file,
				       .name = test->name, .from = from, .to = to };
}

static const char *basename_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* `only`: the one test that is wanted; NULL: all.  How many there are. */
static unsigned fill(Suite *s, const char *only)
{
	const char *file = NULL;
	TCase *tc = NULL;
	unsigned n = 0;

	for (const struct suite_entry *e = entries; e < entries + n_entries; e++) {
		/* What a file begins with belongs to no case of the file before. */
		if (!e->test || e->file != file) {
			tc = tcase_create(e->test ? basename_of(e->file) : e->name);
			suite_add_tcase(s, tc);
			if (e->configure)
				e->configure(tc);
			file = e->file;
		}
		if (!e->test || (only && strcmp(only, e->name)))
			continue;
		tcase_add_loop_test(tc, e->test, e->from, e->to);
		n++;
	}
	return n;
}

int main(int argc, char **argv)
{
	Suite *s = suite_create(basename_of(argv[0]));
	SRunner *sr = srunner_create(s);
	unsigned n = fill(s, argc > 1 ? argv[1] : NULL);
	int failed;

	if (!n)
		fprintf(stderr, "%s: no such test\n", argc > 1 ? argv[1] : "suite");
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed || !n ? EXIT_FAILURE : EXIT_SUCCESS;
}
