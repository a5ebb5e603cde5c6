/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Targets of the log that do not take what they should. */
#include "common/log_sink.h"
#include "suite.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct log_sink sink;
static int ends[2]; /* what is read, what is written */

/* In every case a write that waits would hang the test. */
static void begin(void)
{
	signal(SIGPIPE, SIG_IGN);
}

static void put_numbered(unsigned n)
{
	char line[128];

	for (unsigned i = 0; i < n; i++)
		log_sink_put(&sink, line,
			     (size_t)snprintf(line, sizeof(line), "%u %0100d\n", i, 0));
}

static char text[4 * LOG_SINK_ROOM];
static size_t used;

/* Everything read so far. */
static const char *read_more(int fd)
{
	ssize_t n;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while ((n = read(fd, text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)n;
	text[used] = '\0';
	return text;
}

/* Lines in order from 0, none torn; how many. */
static unsigned check_in_order(const char *lines)
{
	unsigned n = 0;

	for (; *lines; lines = strchr(lines, '\n') + 1, n++) {
		char *rest;

		ck_assert_uint_eq(strtoul(lines, &rest, 10), n);
		ck_assert_int_eq(strchr(lines, '\n') - rest, 101);
	}
	return n;
}

static void check_stalled(void)
{
	unsigned lost;

	put_numbered(20000);
	lost = sink.lost;
	ck_assert_uint_gt(lost, 0);
	for (read_more(ends[0]); sink.used; read_more(ends[0]))
		log_sink_flush(&sink);
	ck_assert_uint_eq(check_in_order(text) + lost, 20000);
}

CASE(log_sink, .setup = begin, .timeout = 20)

TEST(a_pipe_that_nobody_reads)
{
	ck_assert_int_eq(pipe(ends), 0);
	log_sink_open(&sink, ends[1]);
	ck_assert_int_eq(sink.kind, LOG_SINK_STREAM);
	check_stalled();
	/* Others who have this pipe do not notice. */
	ck_assert_int_eq(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
	log_sink_close(&sink);
}

TEST(a_pipe_that_cannot_be_opened_anew)
{
	ck_assert_int_eq(pipe(ends), 0);
	log_sink_open(&sink, ends[1]);
	log_sink_close(&sink);
	sink = (struct log_sink){ .kind = LOG_SINK_POLLED, .fd = ends[1] };
	check_stalled();
}

TEST(a_socket_that_nobody_reads)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	log_sink_open(&sink, ends[1]);
	ck_assert_int_eq(sink.kind, LOG_SINK_SOCKET);
	check_stalled();
}

TEST(a_reader_that_has_gone)
{
	ck_assert_int_eq(pipe(ends), 0);
	log_sink_open(&sink, ends[1]);
	close(ends[0]);
	put_numbered(2000);
	ck_assert_uint_gt(sink.lost, 0);
	log_sink_close(&sink);
}

TEST(a_device_that_is_full)
{
	int full = open("/dev/full", O_WRONLY);

	log_sink_open(&sink, full);
	put_numbered(2000);
	ck_assert_uint_gt(sink.lost, 0);
	log_sink_close(&sink);
}

/* The position of a file belongs to all who write to it. */
TEST(a_file_is_written_where_others_have_stopped)
{
	char name[] = "/tmp/test_log_sink.XXXXXX";
	int fd = mkstemp(name);

	unlink(name);
	ck_assert_int_eq(write(fd, "before\n", 7), 7);
	log_sink_open(&sink, fd);
	log_sink_put(&sink, "line\n", 5);
	ck_assert_int_eq(write(fd, "after\n", 6), 6);
	lseek(fd, 0, SEEK_SET);
	ck_assert_str_eq(read_more(fd), "before\nline\nafter\n");
	close(fd);
}

/* -- the log daemon -- */

static int listen_at(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	unlink(path);
	strcpy(sun.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

static void expect_record(int fd, const char *record)
{
	char got[256];
	ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);

	ck_assert_int_gt(n, 0);
	got[n] = '\0';
	ck_assert_str_eq(got, record);
}

TEST(a_log_daemon_that_is_started_anew)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/tmp/test_log_sink.%d", (int)getpid());
	log_sink_open_syslog(&sink, path);
	log_sink_put(&sink, "early\n", 6); /* before it listens */
	fd = listen_at(path);
	log_sink_put(&sink, "first\n", 6);
	expect_record(fd, "early");
	expect_record(fd, "first");
	close(fd);
	log_sink_put(&sink, "meanwhile\n", 10);
	fd = listen_at(path);
	log_sink_flush(&sink);
	expect_record(fd, "meanwhile");
	/* One that hangs. */
	put_numbered(20000);
	ck_assert_uint_gt(sink.lost, 0);
	log_sink_close(&sink);
	unlink(path);
}
