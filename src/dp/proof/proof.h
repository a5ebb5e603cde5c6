/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Proofs of delivery: SYNs that are injected at the WCCP interface as if a router had
 * redirected them, and must arrive at a listener of ours (src/bpf/proof_maps.h).
 *
 * Sending and checking are separate, because the kernel may take a moment (another CPU
 * may process the packet): nothing here waits.
 */
#ifndef WCCPD_DP_PROOF_PROOF_H
#define WCCPD_DP_PROOF_PROOF_H

#include "bpf/proof_maps.h"
#include "dp/proof/proof_frame.h"
#include "err.h"

struct proof;

enum proof_outcome {
	PROOF_ARRIVED,
	PROOF_LOST,   /* the ingress program delivered it; it did not arrive */
	PROOF_UNSEEN, /* not even the ingress program delivered it */
};

/* `proofs_fd`: the map that the ingress and steering programs share. `sinks_fd`: the
 * SOCKMAP from which the steering program takes the sink.  -1 if this kernel cannot
 * (live frames need Linux 5.18); `err` says why. */
int proof_new(struct proof **out, unsigned family, int proofs_fd, int sinks_fd,
	      struct err *err);
void proof_free(struct proof *p);

/*
 * Let `f` in by an interface, as proof number `way` (below PROOF_WAYS).  Fills in
 * destination, source port and sequence number.  A proof under way under the same
 * number is forgotten.
 */
int proof_send(struct proof *p, unsigned way, unsigned ifindex, struct proof_frame *f,
	       struct err *err);

/* How far it has come by now; ends it.  -1 if the map cannot be read. */
int proof_end(struct proof *p, unsigned way, enum proof_outcome *out);

/* Inject any Ethernet frame at an interface, up to PROOF_FRAME_LONGEST octets. */
enum { PROOF_FRAME_LONGEST = 3400 };
int proof_inject(struct proof *p, unsigned ifindex, const void *frame, size_t len,
		 struct err *err);

#endif
