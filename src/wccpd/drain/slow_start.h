/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A box that comes with cold caches gets its share in steps.  Each step is a change of
 * the table for the whole group, so there are few of them.
 */
#ifndef WCCPD_WCCPD_DRAIN_SLOW_START_H
#define WCCPD_WCCPD_DRAIN_SLOW_START_H

#include <stdint.h>

enum { SLOW_START_STEPS = 4 };

/* The weight to announce when so much of the time has passed; at least 1, unless
 * `weight` is 0. */
uint16_t slow_start_weight(uint16_t weight, int64_t elapsed_ms, int64_t total_ms);

#endif
