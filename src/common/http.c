/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small HTTP server. */
#include "http.h"

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	MAX_HEAD = 8192, /* octets of a request */
	MAX_CLIENTS = 16,
	LIFE_S = 10, /* of a connection, whatever it does */
};

struct client {
	struct http *http;
	struct bufferevent *bev; /* NULL: free place */
	struct event *end;
};

struct http {
	const struct http_page *page;
	void *arg;
	struct event_base *base;
	struct evconnlistener *listener;
	struct client clients[MAX_CLIENTS];
};

/* ---- one request ---- */

static void drop(struct client *c)
{
	bufferevent_free(c->bev);
	event_free(c->end);
	c->bev = NULL;
	c->end = NULL;
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

static void on_end(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	drop(arg);
}

/* The words of a request line. */
struct request {
	bool get, head; /* one of them, or neither */
	char *path;
};

static struct request read_request(char *line)
{
	char *rest = NULL, *method = strtok_r(line, " ", &rest);
	struct request r = { .path = strtok_r(NULL, " ?", &rest) };

	r.get = method && strcmp(method, "GET") == 0;
	r.head = method && strcmp(method, "HEAD") == 0;
	return r;
}

static const char *make_answer(struct http *h, const struct request *r,
			       struct evbuffer *body)
{
	if (!r->path || r->path[0] != '/')
		return "400 Bad Request";
	if (!r->get && !r->head)
		return "405 Method Not Allowed";
	if (strcmp(r->path, h->page->path) != 0)
		return "404 Not Found";
	return h->page->write(h->arg, body) < 0 ? "500 Internal Server Error"
						: "200 OK";
}

static void answer(struct client *c, char *line)
{
	struct request r = read_request(line);
	struct evbuffer *out = bufferevent_get_output(c->bev), *body = evbuffer_new();
	const char *status, *type = "text/plain; charset=utf-8";

	if (!body) {
		drop(c);
		return;
	}
	status = make_answer(c->http, &r, body);
	if (strncmp(status, "200", 3) == 0)
		type = c->http->page->type;
	else
		evbuffer_add_printf(body, "%s\n", status);
	/* The write callback closes. */
	bufferevent_setcb(c->bev, NULL, on_written, on_event, c);
	evbuffer_add_printf(out,
			    "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
			    "%sConnection: close\r\n\r\n",
			    status, type, evbuffer_get_length(body),
			    strncmp(status, "405", 3) == 0 ? "Allow: GET, HEAD\r\n"
							   : "");
	if (!r.head)
		evbuffer_add_buffer(out, body);
	evbuffer_free(body);
}

/* The head is read to its end, so that closing does not reset the connection. */
static void on_read(struct bufferevent *bev, void *arg)
{
	struct client *c = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	char *line;

	if (evbuffer_search(in, "\r\n\r\n", 4, NULL).pos < 0 &&
	    evbuffer_search(in, "\n\n", 2, NULL).pos < 0) {
		if (evbuffer_get_length(in) > MAX_HEAD)
			drop(c);
		return;
	}
	line = evbuffer_readln(in, NULL, EVBUFFER_EOL_CRLF);
	evbuffer_drain(in, evbuffer_get_length(in));
	if (line)
		answer(c, line);
	else
		drop(c);
	free(line);
}

/* ---- connections ---- */

static struct client *free_place(struct http *h)
{
	int i;

	for (i = 0; i < MAX_CLIENTS; i++)
		if (!h->clients[i].bev)
			return &h->clients[i];
	return NULL;
}

static int begin(struct client *c, struct http *h, evutil_socket_t fd)
{
	struct timeval life = { .tv_sec = LIFE_S };

	c->end = evtimer_new(h->base, on_end, c);
	if (!c->end)
		return -1;
	c->bev = bufferevent_socket_new(h->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!c->bev) {
		event_free(c->end);
		return -1;
	}
	c->http = h;
	bufferevent_setcb(c->bev, on_read, NULL, on_event, c);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	evtimer_add(c->end, &life);
	return 0;
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa,
		      int len, void *arg)
{
	struct http *h = arg;
	struct client *c = free_place(h);

	(void)l, (void)sa, (void)len;
	if (!c || begin(c, h, fd) < 0)
		close(fd);
}

/* ---- life ---- */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static int fill_address(const struct addr *a, uint16_t port, union address *out)
{
	memset(out, 0, sizeof(*out));
	if (a->family == ADDR_V6) {
		out->v6.sin6_family = AF_INET6;
		out->v6.sin6_port = htons(port);
		memcpy(&out->v6.sin6_addr, a->octets, 16);
		return sizeof(out->v6);
	}
	out->v4.sin_family = AF_INET;
	out->v4.sin_port = htons(port);
	memcpy(&out->v4.sin_addr, a->octets, 4);
	return sizeof(out->v4);
}

struct http *http_open(struct event_base *base, const struct addr *address,
		       uint16_t port, const struct http_page *page, void *arg,
		       struct err *err)
{
	struct http *h = calloc(1, sizeof(*h));
	union address at;
	int len = fill_address(address, port, &at);

	if (!h) {
		err_set(err, "out of memory");
		return NULL;
	}
	h->page = page;
	h->arg = arg;
	h->base = base;
	h->listener = evconnlistener_new_bind(
		base, on_accept, h,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_EXEC,
		MAX_CLIENTS, &at.any, len);
	if (h->listener)
		return h;
	err_set(err, "%s port %u: %s", ADDR_TEXT(address), port, strerror(errno));
	free(h);
	return NULL;
}

void http_close(struct http *h)
{
	int i;

	if (!h)
		return;
	for (i = 0; i < MAX_CLIENTS; i++)
		if (h->clients[i].bev)
			drop(&h->clients[i]);
	evconnlistener_free(h->listener);
	free(h);
}
