/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the data plane counts. */
#ifndef WCCPD_DP_PLAN_COUNTERS_H
#define WCCPD_DP_PLAN_COUNTERS_H

#include "addr.h"

#include "addr.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	DP_REASONS_MAX = 32,
	DP_MAX_STRANGERS = 64,
	DP_NO_SERVICE = 0xffff, /* instead of a service: packets that fit none */
};

/*
 * Packets since dp_open(), per plan service (by position in the newest plan).  What was
 * redirected or came from another web-cache is counted under exactly one reason.
 */
struct dp_counters {
	uint64_t redirected; /* arrived from a router, by GRE or L2 */
	uint64_t redirected_octets;
	uint64_t other_caches; /* handed over to us by another web-cache */
	uint64_t delivered;    /* to a local instance: known flow or new one */
	uint64_t new_flows;    /* of these: SYNs */
	uint64_t completed;    /* handshakes */
	uint64_t confirmed;    /* signs of connections that have got data */
	uint64_t stuck;	       /* data that came again before the socket had got any */
	uint64_t unanswered;   /* SYNs returned because they were delivered in vain */
	uint64_t returned;     /* to the router */
	uint64_t handed_over;  /* to another web-cache */
	uint64_t dropped;
	struct addr client, server; /* of a SYN that was delivered lately; unset: none */
	struct addr lost_client, lost_server; /* of one that is `unanswered` */
	uint64_t odd_header; /* the redirect header did not name that service */
	uint64_t by_reason[DP_REASONS_MAX];
};

/* A sender of packets that look redirected, but unknown to the plan. */
struct dp_stranger {
	bool by_mac;
	struct addr addr; /* outer source of GRE ... */
	uint8_t mac[6];	  /* ... or of frames that fit a service agreed on by L2 ... */
	bool taken;	  /* ... which are taken as a router's all the same */
	uint64_t packets; /* since the last call */
};

#endif
