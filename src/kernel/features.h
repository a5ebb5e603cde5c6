/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether this kernel, and our capabilities, suffice. */
#ifndef WCCPD_KERNEL_FEATURES_H
#define WCCPD_KERNEL_FEATURES_H

#include "err.h"

#include <stdbool.h>

/* -1, and what is missing in words. */
int kernel_check(struct err *err);
/* Does a steering program learn the interface?  (Linux 5.17) */
bool kernel_tells_ifindex(void);

/* The part of it that needs no privileges: can descriptors be fetched from processes? */
int kernel_check_pidfd(struct err *err);

#endif
