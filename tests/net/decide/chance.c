/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random numbers that a seed repeats (xorshift64*). */
#include "chance.h"

static uint64_t state = 1;

void chance_seed(uint64_t seed)
{
	state = seed * 0x9e3779b97f4a7c15 + 1;
}

static uint32_t next(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)(state * 0x2545f4914f6cdd1d >> 32);
}

uint32_t chance_below(uint32_t n)
{
	return (uint32_t)((uint64_t)next() * n >> 32);
}

bool chance(unsigned percent)
{
	return chance_below(100) < percent;
}
