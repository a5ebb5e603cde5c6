/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interfaces that redirected packets arrive on. */
#ifndef WCCPD_DP_LINK_LINK_INTERFACES_H
#define WCCPD_DP_LINK_LINK_INTERFACES_H

#include "dp/plan/facts.h"
#include "dp/plan/plan.h"
#include "err.h"

struct nl_sock;

/*
 * Fills in facts.links: of the interfaces named in the plan, or of all there are, those
 * that can be used.  -1 when there is none.  `trouble` gets one of several named that
 * cannot be used; it does not change if there is none.
 */
int link_interfaces(struct nl_sock *sock, const struct plan *plan, struct facts *out,
		    struct err *trouble, struct err *err);

/* Can redirected packets arrive there, by each method?  0, or -1 and `err` says why not; an interface
 * that does not exist or is down may still come, so that is not an error. */
int link_interfaces_check(const char *name, struct err *err);

#endif
