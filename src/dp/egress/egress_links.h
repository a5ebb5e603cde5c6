/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interfaces by which this host speaks a family. */
#ifndef WCCPD_DP_EGRESS_EGRESS_LINKS_H
#define WCCPD_DP_EGRESS_EGRESS_LINKS_H

#include "err.h"

enum { EGRESS_LINKS_MAX = 32 };

struct egress_links {
	unsigned n;
	unsigned ifindex[EGRESS_LINKS_MAX];
};

/* Ethernet interfaces that are up and have an address of the family.  -1: the kernel could not
 * be asked, or there are too many. */
int egress_links_find(unsigned family, struct egress_links *out, struct err *err);

#endif
