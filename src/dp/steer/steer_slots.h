/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The slots of the SOCKMAP: which of them holds which listening socket. */
#ifndef WCCPD_DP_STEER_STEER_SLOTS_H
#define WCCPD_DP_STEER_STEER_SLOTS_H

#include "dp/steer/steer.h"
#include "dp/steer/steer_render.h"
#include "err.h"

struct steer_slot {
	uint64_t inode; /* of the listener; 0: the slot is free */
	bool planned;	/* by the newest plan */
	bool plain;	/* it is for connections to this box itself */
	bool fresh;	/* filled for a plan that is not settled yet */
	pid_t pid;	/* one that holds the listener ... */
	int fd;		/* ... under this descriptor */
	int mss;	/* that the listener announces at most; 0: we set none */
	int mss_before; /* what its owner had set; 0: nothing */
	bool fragments; /* its answers may be fragmented on their way ... */
	int mtu_discovery_before; /* ... what its owner had set, IP_PMTUDISC_* or -1 */
	uint64_t cookie; /* of the socket, to tell it from another in the SOCKMAP */
	struct steer_owner owner;
};

/* In place of an inode: something is in the slot, put there by a process that was killed
 * before it could note what. */
#define STEER_SLOT_UNKNOWN UINT64_MAX

struct steer_slots {
	int map; /* the SOCKMAP; not owned */
	unsigned family; /* that every listener has to serve */
	int slots_of_listeners; /* the other way round, with each socket; not owned */
	struct steer_slot list[STEER_SLOTS];
};

/*
 * Give every listener of the plan a slot.  `mss` says per pool what its listeners may
 * announce, 0 for no limit.  A listener that has gone meanwhile silently gets
 * STEER_NO_SLOT; for a useless one `trouble` is set, too.  -1 if none can be fetched at
 * all.
 */
int steer_slots_fill(struct steer_slots *s, const struct plan *plan, const int *mss,
		     struct steer_places *out, struct err *trouble, struct err *err);
/* The plan is in force: empty what it does not name. */
void steer_slots_settle(struct steer_slots *s);
/* It is not: empty what was filled for it. */
void steer_slots_revert(struct steer_slots *s);
void steer_slots_clear(struct steer_slots *s);

/* The slots as the process before has left them; `list` is what it noted. */
void steer_slots_adopt(struct steer_slots *s, const struct steer_slot *list);

#endif
