/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the configuration again. */
#ifndef WCCPD_WCCPD_RELOAD_H
#define WCCPD_WCCPD_RELOAD_H

#include "err.h"

#include <event2/util.h>

struct conf;
struct daemon;

/* Make pools and services follow a configuration, which becomes d->conf.  Everything
 * that needs memory is allocated before anything changes: -1 means that nothing has
 * changed. */
int reload_take(struct daemon *d, struct conf *new, struct err *err);
/* Read the file and put it into force; on failure, also when memory is short, nothing
 * changes. */
int reload_configuration(struct daemon *d, struct err *err);
/* The same as an event callback, which logs the error. */
void reload_on_event(evutil_socket_t fd, short what, void *daemon);
void reload_log_warnings(const struct conf *conf);

#endif
