/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which address of ours a member talks to: unsolicited messages (a REMOVAL_QUERY) must
 * come from there, too. */
#ifndef WCCPD_WCCPROUTER_SERVICE_REPLY_SOURCE_H
#define WCCPD_WCCPROUTER_SERVICE_REPLY_SOURCE_H

#include "router.h"

struct reply_source {
	struct addr cache, own;
};

/* Note `own` for `cache` if that is a web-cache in `status`; it replaces one that no
 * longer is, so strangers cannot fill the list. */
void reply_source_remember(struct reply_source list[WCCP_MAX_CACHES],
			   const struct router_status *status, const struct addr *cache,
			   const struct addr *own);
/* Unset when it is not known. */
struct addr reply_source_find(const struct reply_source list[WCCP_MAX_CACHES],
			      const struct addr *cache);

#endif
