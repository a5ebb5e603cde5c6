/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What "show" can be asked for, and which part of the router's document answers it.
 * Nothing here depends on the router: it works on JSON.
 */
#ifndef WCCPD_WCCPROUTER_SHOW_SHOW_VIEW_H
#define WCCPD_WCCPROUTER_SHOW_SHOW_VIEW_H

#include "err.h"

#include <jansson.h>

enum show_view {
	SHOW_ALL,     /* everything */
	SHOW_GLOBAL,  /* what belongs to no service */
	SHOW_PROBLEMS, /* what is wrong on this host */
	SHOW_SERVICE, /* one service */
	SHOW_CLIENTS, /* its web-caches ... */
	SHOW_DETAIL,  /* ... with what is assigned to them */
	SHOW_VIEW,    /* web-caches seen, and routers they know of */
	SHOW_BUCKETS, /* who has which bucket, and its packets */
};

struct show_request {
	enum show_view view;
	const char *service; /* NULL for the first three; not owned */
};

/* From the words behind "show": [global|problems|SERVICE [clients|detail|view|buckets]]. */
int show_view_parse(unsigned n, char *const *words, struct show_request *out,
		    struct err *err);

/* The index of a service in the document; -1: `err` names the services there are. */
int show_view_find(const json_t *all, const char *service, struct err *err);

/* The part asked for, a new reference: SHOW_ALL and SHOW_GLOBAL have the document's
 * own form, SHOW_PROBLEMS is its list of them, all others are an object with the "name" of the service.  NULL when there
 * is no such service, or out of memory.  SHOW_BUCKETS needs "buckets" in the object
 * of the service. */
json_t *show_view_select(const json_t *all, const struct show_request *r,
			 struct err *err);

#endif
