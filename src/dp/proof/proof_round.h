/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which proofs of delivery a plan asks for: one for each port of each service, whatever
 * router it comes from, and one for each service at each router by the method
 * agreed there.  Pure.
 */
#ifndef WCCPD_DP_PROOF_PROOF_ROUND_H
#define WCCPD_DP_PROOF_PROOF_ROUND_H

#include "dp/plan/facts.h"
#include "dp/plan/plan.h"
#include "dp/proof/proof_frame.h"

#include <stdbool.h>
#include <stdint.h>

/* Where a round stands; zero at its beginning. */
struct proof_round {
	unsigned service, port, router;
};

/* One proof of a round. */
struct proof_target {
	unsigned service; /* index into plan.services */
	int router;	  /* index into plan.routers; -1: of no particular router */
	uint16_t port;	  /* TCP, host order */
};

/* Does the service open connections to this TCP port (host order)? */
bool proof_round_serves(const struct plan_service *s, uint16_t port);

/* The next one, or false at the end of the round. */
bool proof_round_next(struct proof_round *r, const struct plan *plan,
		      struct proof_target *out);

/* Its frame, but for what proof_send() fills in. */
void proof_round_frame(const struct proof_target *t, const struct plan *plan,
		       const struct facts *facts, struct proof_frame *out);

#endif
