/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccpd/drain/slow_start.h"

uint16_t slow_start_weight(uint16_t weight, int64_t elapsed_ms, int64_t total_ms)
{
	int64_t step, part;

	if (total_ms <= 0 || elapsed_ms >= total_ms)
		return weight;
	step = 1 + SLOW_START_STEPS * (elapsed_ms > 0 ? elapsed_ms : 0) / total_ms;
	part = weight * step / SLOW_START_STEPS;
	return part || !weight ? (uint16_t)part : 1;
}
