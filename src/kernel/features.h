/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Do this kernel and our capabilities suffice? */
#ifndef WCCPD_KERNEL_FEATURES_H
#define WCCPD_KERNEL_FEATURES_H

#include "err.h"

#include <stdbool.h>

/* -1: `err` says what is missing. */
int kernel_check(struct err *err);
/* Does a steering program learn the interface?  (Linux 5.17) */
bool kernel_tells_ifindex(void);

/* Where a socket has the length of its accept queue, in octets from its beginning; 0: this
 * kernel does not say. */
unsigned kernel_accept_queue_offset(void);

/* The part that needs no privileges: can we fetch descriptors from other processes? */
int kernel_check_pidfd(struct err *err);

#endif
