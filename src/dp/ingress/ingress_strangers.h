/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whom the ingress program has noted as a sender that nobody knows. */
#ifndef WCCPD_DP_INGRESS_INGRESS_STRANGERS_H
#define WCCPD_DP_INGRESS_INGRESS_STRANGERS_H

#include "dp/plan/counters.h"

/* Take them out of the map; the number of them, at most `room`. */
unsigned ingress_strangers_take(int map, struct dp_stranger *out, unsigned room);

#endif
