/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What would happen to a connection: reads the tables in force and adds names. */
#ifndef WCCPD_DP_EXPLAIN_EXPLAIN_H
#define WCCPD_DP_EXPLAIN_EXPLAIN_H

#include "dp/ingress/ingress.h"
#include "dp/plan/explanation.h"
#include "dp/steer/steer.h"
#include "err.h"

int explain_connection(const struct ingress *ingress, const struct steer *steer,
		       const struct dp_connection *c, struct dp_explanation *out,
		       struct err *err);

#endif
