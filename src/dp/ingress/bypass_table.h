/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The prefixes of the static bypass, as the ingress program has them: a trie that is made
 * anew when any of them changes, and replaces the one before by one pointer.
 *
 * Works in four steps, see dp.c: stage, commit, and then settle or revert.
 */
#ifndef WCCPD_DP_INGRESS_BYPASS_TABLE_H
#define WCCPD_DP_INGRESS_BYPASS_TABLE_H

#include "dp/plan/bypass.h"
#include "err.h"

/* A copy of the list, and its trie; -1: there are no prefixes, or none yet. */
struct bypass_copy {
	struct plan_bypass *list;
	int fd;
};

struct bypass_table {
	int outer;     /* the array of maps; not owned */
	bool settled;  /* `now` is in force; else perhaps what the process before had */
	bool changes;  /* there is something staged ... */
	bool switched; /* ... and in force; `before` was */
	struct bypass_copy now, staged, before;
};

void bypass_table_init(struct bypass_table *t, int outer);
/* `list` is copied; NULL: no prefixes.  Does nothing if it is the one in force. */
int bypass_table_stage(struct bypass_table *t, const struct plan_bypass *list,
		       struct err *err);
int bypass_table_switch(struct bypass_table *t, struct err *err);
void bypass_table_settle(struct bypass_table *t);
void bypass_table_revert(struct bypass_table *t);
void bypass_table_clear(struct bypass_table *t);
/* What is in force stays so for a program that outlives the process. */
void bypass_table_free(struct bypass_table *t);

/* Are its connections left to the router, by the trie in force? */
bool bypass_table_has(const struct bypass_table *t, enum plan_bypass_set set,
		      const struct addr *a);

#endif
