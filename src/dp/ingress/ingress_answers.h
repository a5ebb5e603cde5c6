/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which other web-caches have answered (dp/gre/gre_question.h), and when. */
#ifndef WCCPD_DP_INGRESS_INGRESS_ANSWERS_H
#define WCCPD_DP_INGRESS_INGRESS_ANSWERS_H

#include "dp/plan/answers.h"

/* Returns how many. */
unsigned ingress_answers_read(int map, struct dp_answer *out, unsigned room);

#endif
