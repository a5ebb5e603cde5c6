/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Log lines about who joins, who leaves, and who gets what. */
#ifndef MEMBERS_H
#define MEMBERS_H

#include "router.h"

/* Log what has changed from one state of a service group to the next.  Did the
 * set of usable web-caches or the assignment? */
bool members_compare(const char *service, const struct router_status *before,
		     const struct router_status *after);

#endif
