/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket, both ends of it. */
#include "control.h"
#include "control_client.h"
#include "descriptors.h"
#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char path[64];
static struct event_base *base;
static struct err err;

static json_t *do_name(void *arg, unsigned n, char *const *words)
{
	(void)n, (void)words;
	return json_pack("{s:s}", "name", (const char *)arg);
}

static json_t *do_refuse(void *arg, unsigned n, char *const *words)
{
	(void)arg, (void)n, (void)words;
	return json_pack("{s:s}", "error", "not today");
}

static json_t *do_fail(void *arg, unsigned n, char *const *words)
{
	(void)arg, (void)n, (void)words;
	return NULL;
}

static json_t *do_list(void *arg, unsigned n, char *const *words)
{
	json_t *list = json_array();

	(void)arg;
	for (unsigned i = 0; i < n; i++)
		json_array_append_new(list, json_string(words[i]));
	return list;
}

static json_t *do_follow(void *arg, unsigned n, char *const *words)
{
	(void)arg, (void)words;
	return n ? json_object() : json_pack("{s:s}", "error", "follow whom?");
}

static const struct control_command commands[] = {
	{ .name = "name", .run = do_name },
	{ .name = "refuse", .run = do_refuse },
	{ .name = "fail", .run = do_fail },
	{ .name = "list", .run = do_list, .max_words = CONTROL_MAX_WORDS },
	{ .name = "pair", .run = do_list, .max_words = 2 },
	{ .name = "follow", .run = do_follow, .max_words = 1, .follows = true },
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static struct control *open_here(void)
{
	return control_open(base, path, commands, N_COMMANDS, (void *)"box", &err);
}

static void begin(void)
{
	snprintf(path, sizeof(path), "/tmp/test_control.%d", (int)getpid());
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
	answer = control_client_ask("testd", path, request, &err);
	text = answer ? json_dumps(answer, JSON_COMPACT) : err.text;
	if (strcmp(text, want) != 0)
		fprintf(stderr, "got: %s\n", text);
	_exit(strcmp(text, want) != 0);
}

CASE(control, .setup = begin, .teardown = end, .timeout = 30)

TEST(answers_a_command)
{
	struct control *c = open_here();

	ck_assert_ptr_nonnull(c);
	ck_assert_int_eq(ask_in_child("name", "{\"name\":\"box\"}"), 0);
	control_close(c);
}

TEST(refusals_are_errors_of_the_client)
{
	struct control *c = open_here();

	ck_assert_ptr_nonnull(c);
	ck_assert_int_eq(ask_in_child("refuse", "not today"), 0);
	ck_assert_int_eq(ask_in_child("fail", "no answer could be made"), 0);
	ck_assert_int_eq(ask_in_child("nonsense", "unknown command: nonsense"), 0);
	ck_assert_int_eq(ask_in_child("", "unknown command: "), 0);
	control_close(c);
}

TEST(a_command_has_words)
{
	struct control *c = open_here();
	char many[3 * CONTROL_MAX_WORDS], longest[CONTROL_MAX_LINE + 1] = "list ";
	size_t used = (size_t)snprintf(many, sizeof(many), "list");

	ck_assert_ptr_nonnull(c);
	ck_assert_int_eq(ask_in_child("list", "[]"), 0);
	ck_assert_int_eq(ask_in_child("list  a\tbc  d ", "[\"a\",\"bc\",\"d\"]"), 0);
	ck_assert_int_eq(ask_in_child("pair a b", "[\"a\",\"b\"]"), 0);
	ck_assert_int_eq(ask_in_child("pair a b c", "pair: one word too many: c"), 0);
	ck_assert_int_eq(ask_in_child("name a", "name: one word too many: a"), 0);
	for (int i = 0; i <= CONTROL_MAX_WORDS; i++)
		used += (size_t)snprintf(many + used, sizeof(many) - used, " w");
	ck_assert_int_eq(ask_in_child(many, "too many words: list"), 0);
	memset(longest + 5, 'x', CONTROL_MAX_LINE - 5);
	ck_assert_ptr_null(
		control_client_ask("testd", path, longest, &err)); /* not even sent */
	ck_assert_ptr_nonnull(strstr(err.text, strerror(EMSGSIZE)));
	control_close(c);
}

static json_t *run(const char *line)
{
	return control_run(commands, N_COMMANDS, (void *)"box", line);
}

TEST(a_line_can_be_run_without_a_socket)
{
	json_t *a = run("pair x y"), *b = run("nonsense x");

	ck_assert_uint_eq(json_array_size(a), 2);
	ck_assert_str_eq(json_string_value(json_object_get(b, "error")),
			 "unknown command: nonsense");
	json_decref(a);
	json_decref(b);
}

/* -- those who follow -- */

static bool is_for(void *arg, unsigned n, char *const *words)
{
	return n == 1 && strcmp(words[0], arg) == 0;
}

static void publish(struct control *c, const char *whom, const char *text)
{
	control_publish(c, is_for, (void *)whom, text, strlen(text));
}

/* In a child: 0 when all that came is `want`. */
static pid_t follow_in_child(const char *request, const char *want)
{
	pid_t child = fork();
	char *text = NULL;
	size_t len = 0;
	FILE *to;

	if (child != 0)
		return child;
	to = open_memstream(&text, &len);
	if (control_client_follow("testd", path, request, to, &err) < 0)
		fputs(err.text, to);
	fclose(to);
	if (strcmp(text, want) != 0)
		fprintf(stderr, "got: %s\n", text);
	_exit(strcmp(text, want) != 0);
}

static void loop_until_followed(struct control *c)
{
	while (!control_is_followed(c))
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

TEST(who_follows_gets_what_it_wants)
{
	struct control *c = open_here();
	pid_t child;

	ck_assert_ptr_nonnull(c);
	ck_assert(!control_is_followed(c));
	publish(c, "me", "before\n");
	child = follow_in_child("follow me", "first\nlast\n");
	loop_until_followed(c);
	publish(c, "me", "first\n");
	publish(c, "you", "other\n");
	publish(c, "me", "last\n");
	for (int i = 0; i < 10; i++) /* let it go out */
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	control_close(c);
	ck_assert_int_eq(serve(child), 0);
	c = open_here();
	ck_assert_int_eq(serve(follow_in_child("follow", "follow whom?")), 0);
	ck_assert(!control_is_followed(c));
	control_close(c);
}

TEST(who_follows_but_does_not_read_is_dropped)
{
	struct control *c = open_here();
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), n = 0;
	static char text[65536];

	memset(text, 'x', sizeof(text) - 1);
	strcpy(sun.sun_path, path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(write(fd, "follow me\n", 10), 10);
	loop_until_followed(c);
	for (; control_is_followed(c) && n < 1000; n++) {
		publish(c, "me", text);
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	}
	ck_assert_int_gt(n, 10);
	ck_assert_int_lt(n, 1000);
	close(fd);
	control_close(c);
}

TEST(only_root_and_its_group_may_ask)
{
	struct control *c = open_here();
	struct stat st;

	ck_assert_ptr_nonnull(c);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0660);
	control_close(c);
	ck_assert_int_eq(stat(path, &st), -1);
}

TEST(a_stale_socket_is_replaced_a_live_one_is_not)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct control *c;

	strcpy(sun.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	close(fd); /* its file stays, as after a crash */
	c = open_here();
	ck_assert_ptr_nonnull(c);
	ck_assert_ptr_null(open_here());
	ck_assert_ptr_nonnull(strstr(err.text, "another daemon is listening there"));
	ck_assert_int_eq(ask_in_child("name", "{\"name\":\"box\"}"), 0);
	control_close(c);
}

TEST(what_is_no_socket_is_left_alone)
{
	FILE *f = fopen(path, "w");
	struct stat st;

	fputs("precious", f);
	fclose(f);
	ck_assert_ptr_null(open_here());
	ck_assert_ptr_nonnull(strstr(err.text, "exists and is not a socket"));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_size, 8);
}

/* Otherwise sockets get these numbers, and lines of the log go to them. */
TEST(standard_descriptors_are_opened)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		close(0);
		close(2);
		descriptors_open_standard();
		_exit(fcntl(0, F_GETFD) < 0 || fcntl(2, F_GETFD) < 0 ||
		      write(2, "x", 1) != 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}

TEST(a_client_that_floods_is_dropped)
{
	struct control *c = open_here();
	char flood[4096];
	pid_t child = fork();
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (child == 0) {
		memset(flood, 'x', sizeof(flood));
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		strcpy(sun.sun_path, path);
		if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ||
		    send(fd, flood, sizeof(flood), MSG_NOSIGNAL) < 0)
			_exit(2);
		_exit(read(fd, flood, sizeof(flood)) > 0); /* its end, not an answer */
	}
	ck_assert_ptr_nonnull(c);
	ck_assert_int_eq(serve(child), 0);
	control_close(c);
}

/* With no descriptor left the daemon must not spin, and answer when there is one. */
TEST(a_client_that_cannot_be_accepted_waits)
{
	struct control *c = open_here();
	struct rlimit was, none;
	struct timespec start, end;
	pid_t child;
	int next = dup(0);

	close(next); /* the lowest that is free */
	getrlimit(RLIMIT_NOFILE, &was);
	none = was;
	child = fork();
	if (child == 0) {
		json_t *answer = control_client_ask("testd", path, "name", &err);
		_exit(!answer);
	}
	none.rlim_cur = (rlim_t)next;
	setrlimit(RLIMIT_NOFILE, &none);
	event_base_loop(base, EVLOOP_ONCE); /* it knocks */
	clock_gettime(CLOCK_MONOTONIC, &start);
	event_base_loop(base, EVLOOP_ONCE); /* until it is looked at again */
	clock_gettime(CLOCK_MONOTONIC, &end);
	ck_assert_int_ge((end.tv_sec - start.tv_sec) * 1000 +
				 (end.tv_nsec - start.tv_nsec) / 1000000,
			 900);
	setrlimit(RLIMIT_NOFILE, &was);
	ck_assert_int_eq(serve(child), 0);
	control_close(c);
}

TEST(nobody_there_is_said_by_name)
{
	ck_assert_ptr_null(control_client_ask("testd", path, "name", &err));
	ck_assert_ptr_nonnull(strstr(err.text, "testd is not running"));
}

TEST(a_path_that_is_too_long_is_refused)
{
	char longer[200];

	memset(longer, 'a', sizeof(longer) - 1);
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	ck_assert_ptr_null(control_open(base, longer, commands, 3, NULL, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "longer than"));
	ck_assert_ptr_null(control_client_ask("testd", longer, "name", &err));
	ck_assert_ptr_nonnull(strstr(err.text, "longer than"));
}
