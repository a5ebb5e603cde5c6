/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Internal to the router side: its state, and what its files share.
 *
 * Nothing here calls upwards:
 *
 *   router.c               events in, and what is due
 *   router_here_i_am.c     HERE_I_AMs: who gets an answer, who becomes a member
 *   router_strangers.c     how often those are answered who may be forged
 *   router_assignment.c    REDIRECT_ASSIGNs; router_mask_rx.c reads those of masks
 *   router_multicast.c     answers to the group's address
 *   router_members.c       who is in the group
 *   router_tx.c            our messages; router_mask_tx.c what they say of masks
 *   router_schedule.c      when the next multicast I_SEE_YOU is due
 *   router_table.c         the assignment in force; router_mask.c that of masks
 *   router_capabilities.c, router_service.c, router_version.c
 *                          what is acceptable, and which version to speak
 */
#ifndef WCCPD_CORE_ROUTER_ROUTER_IMPL_H
#define WCCPD_CORE_ROUTER_ROUTER_IMPL_H

#include "router.h"

enum {
	/* HERE_I_AMs of one web-cache in T that do not count and are answered. */
	ROUTER_PARDONS = 8,
};

/* A web-cache that has had an answer; it is a member once it is usable. */
struct member {
	struct addr addr;    /* as it states; its identity */
	struct addr source;  /* where its datagrams come from and answers go */
	struct addr sent_to; /* our address that it uses */
	bool usable;
	bool multicast;	       /* its last HERE_I_AM came by the group's address ... */
	bool answer_due;       /* ... and was not answered yet */
	uint32_t methods;      /* that can work with it */
	uint8_t minor_seen;    /* in the header of its last HERE_I_AM ... */
	bool asks_version;     /* ... which had V set */
	uint16_t table_family; /* of the address table it speaks with; 0: none */
	uint32_t receive_id;   /* in the last I_SEE_YOU sent to it; 0: none was */
	uint32_t used_id;      /* ids up to this one are used up */
	uint32_t assigned_id;  /* in the last assignment of its that was taken */
	/* Answers to HERE_I_AMs that do not count: so many are left, and when one more
	 * is. */
	unsigned pardons;
	struct mono pardon_at;
	uint32_t forward, ret; /* one bit each, valid once usable */
	uint16_t weight, status;
	struct wccp_bucket_vector history; /* the buckets it says it has or had */
	struct mono since;		   /* usable since */
	struct mono heard; /* its last HERE_I_AM that counted (usable), or any */
	bool queried;	   /* REMOVAL_QUERY sent during this silence */
	unsigned n_routers;
	struct addr routers[WCCP_MAX_ROUTERS]; /* that it has heard */
};

/* What the members agreed upon; the defaults while there are none. */
struct router_agreement {
	uint32_t assign; /* one bit */
	uint32_t transmit_t_ms;
	uint8_t timeout_scale, ra_scale;
};

/* Answers by multicast, which are all sent at once. */
struct router_schedule {
	struct mono next;     /* the next I_SEE_YOU; MONO_NEVER: nobody waits for one */
	struct mono earliest; /* lower limit of `next` when a web-cache waits again */
	uint64_t random;
	struct wccp_service stated; /* the description in the last HERE_I_AM heard */
	/* Web-caches that have shut down and wait for the SHUTDOWN_RESPONSE. */
	unsigned n_departing;
	struct member departing[WCCP_MAX_CACHES];
};

/* A rate: when the next one would be due, were they evenly spread. */
struct router_rate {
	struct mono due;
};

enum { ROUTER_STRANGER_SLOTS = 1024 };

/* Answers to web-caches that have not proved that they receive them. */
struct router_strangers {
	uint64_t seed;
	struct router_rate all, slots[ROUTER_STRANGER_SLOTS]; /* by source */
};

struct router {
	struct router_conf conf;
	char name[16]; /* of the service, as operators know it */
	struct wccp_service service;
	bool described;
	struct router_agreement agreed; /* frozen while n_usable > 0 */

	uint32_t receive_id;	/* of the next I_SEE_YOU, never 0 */
	uint32_t change_number; /* of the membership */

	/* In the order they came.  The first free place is n_members. */
	unsigned n_members, n_usable;
	struct member members[WCCP_MAX_CACHES];
	/* Union of what the usable members report. */
	unsigned n_routers;
	struct addr routers[WCCP_MAX_ROUTERS];

	bool assigned; /* key and table are in force */
	struct wccp_key key;
	/* Of these two, the one of the method agreed upon is in use. */
	struct wccp_hash_table table;
	struct router_masks masks;
	bool told_too_large; /* the map was left out, and noted */
	struct mono flush;   /* when the old table expires; never: it is up to date */
	struct router_schedule schedule; /* of multicast */
	struct router_strangers strangers;

	struct router_counters counters;
};

/* What every function below router_step() needs. */
struct router_call {
	struct router *r;
	struct mono now;
	struct wccp_msg *msg; /* the datagram, then the answer */
	struct addr from, to; /* of the datagram */
	uint32_t methods;     /* that can work with its sender */
	struct actions *out;
};

/* -- router_service.c -- */
void router_service_init(struct router *r);
/* Does the description in a HERE_I_AM agree with the known one? */
bool router_service_accepts(const struct router *r, const struct wccp_service *s);
void router_service_learn(struct router *r, const struct wccp_service *s);
void router_service_forget(struct router *r);
/* The description in our messages: `theirs`, which may be NULL, while none is known. */
struct wccp_service router_service_stated(const struct router *r,
					  const struct wccp_service *theirs);

/* -- router_capabilities.c -- */
struct router_choice {
	uint32_t forward, ret; /* WCCP_METHOD_*, one bit each if acceptable */
	struct router_agreement agreement;
};

void router_capabilities_reset(struct router *r);
/* What the HERE_I_AM in c->msg chooses, with the defaults filled in.  Returns NULL if
 * that is acceptable, else what is not. */
const char *router_capabilities_choice(const struct router_call *c,
				       struct router_choice *out);
void router_capabilities_offer(const struct router_call *c,
			       struct wccp_capabilities *out);
/* TB and RB of 2.01 section 2.1, in ms. */
int64_t router_tb_ms(const struct router *r);
int64_t router_rb_ms(const struct router *r);
/* The largest TB that may be agreed upon, in ms. */
int64_t router_longest_tb_ms(const struct router *r);

/* -- router_version.c -- */
/* The minor version of an answer to one web-cache, or to `n` at once. */
uint8_t router_version_answer(const struct router *r, const struct member *m);
uint8_t router_version_common(const struct router *r, struct member *const *list,
			      unsigned n);
/* IANA family of the address table of an answer; 0: without one. */
uint16_t router_version_table(const struct member *m, uint8_t minor);
/* Our router id among addresses of this family; unset when there is none. */
const struct addr *router_family_id(const struct router *r, uint8_t family);
/* Of the members; ADDR_NONE while there are none. */
uint8_t router_family(const struct router *r);
/* Why the sender of a HERE_I_AM cannot be in one group with us, or NULL. */
const char *router_family_objection(const struct router_call *c);

/* -- router_schedule.c -- */
void router_schedule_init(struct router *r);
/* A web-cache waits for an answer: make sure that one is due. */
void router_schedule_arm(struct router_call *c);
/* T may be shorter from now on. */
void router_schedule_retime(struct router_call *c);
/* The answer that was due has been sent.  `again`: the next one follows by itself. */
void router_schedule_sent(struct router_call *c, bool again);
struct mono router_schedule_deadline(const struct router *r);

/* -- router_multicast.c -- */
/* Was the datagram sent to the group's address?  Or to that of another group? */
bool router_multicast_is_ours(const struct router_call *c);
bool router_multicast_is_foreign(const struct router_call *c);
/* The next multicast I_SEE_YOU is for `m` as well, which described the service as
 * `stated`. */
void router_multicast_schedule_answer(struct router_call *c, struct member *m,
				      const struct wccp_service *stated);
/* The same for a web-cache that shuts down; `departing` is copied. */
void router_multicast_schedule_shutdown_response(struct router_call *c,
						 const struct member *departing,
						 const struct wccp_service *stated);
/* Send what is due. */
void router_multicast_tick(struct router_call *c);

/* -- router_members.c -- */
/* By the address it states; usable or not.  NULL when it is not known. */
struct member *router_members_find(struct router *r, const struct addr *addr);
/* The usable one whose datagrams come from `source`, or NULL. */
struct member *router_members_from(struct router *r, const struct addr *source);
/* Is there a usable one that states `addr`? */
bool router_members_has(const struct router *r, const struct addr *addr);
/* A place for a web-cache not yet known; NULL if members have all of them.  This and
 * the next two functions invalidate pointers to members. */
struct member *router_members_add(struct router *r, const struct addr *addr);
void router_members_forget(struct router *r, struct member *m);
void router_members_leave(struct router_call *c, struct member *m,
			  enum note_level level);
void router_members_join(struct router_call *c, struct member *m,
			 const struct wccp_service *service);
/* Take over the list of routers in the message; true if that changes the union of all
 * members' lists. */
bool router_members_report(struct router_call *c, struct member *m);
/* The membership has changed: increment the change number, and demand an assignment
 * (2.0 section 4.8.1). */
void router_members_changed(struct router_call *c);

/* -- router_table.c -- */
/* The buckets of a member; returns how many. */
unsigned router_table_buckets(const struct router *r, const struct addr *cache,
			      struct wccp_bucket_vector *out);
/* The number of buckets that belong to anybody. */
unsigned router_table_count(const struct wccp_hash_table *t);
bool router_table_equal(const struct wccp_hash_table *a,
			const struct wccp_hash_table *b);
/* Take everything away that is assigned to `cache`, by either method. */
void router_table_purge(struct router *r, const struct addr *cache);
/* Drop the assignment in force; `why` is for the log. */
void router_table_flush(struct router_call *c, const char *why);

/* -- router_assignment.c -- */
void router_assignment_rx(struct router_call *c);

/* -- router_mask.c -- */
/* Is there an assignment, and is it one of masks? */
bool router_mask_in_force(const struct router *r);
/* Copies the part of `from` that is in use; the rest of `to` stays as it is. */
void router_mask_copy(struct router_masks *to, const struct router_masks *from);
bool router_mask_equal(const struct router_masks *a, const struct router_masks *b);
void router_mask_purge(struct router *r, const struct addr *cache);
void router_mask_flush(struct router *r);
/* The number of values a member has. */
unsigned router_mask_count(const struct router *r, const struct addr *cache);

/* -- router_mask_rx.c -- */
enum router_mask_verdict {
	ROUTER_MASK_GOOD,
	ROUTER_MASK_TOO_LARGE,	/* more sets or values than we keep */
	ROUTER_MASK_NOT_MEMBER, /* names a web-cache that is not usable */
	ROUTER_MASK_BAD_VALUE,	/* a value has bits outside its mask */
	ROUTER_MASK_BAD_VSN,	/* a number that is listed twice, or too large */
};

/* Read the sets in c->msg; `out` is complete only when they are good. */
enum router_mask_verdict router_mask_read(const struct router_call *c,
					  struct router_masks *out);

/* -- router_mask_tx.c -- */
/* Add the masks of the web-caches in the view, and the map, to an otherwise complete
 * I_SEE_YOU. */
void router_mask_put(const struct router *r, struct wccp_msg *msg);
/* The message cannot be encoded: leave something out.  False if nothing is left. */
bool router_mask_shrink(struct router_call *c);

/* -- router_strangers.c -- */
void router_strangers_init(struct router *r);
/* May the datagram's sender, which has not returned our receive id, get an answer now?
 * If so, it is counted as given. */
bool router_strangers_may_answer(struct router_call *c);
/* The sender gets none: count it, and complain. */
void router_strangers_refuse(struct router_call *c);

/* -- router_here_i_am.c -- */
void router_here_i_am_rx(struct router_call *c);

/* -- router_tx.c -- */
/* An I_SEE_YOU for `m`, which gets its receive id; `stated` is the description the
 * web-cache gave.  A brief one lists nobody, and says nothing of the assignment. */
struct router_see_you {
	struct wccp_service stated;
	bool shutdown_response, brief;
};
void router_tx_see_you(struct router_call *c, struct member *m,
		       const struct router_see_you *what);
/* One I_SEE_YOU for any number of web-caches, of one address family. */
struct router_batch {
	struct addr to;	     /* where it goes ... */
	struct addr sent_to; /* ... and where they had sent to */
	uint8_t minor;
	uint16_t table_family;
	struct wccp_service stated;
	bool brief;
	unsigned n_from; /* 1 or more */
	struct member *from[WCCP_MAX_CACHES];
	unsigned n_shutdown_responses;
	struct addr shutdown_responses[WCCP_MAX_COMMANDS];
};

/* Each web-cache in batch->from is given its receive id. */
void router_tx_batch(struct router_call *c, const struct router_batch *batch);
void router_tx_query(struct router_call *c, struct member *m);

#endif
