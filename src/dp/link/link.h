/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Links, addresses, neighbours, the rules, the route and the interface by which packets are
 * led to local sockets, and reverse-path filtering.
 *
 * Like the other drivers it works in four steps, see dp.c: stage, commit, and then
 * settle or revert.
 */
#ifndef WCCPD_DP_LINK_LINK_H
#define WCCPD_DP_LINK_LINK_H

#include "dp/plan/facts.h"
#include "dp/plan/plan.h"
#include "err.h"

#include <stdbool.h>

struct link;

int link_new(struct link **out, struct err *err);

/* Look at the host.  -1 when no interface of the plan can be used; `trouble` gets what is
 * wrong but does not hinder the rest (its text is empty when nothing is). */
int link_stage(struct link *l, const struct plan *plan, struct facts *out,
	       struct err *trouble, struct err *err);
/* Did the newest link_stage() ask for MAC addresses that are still awaited? */
bool link_is_waiting(const struct link *l);
/* Make rules, route and filters as planned, keeping those of the plan before. */
int link_commit(struct link *l, struct err *err);
/* What the newest link_commit() found missing or changed of what the one before had made,
 * and made again; empty: nothing. */
const char *link_drift(const struct link *l);
/* Why packets are not delivered although everything is in place: the rule or route of
 * another program that takes them; empty: they are, as far as routing goes. */
const char *link_obstacle(const struct link *l);
/* Is an address on one of these links, without a gateway in between, and one on which
 * frames reach us whatever IP packet they carry? */
bool link_is_near(struct link *l, const struct facts *facts, const struct addr *a);
/* Remove what the plan before had and this one has not. */
void link_settle(struct link *l);
/* Undo link_commit(), even if it failed; does nothing if there was none. */
void link_revert(struct link *l);
/* Remove everything. */
void link_clear(struct link *l);
/* ... and what an earlier process, which was killed, left of the same routing table. */
void link_forget(struct link *l, uint32_t table);
void link_free(struct link *l);

/* The same, asked of the kernel now.  Then `out` says why, and true. */
bool link_explain_loss(struct link *l, struct err *out);

/* Does routing stand between a client and local sockets: is there no route back to it, or
 * do its packets to `server` go elsewhere?  Then true, and `out` says so. */
bool link_explain_client(struct link *l, const struct addr *client,
			 const struct addr *server, struct err *out);

#endif
