/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only place in the daemons that reads the clock. */
#ifndef WCCPD_CLOCK_H
#define WCCPD_CLOCK_H

#include "mono.h"

#include <sys/time.h>
#include <time.h>

static inline struct mono clock_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (struct mono){ (int64_t)t.tv_sec * 1000000000 + t.tv_nsec };
}

/* What this thread has used of a processor, in microseconds. */
static inline int64_t clock_cpu_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Where numbers begin that an earlier life must not have used, even one before the machine
 * was restarted. */
static inline struct mono clock_numbers(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (struct mono){ (int64_t)t.tv_sec * 1000000000 + t.tv_nsec };
}

/* The time left until `deadline`, for a libevent timer; rounded up, so that the
 * timer does not fire a moment early and find nothing due. */
static inline struct timeval clock_until(struct mono deadline, struct mono now)
{
	int64_t us = mono_before(now, deadline) ? (deadline.ns - now.ns + 999) / 1000 : 0;
	return (struct timeval){ .tv_sec = us / 1000000, .tv_usec = us % 1000000 };
}

static inline struct timeval clock_ms(uint32_t ms)
{
	return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
}

#endif
