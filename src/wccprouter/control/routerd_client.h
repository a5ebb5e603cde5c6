/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The side of wccprouter that asks a running one. */
#ifndef WCCPD_WCCPROUTER_CONTROL_ROUTERD_CLIENT_H
#define WCCPD_WCCPROUTER_CONTROL_ROUTERD_CLIENT_H

#include <stdbool.h>

/* Do what the words say at the router behind this socket, and print its answer, as
 * JSON if so wished.  Returns the exit code. */
int routerd_client_run(const char *socket, bool json, int n, char **words);

#endif
