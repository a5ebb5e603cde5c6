/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which web-caches joined or left, and log lines about what each gets. */
#ifndef WCCPD_WCCPROUTER_SERVICE_MEMBER_LOG_H
#define WCCPD_WCCPROUTER_SERVICE_MEMBER_LOG_H

#include "router.h"

/* From one state of a service group to the next, did the set of usable web-caches or
 * the assignment change?  The latter is logged. */
bool member_log_compare(const char *service, const struct router_status *before,
			const struct router_status *after);

#endif
