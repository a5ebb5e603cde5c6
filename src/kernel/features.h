/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Do this kernel and our capabilities suffice? */
#ifndef WCCPD_KERNEL_FEATURES_H
#define WCCPD_KERNEL_FEATURES_H

#include "err.h"

#include <stdbool.h>

/* -1: `err` says what is missing. */
int kernel_check(struct err *err);
/* What the kernel's type information (BTF) says; all zero if there is none. */
struct kernel_layout {
	bool tells_ifindex; /* a steering program learns the interface (Linux 5.17) */
	/* Where a socket has the length of its accept queue, in octets from its beginning. */
	unsigned accept_queue;
};
struct kernel_layout kernel_layout(void);

/* The part that needs no privileges: can we fetch descriptors from other processes? */
int kernel_check_pidfd(struct err *err);

#endif
