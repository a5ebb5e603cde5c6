/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the web-cache side share, in the order in which they are best
 * read.  Nobody calls one further down.
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
 *   cache_rx.c            what routers say: accept or refuse, and what follows
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
	/* Routers of the configuration, and those that are just being left. */
	PEERS_MAX = 2 * WCCP_MAX_ROUTERS,
	/* 2.01 suggests 500 to 60000 ms.  A router that asks for less than this is
	 * not obeyed: it must not be able to make us spin. */
	T_LEAST_MS = 100,
	/* HERE_I_AMs in all that may follow each other at 0.5 T unanswered. */
	EARLY_MAX = 6,
	/* Answers out of turn to a router that does not list us, in a row. */
	QUICK_MAX = 3,
	SHUTDOWN_TRIES = 5,
	SHUTDOWN_PACE_LEAST_MS = 200,
	/* Length of the answer to a removal query (2.0 section 4.14). */
	QUERY_ANSWERS = 3,
	/* From an assignment to the HERE_I_AM whose answer shows whether it was
	 * taken: long enough not to overtake it, for then it would be stale. */
	ECHO_PAUSE_MS = 50,
	/* Minor versions of WCCP 2 that this side can speak. */
	WCCP_MINOR_MAX = 1,
	/* Repetitions of an assignment at once; later ones wait for T. */
	ASSIGN_QUICK_MAX = 5,
};

/* Any of the slots of a table. */
struct slot_set {
	uint8_t octets[ASSIGN_SLOTS_MAX / 8];
};

enum { PAIR = 2 };

/* Of one group. */
struct live_routers {
	unsigned n;
	struct wccp_router_id routers[WCCP_MAX_ROUTERS]; /* with the change number */
	uint32_t methods[WCCP_MAX_ROUTERS]; /* of these: WCCP_ASSIGN_*, as agreed */
};

/* What an assignment depends on.  Read anew whenever what routers say has changed; a
 * difference is a change of the membership. */
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
 * Who decides on the table, and what was decided: for one group alone, or for a service
 * and its mirror, which must not get two tables (cache_pair.c).  What is here exists
 * once for both.
 */
struct designated {
	unsigned n;
	struct cache *pair[PAIR]; /* the mirror last; slots are those of the first */
	struct membership membership;
	bool lowest;	 /* we are, of the web-caches that all routers see */
	bool is_us;	 /* the designated web-cache */
	bool yielded;	 /* lowest, but another hears more routers and assigns */
	bool stands_in;	 /* not the lowest, which does not assign */
	struct addr stood_in_for; /* the last one */
	struct mono idle_at; /* if nobody has assigned by then, we may stand in */
	bool said_split; /* noted why a pair cannot have a table */
	struct mono settle_at, unsettled_since;
	struct wccp_key key; /* of the newest assignment made here */
	/* Of each value of the mirror's mask, the slot of the first; when paired. */
	uint16_t unmirrored[ASSIGN_SLOTS_MAX];
};

/*
 * What a step has still to do because something has changed.  Whoever changes one of
 * these marks it; each is taken at one place, in this order, and doing the work may mark
 * what comes after it.  A mark that is set by the step of the other of a pair waits for
 * our own next step.
 */
enum cache_dirty {
	DIRTY_VIEW = 1,	 /* what routers say: our view, slots, the election (cache.c) */
	DIRTY_TABLE = 2, /* a new table has to be sent, now (cache_assignment.c) */
	DIRTY_STATUS = 4, /* what the owner plans by: it is told (cache.c) */
};

/* Of each slot, who had it last when it was not ours. */
struct former_owners {
	struct addr caches[WCCP_MAX_CACHES];
	uint8_t of_slot[ASSIGN_SLOTS_MAX]; /* 1 + index; 0: nobody that still lives */
};

/* Of another web-cache, complained of (cache_others.c). */
struct noted_weight {
	struct addr cache;
	uint16_t theirs;
};

struct cache {
	struct cache_conf conf;
	bool up, ending;
	uint16_t weight;
	unsigned dirty; /* of enum cache_dirty */
	unsigned n_peers;
	struct peer peers[PEERS_MAX];
	struct multicast multicast;

	struct wccp_cache_view view; /* ours; receive ids are filled in on sending */
	unsigned n_strangers;
	struct addr strangers[WCCP_MAX_CACHES]; /* in the view, not allowed */
	unsigned n_noted_weights;
	struct noted_weight noted_weights[WCCP_MAX_CACHES];
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
	bool far; /* what came is from somebody who is not on a link of ours */
};

static inline void cache_mark(struct cache *c, unsigned dirty)
{
	c->dirty |= dirty;
}

/* Was it marked?  It is not any more. */
static inline bool cache_take_mark(struct cache *c, enum cache_dirty which)
{
	bool was = c->dirty & which;

	c->dirty &= ~(unsigned)which;
	return was;
}

/* Of the newest assignment made here. */
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

/* As before its first answer. */
void peer_forget_version(struct cache *c, struct peer *p);
/* The version of a message of it that was meant for us. */
void peer_hear_version(struct cache *c, struct peer *p, uint8_t minor, struct step *s);
/* Header and V bit of the next HERE_I_AM to it. */
uint8_t peer_hello_minor(const struct cache *c, const struct peer *p);
bool peer_hello_asks_version(const struct cache *c, const struct peer *p);
/* Why the group cannot be joined there whatever it offers; NULL: it can.  `minor`
 * is what it is known to speak, or may be. */
const char *peer_version_problem(const struct cache *c, const struct peer *p,
				 uint8_t minor);
/* The same for the group as a whole. */
const char *cache_version_problem(const struct cache *c);
/* It cannot be joined there, for this reason. */
void peer_enter_unspoken(struct cache *c, struct peer *p, const char *reason,
			 struct step *s);
/* IANA family of the address table of our messages; 0: without one. */
uint16_t cache_table_family(const struct cache *c);

/* -- cache_table.c ----------------------------------------------------------------- */

unsigned cache_slots(const struct cache *c, uint32_t method);
/* Slots of each of its web-caches; room for WCCP_MAX_CACHES. */
void cache_table_count(const struct cache_table *t, unsigned *counts);
/* What an I_SEE_YOU that has been taken in otherwise tells of its table. */
void peer_table_take(const struct cache *c, struct peer *p, const struct wccp_msg *m);

/* -- cache_mask.c ------------------------------------------------------------------ */

/* As configured, or the default. */
struct wccp_mask cache_mask_wanted(const struct cache *c);
void cache_change_mask(struct cache *c, const struct wccp_mask *mask);
/* Complain of a mask that is wider than what is used. */
void cache_check_mask(const struct cache *c, struct step *s);
void peer_note_foreign_mask(const struct cache *c, struct peer *p, struct step *s);

/* -- cache_pair.c ------------------------------------------------------------------ */

/* It has a mirror, or is one. */
bool cache_is_paired(const struct cache *c);
/* Is it the second of a pair, whose mask follows from the first? */
bool cache_is_mirror(const struct cache *c);
/* From the configuration; a mirror's follows from the first of its pair. */
void cache_set_mask(struct cache *c);
/* The method that the other one of the pair has agreed on; 0: none. */
uint32_t cache_method_of_mate(const struct cache *c);
/* The first's slot that is our `slot`. */
unsigned cache_shared_slot(const struct cache *c, uint32_t method, unsigned slot);
/* A table in the first's slots, in ours. */
void cache_own_table(const struct cache *c, const struct cache_table *shared,
		     struct cache_table *out);
/* Compare its table with that of the same router in the mate. */
void peer_compare_tables(struct cache *c, struct peer *p, struct step *s);
void peer_note_half_member(const struct cache *c, const struct peer *p, struct step *s);
/* Why these two cannot share a table now; NULL: they can. */
const char *designated_split(const struct designated *d, const struct membership *x);

/* -- cache_capabilities.c ---------------------------------------------------------- */

/* Choose from its offer, keeping what was chosen before while it is still both
 * offered and wanted.  False when a method has nothing in common. */
bool peer_agree(struct cache *c, struct peer *p, struct step *s);
/* Stop there because nothing fits. */
void peer_enter_mismatch(struct cache *c, struct peer *p, struct step *s);
/* Of another web-cache that assigns by another method. */
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

/* By the address HERE_I_AMs go to, or by the id that it states; NULL: not there. */
struct peer *cache_find_peer(struct cache *c, const struct addr *address);
struct peer *cache_find_peer_by_id(struct cache *c, const struct addr *id);
/* Returns NULL when the list is full. */
struct peer *cache_add_peer(struct cache *c, const struct addr *address,
			    struct mono now);
void cache_remove_peer(struct cache *c, struct peer *p);
/* Those that are configured no more and have been left. */
void cache_forget_removed(struct cache *c);
/* Nothing is known of it any more. */
void peer_forget_said(struct cache *c, struct peer *p);

/* -- cache_multicast.c; with a multicast address only ------------------------------ */

/* May a router of this address be met? */
bool cache_multicast_admits(const struct cache *c, const struct addr *router);
/* A place in the list for it, or NULL with a complaint. */
struct peer *cache_multicast_meet(struct cache *c, const struct addr *router,
				  struct step *s);
void peer_forget_later(const struct cache *c, struct peer *p, struct mono now);
void cache_multicast_start(struct cache *c, struct step *s);
/* Those that are draining are told. */
void cache_multicast_leave(struct cache *c, struct step *s);
void cache_multicast_shutdown(struct cache *c, struct step *s);
/* The next HERE_I_AM need not wait for T. */
void cache_multicast_soon(struct cache *c, struct mono now);
void cache_multicast_timers(struct cache *c, struct step *s);
struct mono cache_multicast_deadline(const struct cache *c);

/* -- cache_join.c ------------------------------------------------------------------ */

/* Announce ourselves to it as if we had never met. */
void peer_start(struct cache *c, struct peer *p, const char *reason, struct step *s);
/* Take the announcement back. */
void peer_leave(struct cache *c, struct peer *p, const char *reason, struct step *s);
/* HERE_I_AM at that time, to it or with all that multicast is for. */
void peer_hello_at(struct cache *c, struct peer *p, struct mono at);
/* HERE_I_AM as soon as it can be understood: there is something new to say. */
void peer_tell(struct cache *c, struct peer *p, struct mono now);

/* -- cache_view.c ------------------------------------------------------------------ */

/* See struct cache_status. */
void cache_get_handover(const struct cache *c, struct addr handover[ASSIGN_SLOTS_MAX]);

/* Bring view, own slots and handover up to date with what the routers said. */
void cache_learn_view(struct cache *c, struct step *s);

/* -- cache_election.c -------------------------------------------------------------- */

/* Is it us?  After every change. */
void designated_elect(struct designated *d, struct step *s);
/* Only keys that change from now on show who acts. */
void designated_watch_keys(struct designated *d);
/* The lowest, when an assignment is due: false when it has to wait (settle_at is
 * set) or to leave it to another. */
bool designated_take_role(struct designated *d, struct step *s);
/* Another is the lowest: the time by which it should have assigned. */
void designated_wait_for_lowest(struct designated *d);
/* That time has come: false when it has, or may not be stood in for. */
bool designated_stand_in(struct designated *d, struct step *s);
/* RB, the redirect-assign base time: of the slowest live router, in ms. */
int64_t designated_base_time(const struct designated *d);

/* -- cache_membership.c ------------------------------------------------------------ */

/* Look who is there now; what changed has to settle. */
void designated_observe(struct designated *d, struct step *s);

/* -- cache_assignment.c ------------------------------------------------------------ */

/* Decide, send and repeat what is due. */
void cache_review_assignment(struct cache *c, struct step *s);
/* Has the router of this I_SEE_YOU taken our assignment? */
void peer_check_echo(struct cache *c, struct peer *p, struct step *s);
struct mono peer_assign_deadline(const struct cache *c, const struct peer *p);

/* -- cache_others.c ---------------------------------------------------------------- */

/* Complain of weights that do not go with ours. */
void cache_note_weights(struct cache *c, struct step *s);
/* Its I_SEE_YOU has this key: complain if it is assigned by two in turn. */
void peer_note_turns(const struct cache *c, struct peer *p, const struct wccp_key *key,
		     struct step *s);

/* -- peer_unanswered.c ------------------------------------------------------------- */

/* Say what may be wrong if it has not answered for a while; before the next HERE_I_AM. */
void peer_check_unanswered(const struct cache *c, struct peer *p, struct step *s);
/* It has. */
void peer_answered(struct peer *p);
/* Datagrams to it do not get there, says the network. */
void cache_take_unreachable(struct cache *c, const struct addr *router,
			    const char *why);

/* -- cache_timers.c ---------------------------------------------------------------- */

void peer_check_silence(struct cache *c, struct peer *p, struct step *s);
void peer_hello_timers(struct cache *c, struct peer *p, struct step *s);

/* -- cache_rx.c -------------------------------------------------------------------- */

void cache_receive(struct cache *c, const struct addr *from,
		   const struct codec_datagram *d, struct step *s);

#endif
