/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client of a running wccprouter. */
#ifndef CLIENT_H
#define CLIENT_H

#include "err.h"

#include <stdbool.h>

/* Ask at the control socket, print to stdout. */
int client_show(const char *socket_path, bool as_json, struct err *err);

#endif
