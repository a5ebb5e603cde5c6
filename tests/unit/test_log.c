/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Log lines as they arrive on stderr, and their rate limit. */
#include "common/limit.h"
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

TEST(full_table_evicts_the_oldest)
{
	static struct limit l;
	unsigned left_out;

	for (uint32_t i = 0; i < LIMIT_SLOTS; i++) {
		struct addr a = addr_v4(0x0a000000 + i);

		ck_assert(limit_pass(&l, "e", &a, "s", (struct mono){ i }, &left_out));
	}
	struct addr oldest = addr_v4(0x0a000000), second = addr_v4(0x0a000001),
		    extra = addr_v4(0x0b000000);

	ck_assert(limit_pass(&l, "e", &extra, "s", (struct mono){ 100 }, &left_out));
	ck_assert(!limit_pass(&l, "e", &second, "s", (struct mono){ 101 }, &left_out));
	ck_assert(limit_pass(&l, "e", &oldest, "s", (struct mono){ 102 }, &left_out));
}
