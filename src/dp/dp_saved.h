/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the data plane must know of its state in the kernel after a restart.  One value of
 * a pinned map; all headers that have a part of it belong to the layout (Makefile.am).
 */
#ifndef WCCPD_DP_DP_SAVED_H
#define WCCPD_DP_DP_SAVED_H

#include "dp/egress/egress_saved.h"
#include "dp/ingress/ingress_saved.h"
#include "dp/plan/plan.h"
#include "dp/steer/new_connections.h"
#include "dp/steer/steer_saved.h"

struct dp_saved {
	struct steer_saved steer;
	struct ingress_saved ingress;
	struct egress_saved egress;
	struct new_connections connections;
	struct plan plan; /* in force */
};

#endif
