/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ingress program's counters, summed up and named. */
#ifndef WCCPD_DP_INGRESS_INGRESS_COUNTERS_H
#define WCCPD_DP_INGRESS_INGRESS_COUNTERS_H

#include "bpf/ingress/ingress_maps.h"
#include "dp/plan/counters.h"

/* Add those of one processor. */
void ingress_counters_add(struct dp_counters *sum, const struct ingress_counters *c);

/* "returned-pool-down" and so on; NULL from INGRESS_REASONS on. */
const char *ingress_reason_name(unsigned reason);

#endif
