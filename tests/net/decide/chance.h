/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random numbers that a seed repeats. */
#ifndef CHANCE_H
#define CHANCE_H

#include <stdbool.h>
#include <stdint.h>

void chance_seed(uint64_t seed);
uint32_t chance_below(uint32_t n);
/* True so many times in a hundred. */
bool chance(unsigned percent);

#endif
