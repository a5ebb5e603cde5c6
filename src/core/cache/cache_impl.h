/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the web-cache side share, in the order in which they are best read.
 * No file calls one further down the list.
 *
 *   peer_fsm.c            the states of a service at one router
 *   peer.c                one router alone: its view, its table
 *   cache_version.c       which minor version, and whether the address family can be
 *   cache_table.c         taking in one router's table: who has which slot
 *   cache_mask.c          which mask
 *   cache_pair.c          two services that share one table
 *   cache_capabilities.c  what routers offer, what we choose
 *   cache_tx_mask.c       slots as mask/value sets of a message
 *   cache_tx.c            HERE_I_AM and REDIRECT_ASSIGN
 *   cache_peers.c         the list of routers
 *   cache_multicast.c     a group with a multicast address
 *   cache_join.c          joining and leaving at one router
 *   cache_view.c          what the routers' views tell: our view, slots, handover
 *   cache_election.c      may the lowest web-cache act as the designated one?
 *   cache_membership.c    who is there, and when that has settled
 *   cache_assignment.c    the designated web-cache: what to assign, until it is echoed
 *   cache_others.c        other web-caches that spoil the division
 *   peer_unanswered.c     a router that does not answer: what it may be
 *   cache_timers.c        what is due at routers
 *   rx/cache_rx.c         what routers say: accept or refuse, and what follows
 *   cache.c               events, configuration and health
 *   cache_status.c        answers for people and for the data plane
 */
#ifndef WCCPD_CORE_CACHE_CACHE_IMPL_H
#define WCCPD_CORE_CACHE_CACHE_IMPL_H

#include "assign.h"
#include "cache.h"
#include "core/cache/peer.h"
#include "mask.h"

enum {
	/* Configured routers, and those that we are just leaving. */
	PEERS_MAX = 2 * WCCP_MAX_ROUTERS,
	/* 2.01 suggests 500 to 60000 ms.  We do not obey a router that asks for less
	 * than this: it must not be able to make us spin. */
	T_LEAST_MS = 100,
	/* At most this many unanswered HERE_I_AMs are sent 0.5 T apart. */
	EARLY_MAX = 6,
	/* Successive answers out of turn to a router that does not list us. */
	QUICK_MAX = 3,
	SHUTDOWN_TRIES = 5,
	SHUTDOWN_PACE_LEAST_MS = 200,
	/* Length of the answer to a removal query (2.0 section 4.14). */
	QUERY_ANSWERS = 3,
	/* From an assignment to the HERE_I_AM whose answer shows whether the router
	 * took it: long enough for the HERE_I_AM not to overtake the assignment, whose
	 * receive ids would then be stale. */
	ECHO_PAUSE_MS = 50,
	/* Minor versions of WCCP 2 that this side can speak. */
	WCCP_MINOR_MAX = 1,
	/* Immediate repetitions of an assignment; later ones wait for T. */
	ASSIGN_QUICK_MAX = 5,
};

/* A set of slots of a table. */
struct slot_set {
	uint8_t octets[ASSIGN_SLOTS_MAX / 8];
};

enum { PAIR = 2 };

/* The live routers of one group. */
struct live_routers {
	unsigned n;
	struct wccp_router_id routers[WCCP_MAX_ROUTERS]; /* with the change number */
	uint32_t methods[WCCP_MAX_ROUTERS]; /* WCCP_ASSIGN_*, as each agreed */
};

/* What an assignment depends on.  Collected again whenever what routers say has
 * changed; if it differs, the membership has changed. */
struct membership {
	struct live_routers live[PAIR];
	/* Allowed, seen by every live router of every group, lowest address first;
	 * none while a group has no live router or their methods differ. */
	unsigned n_caches;
	struct addr caches[WCCP_MAX_CACHES];
	uint16_t weights[WCCP_MAX_CACHES];
	struct wccp_mask mask;
	struct wccp_bucket_vector alt;
};

/* Tables, one for each method of assignment that is in use; see method_index(). */
enum { METHODS = 2 };

/* HERE_I_AMs of a group with a multicast address: one for all routers. */
struct multicast {
	bool any_sent;
	bool leaving; /* SHUTDOWNs instead of HERE_I_AMs */
	struct mono hello_at, hello_sent;
	struct mono give_up_at; /* while leaving */
	unsigned shutdowns;	/* paced ones */
};

/*
 * Which web-cache decides on the table, and what was decided: for one group, or for a
 * service and its mirror, which share one table (cache_pair.c) and therefore this
 * struct.
 */
struct designated {
	unsigned n;
	struct cache *pair[PAIR]; /* mirror second; slots are those of the first */
	struct membership membership;
	bool lowest;	 /* we are, among the web-caches that all routers see */
	bool is_us;	 /* the designated web-cache */
	bool yielded;	 /* lowest, but another hears more routers and assigns */
	bool stands_in;	 /* not the lowest, which does not assign */
	struct addr stood_in_for; /* the last one */
	struct mono idle_at; /* if nobody has assigned by then, we may stand in */
	bool said_split; /* noted why a pair cannot have a table */
	struct mono settle_at, unsettled_since;
	struct wccp_key key; /* of the newest assignment made here */
	/* If paired: for each value of the mirror's mask, the slot of the first. */
	uint16_t unmirrored[ASSIGN_SLOTS_MAX];
};

/*
 * What a step still has to do because something has changed.  Code that changes
 * something marks what depends on it.  Each mark is taken in one place, in this order,
 * and the work done there may set marks further down.  A mark set by the step of our
 * mate waits for our own next step.
 */
enum cache_dirty {
	DIRTY_VIEW = 1,	 /* what routers say: view, slots, election (cache.c) */
	DIRTY_TABLE = 2, /* a new table has to be sent, now (cache_assignment.c) */
	DIRTY_STATUS = 4, /* what the owner plans by: tell it (cache.c) */
};

/* For each slot, its last owner other than us. */
struct former_owners {
	struct addr caches[WCCP_MAX_CACHES];
	uint8_t of_slot[ASSIGN_SLOTS_MAX]; /* 1 + index; 0: none that is still alive */
};

/* The weight of another web-cache that we complained of (cache_others.c). */
struct noted_weight {
	struct addr cache;
	uint16_t theirs;
};

struct cache {
	struct cache_conf conf;
	bool up, ending;
	uint16_t weight;
	uint16_t token; /* the newest, if there is a password (freshness.h) */
	unsigned dirty; /* of enum cache_dirty */
	unsigned n_peers;
	struct peer peers[PEERS_MAX];
	struct multicast multicast;

	struct wccp_cache_view view; /* ours; receive ids are filled in on sending */
	unsigned n_strangers;
	struct addr strangers[WCCP_MAX_CACHES]; /* in the view but not allowed */
	unsigned n_noted_weights;
	struct noted_weight noted_weights[WCCP_MAX_CACHES];
	unsigned n_weighed;
	struct addr weighed[WCCP_MAX_CACHES]; /* that have had a weight above 0 */
	struct wccp_mask mask; /* of mask assignment, whether in use or not */
	uint32_t method;       /* of the slots that follow: WCCP_ASSIGN_* */
	struct slot_set mine, history[METHODS];
	unsigned my_slots;
	struct former_owners former;

	struct designated *designated; /* our own one, or that of the first of a pair */
	struct designated own;
	unsigned n_unheard, n_tolerated;
	struct addr unheard[WCCP_MAX_ROUTERS], tolerated[WCCP_MAX_ROUTERS];
	struct cache_table tables[METHODS]; /* the newest, in our own slots */
	unsigned moves[METHODS];	    /* that they made */
	size_t noted_large; /* largest message complained of, octets */
	struct cache_counters counters;
};

/* What every function below a step needs. */
struct step {
	struct mono now;
	struct wccp_msg *msg; /* a message sent overwrites the one received */
	struct actions *out;
	bool far; /* the datagram's sender is not on a link of ours */
};

static inline void cache_mark(struct cache *c, unsigned dirty)
{
	c->dirty |= dirty;
}

/* Was it marked?  Clears the mark. */
static inline bool cache_take_mark(struct cache *c, enum cache_dirty which)
{
	bool was = c->dirty & which;

	c->dirty &= ~(unsigned)which;
	return was;
}

/* The key of our newest assignment. */
static inline const struct wccp_key *cache_key(const struct cache *c)
{
	return &c->designated->key;
}

static inline bool cache_is_multicast(const struct cache *c)
{
	return addr_is_set(&c->conf.multicast);
}

static inline unsigned method_index(uint32_t method)
{
	return method == WCCP_ASSIGN_MASK;
}

static inline bool slot_set_has(const struct slot_set *x, unsigned slot)
{
	return x->octets[slot >> 3] >> (slot & 7) & 1;
}

static inline void slot_set_add(struct slot_set *x, unsigned slot)
{
	x->octets[slot >> 3] |= (uint8_t)(1u << (slot & 7));
}

/* -- cache_version.c --------------------------------------------------------------- */

/* Back to the state before its first answer. */
void peer_forget_version(struct cache *c, struct peer *p);
/* Take note of the version of a message that it meant for us. */
void peer_hear_version(struct cache *c, struct peer *p, uint8_t minor, struct step *s);
/* Header and V bit of the next HERE_I_AM to it. */
uint8_t peer_hello_minor(const struct cache *c, const struct peer *p);
bool peer_hello_asks_version(const struct cache *c, const struct peer *p);
/* Why we cannot join the group there, whatever it offers; NULL: we can.  `minor` is the
 * version it speaks, or may speak. */
const char *peer_version_problem(const struct cache *c, const struct peer *p,
				 uint8_t minor);
/* The same for the group as a whole. */
const char *cache_version_problem(const struct cache *c);
/* We cannot join there, for this reason. */
void peer_enter_unspoken(struct cache *c, struct peer *p, const char *reason,
			 struct step *s);
/* IANA family of the address table of our messages; 0: without one. */
uint16_t cache_table_family(const struct cache *c);

/* -- cache_table.c ----------------------------------------------------------------- */

unsigned cache_slots(const struct cache *c, uint32_t method);
/* Count the slots of each web-cache; `counts` has room for WCCP_MAX_CACHES. */
void cache_table_count(const struct cache_table *t, unsigned *counts);
/* Take the router's table from an I_SEE_YOU, everything else of which has been taken
 * already. */
void peer_table_take(const struct cache *c, struct peer *p, const struct wccp_msg *m);

/* -- cache_mask.c ------------------------------------------------------------------ */

/* As configured, or the default. */
struct wccp_mask cache_mask_wanted(const struct cache *c);
void cache_change_mask(struct cache *c, const struct wccp_mask *mask);
/* Complain of a mask that is wider than what is used. */
void cache_check_mask(const struct cache *c, struct step *s);
void peer_note_foreign_mask(const struct cache *c, struct peer *p, struct step *s);

/* -- cache_pair.c ------------------------------------------------------------------ */

/* Does it have a mirror, or is it one? */
bool cache_is_paired(const struct cache *c);
/* Is it the second of a pair, whose mask follows from the first? */
bool cache_is_mirror(const struct cache *c);
/* Set the mask from the configuration; that of a mirror follows from the first of
 * its pair. */
void cache_set_mask(struct cache *c);
/* The method that our mate has agreed on; 0: none. */
uint32_t cache_method_of_mate(const struct cache *c);
/* Our `slot`, as a slot of the first. */
unsigned cache_shared_slot(const struct cache *c, uint32_t method, unsigned slot);
/* Convert a table from the slots of the first to ours. */
void cache_own_table(const struct cache *c, const struct cache_table *shared,
		     struct cache_table *out);
/* Compare its table with that of the same router in the mate. */
void peer_compare_tables(struct cache *c, struct peer *p, struct step *s);
void peer_note_half_member(const struct cache *c, const struct peer *p, struct step *s);
/* Why these two cannot share a table now; NULL: they can. */
const char *designated_split(const struct designated *d, const struct membership *x);

/* -- cache_capabilities.c ---------------------------------------------------------- */

/* Choose from its offer, keeping the earlier choice while it is still both offered and
 * wanted.  False if there is no method in common. */
bool peer_agree(struct cache *c, struct peer *p, struct step *s);
/* Stop there because nothing fits. */
void peer_enter_mismatch(struct cache *c, struct peer *p, struct step *s);
/* Complain of another web-cache that assigns by another method. */
void peer_note_other_method(const struct cache *c, struct peer *p, struct step *s);
/* The Capabilities component for it; `present` is 0 when there is none to send. */
struct wccp_capabilities peer_choice(const struct peer *p);

/* -- cache_tx_mask.c --------------------------------------------------------------- */

/* Add a mask/value set to the message: the slots of one web-cache, or a whole table. */
void tx_mask_put_slots(struct wccp_msg *m, const struct wccp_mask *mask,
		       const struct slot_set *slots, const struct addr *cache,
		       bool alternate, struct wccp_set_list *list);
/* Of sets that are the last ones put: their values. */
void tx_mask_drop_values(struct wccp_msg *m, const struct wccp_set_list *list);
void tx_mask_put_table(struct wccp_msg *m, const struct cache_table *t, bool alternate,
		       struct wccp_set_list *list);

/* -- cache_tx.c -------------------------------------------------------------------- */

void peer_hello(struct cache *c, struct peer *p, struct step *s);
void peer_shutdown(struct cache *c, struct peer *p, struct step *s);
/* HERE_I_AM, or SHUTDOWN for those being left, to the multicast address. */
void cache_send_multicast(struct cache *c, bool shutdown, struct step *s);
/* The newest assignment to `only`, or to all live routers when NULL. */
void cache_send_assignment(struct cache *c, const struct peer *only, struct step *s);

/* -- cache_peers.c ----------------------------------------------------------------- */

/* Find a router by the address that HERE_I_AMs go to, or by the id that it states;
 * NULL: there is none. */
struct peer *cache_find_peer(struct cache *c, const struct addr *address);
struct peer *cache_find_peer_by_id(struct cache *c, const struct addr *id);
/* Returns NULL when the list is full. */
struct peer *cache_add_peer(struct cache *c, const struct addr *address,
			    struct mono now);
void cache_remove_peer(struct cache *c, struct peer *p);
/* Forget routers that are no longer configured and that we have left. */
void cache_forget_removed(struct cache *c);
/* Our next HERE_I_AM to it has another token. */
void peer_new_token(struct cache *c, struct peer *p);
/* Whatever it says from now on has to be proven to be new. */
void peer_forget_freshness(struct cache *c, struct peer *p);
/* Forget everything it has said. */
void peer_forget_said(struct cache *c, struct peer *p);

/* -- cache_multicast.c; with a multicast address only ------------------------------ */

/* May a router with this address be added? */
bool cache_multicast_admits(const struct cache *c, const struct addr *router);
/* Add a router to the list; NULL, with a complaint, if there is no room. */
struct peer *cache_multicast_meet(struct cache *c, const struct addr *router,
				  struct step *s);
void peer_forget_later(const struct cache *c, struct peer *p, struct mono now);
void cache_multicast_start(struct cache *c, struct step *s);
/* Send SHUTDOWNs to the routers that are draining. */
void cache_multicast_leave(struct cache *c, struct step *s);
void cache_multicast_shutdown(struct cache *c, struct step *s);
/* The next HERE_I_AM need not wait for T. */
void cache_multicast_soon(struct cache *c, struct mono now);
void cache_multicast_timers(struct cache *c, struct step *s);
struct mono cache_multicast_deadline(const struct cache *c);

/* -- cache_join.c ------------------------------------------------------------------ */

/* Announce ourselves to it as if for the first time. */
void peer_start(struct cache *c, struct peer *p, const char *reason, struct step *s);
/* Withdraw the announcement. */
void peer_leave(struct cache *c, struct peer *p, const char *reason, struct step *s);
/* Send the next HERE_I_AM at that time, to it alone or to the multicast group. */
void peer_hello_at(struct cache *c, struct peer *p, struct mono at);
/* Send a HERE_I_AM as soon as the router can accept it, because there is something
 * new to say. */
void peer_tell(struct cache *c, struct peer *p, struct mono now);

/* -- cache_view.c ------------------------------------------------------------------ */

/* See struct cache_status. */
void cache_get_handover(const struct cache *c, struct addr handover[ASSIGN_SLOTS_MAX]);

/* Bring view, own slots and handover up to date with what the routers said. */
void cache_learn_view(struct cache *c, struct step *s);

/* -- cache_election.c -------------------------------------------------------------- */

/* Find out if we are the designated web-cache.  To be called after every change. */
void designated_elect(struct designated *d, struct step *s);
/* From now on, only keys that change show which web-cache assigns. */
void designated_watch_keys(struct designated *d);
/* For the lowest web-cache when an assignment is due: false if it has to wait
 * (settle_at is set) or to leave it to another. */
bool designated_take_role(struct designated *d, struct step *s);
/* Another web-cache is the lowest: set the time by which it should have assigned. */
void designated_wait_for_lowest(struct designated *d);
/* That time has come.  False if it has assigned, or if we may not stand in for it. */
bool designated_stand_in(struct designated *d, struct step *s);
/* RB, the redirect-assign base time, of the slowest live router, in ms. */
int64_t designated_base_time(const struct designated *d);

/* -- cache_membership.c ------------------------------------------------------------ */

/* Collect the membership; if it has changed, it has to settle. */
void designated_observe(struct designated *d, struct step *s);

/* -- cache_assignment.c ------------------------------------------------------------ */

/* Make, send and repeat assignments as they are due. */
void cache_review_assignment(struct cache *c, struct step *s);
/* Does this I_SEE_YOU show that the router has taken our assignment? */
void peer_check_echo(struct cache *c, struct peer *p, struct step *s);
struct mono peer_assign_deadline(const struct cache *c, const struct peer *p);

/* -- cache_others.c ---------------------------------------------------------------- */

/* Complain of weights on another scale than ours. */
void cache_note_weights(struct cache *c, struct step *s);
/* Its I_SEE_YOU has this key: complain if two web-caches keep replacing its table. */
void peer_note_turns(const struct cache *c, struct peer *p, const struct wccp_key *key,
		     struct step *s);

/* -- peer_unanswered.c ------------------------------------------------------------- */

/* If it has not answered for a while, log what may be wrong.  To be called before
 * each HERE_I_AM. */
void peer_check_unanswered(const struct cache *c, struct peer *p, struct step *s);
/* The same if it answers, and has not listed us for a while. */
void peer_check_unlisted(const struct cache *c, struct peer *p, struct step *s);
/* It has answered. */
void peer_answered(struct peer *p);
/* The network reports that datagrams do not reach this router. */
void cache_take_unreachable(struct cache *c, const struct addr *router,
			    const char *why);

/* -- cache_timers.c ---------------------------------------------------------------- */

void peer_check_silence(struct cache *c, struct peer *p, struct step *s);
void peer_hello_timers(struct cache *c, struct peer *p, struct step *s);

/* -- rx/cache_rx.c ----------------------------------------------------------------- */

void cache_receive(struct cache *c, const struct addr *from,
		   const struct codec_datagram *d, struct step *s);

#endif
