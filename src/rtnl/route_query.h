/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking the kernel what its routing says of one packet, as `ip route get` does. */
#ifndef WCCPD_RTNL_ROUTE_QUERY_H
#define WCCPD_RTNL_ROUTE_QUERY_H

#include "addr.h"
#include "err.h"

#include <stdbool.h>
#include <stdint.h>

struct nl_sock;

/* IPv4.  A packet that came in by `iif`, or one that this host sends (`iif` 0). */
struct route_question {
	struct addr from, to; /* `from` unset: any */
	uint32_t mark;
	unsigned iif;
	uint16_t to_port; /* of TCP; 0: rules that look at ports match or not */
};

struct route_answer {
	int error;     /* errno of the kernel's refusal; 0: the rest is filled in */
	uint8_t type;  /* RTN_LOCAL, RTN_UNICAST, ... */
	uint32_t table; /* in which the route was found */
	unsigned oif;
	bool has_gateway;
	struct addr gateway;
};

/* 0, or -1 when the kernel cannot be asked.  "There is no route" is an answer. */
int route_query(struct nl_sock *sock, const struct route_question *q,
		struct route_answer *out, struct err *err);

/* What an answer means, in words: "local", "unreachable", "by eth0 via 10.0.0.1, table
 * 51820".  `out` has room for `size` octets. */
void route_answer_text(const struct route_answer *a, char *out, unsigned size);

#endif
