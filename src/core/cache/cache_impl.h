/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the web-cache side share:
 *
 *   group.c         life of a group: events, timers, configuration, health
 *   group_rx.c      what routers say: accept or refuse, states
 *   cache_version.c which minor version, and whether the address family can be
 *   group_multicast.c  a group with a multicast address
 *   group_agree.c   capabilities: what they offer, what we choose
 *   group_tx.c      HERE_I_AM and REDIRECT_ASSIGN
 *   cache_table.c   one router's table: who has which slot
 *   group_mask.c    mask assignment: the mask, and its mask/value sets
 *   group_view.c    what the routers' views tell: our view, slots, handover
 *   group_situation.c  who is there: the election, and when it has settled
 *   group_elect.c   may the lowest web-cache act as the designated one?
 *   group_assign.c  the designated web-cache: what to assign, until it is echoed
 *   cache_pair.c    two groups that share one table
 *   cache_status.c  answers for people and for the data plane
 */
#ifndef WCCPD_CORE_CACHE_CACHE_IMPL_H
#define WCCPD_CORE_CACHE_CACHE_IMPL_H

#include "assign.h"
#include "cache.h"
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

/* A web-cache in a router's view. */
struct fellow {
	struct addr addr;
	uint16_t weight;
	uint8_t at;      /* index in the view that it was read from */
	uint32_t method; /* WCCP_ASSIGN_*, by what is listed with it; 0: nothing is */
	unsigned stated; /* slots that are listed with it, of whichever mask */
};

/* One router and all that lies between it and us. */
struct peer {
	struct addr address; /* as configured: where HERE_I_AMs go */
	bool removed;        /* from the configuration; forgotten when withdrawn */

	enum peer_state state;
	const char *reason;
	struct mono since;

	/* What it last said.  Kept while it is lost, but not listed then. */
	bool heard;
	bool listed; /* goes into our views, with its receive id */
	struct addr id;
	uint32_t receive_id, change_number;
	struct wccp_key key;
	bool rekeyed; /* `key` is newer than the last change, see group_elect.c */
	unsigned n_routers; /* that it lists */
	struct addr routers[WCCP_MAX_ROUTERS];
	struct wccp_capabilities offer;
	struct wccp_capabilities terms; /* `offer`, as far as other routers agree */
	unsigned n_fellows;
	struct fellow fellows[WCCP_MAX_CACHES];
	unsigned n_slots;    /* of `owners`; 0 while no method is agreed on */
	uint8_t owners[ASSIGN_SLOTS_MAX]; /* index into fellows, or ASSIGN_NOBODY */
	bool foreign;        /* its table is of another mask than ours */
	bool said_foreign, said_other; /* noted already */

	/* Minor version that its last message has shown it understands, and that we
	 * speak, too; 0 until heard.  Nothing newer goes to it (2.01 section 3.4). */
	uint8_t minor;
	uint8_t stated_minor; /* in its last message */
	bool versioned; /* it has answered since we (last) met */

	/* Agreed with it; methods are 0 until then. */
	uint32_t forward, ret, assign;
	uint32_t t_ms;
	uint8_t timeout_scale, ra_scale;

	/* HERE_I_AMs. */
	struct mono hello_at, hello_sent;
	struct mono dead_at;   /* silent for too long by then */
	struct mono forget_at; /* multicast: gone from our list by then */
	struct mono query_at;  /* next of the answers to a removal query */
	unsigned query_left;
	unsigned outstanding;  /* HERE_I_AMs since it was last heard */
	unsigned quick_left;   /* see QUICK_MAX; while leaving: resends at once */
	unsigned tries;        /* paced SHUTDOWNs sent */
	uint32_t shutdown_id;  /* receive id in the last of them */
	struct mono unlike_at; /* its table differs from the mate's for long by then */
	bool urgent;           /* has something new to learn: answer its next at once */

	/* The newest assignment, as far as this router is concerned. */
	bool told;             /* it was sent there ... */
	uint32_t told_change;  /* ... for this member change number */
	bool pending;          /* and its key was not echoed (any more) */
	struct mono assign_at, assign_sent;
	unsigned assign_quick_left;
};

enum { PAIR = 2 };

/* The live routers of one group. */
struct attendance {
	unsigned n;
	struct wccp_router_id routers[WCCP_MAX_ROUTERS]; /* with the change number */
	uint32_t methods[WCCP_MAX_ROUTERS]; /* of these: WCCP_ASSIGN_*, as agreed */
};

/* What an assignment depends on.  Built anew after every event; a difference is
 * a change of the membership. */
struct situation {
	struct attendance live[PAIR];
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

/* What a group with a multicast address has to say to all. */
struct cast {
	bool any_sent;
	bool leaving; /* SHUTDOWNs instead of HERE_I_AMs */
	struct mono hello_at, hello_sent;
	struct mono give_up_at; /* while leaving */
	unsigned tries;         /* paced SHUTDOWNs sent */
};

/*
 * Who decides on the table: a group alone, or a service and its mirror, which must
 * not get two (cache_pair.c).  What is here happens once for both.
 */
struct council {
	unsigned n;
	struct cache *groups[PAIR]; /* the mirror last; slots are those of the first */
	struct situation situation;
	bool lowest; /* of the web-caches that all routers see */
	bool designated;
	bool yielded; /* lowest, but another hears more routers and assigns */
	bool said_split; /* noted why a pair cannot have a table */
	struct mono settle_at, unsettled_since;
	struct wccp_key key; /* of the groups' tables */
	/* Of each value of the mirror's mask, the slot of the first; when paired. */
	uint16_t unmirrored[ASSIGN_SLOTS_MAX];
};

struct cache {
	struct cache_conf conf;
	bool up, ending;
	uint16_t weight;
	unsigned n_peers;
	struct peer peers[PEERS_MAX];
	struct cast cast;

	struct wccp_cache_view view; /* ours; receive ids are filled in on sending */
	unsigned n_strangers;
	struct addr strangers[WCCP_MAX_CACHES]; /* in the view, not allowed */
	struct wccp_mask mask; /* of mask assignment, whether in use or not */
	uint32_t method;       /* of the slots that follow: WCCP_ASSIGN_* */
	struct slot_set mine, history[METHODS];
	unsigned my_slots;
	struct addr handover[WCCP_BUCKETS];

	struct council *council; /* our own one, or that of the first of a pair */
	struct council own;
	unsigned n_unheard, n_tolerated;
	struct addr unheard[WCCP_MAX_ROUTERS], tolerated[WCCP_MAX_ROUTERS];
	struct cache_table tables[METHODS]; /* the newest, in our own slots */
	unsigned moves[METHODS]; /* that they made */
	bool unsent; /* made, but it is the other's step: ours comes at once */

	/* What cache_learn() and council_observe() look at may have changed since they
	 * last did: not so after an I_SEE_YOU that says the same as the one before. */
	bool news;
	bool changed; /* something the kernel must know, in this step */
	struct cache_counters counters;
};

/* What every function below a step needs. */
struct step {
	struct mono now;
	struct wccp_msg *msg; /* a message sent overwrites the one received */
	struct actions *out;
};

/* Heard within its time-out, with us in its view (a silent one becomes LOST). */
static inline bool peer_is_live(const struct peer *p)
{
	return p->state == PEER_JOINED || p->state == PEER_ASSIGNED;
}

/* Does it get HERE_I_AMs in the course of things? */
static inline bool peer_is_announced(const struct peer *p)
{
	return p->state != PEER_IDLE && p->state != PEER_DRAINING &&
	       p->state != PEER_WITHDRAWN;
}

/* Of the newest assignment made here. */
static inline const struct wccp_key *cache_key(const struct cache *g)
{
	return &g->council->key;
}

static inline bool cache_is_multicast(const struct cache *g)
{
	return addr_is_set(&g->conf.multicast);
}

static inline bool key_equal(const struct wccp_key *a, const struct wccp_key *b)
{
	return a->change_number == b->change_number && addr_equal(&a->cache, &b->cache);
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

/* group.c */
void peer_enter(struct cache *g, struct peer *p, enum peer_state state,
		const char *reason, struct step *s);
/* The same without a note, for who writes one of its own. */
void peer_set_state(struct cache *g, struct peer *p, enum peer_state state,
		    const char *reason, struct step *s);

/* Announce ourselves to it as if we had never met. */
void peer_start(struct cache *g, struct peer *p, const char *reason, struct step *s);
/* HERE_I_AM at that time, to it or with all that multicast is for. */
void peer_hello_at(struct cache *g, struct peer *p, struct mono at);
/* The list of routers; NULL when it is full. */
struct peer *cache_add_peer(struct cache *g, const struct addr *address, struct mono now);
void cache_remove_peer(struct cache *g, struct peer *p);

/* group_multicast.c; with a multicast address only */
/* May a router of this address be met? */
bool cache_admits(const struct cache *g, const struct addr *router);
/* A place in the list for it, or NULL with a complaint. */
struct peer *cache_meet(struct cache *g, const struct addr *router, struct step *s);
void peer_forget_later(const struct cache *g, struct peer *p, struct mono now);
/* What it offers, as far as the other routers of the group offer it, too. */
void peer_set_terms(const struct cache *g, struct peer *p);
/* What was agreed with it holds for all. */
void cache_share_choice(struct cache *g, const struct peer *p);
void cache_multicast_start(struct cache *g, struct step *s);
/* Those LEAVING are told. */
void cache_multicast_leave(struct cache *g, struct step *s);
void cache_multicast_shutdown(struct cache *g, struct step *s);
/* The next HERE_I_AM need not wait for T. */
void cache_multicast_soon(struct cache *g, struct mono now);
void cache_multicast_timers(struct cache *g, struct step *s);
struct mono cache_multicast_deadline(const struct cache *g);

/* group_rx.c */
void cache_receive(struct cache *g, const struct addr *from,
		   const struct codec_datagram *d, struct step *s);
/* Listed there, or -1. */
int peer_find_fellow(const struct peer *p, const struct addr *cache);

/* cache_version.c */
/* As before its first answer. */
void peer_forget_version(struct cache *g, struct peer *p);
/* The version of a message of it that was meant for us. */
void peer_hear_version(struct cache *g, struct peer *p, uint8_t minor, struct step *s);
/* Header and V bit of the next HERE_I_AM to it. */
uint8_t peer_hello_minor(const struct cache *g, const struct peer *p);
bool peer_hello_asks_version(const struct cache *g, const struct peer *p);
/* Why the group cannot be joined there whatever it offers; NULL: it can.  `minor`
 * is what it is known to speak, or may be. */
const char *peer_version_problem(const struct cache *g, const struct peer *p,
				 uint8_t minor);
/* The same for the group as a whole. */
const char *cache_version_problem(const struct cache *g);
void peer_enter_unspoken(struct cache *g, struct peer *p, const char *reason,
			 struct step *s);
/* IANA family of the address table of our messages; 0: without one. */
uint16_t cache_table_family(const struct cache *g);

/* group_agree.c */
/* Choose from p->offer, keeping what was chosen before while it is still both
 * offered and wanted.  False when a method has nothing in common. */
bool peer_agree(struct cache *g, struct peer *p, struct step *s);
void peer_set_assign(struct peer *p, uint32_t assign);
void peer_enter_mismatch(struct cache *g, struct peer *p, struct step *s);
/* Of another web-cache that assigns by another method. */
void peer_note_other_method(const struct cache *g, struct peer *p, struct step *s);
/* The Capabilities component for it; `present` is 0 when there is none to send. */
struct wccp_capabilities peer_choice(const struct peer *p);

/* group_tx.c */
void peer_hello(struct cache *g, struct peer *p, struct step *s);
void peer_shutdown(struct cache *g, struct peer *p, struct step *s);
/* HERE_I_AM, or SHUTDOWN for those being left, to the multicast address. */
void cache_send_multicast(struct cache *g, bool shutdown, struct step *s);
/* The newest assignment to `only`, or to all live routers when NULL. */
void cache_send_assignment(struct cache *g, const struct peer *only, struct step *s);

/* cache_table.c */
unsigned cache_slots(const struct cache *g, uint32_t method);
/* Slots of each of its web-caches; room for WCCP_MAX_CACHES. */
void table_count(const struct cache_table *t, unsigned *counts);
/* What an I_SEE_YOU that has been taken in otherwise tells of its table. */
void peer_take_table(const struct cache *g, struct peer *p, const struct wccp_msg *m);
void peer_forget_table(struct peer *p);
unsigned peer_slots_of(const struct peer *p, int fellow);
bool peer_has_slots(const struct peer *p, int fellow);

/* group_mask.c */
void cache_set_mask(struct cache *g); /* from the configuration, or its mirror's */
void cache_change_mask(struct cache *g, const struct wccp_mask *mask);
void cache_check_mask(const struct cache *g, struct step *s);
void peer_note_foreign(const struct cache *g, struct peer *p, struct step *s);
/* Add a mask/value set to the message. */
void mask_put_slots(struct wccp_msg *m, const struct wccp_mask *mask,
		    const struct slot_set *slots, const struct addr *cache,
		    bool alternate, struct wccp_set_list *list);
void mask_put_table(struct wccp_msg *m, const struct cache_table *t, bool alternate,
		    struct wccp_set_list *list);

/* group_view.c */
/* Bring view, own slots and handover up to date with what the routers said. */
void cache_learn(struct cache *g, struct step *s);

/* group_situation.c */
/* Look who is there now; what changed has to settle. */
void council_observe(struct council *c, struct step *s);
/* RB, the redirect-assign base time: of the slowest live router, in ms. */
int64_t council_base_time(const struct council *c);

/* group_elect.c */
/* Is it us?  After every event. */
void council_elect(struct council *c, struct step *s);
/* Only keys that change from now on show who acts. */
void council_watch_keys(struct council *c);
/* The lowest, when an assignment is due: false when it has to wait (settle_at is
 * set) or to leave it to another. */
bool council_takes_the_role(struct council *c, struct step *s);

/* cache_pair.c */
/* It has a mirror, or is one. */
bool cache_is_paired(const struct cache *g);
/* Is it the second of a pair, whose mask follows from the first? */
bool cache_is_mirror(const struct cache *g);
/* The mask of one of the pair has changed. */
void council_set_masks(struct council *c);
/* The method that the other one of the pair has agreed on; 0: none. */
uint32_t cache_method_of_mate(const struct cache *g);
/* The first's slot that is our `slot`. */
unsigned cache_shared_slot(const struct cache *g, uint32_t method, unsigned slot);
/* A table in the first's slots, in ours. */
void cache_own_table(const struct cache *g, const struct cache_table *shared,
		     struct cache_table *out);
/* Compare its table with that of the same router in the mate. */
void peer_compare_tables(struct cache *g, struct peer *p, struct step *s);
void peer_note_half_member(const struct cache *g, const struct peer *p, struct step *s);
/* Why these groups cannot share a table now; NULL: they can. */
const char *council_split(const struct council *c, const struct situation *x);

/* group_assign.c */
void cache_review(struct cache *g, struct step *s);
void peer_check_echo(struct cache *g, struct peer *p, struct step *s);
struct mono peer_assign_deadline(const struct cache *g, const struct peer *p);

/* cache_status.c */
const char *peer_state_event(enum peer_state s);

#endif
