/* SPDX-License-Identifier: GPL-2.0-or-later */
/* struct addr to and from the addresses of socket calls. */
#include "sockaddr.h"

#include <string.h>

socklen_t sockaddr_fill(const struct addr *a, uint16_t port, union sockaddr_any *out)
{
	memset(out, 0, sizeof(*out));
	if (a->family == ADDR_V6) {
		out->v6.sin6_family = AF_INET6;
		out->v6.sin6_port = htons(port);
		memcpy(&out->v6.sin6_addr, a->octets, 16);
		return sizeof(out->v6);
	}
	out->v4.sin_family = AF_INET;
	out->v4.sin_port = htons(port);
	memcpy(&out->v4.sin_addr, a->octets, 4);
	return sizeof(out->v4);
}

struct addr sockaddr_address(const struct sockaddr *any)
{
	const struct sockaddr_in *v4 = (const void *)any;
	const struct sockaddr_in6 *v6 = (const void *)any;

	if (any && any->sa_family == AF_INET)
		return addr_v4(ntohl(v4->sin_addr.s_addr));
	if (any && any->sa_family == AF_INET6)
		return addr_from_octets(ADDR_V6, v6->sin6_addr.s6_addr);
	return (struct addr){ 0 };
}
