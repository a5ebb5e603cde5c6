/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HTTP with libmicrohttpd, on the event loop and behind our own listener. */
#include "http.h"

#include "listen.h"
#include "sockaddr.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	PLACES = 16,
	BACKLOG = 128,
	LIFE_S = 10,	/* of a connection, whatever it does */
	MEMORY = 16384, /* octets of a connection, without the page */
};

struct http {
	const struct http_page *page;
	void *arg;
	struct MHD_Daemon *mhd;
	struct listener *listener;
	struct event *ready, *timeout;
	struct listener_place *newcomer; /* of the connection that is being added */
};

/* -- requests ---------------------------------------------------------------------- */

static struct MHD_Response *http_text(const char *text)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(
		strlen(text), (void *)text, MHD_RESPMEM_PERSISTENT);

	if (r)
		MHD_add_response_header(r, "Content-Type", "text/plain; charset=utf-8");
	return r;
}

static struct MHD_Response *http_page(const struct http *h, unsigned *status)
{
	struct MHD_Response *r;
	size_t len;
	char *text = h->page->make(h->arg, &len);

	*status = MHD_HTTP_INTERNAL_SERVER_ERROR;
	if (!text)
		return http_text("500 Internal Server Error\n");
	r = MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
	if (!r) {
		free(text);
		return NULL;
	}
	MHD_add_response_header(r, "Content-Type", h->page->type);
	*status = MHD_HTTP_OK;
	return r;
}

static struct MHD_Response *http_make(const struct http *h, const char *url,
				      const char *method, unsigned *status)
{
	struct MHD_Response *r;

	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		*status = MHD_HTTP_METHOD_NOT_ALLOWED;
		r = http_text("405 Method Not Allowed\n");
		if (r)
			MHD_add_response_header(r, "Allow", "GET, HEAD");
		return r;
	}
	if (strcmp(url, h->page->path) == 0)
		return http_page(h, status);
	*status = MHD_HTTP_NOT_FOUND;
	return http_text("404 Not Found\n");
}

/* Answer as soon as the header has been read; no page needs a body. */
static enum MHD_Result http_on_request(void *arg, struct MHD_Connection *c,
				       const char *url, const char *method,
				       const char *version, const char *data,
				       size_t *data_len, void **request)
{
	enum MHD_Result result;
	unsigned status;
	struct MHD_Response *r = http_make(arg, url, method, &status);

	(void)version, (void)data, (void)data_len, (void)request;
	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, "Connection", "close");
	result = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return result;
}

/* -- connections ------------------------------------------------------------------- */

static void http_on_connection(void *arg, struct MHD_Connection *c, void **place,
			       enum MHD_ConnectionNotificationCode what)
{
	struct http *h = arg;

	(void)c;
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		*place = h->newcomer;
	else if (*place)
		listener_leave(*place);
}

/* Do everything that can be done now, and set the timer for libmicrohttpd's
 * time-outs. */
static void http_run(struct http *h)
{
	MHD_UNSIGNED_LONG_LONG ms;
	struct timeval tv;

	MHD_run(h->mhd);
	if (MHD_get_timeout(h->mhd, &ms) != MHD_YES) {
		event_del(h->timeout);
		return;
	}
	tv = (struct timeval){ .tv_sec = (time_t)(ms / 1000),
			       .tv_usec = (suseconds_t)(ms % 1000 * 1000) };
	event_add(h->timeout, &tv);
}

static void http_on_ready(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	http_run(arg);
}

/* When this fails, libmicrohttpd has closed the descriptor. */
static int http_on_accept(void *arg, int fd, struct listener_place *place)
{
	struct http *h = arg;
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);

	if (getpeername(fd, (struct sockaddr *)&peer, &len) < 0)
		return -1; /* gone again */
	h->newcomer = place;
	if (MHD_add_connection(h->mhd, fd, (struct sockaddr *)&peer, len) != MHD_YES)
		listener_leave(place);
	h->newcomer = NULL;
	http_run(h);
	return 0;
}

/* -- life -------------------------------------------------------------------------- */

static int http_bind(const struct addr *address, uint16_t port, struct err *err)
{
	union sockaddr_any at;
	socklen_t len = sockaddr_fill(address, port, &at);
	int on = 1;
	int fd =
		socket(at.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    bind(fd, &at.any, len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	err_set(err, "%s port %u: %s", ADDR_TEXT(address), port, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static int http_start(struct http *h, struct event_base *base, struct err *err)
{
	const union MHD_DaemonInfo *info;

	h->mhd = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL,
				  NULL, http_on_request, h, MHD_OPTION_CONNECTION_LIMIT,
				  (unsigned)LISTENER_CONNECTIONS(PLACES),
				  MHD_OPTION_CONNECTION_TIMEOUT,
				  (unsigned)LIFE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				  (size_t)MEMORY, MHD_OPTION_NOTIFY_CONNECTION,
				  http_on_connection, h, MHD_OPTION_END);
	if (!h->mhd)
		return err_set(err, "libmicrohttpd: cannot start");
	info = MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return err_set(err, "libmicrohttpd: it has no epoll descriptor");
	h->ready =
		event_new(base, info->epoll_fd, EV_READ | EV_PERSIST, http_on_ready, h);
	h->timeout = evtimer_new(base, http_on_ready, h);
	if (!h->ready || !h->timeout || event_add(h->ready, NULL) < 0)
		return err_set(err, "out of memory");
	return 0;
}

static int http_listen(struct http *h, struct event_base *base,
		       const struct addr *address, uint16_t port, struct err *err)
{
	const struct listener_conf conf = { .name = "HTTP",
					    .places = PLACES,
					    .life_s = LIFE_S,
					    .accept = http_on_accept,
					    .arg = h };
	int fd = http_bind(address, port, err);

	if (fd < 0)
		return -1;
	h->listener = listener_new(base, fd, &conf, err);
	if (h->listener)
		return 0;
	close(fd);
	return -1;
}

struct http *http_open(struct event_base *base, const struct addr *address,
		       uint16_t port, const struct http_page *page, void *arg,
		       struct err *err)
{
	struct http *h = calloc(1, sizeof(*h));

	if (!h) {
		err_set(err, "out of memory");
		return NULL;
	}
	h->page = page;
	h->arg = arg;
	if (http_start(h, base, err) == 0 &&
	    http_listen(h, base, address, port, err) == 0)
		return h;
	http_close(h);
	return NULL;
}

void http_close(struct http *h)
{
	if (!h)
		return;
	if (h->mhd)
		MHD_stop_daemon(h->mhd); /* the connections leave their places */
	listener_free(h->listener);
	if (h->ready)
		event_free(h->ready);
	if (h->timeout)
		event_free(h->timeout);
	free(h);
}
