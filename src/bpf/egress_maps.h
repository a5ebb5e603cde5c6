/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the egress program (egress.bpf.c) and its driver share. */
#ifndef WCCPD_BPF_EGRESS_MAPS_H
#define WCCPD_BPF_EGRESS_MAPS_H

#include <linux/types.h>

/* Of packets whose MSS is limited, as they lie there. */
struct egress_key {
	__be16 ethertype;
	__be16 port; /* destination */
};

#endif
