/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What became of one packet of a client that is traced. */
#ifndef WCCPD_DP_PLAN_TRACED_H
#define WCCPD_DP_PLAN_TRACED_H

#include "addr.h"
#include "mono.h"

#include <stdbool.h>

/* IPv4; ports in host order, 0 when it shows none. */
struct dp_traced {
	struct mono at;
	struct addr src, dst;
	uint16_t sport, dport;
	uint8_t protocol, tcp_flags;
	bool by_gre, fragment;
	struct addr from;  /* the router, or another web-cache */
	unsigned service;  /* position in the newest plan, or DP_NO_SERVICE */
	unsigned reason;   /* see dp_reason_name() */
	struct addr other; /* handed over: to whom; else unset */
	char pool[32], instance[32]; /* that it is for; empty: not known */
};

/* `seen` gets each packet. */
typedef void dp_traced_seen(void *arg, const struct dp_traced *t);

#endif
