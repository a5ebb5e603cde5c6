/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names of a service's counters. */
#include "wccprouter/show/show_counters.h"

#define REFUSAL(c)                                                                     \
	{                                                                              \
#c, offsetof(struct router_counters, c), true                          \
	}
#define OTHER(c)                                                                       \
	{                                                                              \
#c, offsetof(struct router_counters, c), false                         \
	}

const struct show_counter show_counters[] = {
	OTHER(unanswered),
	REFUSAL(bad_receive_id),
	REFUSAL(bad_change_number),
	REFUSAL(not_listed),
	REFUSAL(not_allowed),
	REFUSAL(not_member),
	REFUSAL(wrong_source),
	REFUSAL(wrong_group),
	REFUSAL(bad_family),
	REFUSAL(bad_address),
	REFUSAL(bad_service),
	REFUSAL(conflicting_service),
	REFUSAL(bad_capability),
	REFUSAL(bad_method),
	REFUSAL(bad_mask),
	REFUSAL(too_large),
	OTHER(maps_left_out),
	REFUSAL(full),
	OTHER(assignments),
	OTHER(flushes),
	OTHER(removed_by_timeout),
	OTHER(removed_by_shutdown),
	{ 0 },
};

enum {
	SCALARS = sizeof(show_counters) / sizeof(show_counters[0]) - 1,
	ARRAYS = sizeof(((struct router_counters *)0)->rx) +
		 sizeof(((struct router_counters *)0)->tx) +
		 sizeof(((struct router_counters *)0)->refused),
};

_Static_assert(sizeof(struct router_counters) == ARRAYS + SCALARS * sizeof(uint64_t),
	       "a counter without a name: say above whether it counts refusals");
