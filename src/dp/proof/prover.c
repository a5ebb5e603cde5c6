/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dp/proof/prover.h"

#include <string.h>

void prover_init(struct prover *p, unsigned family, int proofs_fd, int sinks_fd)
{
	memset(p, 0, sizeof(*p));
	if (proof_new(&p->proof, family, proofs_fd, sinks_fd, &p->why) < 0)
		p->proof = NULL;
}

void prover_free(struct prover *p)
{
	proof_free(p->proof);
	p->proof = NULL;
}

void prover_begin(struct prover *p)
{
	p->round = (struct proof_round){ 0 };
	p->n = 0;
}

/* By the interface that the router is on; without one, by the first. */
static unsigned prover_ifindex(const struct facts *facts, const struct proof_target *t)
{
	return facts->links[t->router < 0 ? 0 : facts->macs[t->router].link].ifindex;
}

int prover_send(struct prover *p, const struct plan *plan, const struct facts *facts,
		struct err *err)
{
	struct proof_frame frame;

	p->n = 0;
	while (p->n < PROOF_WAYS &&
	       proof_round_next(&p->round, plan, &p->targets[p->n])) {
		proof_round_frame(&p->targets[p->n], plan, facts, &frame);
		if (proof_send(p->proof, p->n,
			       prover_ifindex(facts, &p->targets[p->n]), &frame,
			       err) < 0)
			return -1;
		p->n++;
	}
	return (int)p->n;
}

void prover_collect(struct prover *p,
		    void (*found)(void *arg, const struct proof_target *t,
				  enum proof_outcome outcome),
		    void *arg)
{
	enum proof_outcome outcome;

	for (unsigned i = 0; i < p->n; i++)
		if (proof_end(p->proof, i, &outcome) == 0)
			found(arg, &p->targets[i], outcome);
	p->n = 0;
}
