/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket of wccprouter. */
#include "rcontrol.h"

#include "engine.h"
#include "show.h"

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

enum { MAX_CLIENTS = 8, MAX_LINE = 64, TIMEOUT_S = 10 };

struct client {
	struct rcontrol *control;
	struct bufferevent *bev; /* NULL: a free place */
};

struct rcontrol {
	struct engine *engine;
	struct evconnlistener *listener;
	struct client clients[MAX_CLIENTS];
	char path[RCONF_PATH_MAX];
};

static void drop(struct client *c)
{
	bufferevent_free(c->bev);
	c->bev = NULL;
}

static void on_end(struct bufferevent *bev, short what, void *arg)
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
	struct evbuffer *out = bufferevent_get_output(c->bev);
	json_t *json = strcmp(line, "show") == 0
			       ? show_json(c->control->engine)
			       : json_pack("{s:s}", "error", "unknown command");

	/* Nothing more is read; what has been written closes. */
	bufferevent_setcb(c->bev, NULL, on_written, on_end, c);
	if (json)
		json_dump_callback(json, append, out, JSON_COMPACT);
	evbuffer_add(out, "\n", 1);
	json_decref(json);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	char *line = evbuffer_readln(in, NULL, EVBUFFER_EOL_CRLF);

	if (line)
		answer(arg, line);
	else if (evbuffer_get_length(in) > MAX_LINE)
		drop(arg);
	free(line);
}

static struct client *free_place(struct rcontrol *c)
{
	int i;

	for (i = 0; i < MAX_CLIENTS; i++)
		if (!c->clients[i].bev)
			return &c->clients[i];
	return NULL;
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa,
		      int len, void *arg)
{
	struct rcontrol *c = arg;
	struct client *client = free_place(c);
	struct timeval timeout = { .tv_sec = TIMEOUT_S };

	(void)sa, (void)len;
	if (client) {
		client->control = c;
		client->bev = bufferevent_socket_new(evconnlistener_get_base(l), fd,
						     BEV_OPT_CLOSE_ON_FREE);
	}
	if (!client || !client->bev) {
		close(fd);
		return;
	}
	bufferevent_setcb(client->bev, on_read, NULL, on_end, client);
	bufferevent_set_timeouts(client->bev, &timeout, &timeout);
	bufferevent_enable(client->bev, EV_READ | EV_WRITE);
}

static bool is_alive(const struct sockaddr_un *sun)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool alive =
		fd >= 0 && connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0;

	if (fd >= 0)
		close(fd);
	return alive;
}

static int bind_socket(const char *path, struct err *err)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd, r;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	if (is_alive(&sun))
		return err_set(err, "%s: another wccprouter is listening there", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, "%s: %s", path, strerror(errno));
	unlink(path);
	mask = umask(0117); /* for root and its group, from the first moment */
	r = bind(fd, (struct sockaddr *)&sun, sizeof(sun));
	umask(mask);
	if (r == 0)
		return fd;
	err_set(err, "%s: %s", path, strerror(errno));
	close(fd);
	return -1;
}

struct rcontrol *rcontrol_open(struct engine *e, const char *path, struct err *err)
{
	struct rcontrol *c = calloc(1, sizeof(*c));
	int fd = c ? bind_socket(path, err) : err_set(err, "out of memory");

	if (fd < 0) {
		free(c);
		return NULL;
	}
	c->engine = e;
	snprintf(c->path, sizeof(c->path), "%s", path);
	c->listener = evconnlistener_new(e->base, on_accept, c, LEV_OPT_CLOSE_ON_FREE,
					 -1, fd);
	if (c->listener)
		return c;
	err_set(err, "%s: %s", path, strerror(errno));
	close(fd);
	unlink(path);
	free(c);
	return NULL;
}

void rcontrol_close(struct rcontrol *c)
{
	int i;

	for (i = 0; i < MAX_CLIENTS; i++)
		if (c->clients[i].bev)
			drop(&c->clients[i]);
	evconnlistener_free(c->listener);
	unlink(c->path);
	free(c);
}
