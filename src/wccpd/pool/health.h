/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The health of one local instance, with hysteresis: `fall` failed checks in a
 * row take it down, `rise` good ones in a row bring it up; the death of its
 * process takes it down at once, the loss of its listener alone is draining.
 *
 * Pure: the glue probes, watches, and reports here.
 */
#ifndef WCCPD_WCCPD_POOL_HEALTH_H
#define WCCPD_WCCPD_POOL_HEALTH_H

#include "mono.h"
#include "wccpd/conf/conf_health.h"

#include <stdbool.h>
#include <stdint.h>

enum health_state {
	HEALTH_ABSENT,   /* no process listens on its port */
	HEALTH_STARTING, /* listens, not yet enough good checks */
	HEALTH_UP,
	HEALTH_DRAINING, /* lives, but its listener is gone */
	HEALTH_DOWN,     /* listens, but fails its checks */
	HEALTH_STATES,
};

enum health_event {
	HEALTH_EV_CHECK_OK,
	HEALTH_EV_CHECK_FAILED,
	HEALTH_EV_LISTENING, /* a listener (of a new process or again) was found */
	HEALTH_EV_DEAF,      /* the process lives, its listener is gone */
	HEALTH_EV_EXITED,    /* the process is gone */
	HEALTH_EV_TICK,
};

struct health {
	enum health_state state;
	unsigned streak;     /* checks in a row against the present state */
	struct mono since;   /* of the last transition */
	/* End of the grace while draining; never when there is none (any more). */
	struct mono deadline;
	const char *reason;  /* of the last transition; static storage */
};

void health_init(struct health *h, struct mono now);
/* Returns true if the state changed, or the grace of a draining instance ended:
 * whether it counts, or takes connections, may have changed.  Call it with TICK at
 * `deadline`. */
bool health_step(struct health *h, const struct health_conf *conf,
		 enum health_event ev, struct mono now);
/* Does it count towards the pool's strength?  (Up, or draining within the grace.) */
bool health_counts(const struct health *h, struct mono now);
/* May new connections be given to it?  Starting ones not yet. */
bool health_takes(const struct health *h);
const char *health_state_name(enum health_state s);

/*
 * Strength of a pool whose healthy instances have `up_weight` of `all_weight`
 * together, `up` in number of which `min` are needed: the assignment weight to
 * announce, `configured` scaled, at least 1 when it is up, unless `configured` is 0; 0
 * while it is down.
 */
uint16_t health_pool_weight(uint16_t configured, unsigned up, unsigned min,
			    uint32_t up_weight, uint32_t all_weight);

#endif
