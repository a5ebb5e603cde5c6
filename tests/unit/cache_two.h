/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bench with one router, `a`, or two, and what many tests do with them.
 */
#ifndef CACHE_TWO_H
#define CACHE_TWO_H

#include "cache_bench.h"

#include <check.h>

#define R1 0x0a000001
#define R2 0x0a000002
#define CACHE2 0x0a000014 /* 10.0.0.20, after us */
#define CACHE3 0x0a00001e /* 10.0.0.30 */
#define LOWER 0x0a000005  /* 10.0.0.5, before us */
#define T 10000
#define SETTLE (3 * T / 2)
#define ECHO 50 /* from an assignment to the HERE_I_AM behind it */

extern struct rtr a, b;

void open_one(void);
void open_two(void);
/* The receive id that the message in B.got carries for a router; 0: not listed. */
uint32_t listed_id(const struct rtr *r);
struct cache_counters counters(void);
/* The pool is up, and `a` joined at once. */
void announce(void);
/* Up to the first assignment, echoed. */
void settle(void);
/* Wait for the next assignment that comes of a change just made. */
void resettle(void);
struct addr owner_in_got(unsigned bucket);
unsigned count_in_got(uint32_t cache);

#endif
