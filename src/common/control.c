/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket of a daemon. */
#include "control.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	MAX_LINE = 256,
	MAX_CLIENTS = 16,
	CLIENT_TIMEOUT_S = 10, /* a client that neither sends nor reads */
};

struct client {
	struct control *control;
	struct bufferevent *bev; /* NULL: free place */
};

struct control {
	const struct control_command *commands;
	size_t n_commands;
	void *arg;
	struct evconnlistener *listener;
	struct client clients[MAX_CLIENTS];
	struct sockaddr_un address;
};

static json_t *run_line(const struct control *c, const char *line)
{
	for (size_t i = 0; i < c->n_commands; i++)
		if (strcmp(c->commands[i].name, line) == 0)
			return c->commands[i].run(c->arg);
	return json_pack("{s:s+}", "error", "unknown command: ", line);
}

/* -- connections -------------------------------------------------------------------- */

static void drop(struct client *c)
{
	bufferevent_free(c->bev);
	c->bev = NULL;
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev, (void)what;
	drop(arg);
}

static void on_written(struct bufferevent *bev, void *arg)
{
	(void)bev;
	drop(arg);
}

static int append(const char *text, size_t len, void *out)
{
	return evbuffer_add(out, text, len);
}

static void answer(struct client *c, const char *line)
{
	json_t *json = run_line(c->control, line);
	struct evbuffer *out = bufferevent_get_output(c->bev);

	/* Nothing more is read; the write callback closes. */
	bufferevent_setcb(c->bev, NULL, on_written, on_event, c);
	if (!json) { /* not UTF-8, or out of memory */
		evbuffer_add_printf(out, "{\"error\": \"no answer could be made\"}\n");
		return;
	}
	json_dump_callback(json, append, out, JSON_COMPACT);
	evbuffer_add(out, "\n", 1);
	json_decref(json);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct client *c = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	char *line = evbuffer_readln(in, NULL, EVBUFFER_EOL_CRLF);

	if (line) {
		answer(c, line);
		free(line);
	} else if (evbuffer_get_length(in) > MAX_LINE) {
		drop(c);
	}
}

static struct client *free_place(struct control *c)
{
	for (int i = 0; i < MAX_CLIENTS; i++)
		if (!c->clients[i].bev)
			return &c->clients[i];
	return NULL;
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa,
		      int len, void *arg)
{
	struct control *c = arg;
	struct client *client = free_place(c);
	struct timeval timeout = { .tv_sec = CLIENT_TIMEOUT_S };

	(void)sa, (void)len;
	if (!client) {
		close(fd);
		return;
	}
	client->control = c;
	client->bev = bufferevent_socket_new(evconnlistener_get_base(l), fd,
					     BEV_OPT_CLOSE_ON_FREE);
	if (!client->bev) {
		close(fd);
		return;
	}
	bufferevent_setcb(client->bev, on_read, NULL, on_event, client);
	bufferevent_set_timeouts(client->bev, &timeout, &timeout);
	bufferevent_enable(client->bev, EV_READ | EV_WRITE);
}

/* -- life -------------------------------------------------------------------------------- */

static bool is_alive(const struct sockaddr_un *sun)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool alive =
		fd >= 0 && connect(fd, (const struct sockaddr *)sun, sizeof *sun) == 0;

	if (fd >= 0)
		close(fd);
	return alive;
}

static int set_address(struct sockaddr_un *sun, const char *path, struct err *err)
{
	sun->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof sun->sun_path)
		return err_set(err, "%s: longer than the path of a socket can be", path);
	strcpy(sun->sun_path, path);
	return 0;
}

static int bind_socket(const struct sockaddr_un *sun, struct err *err)
{
	mode_t mask;
	int fd, rc;

	if (is_alive(sun))
		return err_set(err, "%s: another daemon is listening there",
			       sun->sun_path);
	unlink(sun->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, "control socket: %s", strerror(errno));
	mask = umask(0117); /* root and its group only, from the first moment */
	rc = bind(fd, (const struct sockaddr *)sun, sizeof *sun);
	umask(mask);
	if (rc == 0)
		return fd;
	err_set(err, "%s: %s", sun->sun_path, strerror(errno));
	close(fd);
	return -1;
}

static int start_listening(struct control *c, struct event_base *base, struct err *err)
{
	int fd = bind_socket(&c->address, err);

	if (fd < 0)
		return -1;
	c->listener =
		evconnlistener_new(base, on_accept, c, LEV_OPT_CLOSE_ON_FREE, -1, fd);
	if (c->listener)
		return 0;
	err_set(err, "%s: %s", c->address.sun_path, strerror(errno));
	close(fd);
	unlink(c->address.sun_path);
	return -1;
}

struct control *control_open(struct event_base *base, const char *path,
			     const struct control_command *commands, size_t n_commands,
			     void *arg, struct err *err)
{
	struct control *c = calloc(1, sizeof *c);

	if (!c) {
		err_set(err, "out of memory");
		return NULL;
	}
	c->commands = commands;
	c->n_commands = n_commands;
	c->arg = arg;
	if (set_address(&c->address, path, err) == 0 && start_listening(c, base, err) == 0)
		return c;
	free(c);
	return NULL;
}

void control_close(struct control *c)
{
	for (int i = 0; i < MAX_CLIENTS; i++)
		if (c->clients[i].bev)
			drop(&c->clients[i]);
	evconnlistener_free(c->listener);
	unlink(c->address.sun_path);
	free(c);
}
