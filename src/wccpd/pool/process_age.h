/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long a process has been running. */
#ifndef WCCPD_WCCPD_POOL_PROCESS_AGE_H
#define WCCPD_WCCPD_POOL_PROCESS_AGE_H

#include <stdint.h>
#include <sys/types.h>

/* In ms; -1 when that cannot be seen. */
int64_t process_age_ms(pid_t pid);

#endif
