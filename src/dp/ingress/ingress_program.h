/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ingress program, of one address family: two that are alike. */
#ifndef WCCPD_DP_INGRESS_INGRESS_PROGRAM_H
#define WCCPD_DP_INGRESS_INGRESS_PROGRAM_H

#include "bpf/ingress/ingress_maps.h"
#include "dp/steer/steer.h"
#include "err.h"

struct ingress_bpf;
struct ingress6_bpf;
struct pins;

struct ingress_program {
	struct ingress_bpf *v4; /* one of them */
	struct ingress6_bpf *v6;
	/* Descriptors, once it is loaded; not owned. */
	int program, configs, counters, new_connections, strangers, answers, traced, bypasses;
	struct ingress_trace *trace;
};

/* `family` is ADDR_V4 or ADDR_V6; `ticks_again` see there.  On failure, as ever, the caller
 * calls ingress_program_free(). */
int ingress_program_load(struct ingress_program *p, unsigned family, unsigned ticks_again,
			 const struct steer_maps *maps, struct pins *pins, struct err *err);
void ingress_program_free(struct ingress_program *p);

#endif
