/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An eBPF program as a TC ingress filter of an interface. */
#ifndef WCCPD_KERNEL_TC_H
#define WCCPD_KERNEL_TC_H

#include "err.h"

#include <stdbool.h>

struct tc_filter {
	unsigned ifindex; /* 0: not attached */
	bool own_qdisc;	  /* we made the clsact qdisc, or a run of ours before did */
};

/* Attach, or find it attached already.  A filter that a run before left behind is
 * replaced.  When this fails, tc_detach() removes what it made so far. */
int tc_attach(struct tc_filter *f, unsigned ifindex, int program, struct err *err);
/* Detach; the qdisc goes too if it was ours and nobody else has a filter on it. */
void tc_detach(struct tc_filter *f);

#endif
