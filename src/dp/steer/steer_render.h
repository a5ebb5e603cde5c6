/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the plan to the table of the steering program.  Pure.
 */
#ifndef WCCPD_DP_STEER_STEER_RENDER_H
#define WCCPD_DP_STEER_STEER_RENDER_H

#include "bpf/steer_maps.h"
#include "dp/plan/facts.h"
#include "dp/plan/plan.h"

/* Where the driver has put the plan's listeners: slot of each, STEER_NO_SLOT for
 * one that cannot be had. */
struct steer_places {
	uint16_t slots[PLAN_MAX_POOLS][PLAN_MAX_LISTENERS];
};

/*
 * Render `plan` for the interfaces of `facts`.  Connections go to the instances that take
 * some and have a listener, by the names and weights of these and the pool's key; nothing
 * else matters, neither their order nor what was in force before.
 */
void steer_render(const struct plan *plan, const struct facts *facts,
		  const struct steer_places *places, struct steer_table *out);

/* The addresses and ports that pools listen on, in the order that the program wants. */
void steer_render_listens(const struct plan *plan, struct steer_table *out);

/* May packets to the pool come wrapped in GRE, from a router or handed over by another
 * web-cache?  Then the 28 octets of wrapping must fit beside the payload. */
bool steer_pool_by_gre(const struct plan *plan, unsigned pool);

#endif
