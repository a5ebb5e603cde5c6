/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket: connections, and a table of the commands. */
#include "control.h"

#include "daemon.h"
#include "status_json.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdio.h>
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
	struct daemon *daemon;
	struct evconnlistener *listener;
	struct client clients[MAX_CLIENTS];
	char path[CONF_PATH_MAX];
};

/* -- commands ----------------------------------------------------------------------- */

static json_t *do_show(struct daemon *d)
{
	return status_json(d);
}

static json_t *do_reload(struct daemon *d)
{
	struct err err;

	if (daemon_reload(d, &err) < 0)
		return json_pack("{s:s}", "error", err.text);
	return json_pack("{s:b}", "ok", 1);
}

static const struct command {
	const char *name;
	json_t *(*run)(struct daemon *d);
} commands[] = {
	{ "show", do_show },
	{ "reload", do_reload },
};

static json_t *run_line(struct daemon *d, const char *line)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (strcmp(commands[i].name, line) == 0)
			return commands[i].run(d);
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
	json_t *json = run_line(c->control->daemon, line);
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
	bool alive = fd >= 0 &&
		     connect(fd, (const struct sockaddr *)sun, sizeof *sun) == 0;

	if (fd >= 0)
		close(fd);
	return alive;
}

static int bind_socket(const char *path, struct err *err)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd, rc;

	if (strlen(path) >= sizeof sun.sun_path)
		return err_set(err, "control socket path is too long: %s", path);
	snprintf(sun.sun_path, sizeof sun.sun_path, "%s", path);
	if (is_alive(&sun))
		return err_set(err, "%s: another daemon is listening there", path);
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, "control socket: %s", strerror(errno));
	mask = umask(0117); /* root and its group only, from the first moment */
	rc = bind(fd, (struct sockaddr *)&sun, sizeof sun);
	umask(mask);
	if (rc < 0) {
		err_set(err, "%s: %s", path, strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

struct control *control_open(struct daemon *d, const char *path, struct err *err)
{
	struct control *c = calloc(1, sizeof *c);
	int fd = c ? bind_socket(path, err) : err_set(err, "out of memory");

	if (fd < 0) {
		free(c);
		return NULL;
	}
	c->daemon = d;
	snprintf(c->path, sizeof c->path, "%s", path);
	c->listener = evconnlistener_new(d->base, on_accept, c, LEV_OPT_CLOSE_ON_FREE, -1,
					 fd);
	if (!c->listener) {
		err_set(err, "%s: %s", path, strerror(errno));
		close(fd);
		unlink(path);
		free(c);
		return NULL;
	}
	return c;
}

void control_close(struct control *c)
{
	for (int i = 0; i < MAX_CLIENTS; i++)
		if (c->clients[i].bev)
			drop(&c->clients[i]);
	evconnlistener_free(c->listener);
	unlink(c->path);
	free(c);
}
