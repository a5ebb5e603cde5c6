/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings of an interface: net.ipv4.conf.INTERFACE, or the same of IPv6. */
#ifndef WCCPD_DP_LINK_LINK_SYSCTL_H
#define WCCPD_DP_LINK_LINK_SYSCTL_H

#include "err.h"

/* A number; -1: it cannot be read. */
int link_sysctl_of(unsigned family, const char *interface, const char *name);
/* Of IPv4. */
int link_sysctl(const char *interface, const char *name);
int link_sysctl_set(const char *interface, const char *name, int value, struct err *err);

/*
 * rp_filter.  The kernel takes the larger of the value of "all" and of the interface; 2
 * (loose) wins over 1 (strict).
 */
enum { FILTER_OFF = 0, FILTER_STRICT = 1, FILTER_LOOSE = 2 };

#endif
