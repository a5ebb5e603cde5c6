/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The path from the interfaces to local sockets: a route in a table of its own and the
 * rules that lead there, kept in place and verified by the kernel's own look-up.
 */
#ifndef WCCPD_DP_LINK_DELIVERY_PATH_H
#define WCCPD_DP_LINK_DELIVERY_PATH_H

#include "dp/link/delivery_rule.h"
#include "dp/plan/facts.h"
#include "dp/plan/plan.h"
#include "err.h"

struct nl_sock;
struct rule;

enum { DELIVERY_PATH_PORTS = 8 }; /* of services, asked about */

struct delivery_path {
	unsigned family; /* ADDR_V4 or ADDR_V6 */
	uint32_t table;
	unsigned n; /* rules, and the interfaces that they name */
	struct delivery_rule rules[PLAN_MAX_INTERFACES];
	unsigned ifindex[PLAN_MAX_INTERFACES];
	/* What the kernel is asked about: packets from there, to these ports. */
	struct addr source; /* unset: it is not asked */
	unsigned n_ports;
	uint16_t ports[DELIVERY_PATH_PORTS];
};

/* What a plan wants. */
void delivery_path_plan(const struct plan *plan, const struct facts *facts,
			struct delivery_path *out);

/*
 * Make it, unless it exists already.  `drift` says which parts of `before` (as it was
 * last made; NULL: never) had vanished, or were put in front of a rule of others.
 * `obstacle` gets the rule or route that keeps packets from being delivered all the
 * same.  Both stay empty when there is nothing to say.
 */
int delivery_path_make(struct nl_sock *sock, const struct delivery_path *wanted,
		       const struct delivery_path *before, struct err *drift,
		       struct err *obstacle, struct err *err);

/* Which of its rules is this one?  -1: none. */
int delivery_path_find(const struct delivery_path *path, const struct rule *there);

/* Ask the kernel again: what keeps packets from being delivered; empty: nothing. */
void delivery_path_explain(struct nl_sock *sock, const struct delivery_path *path,
			   struct err *out);

/* Do packets from there to there not reach local sockets?  Then true, and `out` says what
 * the kernel does with them. */
bool delivery_path_explain_one(struct nl_sock *sock, const struct delivery_path *path,
			       const struct addr *from, const struct addr *to,
			       struct err *out);

/* Remove what `keep` has not (NULL: everything).  Best effort. */
void delivery_path_remove(struct nl_sock *sock, const struct delivery_path *old,
			  const struct delivery_path *keep);

#endif
