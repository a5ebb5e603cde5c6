/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random numbers that can be repeated: those of a run all follow from its seed. */
#include "wccprouter/fault/fault.h"

/* splitmix64: any seed is a good seed. */
uint32_t fault_random(struct fault_set *set, uint32_t below)
{
	uint64_t z = set->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (uint32_t)((z ^ z >> 31) % below);
}
