/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wccprouter as the client of a running router. */
#ifndef WCCPD_WCCPROUTER_CONTROL_ROUTERD_CLIENT_H
#define WCCPD_WCCPROUTER_CONTROL_ROUTERD_CLIENT_H

#include <stdbool.h>

/* Run the command in `words` at the router behind this socket, and print its answer, as
 * JSON if `json`.  Returns the exit code. */
int routerd_client_run(const char *socket, bool json, int n, char **words);

#endif
