/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client of a running wccprouter. */
#include "client.h"

#include "show.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { TIMEOUT_S = 10 };

static int connected(const char *path, struct err *err)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct timeval timeout = { .tv_sec = TIMEOUT_S };
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path))
		return err_set(err, "%s: the path is too long", path);
	strcpy(sun.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, "socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	err_set(err, "%s: %s", path, strerror(errno));
	close(fd);
	return -1;
}

static json_t *ask(int fd, struct err *err)
{
	static const char question[] = "show\n";
	json_error_t why;
	json_t *answer;

	if (send(fd, question, sizeof(question) - 1, MSG_NOSIGNAL) < 0) {
		err_set(err, "send: %s", strerror(errno));
		return NULL;
	}
	answer = json_loadfd(fd, 0, &why);
	if (!answer)
		err_set(err, "no answer: %s", why.text);
	return answer;
}

int client_show(const char *socket_path, bool as_json, struct err *err)
{
	int fd = connected(socket_path, err);
	json_t *answer;

	if (fd < 0)
		return -1;
	answer = ask(fd, err);
	close(fd);
	if (!answer)
		return -1;
	if (as_json) {
		json_dumpf(answer, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		show_text(answer, stdout);
	}
	json_decref(answer);
	return 0;
}
