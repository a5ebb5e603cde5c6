/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket of wccprouter: a client sends the line "show" and gets one
 * JSON document and the end of the stream.
 */
#ifndef RCONTROL_H
#define RCONTROL_H

#include "err.h"

struct engine;
struct rcontrol;

/* Listen on `path`; a stale socket there is replaced, a live one is an error. */
struct rcontrol *rcontrol_open(struct engine *e, const char *path, struct err *err);
void rcontrol_close(struct rcontrol *c);

#endif
