/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Static bypass: clients and servers whose connections are left to the router.  The longest
 * prefix that an address is in decides.
 */
#ifndef WCCPD_DP_PLAN_BYPASS_H
#define WCCPD_DP_PLAN_BYPASS_H

#include "addr.h"

#include <stdbool.h>
#include <stdint.h>

enum { PLAN_MAX_BYPASSES = 100000 };

enum plan_bypass_set {
	PLAN_BYPASS_CLIENTS,
	PLAN_BYPASS_SERVERS,
	PLAN_BYPASS_CLIENTS_V6,
	PLAN_BYPASS_SERVERS_V6,
	PLAN_BYPASS_SETS,
};

struct plan_bypass_entry {
	struct addr_prefix prefix;
	uint8_t set;   /* enum plan_bypass_set */
	bool redirect; /* an exception in a shorter prefix */
};

/* Each prefix is in a set once. */
struct plan_bypass {
	unsigned n;
	unsigned of_set[PLAN_BYPASS_SETS]; /* how many of them */
	struct plan_bypass_entry list[];
};

#endif
