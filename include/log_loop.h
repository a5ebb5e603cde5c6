/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log on an event loop, which writes what could not be written at once. */
#ifndef WCCPD_LOG_LOOP_H
#define WCCPD_LOG_LOOP_H

#include <event2/event.h>

/* One at a time, until log_loop_free().  Messages of libevent itself become log lines.
 * NULL only when memory is short: then lines wait until the next one is logged. */
struct log_loop *log_loop_new(struct event_base *base);
void log_loop_free(struct log_loop *l); /* NULL is fine */

#endif
