/* SPDX-License-Identifier: GPL-2.0-or-later */
/* eBPF programs as TC filters of an interface. */
#ifndef WCCPD_KERNEL_TC_H
#define WCCPD_KERNEL_TC_H

#include "err.h"

#include <stdbool.h>
#include <stdint.h>

/* Descriptors of the programs, not owned; -1: none at that point. */
struct tc_programs {
	/* Of the filters: tells those of one daemon from another's, and lets a new
	 * process replace what one that was killed has left. */
	uint32_t handle;
	int ingress, egress;
};

struct tc_filter {
	uint32_t handle;
	unsigned ifindex;     /* 0: not attached */
	bool ingress, egress; /* where */
	bool own_qdisc; /* we made the clsact qdisc, or a run of ours before did */
};

/* Attach, or find it attached already.  A filter that a run before left behind is
 * replaced.  When this fails, tc_detach() removes what it made so far. */
int tc_attach(struct tc_filter *f, unsigned ifindex, const struct tc_programs *programs,
	      struct err *err);
/* Detach; the qdisc goes too if it was ours and nobody else has a filter on it. */
void tc_detach(struct tc_filter *f);

#endif
