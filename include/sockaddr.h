/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses as the socket calls want them. */
#ifndef WCCPD_SOCKADDR_H
#define WCCPD_SOCKADDR_H

#include "addr.h"

#include <netinet/in.h>
#include <sys/socket.h>

union sockaddr_any {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* Returns the length that goes with it.  An address without octets (of a family, unset
 * otherwise) is the wildcard. */
socklen_t sockaddr_fill(const struct addr *a, uint16_t port, union sockaddr_any *out);
/* Unset for other families than the two. */
struct addr sockaddr_address(const struct sockaddr *any);

#endif
