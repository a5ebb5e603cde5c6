/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names of a service's counters, in JSON and in metrics. */
#ifndef WCCPD_WCCPROUTER_SHOW_SHOW_COUNTERS_H
#define WCCPD_WCCPROUTER_SHOW_SHOW_COUNTERS_H

#include "router.h"

#include <stddef.h>

struct show_counter {
	const char *name;
	size_t offset; /* of a uint64_t in struct router_counters */
	bool refusal;  /* counts messages that were refused, in whole or in part */
};

/* All but rx, tx and refused, which are arrays: in the order of the document, which a
 * NULL name ends. */
extern const struct show_counter show_counters[];

static inline uint64_t show_counter_value(const struct show_counter *c,
					  const struct router_counters *of)
{
	return *(const uint64_t *)((const char *)of + c->offset);
}

#endif
