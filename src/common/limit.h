/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * At most one line a minute for each (event, peer, service), in a fixed table: a
 * peer that invents new combinations evicts the oldest ones and costs no memory.
 */
#ifndef WCCPD_COMMON_LIMIT_H
#define WCCPD_COMMON_LIMIT_H

#include "addr.h"
#include "mono.h"

enum { LIMIT_SLOTS = 64, LIMIT_PERIOD_MS = 60000 };

struct limit_slot {
	const char *event; /* static storage; NULL: free */
	struct addr peer;
	char service[32];
	struct mono since;   /* of the last line let through */
	unsigned suppressed; /* lines held back since then */
};

struct limit {
	struct limit_slot slots[LIMIT_SLOTS];
};

/* May a line pass now?  If so *suppressed is how many were held back before. */
bool limit_pass(struct limit *l, const char *event, const struct addr *peer,
		const char *service, struct mono now, unsigned *suppressed);

#endif
