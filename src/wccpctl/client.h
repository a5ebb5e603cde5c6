/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One request to wccpd over its control socket. */
#ifndef CLIENT_H
#define CLIENT_H

#include "err.h"

#include <jansson.h>

/* Send one line, read one JSON document; NULL with the reason in err.  The caller
 * drops the reference. */
json_t *client_ask(const char *socket_path, const char *request, struct err *err);

#endif
