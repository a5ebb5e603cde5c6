/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The data plane as its drivers: made, ended, and kept for the next process. */
#ifndef WCCPD_DP_DP_LIFE_H
#define WCCPD_DP_DP_LIFE_H

#include "dp/dp.h"
#include "dp/plan/facts.h"
#include "dp/proof/prover.h"
#include "dp/steer/new_connections.h"

struct dp_saved;
struct egress;
struct ingress;
struct link;
struct pins;
struct steer;

struct dp {
	unsigned family; /* of services: ADDR_V4 or ADDR_V6 */
	struct pins *pins;
	struct dp_saved *saved; /* as it was last saved, or adopted */
	enum dp_earlier earlier;
	struct plan *earlier_plan; /* NULL unless known */
	struct link *link;
	struct steer *steer;
	struct ingress *ingress;
	struct egress *egress;
	bool redirects; /* may have programs at interfaces, rules and routes */
	struct facts facts;
	struct new_connections connections;
	struct err trouble, drift;
	struct prover prover;
};

/* Remove what the drivers have made. */
void dp_clear(struct dp *dp);
/* Of it, and of what an earlier process has made, what only redirected packets need. */
void dp_clear_redirection(struct dp *dp, uint32_t table);
/* The plan is in force: note what the next process adopts if this one ends. */
void dp_save(struct dp *dp, const struct plan *plan);

#endif
