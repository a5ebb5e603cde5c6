/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses that redirected packets are not for: this box's own, and networks behind it. */
#ifndef WCCPD_DP_LINK_LINK_PREFIXES_H
#define WCCPD_DP_LINK_LINK_PREFIXES_H

#include "dp/plan/facts.h"
#include "err.h"

struct nl_sock;

/*
 * Fills in own_prefixes, in order of their kinds: what the local table has, and, where
 * this box forwards packets for others (facts.forwards), the networks that it reaches
 * by a certain interface.  A default route does not count: a box with one uplink for
 * redirected packets and another for its own would have nothing left to be redirected.
 */
int link_prefixes(struct nl_sock *sock, unsigned family, struct facts *out,
		  struct err *err);

#endif
