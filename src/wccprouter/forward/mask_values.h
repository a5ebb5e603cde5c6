/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The values of masks in the kernel.  They are in a map beside the table of services;
 * generations make changing both one step: the new table's values are added before it,
 * and the old one's are removed when no packet uses it any more.
 */
#ifndef WCCPD_WCCPROUTER_FORWARD_MASK_VALUES_H
#define WCCPD_WCCPROUTER_FORWARD_MASK_VALUES_H

#include "err.h"
#include "wccprouter/forward/member_table.h"

struct mask_values {
	int fd;		     /* of the map; not owned */
	uint32_t generation; /* the last one given */
	struct member_table_values now[ROUTERD_MAX_SERVICES]; /* in force, by service */
	struct member_table_values next[ROUTERD_MAX_SERVICES];
};

/* Give `next`, and the entries of the table that it was built with, their generations:
 * values that are in force already keep theirs. */
void mask_values_number(struct mask_values *values, struct router_entry *table,
			unsigned n);
/* Add what is new in `next`; on failure nothing of it stays. */
int mask_values_put(struct mask_values *values, struct err *err);
/* The table is in force: remove what only `now` had.  `next` becomes `now`. */
void mask_values_settle(struct mask_values *values);
/* The map is that of an earlier process, whose table has these entries. */
void mask_values_adopt(struct mask_values *values, const struct router_entry *table,
		       unsigned n);
/* A table of ours is in force: remove what others have left in the map. */
void mask_values_purge(const struct mask_values *values);
/* It could not be put in force: remove what only `next` has. */
void mask_values_drop(struct mask_values *values);

#endif
