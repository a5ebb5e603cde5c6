/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reverse-path filtering, loosened while redirected packets are taken. */
#ifndef WCCPD_DP_LINK_LINK_RP_FILTER_H
#define WCCPD_DP_LINK_LINK_RP_FILTER_H

#include "err.h"

#include <net/if.h>
#include <stdbool.h>

/* A changed rp_filter: that of an interface, and what to put back. */
struct link_rp_filter {
	bool changed;
	char interface[IF_NAMESIZE];
	int before;
};

/* Make strict filtering on the interface loose.  Returns 1 when it had to. */
int link_rp_filter_loosen(struct link_rp_filter *f, const char *interface,
			  struct err *err);
/* An earlier run has loosened it; `before` is the value it found. */
void link_rp_filter_adopt(struct link_rp_filter *f, const char *interface, int before);
/* Restore the old value, unless another program has changed it since. */
void link_rp_filter_restore(struct link_rp_filter *f);

#endif
