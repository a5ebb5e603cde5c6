/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where log lines go. */
#include "common/log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* How often, and for how long each time, we wait for a reader at the very end. */
enum { LOG_SINK_LAST_TRIES = 10, LOG_SINK_LAST_MS = 50 };

/* -- opening ----------------------------------------------------------------------- */

/* O_NONBLOCK belongs to the open file, which the shell and others share: only a new one
 * may have it.  A regular file has to keep its own position. */
static void log_sink_open_anew(struct log_sink *s)
{
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", s->fd);
	fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return;
	s->fd = fd;
	s->owns_fd = true;
	s->kind = LOG_SINK_STREAM;
}

void log_sink_open(struct log_sink *s, int fd)
{
	struct stat st;

	*s = (struct log_sink){ .kind = LOG_SINK_FILE, .fd = fd };
	if (fstat(fd, &st) < 0)
		return;
	if (S_ISSOCK(st.st_mode)) {
		s->kind = LOG_SINK_SOCKET;
	} else if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) {
		s->kind = LOG_SINK_POLLED;
		log_sink_open_anew(s);
	}
}

static void log_sink_connect(struct log_sink *s)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", s->path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0) {
		s->fd = fd;
		s->owns_fd = true;
	} else if (fd >= 0) {
		close(fd);
	}
}

void log_sink_open_syslog(struct log_sink *s, const char *path)
{
	*s = (struct log_sink){ .kind = LOG_SINK_SYSLOG, .fd = -1, .path = path };
	log_sink_connect(s);
}

static void log_sink_drop_fd(struct log_sink *s)
{
	if (s->owns_fd)
		close(s->fd);
	s->owns_fd = false;
	s->fd = -1;
}

/* -- writing ----------------------------------------------------------------------- */

static ssize_t log_sink_write_polled(const struct log_sink *s, const char *text,
				     size_t len)
{
	struct pollfd p = { .fd = s->fd, .events = POLLOUT };

	if (poll(&p, 1, 0) == 1 && p.revents & POLLOUT)
		return write(s->fd, text, len);
	errno = EAGAIN;
	return -1;
}

/* A log daemon that was started anew has another socket. */
static ssize_t log_sink_send_record(struct log_sink *s, const char *text, size_t len)
{
	for (int tries = 0; tries < 2; tries++) {
		if (s->fd < 0)
			log_sink_connect(s);
		if (s->fd < 0)
			break;
		/* Without its newline. */
		if (send(s->fd, text, len - 1, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return (ssize_t)len;
		if (errno == EAGAIN || errno == ENOBUFS)
			break;
		log_sink_drop_fd(s);
	}
	return -1;
}

/* How much of a line was written; -1: nothing can be at the moment. */
static ssize_t log_sink_write(struct log_sink *s, const char *text, size_t len)
{
	switch (s->kind) {
	case LOG_SINK_SOCKET:
		return send(s->fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	case LOG_SINK_SYSLOG:
		return log_sink_send_record(s, text, len);
	case LOG_SINK_POLLED:
		return log_sink_write_polled(s, text, len);
	case LOG_SINK_FILE:
	case LOG_SINK_STREAM:
		break;
	}
	return write(s->fd, text, len);
}

void log_sink_flush(struct log_sink *s)
{
	size_t done = 0;

	while (done < s->used) {
		const char *line = s->waiting + done;
		const char *end = memchr(line, '\n', s->used - done);
		size_t len = end ? (size_t)(end - line) + 1 : s->used - done;
		ssize_t n = log_sink_write(s, line, len);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	s->used -= done;
	if (done)
		memmove(s->waiting, s->waiting + done, s->used);
}

void log_sink_finish(struct log_sink *s)
{
	struct pollfd p = { .fd = s->fd, .events = POLLOUT };

	log_sink_flush(s);
	for (int tries = 0; s->used && tries < LOG_SINK_LAST_TRIES; tries++) {
		poll(&p, 1, LOG_SINK_LAST_MS);
		log_sink_flush(s);
	}
}

void log_sink_close(struct log_sink *s)
{
	log_sink_finish(s);
	log_sink_drop_fd(s);
	s->used = 0;
}

void log_sink_put(struct log_sink *s, const char *line, size_t len)
{
	size_t done = 0;

	log_sink_flush(s);
	if (!s->used) {
		ssize_t n = log_sink_write(s, line, len);

		done = n > 0 ? (size_t)n : 0;
	}
	if (done == len)
		return;
	if (!log_sink_has_room(s)) {
		s->lost++;
		return;
	}
	memcpy(s->waiting + s->used, line + done, len - done);
	s->used += len - done;
}
