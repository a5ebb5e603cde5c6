/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every scenario of this folder is played, and its trace compared with the one that
 * lies beside it.
 *
 *   test_golden            all of them, as a test
 *   test_golden NAME       print the trace of one
 *   test_golden --update   write all traces anew ("make golden-update"): to be read
 *                          before they are committed, line by line
 */
#include "golden.h"

#include <check.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static glob_t scenes;

static const char *top(void)
{
	const char *dir = getenv("srcdir");

	return dir ? dir : ".";
}

/* "DIR/NAME.scene" to "DIR/NAME.trace". */
static void trace_path(const char *scene, char *path, size_t size)
{
	snprintf(path, size, "%.*s.trace", (int)(strlen(scene) - strlen(".scene")),
		 scene);
}

static void find_scenes(void)
{
	char pattern[512];

	snprintf(pattern, sizeof(pattern), "%s/tests/golden/*.scene", top());
	if (glob(pattern, 0, NULL, &scenes) != 0)
		scenes.gl_pathc = 0;
}

/* The whole trace as a string of its own. */
static char *play(const char *scene, struct err *err)
{
	char *text = NULL;
	size_t len = 0;
	FILE *trace = open_memstream(&text, &len);
	int result;

	if (!trace)
		abort();
	err->text[0] = '\0';
	result = scene_play(scene, trace, err);
	if (result < 0)
		fprintf(trace, "failed: %s\n", err->text);
	fclose(trace);
	return text;
}

static char *read_file(const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = fopen(path, "r");

	if (!f)
		return NULL;
	if (getdelim(&text, &size, '\0', f) < 0)
		text[0] = '\0';
	fclose(f);
	return text;
}

static int write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	bool good;

	if (!f)
		return -1;
	good = fputs(text, f) >= 0;
	return fclose(f) == 0 && good ? 0 : -1;
}

/* What is there goes to diff(1) by a file, what should be is one already. */
static void print_difference(const char *path, const char *text)
{
	char is[] = "/tmp/golden-XXXXXX", command[1200];
	int fd = mkstemp(is);

	if (fd < 0 || write_file(is, text) < 0)
		abort();
	snprintf(command, sizeof(command), "diff -u '%s' '%s'", path, is);
	fflush(stdout);
	if (system(command) == 0)
		puts("no difference?");
	unlink(is);
	close(fd);
}

START_TEST(plays_as_ever)
{
	const char *scene = scenes.gl_pathv[_i];
	char path[512], *text, *expected;
	struct err err;

	trace_path(scene, path, sizeof(path));
	text = play(scene, &err);
	expected = read_file(path);
	if (expected && strcmp(expected, text) != 0)
		print_difference(path, text);
	ck_assert_msg(!err.text[0], "%s", err.text);
	ck_assert_msg(expected, "%s is not there", path);
	ck_assert_msg(strcmp(expected, text) == 0, "%s: another trace than %s", scene,
		      path);
	free(text);
	free(expected);
}
END_TEST

/* A trace is evidence only if the same play gives the same lines. */
START_TEST(plays_the_same_twice)
{
	struct err err;
	char *first = play(scenes.gl_pathv[_i], &err);
	char *second = play(scenes.gl_pathv[_i], &err);

	ck_assert_str_eq(first, second);
	free(first);
	free(second);
}
END_TEST

static int run_tests(void)
{
	Suite *suite = suite_create("golden");
	TCase *tc = tcase_create("scenarios");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tc, plays_as_ever, 0, (int)scenes.gl_pathc);
	tcase_add_loop_test(tc, plays_the_same_twice, 0, (int)scenes.gl_pathc);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner) || !scenes.gl_pathc;
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int print_one(const char *name)
{
	char path[512], *text;
	struct err err;

	snprintf(path, sizeof(path), "%s/tests/golden/%s.scene", top(), name);
	text = play(path, &err);
	fputs(text, stdout);
	free(text);
	return err.text[0] ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int update(void)
{
	int result = EXIT_SUCCESS;

	for (size_t i = 0; i < scenes.gl_pathc; i++) {
		char path[512], *text;
		struct err err;

		trace_path(scenes.gl_pathv[i], path, sizeof(path));
		text = play(scenes.gl_pathv[i], &err);
		if (err.text[0] || write_file(path, text) < 0) {
			fprintf(stderr, "%s\n", err.text[0] ? err.text : path);
			result = EXIT_FAILURE;
		}
		free(text);
	}
	return result;
}

int main(int argc, char **argv)
{
	int result;

	find_scenes();
	if (argc > 1 && strcmp(argv[1], "--update") == 0)
		result = update();
	else if (argc > 1)
		result = print_one(argv[1]);
	else
		result = run_tests();
	globfree(&scenes);
	return result;
}
