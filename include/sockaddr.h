/* SPDX-License-Identifier: GPL-2.0-or-later */
/* struct addr to and from the addresses of socket calls. */
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

/* Returns the length to pass with it.  An address with a family and all octets zero is
 * the wildcard. */
socklen_t sockaddr_fill(const struct addr *a, uint16_t port, union sockaddr_any *out);
/* Unset if it is neither IPv4 nor IPv6. */
struct addr sockaddr_address(const struct sockaddr *any);

#endif
