/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A page for monitoring systems over HTTP: GET and HEAD, one request per connection.
 * libmicrohttpd speaks it; connections are bounded in number, time and memory.
 */
#ifndef WCCPD_HTTP_H
#define WCCPD_HTTP_H

#include "addr.h"
#include "err.h"

#include <event2/event.h>
#include <stddef.h>

struct http;

struct http_page {
	const char *path; /* "/metrics" */
	const char *type; /* Content-Type */
	/* Returns the page, *len octets that the caller will free(); NULL if it
	 * cannot be made. */
	char *(*make)(void *arg, size_t *len);
};

/* Serve one page, which is not owned, for `arg` until http_close(). */
struct http *http_open(struct event_base *base, const struct addr *address,
		       uint16_t port, const struct http_page *page, void *arg,
		       struct err *err);
void http_close(struct http *h); /* NULL is fine */

#endif
