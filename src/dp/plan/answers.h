/* SPDX-License-Identifier: GPL-2.0-or-later */
/* That another web-cache still answers what it is handed over. */
#ifndef WCCPD_DP_PLAN_ANSWERS_H
#define WCCPD_DP_PLAN_ANSWERS_H

#include "addr.h"
#include "mono.h"

enum { DP_MAX_ANSWERS = 64 };

struct dp_answer {
	struct addr cache;
	struct mono at; /* the last one */
};

#endif
