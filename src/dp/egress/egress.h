/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The MSS of connections that instances open with their clients' addresses (TC egress),
 * limited while answers to them come back wrapped in GRE.
 *
 * The program is attached to every Ethernet interface that has an IPv4 address, because
 * any of them may lead to origins, and only while a service needs it.
 */
#ifndef WCCPD_DP_EGRESS_EGRESS_H
#define WCCPD_DP_EGRESS_EGRESS_H

#include "dp/plan/facts.h"
#include "dp/plan/plan.h"
#include "err.h"

struct egress;

struct egress_saved;
struct pins;

/* Load the program.  `own_prefixes` and `own_prefixes6` are the steering program's maps,
 * `saved` what the process before has saved; NULL: nothing. */
int egress_new(struct egress **out, int own_prefixes, int own_prefixes6, struct pins *pins,
	       const struct egress_saved *saved, struct err *err);
/* For the next process. */
void egress_save(const struct egress *e, struct egress_saved *out);
void egress_free(struct egress *e);

/* Follow a plan that has come into force.  `trouble` gets what cannot be done.  To be
 * called before the ingress program leaves an interface, because it owns the qdisc. */
void egress_follow(struct egress *e, const struct plan *plan, const struct facts *facts,
		   struct err *trouble);
void egress_clear(struct egress *e);

#endif
