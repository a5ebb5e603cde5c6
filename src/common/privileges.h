/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a daemon may do: it starts as root, or as another user with ambient capabilities,
 * and keeps no more of them than it needs.
 */
#ifndef WCCPD_COMMON_PRIVILEGES_H
#define WCCPD_COMMON_PRIVILEGES_H

#include "err.h"

enum privileges_need {
	PRIVILEGES_NETWORK = 1 << 0,   /* rules, routes, TC: CAP_NET_ADMIN */
	PRIVILEGES_BPF = 1 << 1,       /* eBPF programs: CAP_BPF, CAP_PERFMON */
	PRIVILEGES_PROCESSES = 1 << 2, /* sockets of other processes: CAP_SYS_PTRACE */
};

/*
 * Give up all capabilities but those for `needs`, in every set and for good: with
 * no-new-privileges no program that we execute can get them back.  Our own program,
 * executed again, has the same as we have: root by way of the bounding set, another user
 * by ambient capabilities.
 *
 * Call it before there are threads, and before anything of others is read.  A capability
 * that we do not have is no error here.
 */
int privileges_reduce(unsigned needs, struct err *err);

/* Keep our memory, which has passwords in it, out of core dumps and from debuggers of our
 * own user. */
void privileges_hide_memory(void);

#endif
