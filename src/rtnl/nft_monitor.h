/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tells when the nftables ruleset of this network namespace has changed.  It does not
 * look at the new ruleset: the caller can test whether what it needs works.  (Changes
 * by iptables-legacy are not reported.)
 */
#ifndef WCCPD_RTNL_NFT_MONITOR_H
#define WCCPD_RTNL_NFT_MONITOR_H

#include "err.h"

#include <stdbool.h>

/* A non-blocking descriptor, to be closed by close(); -1: `err` says why.  A kernel
 * without nftables is not an error, but then nothing is ever reported. */
int nft_monitor_open(struct err *err);

/* Take what has arrived; has anything changed?  True also when messages were lost. */
bool nft_monitor_read(int fd);

#endif
