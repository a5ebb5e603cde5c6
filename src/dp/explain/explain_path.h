/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The path of a connection through the tables of the ingress and the steering program,
 * found as these programs do.  Pure.
 */
#ifndef WCCPD_DP_EXPLAIN_EXPLAIN_PATH_H
#define WCCPD_DP_EXPLAIN_EXPLAIN_PATH_H

#include "bpf/ingress/ingress_maps.h"
#include "bpf/steer_maps.h"

struct explain_path {
	uint64_t fits;	  /* services, a bit each: the lowest one has it */
	unsigned service; /* index into config.services, if there is a bit */
	unsigned slot, alternate;
	struct packet_addr former; /* who had the slot before; zero: unknown */
	unsigned pool;	 /* STEER_NO_POOL: none */
	uint64_t key;	 /* what chooses the instance, if there is a pool */
};

/* `p` must be TCP with ports. */
void explain_path_find(const struct ingress_config *config, const struct steer_table *table,
		       uint64_t seed, const struct packet *p, struct explain_path *out);

#endif
