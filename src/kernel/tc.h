/* SPDX-License-Identifier: GPL-2.0-or-later */
/* eBPF programs as TC filters of an interface. */
#ifndef WCCPD_KERNEL_TC_H
#define WCCPD_KERNEL_TC_H

#include "err.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	/* WCCP's port, for want of a better number: others' filters may come before. */
	TC_PRIORITY = 2048,
	TC_PRIORITY_MAX = 0xffff,
};

/* Descriptors of the programs, not owned; -1: none at that point. */
struct tc_programs {
	/* Handle of the filters: tells one daemon's filters from another's, and lets a
	 * new process replace what a killed one left behind. */
	uint32_t handle;
	/* Among the filters of an interface; 0: TC_PRIORITY, or in front of the filters of
	 * others, if any of them comes before that. */
	uint32_t priority;
	int ingress, egress;
};

struct tc_filter {
	uint32_t handle, priority;
	unsigned ifindex;     /* 0: not attached */
	bool ingress, egress; /* where */
	bool own_qdisc; /* we made the clsact qdisc, or a run of ours before did */
};

/*
 * Attach, unless it is attached already.  Replaces a filter that an earlier run left
 * behind.  When this fails, tc_detach() removes what it made so far.  `drift` (may be
 * NULL) gets what had happened to a filter that was attached before; it is left alone
 * when nothing had.
 */
int tc_attach(struct tc_filter *f, unsigned ifindex, const struct tc_programs *programs,
	      struct err *drift, struct err *err);
/* Detach; the qdisc goes too if it was ours and nobody else has a filter on it. */
void tc_detach(struct tc_filter *f);

/* Which filter of others at ingress comes before ours?  Returns whether there is any. */
bool tc_front(const struct tc_filter *f, char *text, unsigned size);

#endif
