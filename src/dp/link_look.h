/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking at the host: interface, addresses, neighbours. */
#ifndef WCCPD_DP_LINK_LOOK_H
#define WCCPD_DP_LINK_LOOK_H

#include "err.h"
#include "dp/facts.h"
#include "dp/plan.h"

struct nl_sock;

int link_look_interface(struct nl_sock *sock, const char *name, struct facts *out,
			struct err *err);
int link_look_locals(struct nl_sock *sock, struct facts *out, struct err *err);
/* MAC addresses of the routers that agreed on L2; those that the kernel does not know
 * are asked for.  With `patient` this waits for the answers, a quarter of a second at
 * most.  Returns the number of routers whose address is still not known, or -1. */
int link_look_macs(struct nl_sock *sock, const struct plan *plan, bool patient,
		   struct facts *out, struct err *err);

#endif
