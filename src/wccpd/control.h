/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: a Unix stream socket.  A client sends one line, a command
 * and its arguments; it gets one JSON document and the end of the stream.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include "err.h"

struct control;
struct daemon;

/* Listen on `path` (a stale socket there is replaced, a live one is an error). */
struct control *control_open(struct daemon *d, const char *path, struct err *err);
void control_close(struct control *c);

#endif
