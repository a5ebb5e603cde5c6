/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket, both ends of it. */
#include "ask.h"
#include "control.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[64];
static struct event_base *base;
static struct err err;

static json_t *do_name(void *arg)
{
	return json_pack("{s:s}", "name", (const char *)arg);
}

static json_t *do_refuse(void *arg)
{
	(void)arg;
	return json_pack("{s:s}", "error", "not today");
}

static json_t *do_fail(void *arg)
{
	(void)arg;
	return NULL;
}

static const struct control_command commands[] = {
	{ "name", do_name },
	{ "refuse", do_refuse },
	{ "fail", do_fail },
};

static struct control *open_here(void)
{
	return control_open(base, path, commands, 3, (void *)"box", &err);
}

static void begin(void)
{
	snprintf(path, sizeof path, "/tmp/test_control.%d", (int)getpid());
	base = event_base_new();
}

static void end(void)
{
	event_base_free(base);
	unlink(path);
}

/* Serve until the child that asks has ended; its exit code. */
static int serve(pid_t child)
{
	int status;

	while (waitpid(child, &status, WNOHANG) == 0)
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* In a child: 0 when the answer (or the words of the refusal) is `want`. */
static int ask_in_child(const char *request, const char *want)
{
	pid_t child = fork();
	json_t *answer;
	char *text;

	if (child != 0)
		return serve(child);
	answer = ask("testd", path, request, &err);
	text = answer ? json_dumps(answer, JSON_COMPACT) : err.text;
	if (strcmp(text, want) != 0)
		fprintf(stderr, "got: %s\n", text);
	_exit(strcmp(text, want) != 0);
}

START_TEST(answers_a_command)
{
	struct control *c = open_here();

	ck_assert_ptr_nonnull(c);
	ck_assert_int_eq(ask_in_child("name", "{\"name\":\"box\"}"), 0);
	control_close(c);
}
END_TEST

START_TEST(refusals_are_errors_of_the_client)
{
	struct control *c = open_here();

	ck_assert_ptr_nonnull(c);
	ck_assert_int_eq(ask_in_child("refuse", "not today"), 0);
	ck_assert_int_eq(ask_in_child("fail", "no answer could be made"), 0);
	ck_assert_int_eq(ask_in_child("nonsense", "unknown command: nonsense"), 0);
	ck_assert_int_eq(ask_in_child("", "unknown command: "), 0);
	control_close(c);
}
END_TEST

START_TEST(only_root_and_its_group_may_ask)
{
	struct control *c = open_here();
	struct stat st;

	ck_assert_ptr_nonnull(c);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0660);
	control_close(c);
	ck_assert_int_eq(stat(path, &st), -1);
}
END_TEST

START_TEST(a_stale_socket_is_replaced_a_live_one_is_not)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct control *c;

	strcpy(sun.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof sun), 0);
	close(fd); /* its file stays, as after a crash */
	c = open_here();
	ck_assert_ptr_nonnull(c);
	ck_assert_ptr_null(open_here());
	ck_assert_ptr_nonnull(strstr(err.text, "another daemon is listening there"));
	ck_assert_int_eq(ask_in_child("name", "{\"name\":\"box\"}"), 0);
	control_close(c);
}
END_TEST

START_TEST(a_client_that_floods_is_dropped)
{
	struct control *c = open_here();
	char flood[4096];
	pid_t child = fork();
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (child == 0) {
		memset(flood, 'x', sizeof flood);
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		strcpy(sun.sun_path, path);
		if (connect(fd, (struct sockaddr *)&sun, sizeof sun) < 0 ||
		    send(fd, flood, sizeof flood, MSG_NOSIGNAL) < 0)
			_exit(2);
		_exit(read(fd, flood, sizeof flood) > 0); /* its end, not an answer */
	}
	ck_assert_ptr_nonnull(c);
	ck_assert_int_eq(serve(child), 0);
	control_close(c);
}
END_TEST

START_TEST(nobody_there_is_said_by_name)
{
	ck_assert_ptr_null(ask("testd", path, "name", &err));
	ck_assert_ptr_nonnull(strstr(err.text, "testd is not running"));
}
END_TEST

START_TEST(a_path_that_is_too_long_is_refused)
{
	char longer[200];

	memset(longer, 'a', sizeof longer - 1);
	longer[0] = '/';
	longer[sizeof longer - 1] = '\0';
	ck_assert_ptr_null(control_open(base, longer, commands, 3, NULL, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "longer than"));
	ck_assert_ptr_null(ask("testd", longer, "name", &err));
	ck_assert_ptr_nonnull(strstr(err.text, "longer than"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("control");
	TCase *t = tcase_create("control");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, answers_a_command);
	tcase_add_test(t, refusals_are_errors_of_the_client);
	tcase_add_test(t, only_root_and_its_group_may_ask);
	tcase_add_test(t, a_stale_socket_is_replaced_a_live_one_is_not);
	tcase_add_test(t, a_client_that_floods_is_dropped);
	tcase_add_test(t, nobody_there_is_said_by_name);
	tcase_add_test(t, a_path_that_is_too_long_is_refused);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
