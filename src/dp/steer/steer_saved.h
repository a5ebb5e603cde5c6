/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the steering driver must know of its state in the kernel after a restart. */
#ifndef WCCPD_DP_STEER_STEER_SAVED_H
#define WCCPD_DP_STEER_STEER_SAVED_H

#include "dp/plan/facts.h"
#include "dp/steer/steer_slots.h"

struct steer_saved {
	struct steer_slot slots[STEER_SLOTS];
	unsigned n_own_prefixes;
	struct facts_prefix own_prefixes[FACTS_MAX_PREFIXES];
};

#endif
