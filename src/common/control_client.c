/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket from the client's side. */
#include "control_client.h"

#include "control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { TIMEOUT_S = 10 };

static int control_client_explain(struct err *err, const char *daemon, const char *path)
{
	switch (errno) {
	case ENOENT:
	case ECONNREFUSED:
		return err_set(err, "%s is not running (%s: %s)", daemon, path,
			       strerror(errno));
	case EACCES:
		return err_set(err, "%s: only root may ask %s", path, daemon);
	case EAGAIN:
		return err_set(err, "%s: no answer within %d s", path, TIMEOUT_S);
	default:
		return err_set(err, "%s: %s", path, strerror(errno));
	}
}

static int control_client_connect_to(const char *daemon, const char *path,
				     struct err *err)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct timeval timeout = { .tv_sec = TIMEOUT_S };
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path))
		return err_set(err, "%s: longer than the path of a socket can be",
			       path);
	strcpy(sun.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return control_client_explain(err, daemon, path);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0) {
		control_client_explain(err, daemon, path);
		close(fd);
		return -1;
	}
	return fd;
}

/* A request is shorter than any socket buffer, so it is sent whole or not at all. */
static int control_client_send_line(int fd, const char *request)
{
	char line[CONTROL_MAX_LINE];
	int len = snprintf(line, sizeof(line), "%s\n", request);

	if (len >= (int)sizeof(line)) {
		errno = EMSGSIZE;
		return -1;
	}
	return send(fd, line, (size_t)len, MSG_NOSIGNAL) == len ? 0 : -1;
}

/* jansson's reader; a time-out must not look like the end of the answer. */
struct source {
	int fd, error;
};

static size_t control_client_read_some(void *buffer, size_t size, void *data)
{
	struct source *s = data;
	ssize_t n = read(s->fd, buffer, size);

	if (n >= 0)
		return (size_t)n;
	s->error = errno;
	return (size_t)-1;
}

/* NULL with errno if reading failed; NULL with errno 0 and the reason in `why` if the
 * answer is not JSON. */
static json_t *control_client_read_answer(int fd, json_error_t *why)
{
	struct source s = { .fd = fd };
	json_t *json = json_load_callback(control_client_read_some, &s, 0, why);

	errno = s.error;
	return json;
}

/* Turn the daemon's refusal into an error of ours. */
static json_t *control_client_refuse_error(json_t *answer, struct err *err)
{
	const char *error = json_string_value(json_object_get(answer, "error"));

	if (!error)
		return answer;
	err_set(err, "%s", error);
	json_decref(answer);
	return NULL;
}

json_t *control_client_ask(const char *daemon, const char *socket_path,
			   const char *request, struct err *err)
{
	int fd = control_client_connect_to(daemon, socket_path, err);
	json_error_t why;
	json_t *answer = NULL;

	if (fd < 0)
		return NULL;
	errno = 0;
	if (control_client_send_line(fd, request) == 0)
		answer = control_client_read_answer(fd, &why);
	if (!answer && errno)
		control_client_explain(err, daemon, socket_path);
	else if (!answer)
		err_set(err, "%s: the answer is not JSON: %s", socket_path, why.text);
	close(fd);
	return answer ? control_client_refuse_error(answer, err) : NULL;
}

/* -- following ---------------------------------------------------------------------- */

/* The first line is the answer; the following ones arrive as things happen. */
static int control_client_copy_lines(FILE *from, FILE *to, struct err *err)
{
	char *line = NULL;
	size_t size = 0;
	json_t *answer;
	int result = -1;

	if (getline(&line, &size, from) < 0) {
		err_set(err, "no answer");
		free(line);
		return -1;
	}
	answer = json_loads(line, 0, NULL);
	if (!answer)
		err_set(err, "the answer is not JSON");
	else
		answer = control_client_refuse_error(answer, err);
	if (answer) {
		while (getline(&line, &size, from) >= 0 && fputs(line, to) >= 0 &&
		       fflush(to) == 0)
			;
		result = 0;
	}
	json_decref(answer);
	free(line);
	return result;
}

int control_client_follow(const char *daemon, const char *socket_path,
			  const char *request, FILE *to, struct err *err)
{
	int fd = control_client_connect_to(daemon, socket_path, err), result = -1;
	struct timeval forever = { 0 };
	FILE *from;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof(forever));
	from = fdopen(fd, "r");
	if (!from) {
		control_client_explain(err, daemon, socket_path);
		close(fd);
		return -1;
	}
	if (control_client_send_line(fd, request) < 0)
		control_client_explain(err, daemon, socket_path);
	else
		result = control_client_copy_lines(from, to, err);
	fclose(from);
	return result;
}

void control_client_print(const json_t *json)
{
	json_dumpf(json, stdout, JSON_INDENT(2));
	putchar('\n');
}
