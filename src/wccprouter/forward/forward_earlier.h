/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an earlier process has left in force: its table stays until the web-caches in it
 * have joined this process and assigned again, or have had time to.
 */
#ifndef WCCPD_WCCPROUTER_FORWARD_FORWARD_EARLIER_H
#define WCCPD_WCCPROUTER_FORWARD_FORWARD_EARLIER_H

#include "mono.h"
#include "router.h"
#include "wccprouter/conf/routerd_conf.h"
#include "wccprouter/forward/forward_counters.h"
#include "wccprouter/forward/tc_hook.h"

/* Of one service: which it is, its usable web-caches, whether it was assigned. */
struct forward_saved_service {
	uint8_t type, id;
	bool assigned;
	uint32_t transmit_t_ms;
	unsigned n_caches;
	struct addr caches[WCCP_MAX_CACHES];
};

/* One value of a pinned map. */
struct forward_saved {
	unsigned n_services, n_hooks;
	struct forward_saved_service services[ROUTERD_MAX_SERVICES];
	struct tc_hook hooks[ROUTERD_ALL_INTERFACES];
	struct forward_counters_slot slots[ROUTERD_MAX_SERVICES][WCCP_MAX_CACHES];
};

/* Fills in the services. */
void forward_saved_note(struct forward_saved *saved, const struct routerd_conf *conf,
			const struct router_status *status);
/* Are these the services of the configuration, in the same order?  Their numbers are in
 * the tables. */
bool forward_saved_fits(const struct forward_saved *saved,
			const struct routerd_conf *conf);

struct forward_earlier {
	bool waits;
	bool rejoined; /* all web-caches have; an assignment is missing */
	struct mono until;
	struct forward_saved_service services[ROUTERD_MAX_SERVICES];
};

/* `saved` is NULL if what is in force cannot be read: then wait for any assignment. */
void forward_earlier_begin(struct forward_earlier *e, const struct forward_saved *saved,
			   const struct routerd_conf *conf, struct mono now);
/* Is it too early for a new table? */
bool forward_earlier_waits(struct forward_earlier *e, const struct routerd_conf *conf,
			   const struct router_status *status, struct mono now);

#endif
