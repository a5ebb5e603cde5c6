/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small HTTP server for what a monitoring system reads: GET and HEAD, one request a
 * connection.
 *
 * Not evhttp: that of libevent 2.1 takes any number of connections, and a daemon that
 * has run out of descriptors can do nothing else either.
 */
#ifndef WCCPD_HTTP_H
#define WCCPD_HTTP_H

#include "addr.h"
#include "err.h"

#include <event2/buffer.h>
#include <event2/event.h>

struct http;

struct http_page {
	const char *path; /* "/metrics" */
	const char *type; /* Content-Type */
	/* Write the page; -1 when it cannot be made. */
	int (*write)(void *arg, struct evbuffer *out);
};

/* Serve one page, which is not owned, for `arg` until http_close(). */
struct http *http_open(struct event_base *base, const struct addr *address,
		       uint16_t port, const struct http_page *page, void *arg,
		       struct err *err);
void http_close(struct http *h); /* NULL is fine */

#endif
