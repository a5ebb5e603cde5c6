/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rounds of proofs: every path of a plan is tried once, in batches.  A batch is sent,
 * and checked some milliseconds later; the caller keeps the time.
 */
#ifndef WCCPD_DP_PROOF_PROVER_H
#define WCCPD_DP_PROOF_PROVER_H

#include "dp/plan/facts.h"
#include "dp/plan/plan.h"
#include "dp/proof/proof.h"
#include "dp/proof/proof_round.h"
#include "err.h"

struct prover {
	struct proof *proof; /* NULL: this kernel cannot, see `why` */
	struct err why;
	struct proof_round round;
	unsigned n; /* proofs of the batch under way */
	struct proof_target targets[PROOF_WAYS];
};

/* Never fails: if there can be no proofs, `why` is set. */
void prover_init(struct prover *p, unsigned family, int proofs_fd, int sinks_fd);
void prover_free(struct prover *p);

void prover_begin(struct prover *p);

/* Send the next batch of the round; 0: the round is over.  -1: it could not be sent.  The
 * plan must be the same until the round is over. */
int prover_send(struct prover *p, const struct plan *plan, const struct facts *facts,
		struct err *err);

/* The outcome of the batch. */
void prover_collect(struct prover *p,
		    void (*found)(void *arg, const struct proof_target *t,
				  enum proof_outcome outcome),
		    void *arg);

#endif
