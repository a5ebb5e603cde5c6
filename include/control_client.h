/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One request to a running daemon over its control socket (see control.h). */
#ifndef WCCPD_CONTROL_CLIENT_H
#define WCCPD_CONTROL_CLIENT_H

#include "err.h"

#include <jansson.h>
#include <stdio.h>

/* Send one line, read one JSON document; NULL with the reason in err, also if the
 * answer is an object with a member "error".  The reason calls the other side `daemon`.
 * The caller drops the reference. */
json_t *control_client_ask(const char *daemon, const char *socket_path, const char *request,
	    struct err *err);

/* The same for a command that is followed: copies its lines to `to` as they arrive.
 * Returns 0 when the daemon ends or `to` cannot be written to any more. */
int control_client_follow(const char *daemon, const char *socket_path, const char *request, FILE *to,
	       struct err *err);

/* Print indented JSON on stdout, for programs to read. */
void control_client_print(const json_t *json);

#endif
