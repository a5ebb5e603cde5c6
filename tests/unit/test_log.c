/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Log lines as they arrive on stderr, and their rate limit. */
#include "common/limit.h"
#include "common/log_sink.h"
#include "log.h"
#include "suite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int real_stderr;
static FILE *caught;

static void catch_stderr(void)
{
	caught = tmpfile();
	ck_assert_ptr_nonnull(caught);
	real_stderr = dup(STDERR_FILENO);
	dup2(fileno(caught), STDERR_FILENO);
	log_open("test", LOG_TO_STDERR, NOTE_INFO);
}

static void release_stderr(void)
{
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	fclose(caught);
}

/* Everything logged so far; the result lives until the next call. */
static const char *logged(void)
{
	static char text[8192];
	ssize_t n = pread(fileno(caught), text, sizeof(text) - 1, 0);

	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	return text;
}

static unsigned lines(void)
{
	unsigned n = 0;

	for (const char *c = logged(); *c; c++)
		n += *c == '\n';
	return n;
}

static void note(const char *event, uint32_t peer, bool limited, const char *service,
		 int64_t at_ms)
{
	static struct actions a;
	struct action x = { .kind = ACTION_NOTE,
			    .level = NOTE_WARNING,
			    .event = event,
			    .rate_limited = limited };

	if (peer)
		x.peer = addr_v4(peer);
	strcpy((char *)a.octets, "refused");
	x.len = strlen("refused");
	log_note(&a, &x, service, (struct mono){ at_ms * 1000000 });
}

CASE(log, .setup = catch_stderr, .teardown = release_stderr)

TEST(line_has_time_level_event_and_message)
{
	struct log_about about = { "web-cache", "10.0.0.1", "s1" };
	const char *rest;

	log_event(NOTE_INFO, "joined", about, "usable at router %s", "10.0.0.1");
	rest = strchr(logged(), ' ');
	ck_assert_ptr_nonnull(rest);
	ck_assert_int_eq(rest - logged(), (int)strlen("time=2026-11-24T03:00:00.123Z"));
	ck_assert(strncmp(logged(), "time=2", 6) == 0);
	ck_assert_str_eq(rest, " level=info event=joined service=web-cache "
			       "peer=10.0.0.1 instance=s1 "
			       "msg=\"usable at router 10.0.0.1\"\n");
}

TEST(nothing_breaks_a_line)
{
	log_error("bad", "a \"quoted\" back\\slash\nlevel=info event=forged\x7f");
	ck_assert_uint_eq(lines(), 1);
	ck_assert_ptr_nonnull(
		strstr(logged(), "msg=\"a \\\"quoted\\\" back\\\\slash\\x0alevel=info "
				 "event=forged\\x7f\"\n"));
}

TEST(long_line_is_cut_not_lost)
{
	char text[4000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_info("long", "%s", text);
	ck_assert_uint_eq(lines(), 1);
	ck_assert_uint_le(strlen(logged()), 1024);
	/* All of it needs escaping: four octets for each. */
	memset(text, '\n', sizeof(text) - 1);
	log_info("long", "%s", text);
	ck_assert_uint_eq(lines(), 2);
	ck_assert_uint_le(strlen(logged()), 2048);
}

TEST(lesser_levels_are_left_out)
{
	log_event(NOTE_DEBUG, "x", (struct log_about){ 0 }, "y");
	ck_assert_uint_eq(lines(), 0);
	log_open("test", LOG_TO_STDERR, NOTE_DEBUG);
	log_event(NOTE_DEBUG, "x", (struct log_about){ 0 }, "y");
	ck_assert_uint_eq(lines(), 1);
}

TEST(errno_survives)
{
	dup2(real_stderr, STDERR_FILENO);
	close(STDERR_FILENO);
	errno = ENOENT;
	log_info("x", "%m");
	ck_assert_int_eq(errno, ENOENT);
}

TEST(limited_notes_come_once_a_minute)
{
	for (int i = 0; i < 60; i++)
		note("auth-failed", 0x0a000001, true, "web-cache", i * 1000);
	ck_assert_uint_eq(lines(), 1);
	note("auth-failed", 0x0a000001, true, "web-cache", 60000);
	ck_assert_uint_eq(lines(), 2);
	ck_assert_ptr_nonnull(
		strstr(logged(), "msg=\"refused (and 59 more like it)\""));
}

TEST(others_are_not_held_back)
{
	note("auth-failed", 0x0a000001, true, "web-cache", 0);
	note("auth-failed", 0x0a000002, true, "web-cache", 0);
	note("auth-failed", 0x0a000001, true, "https", 0);
	note("truncated", 0x0a000001, true, "web-cache", 0);
	note("truncated", 0, true, NULL, 0);
	ck_assert_uint_eq(lines(), 5);
	note("truncated", 0, true, NULL, 0);
	ck_assert_uint_eq(lines(), 5);
	note("joined", 0x0a000001, false, "web-cache", 0);
	note("joined", 0x0a000001, false, "web-cache", 0);
	ck_assert_uint_eq(lines(), 7);
}

TEST(summaries_come_when_they_are_due)
{
	for (int i = 0; i < 3; i++)
		note("auth-failed", 0x0a000001, true, "web-cache", 1000);
	ck_assert_uint_eq(lines(), 1);
	ck_assert(log_catch_up((struct mono){ 60 * INT64_C(1000000000) }));
	ck_assert_uint_eq(lines(), 1);
	ck_assert(!log_catch_up((struct mono){ 62 * INT64_C(1000000000) }));
	ck_assert_uint_eq(lines(), 2);
	ck_assert_ptr_nonnull(strstr(logged(), "event=auth-failed service=web-cache "
					       "peer=10.0.0.1 msg=\"refused (and 1 more "
					       "like it)\""));
}

static void count_call(void *calls)
{
	++*(int *)calls;
}

TEST(who_looks_after_it_is_called)
{
	int calls = 0;

	log_when_pending(count_call, &calls);
	note("auth-failed", 0x0a000001, true, "web-cache", 0);
	ck_assert_int_eq(calls, 0);
	note("auth-failed", 0x0a000001, true, "web-cache", 0);
	ck_assert_int_eq(calls, 1);
	log_when_pending(NULL, NULL);
}

TEST(states_are_logged_up_to_a_point)
{
	for (int i = 0; i < 1000; i++)
		log_state(NOTE_INFO, "joined", (struct log_about){ .service = "80" },
			  "turn %d", i);
	ck_assert_uint_le(lines(), LIMIT_STATE_BURST + 1);
	ck_assert_ptr_nonnull(strstr(logged(), "turn 30"));
}

static const char *log_after_losses(void)
{
	static char text[LOG_SINK_ROOM + 8192];
	int ends[2];
	ssize_t n;

	ck_assert_int_eq(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	log_open("test", LOG_TO_STDERR, NOTE_INFO);
	for (int i = 0; i < 2000; i++) /* more than a pipe and the buffer take */
		log_info("line", "%d %0100d", i, 0);
	while (read(ends[0], text, sizeof(text)) == sizeof(text))
		;
	log_catch_up((struct mono){ 0 });
	n = read(ends[0], text, sizeof(text) - 1);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	close(ends[0]);
	return text;
}

/* Nothing waits for whoever should read the log. */
TEST(a_pipe_that_nobody_reads_loses_lines_and_says_so)
{
	const char *text = log_after_losses(), *lost = strstr(text, "event=lines-lost");

	ck_assert_ptr_nonnull(lost);
	ck_assert_ptr_nonnull(strstr(lost, " lines lost: the log was not read\"\n"));
	ck_assert(text[strlen(text) - 1] == '\n');
}
