/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One router as the web-cache side sees it: its state, and what the two have said to
 * each other.  peer_fsm.c changes the state; peer.c answers questions about one router
 * alone.
 */
#ifndef WCCPD_CORE_CACHE_PEER_H
#define WCCPD_CORE_CACHE_PEER_H

#include "assign.h"
#include "cache.h"
#include "freshness.h"
#include "mono.h"
#include "reminder.h"
#include "wccp.h"

struct step;

/* What can move a router from one state to another.  The table in peer_fsm.c and the
 * one in doc/architecture.md say where each leads from every state. */
enum peer_event {
	PEER_EV_START,	      /* announce the group there as if it were new */
	PEER_EV_UNSPEAKABLE,  /* version or address family rules the group out there */
	PEER_EV_BAD_DIGEST,   /* something from its address did not authenticate */
	PEER_EV_NOTHING_FITS, /* its I_SEE_YOU offers nothing that we accept */
	PEER_EV_UNLISTED,     /* its I_SEE_YOU does not list us */
	PEER_EV_LISTED,	      /* it lists us without slots */
	PEER_EV_HAS_SLOTS,    /* it lists us with slots */
	PEER_EV_SILENT,	      /* no I_SEE_YOU within its time-out */
	PEER_EV_DROP,	      /* leave it silently: it has never heard of us */
	PEER_EV_LEAVE,	      /* leave it: it gets a SHUTDOWN */
	PEER_EV_ACKNOWLEDGED, /* SHUTDOWN_RESPONSE */
	PEER_EV_GIVEN_UP,     /* the last SHUTDOWN has waited long enough */
	PEER_EVENTS,
};

/* A web-cache in a router's view. */
struct view_entry {
	struct addr addr;
	uint16_t weight;
	uint8_t at;	 /* index in the view of the message it was read from */
	uint32_t method; /* WCCP_ASSIGN_*, of the data with it; 0: there is none */
	unsigned stated; /* slots listed with it, by any mask */
};

/* What the router last said.  Kept while it is lost. */
struct peer_said {
	bool heard; /* it has answered since we met it */
	struct addr id;
	uint32_t receive_id, change_number;
	struct wccp_key key;
	bool key_changed; /* since the last change of the membership (cache_election.c) */
	unsigned n_routers; /* that it lists */
	struct addr routers[WCCP_MAX_ROUTERS];
	struct wccp_capabilities offer;
	unsigned n_entries; /* of its view */
	struct view_entry entries[WCCP_MAX_CACHES];
};

/* Which web-cache has which slot there, as far as it says. */
struct peer_table {
	bool foreign;	  /* it is by another mask than ours */
	unsigned n_slots; /* of `owners`; 0 while no method is agreed on */
	uint8_t owners
		[ASSIGN_SLOTS_MAX]; /* index into said.entries, or ASSIGN_NOBODY */
};

/* Minor versions of WCCP 2 (2.01 section 3.4).  All zero until it answers. */
struct peer_version {
	bool known;	/* it has answered since we last started */
	uint8_t stated; /* in its last message */
	uint8_t spoken; /* what we send: nothing newer */
};

/* What we have chosen from its offer. */
struct peer_agreed {
	uint32_t forward, ret, assign; /* WCCP_METHOD_*, WCCP_ASSIGN_*; 0: not yet */
	uint32_t t_ms;
	uint8_t timeout_scale, ra_scale;
};

/* Before the router has said what it offers, and where it offers no timers. */
static inline struct peer_agreed peer_agreed_default(void)
{
	return (struct peer_agreed){ .t_ms = WCCP_TRANSMIT_T_MS,
				     .timeout_scale = 1,
				     .ra_scale = 1 };
}

/* MONO_NEVER where nothing is due. */
struct peer_timers {
	struct mono hello_at;  /* next HERE_I_AM; while draining, next SHUTDOWN */
	struct mono dead_at;   /* when it has been silent for too long */
	struct mono forget_at; /* multicast: when it is removed from our list */
	struct mono query_at;  /* next of the answers to a removal query ... */
	unsigned query_left;   /* ... of which so many are left */
};

/* What we have sent there lately. */
struct peer_hello {
	struct mono sent_at;
	unsigned outstanding; /* HERE_I_AMs since it was last heard */
	unsigned quick_left;  /* see QUICK_MAX; while draining: resends at once */
	bool now;	    /* there is something new to tell it: answer it at once */
	unsigned shutdowns; /* paced ones */
	uint32_t shutdown_id; /* receive id in the last of them */
};

/* The newest assignment at this router. */
struct peer_assigned {
	bool sent;		/* it went there ... */
	uint32_t change_number; /* ... for this member change number */
	bool unacknowledged;	/* and the router does not echo its key */
	struct mono sent_at, repeat_at;
	unsigned quick_left; /* see ASSIGN_QUICK_MAX */
};

/* Its table changes hands between two web-caches (cache_others.c). */
struct peer_turns {
	unsigned n; /* since the last change of the membership */
	struct mono last;
	struct reminder reminder;
};

/* What we have complained of already. */
struct peer_noted {
	bool foreign_mask, other_method;
	struct reminder unanswered, unlisted; /* peer_unanswered.c */
	struct peer_turns turns;
	/* What the network says of our datagrams; static storage, NULL: nothing. */
	const char *unreachable;
	/* Its table differs from that of the mirror; when to complain of it. */
	struct mono mirror_mismatch_due;
};

/* Forgetting, copying or comparing one of its parts is one assignment. */
struct peer {
	struct addr address; /* as configured: where HERE_I_AMs go */
	bool removed;	     /* from the configuration; forgotten when withdrawn */
	bool listed;	     /* we list it in our view, with its receive id */
	bool far;	     /* not on a link of ours: no L2 with it */

	/* Written by peer_fsm.c only. */
	enum peer_state state;
	const char *reason; /* of the last transition; static storage */
	struct mono since;

	struct freshness fresh; /* of what it says */
	struct mono home_heard; /* something believed came from `address`; or NEVER */
	struct peer_said said;
	struct peer_table table;
	struct peer_version version;
	struct wccp_capabilities terms; /* said.offer, as far as other routers agree */
	struct peer_agreed agreed;
	struct peer_timers timers;
	struct peer_hello hello;
	struct peer_assigned assigned;
	struct peer_noted noted;
};

static inline bool key_equal(const struct wccp_key *a, const struct wccp_key *b)
{
	return a->change_number == b->change_number && addr_equal(&a->cache, &b->cache);
}

/* It was heard within its time-out, and lists us (a silent one becomes lost). */
static inline bool peer_is_live(const struct peer *p)
{
	return p->state == PEER_JOINED || p->state == PEER_ASSIGNED;
}

/* Does it get regular HERE_I_AMs? */
static inline bool peer_is_announced(const struct peer *p)
{
	return p->state != PEER_IDLE && p->state != PEER_DRAINING &&
	       p->state != PEER_WITHDRAWN;
}

/* -- peer_fsm.c -------------------------------------------------------------------- */

/* A new one, idle. */
void peer_fsm_init(struct peer *p, struct mono now);
/* The state that the event leads to; the same one if it changes nothing. */
enum peer_state peer_fsm_next(enum peer_state state, enum peer_event event);
/*
 * Something happened at the router.  Returns whether its state has changed; then that
 * is noted, except for a mismatch, about which the caller knows more.  `reason` is a
 * static text for the log; NULL: the event's usual one.
 */
bool peer_event(struct cache *c, struct peer *p, enum peer_event event,
		const char *reason, struct step *s);
/* Replace the reason for its state by a better one.  Static text. */
void peer_explain(struct peer *p, const char *reason);
/* Short stable words: "idle", "auth-failed", "has-slots" ... */
const char *peer_state_event(enum peer_state state);
const char *peer_event_name(enum peer_event event);

/* -- peer.c ------------------------------------------------------------------------ */

/* The receive id that a HERE_I_AM returns to it. */
uint32_t peer_returned_id(const struct peer *p);
/* Index in its view, or -1. */
int peer_find_entry(const struct peer *p, const struct addr *cache);
/* `out` has room for n: for each of `caches` its index in the view, or -1. */
void peer_find_entries(const struct peer *p, const struct addr *caches, unsigned n,
		       int *out);
/* The slots of a web-cache in its view; 0 for entry -1. */
unsigned peer_slots_of(const struct peer *p, int entry);
bool peer_has_slots(const struct peer *p, int entry);
void peer_table_forget(struct peer *p);
/* Tables are sent and understood by the method, so changing it voids them. */
void peer_set_assign(struct peer *p, uint32_t assign);
void peer_stop_timers(struct peer *p);
/* Is what we know of it the same, as far as the view of the group, the election and
 * the table of slots depend on it? */
bool peer_tells_the_same(const struct peer *a, const struct peer *b);

#endif
