/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The values of masks in the kernel.  They are in a map beside the table of
 * services; generations make the change of both one step: the new table's values
 * are put in before it, the old one's are removed when no packet works by it.
 */
#ifndef WCCPD_WCCPROUTER_FORWARD_MASK_VALUES_H
#define WCCPD_WCCPROUTER_FORWARD_MASK_VALUES_H

#include "err.h"
#include "wccprouter/forward/member_table.h"

struct lookups {
	int fd;		     /* of the map; not owned */
	uint32_t generation; /* the last one given */
	struct table_values now[RCONF_MAX_SERVICES]; /* in force, by service */
	struct table_values next[RCONF_MAX_SERVICES];
};

/* Give `next`, and the entries of the table that it was built with, their
 * generations: values as they are in force keep theirs. */
void lookups_number(struct lookups *l, struct router_entry *table, unsigned n);
/* Put in what is new in `next`; on failure nothing of it stays. */
int lookups_put(struct lookups *l, struct err *err);
/* The table is in force: what only `now` had goes.  Then next is now. */
void lookups_settle(struct lookups *l);
/* It could not be put in force: what only `next` has goes. */
void lookups_drop(struct lookups *l);

#endif
