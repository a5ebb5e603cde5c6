/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * New connections of each instance, by name.  The kernel counts per slot, and slots are
 * reused; before that, a slot's count is credited to the instance that had it.
 */
#ifndef WCCPD_DP_STEER_NEW_CONNECTIONS_H
#define WCCPD_DP_STEER_NEW_CONNECTIONS_H

#include "bpf/steer_maps.h"
#include "dp/plan/plan.h"

enum { NEW_CONNECTIONS_ACCOUNTS = PLAN_MAX_POOLS * PLAN_MAX_INSTANCES };

struct new_connections_account {
	char pool[32], instance[32];
	uint64_t n;
};

struct new_connections {
	unsigned n_accounts;
	struct new_connections_account accounts[NEW_CONNECTIONS_ACCOUNTS];
	uint64_t counted[STEER_SLOTS]; /* what has been credited already */
};

/* Slot `slot`, owned by this instance, has counted `total` connections ever.  An
 * instance for which there is no account left is not counted. */
void new_connections_add(struct new_connections *g, unsigned slot, const char *pool,
			 const char *instance, uint64_t total);
uint64_t new_connections_of(const struct new_connections *g, const char *pool,
			    const char *instance);

#endif
