/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unknown senders that the ingress program has noted. */
#ifndef WCCPD_DP_INGRESS_INGRESS_STRANGERS_H
#define WCCPD_DP_INGRESS_INGRESS_STRANGERS_H

#include "dp/plan/counters.h"

/* Take them out of the map; returns how many, at most `room`. */
unsigned ingress_strangers_take(int map, struct dp_stranger *out, unsigned room);

#endif
