/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of the router-side machine: its state, and what its files share.
 *
 * router.c dispatches, router_here_i_am.c judges HERE_I_AMs, router_assignment.c keeps
 * the table, router_mask.c the masks, router_members.c the membership;
 * router_capabilities.c and router_service.c say what is acceptable,
 * router_schedule.c when to answer multicast, router_tx.c builds datagrams.
 */
#ifndef WCCPD_CORE_ROUTER_ROUTER_IMPL_H
#define WCCPD_CORE_ROUTER_ROUTER_IMPL_H

#include "router.h"

/* A web-cache that was answered, and is a member once it is usable. */
struct member {
	struct addr addr;    /* as it states; its identity */
	struct addr source;  /* where its datagrams come from and answers go */
	struct addr sent_to; /* our address that it uses */
	bool usable;
	bool multicast;     /* its last HERE_I_AM came by the group's address ... */
	bool answer_due;    /* ... and was not answered yet */
	uint32_t methods;   /* that can work with it */
	uint8_t minor_seen; /* of the header of its last HERE_I_AM ... */
	bool asks_version;  /* ... which had V set */
	uint16_t table_family; /* of the address table it speaks with; 0: none */
	uint32_t receive_id;   /* in the last I_SEE_YOU sent to it; 0: none was */
	uint32_t forward, ret; /* one bit each, valid once usable */
	uint16_t weight, status;
	struct wccp_bucket_vector history; /* the buckets it says it has or had */
	struct mono since; /* usable since */
	struct mono heard; /* its last HERE_I_AM that counted (usable), or any */
	bool queried;      /* REMOVAL_QUERY sent during this silence */
	unsigned n_routers;
	struct addr routers[WCCP_MAX_ROUTERS]; /* that it has heard */
};

/* What the members agreed upon; the default values while there are none. */
struct router_agreement {
	uint32_t assign; /* one bit */
	uint32_t transmit_t_ms;
	uint8_t timeout_scale, ra_scale;
};

/* What is said by multicast, together and in its time. */
struct router_schedule {
	struct mono next;     /* I_SEE_YOU; never: nobody waits for one */
	struct mono earliest; /* that next may become when somebody does again */
	uint64_t random;
	struct wccp_service stated; /* by the last one that was heard */
	/* They shut down, and wait for the response. */
	unsigned n_departing;
	struct member departing[WCCP_MAX_CACHES];
};

struct router {
	struct router_conf conf;
	char name[16]; /* of the service, as operators know it */
	struct wccp_service service;
	bool described;
	struct router_agreement agreed; /* frozen while n_usable > 0 */

	uint32_t receive_id;    /* of the next I_SEE_YOU, never 0 */
	uint32_t change_number; /* of the membership */

	/* In the order they came.  The first free place is n_members. */
	unsigned n_members, n_usable;
	struct member members[WCCP_MAX_CACHES];
	/* Union of what the usable members report. */
	unsigned n_routers;
	struct addr routers[WCCP_MAX_ROUTERS];

	bool assigned; /* key and table are in force */
	struct wccp_key key;
	/* Of these, the one of the method agreed upon. */
	struct wccp_hash_table table;
	struct router_masks masks;
	bool told_too_large; /* the map was left out, and noted */
	struct mono flush; /* when the table has waited too long; never: it is good */
	struct router_schedule schedule;

	struct router_counters counters;
};

/* One step: what every function down the line needs. */
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
/* Does a HERE_I_AM's description agree with what is known? */
bool router_service_accepts(const struct router *r, const struct wccp_service *s);
void router_service_learn(struct router *r, const struct wccp_service *s);
void router_service_forget(struct router *r);
/* As it is stated in our messages; `theirs` while nothing is known. */
struct wccp_service router_service_stated(const struct router *r,
					  const struct wccp_service *theirs);

/* -- router_capabilities.c -- */
struct router_choice {
	uint32_t forward, ret;
	struct router_agreement agreement;
};

void router_capabilities_reset(struct router *r);
/* What a web-cache's message chooses, with the defaults filled in.  Returns NULL
 * when that is acceptable, else in words what is not. */
const char *router_capabilities_choice(const struct router_call *c,
				       struct router_choice *out);
void router_capabilities_offer(const struct router_call *c,
			       struct wccp_capabilities *out);
/* TB and RB of 2.01 section 2.1, in ms. */
int64_t router_tb_ms(const struct router *r);
int64_t router_rb_ms(const struct router *r);
/* The largest TB that may be agreed upon. */
int64_t router_longest_tb_ms(const struct router *r);

/* -- router_version.c -- */
/* The minor version of an answer to one web-cache, or to several at once. */
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
/* Did the datagram come by the group's address?  Or by another group's? */
bool router_multicast_is_ours(const struct router_call *c);
bool router_multicast_is_foreign(const struct router_call *c);
/* The next scheduled message answers `m`, which described the service so. */
void router_multicast_schedule_answer(struct router_call *c, struct member *m,
				      const struct wccp_service *stated);
void router_multicast_schedule_shutdown_response(struct router_call *c,
						 const struct member *departing,
						 const struct wccp_service *stated);
/* T may be a shorter one from now on. */
void router_schedule_retime(struct router_call *c);
void router_multicast_tick(struct router_call *c);
struct mono router_schedule_deadline(const struct router *r);

/* -- router_members.c -- */
struct member *router_members_find(struct router *r, const struct addr *addr);
struct member *router_members_from(struct router *r, const struct addr *source);
bool router_members_has(const struct router *r, const struct addr *addr);
/* A place for a web-cache not yet known; NULL when all are taken by members. */
struct member *router_members_add(struct router *r, const struct addr *addr);
void router_members_forget(struct router *r, struct member *m);
void router_members_join(struct router_call *c, struct member *m,
			 const struct wccp_service *service);
void router_members_leave(struct router_call *c, struct member *m,
			  enum note_level level);
/* Take over the list of routers in the message; true when the union changed. */
bool router_members_report(struct router_call *c, struct member *m);
/* The membership is another now: say so in the change number, and demand an
 * assignment (2.0 section 4.8.1). */
void router_members_changed(struct router_call *c);

/* -- router_assignment.c -- */
void router_assignment_rx(struct router_call *c);
void router_table_purge(struct router *r, const struct addr *cache);
void router_table_flush(struct router_call *c, const char *why);
/* Count, complain, and have no effect. */
void router_assignment_refuse(struct router_call *c, uint64_t *counter,
			      const char *event, const char *what);
/* The message's assignment, read well, is in force from now on. */
void router_table_settle(struct router_call *c);
/* The buckets of a member, and how many they are. */
unsigned router_table_buckets(const struct router *r, const struct addr *cache,
			      struct wccp_bucket_vector *out);

/* -- router_mask.c -- */
/* Is there an assignment, and is it one of masks? */
bool router_mask_in_force(const struct router *r);
/* What is in use of `from`; the rest of `to` stays as it is. */
void router_mask_copy(struct router_masks *to, const struct router_masks *from);
/* Sets in the message, otherwise found good. */
void router_mask_rx(struct router_call *c);
void router_mask_purge(struct router *r, const struct addr *cache);
void router_mask_flush(struct router *r);
/* The number of values a member has. */
unsigned router_mask_count(const struct router *r, const struct addr *cache);

/* -- router_mask_tx.c -- */
/* Masks for the web-caches of the view, and the map, into an I_SEE_YOU of this
 * version that is complete but for them. */
void router_mask_put(const struct router *r, struct wccp_msg *msg);
/* The message cannot be encoded: state less in it.  False when nothing is left. */
bool router_mask_shrink(struct router_call *c);

/* -- router_here_i_am.c -- */
void router_here_i_am_rx(struct router_call *c);

/* -- router_tx.c -- */
/* An I_SEE_YOU for `m`, which gets its receive id; `stated` is the description the
 * web-cache gave. */
void router_tx_see_you(struct router_call *c, struct member *m,
		       const struct wccp_service *stated, bool shutdown_response);
/* An I_SEE_YOU for any number of web-caches, of one address family. */
struct router_batch {
	struct addr to;      /* where it goes ... */
	struct addr sent_to; /* ... and where they had sent to */
	uint8_t minor;
	uint16_t table_family;
	struct wccp_service stated;
	unsigned n_from; /* 1 or more */
	struct member *from[WCCP_MAX_CACHES];
	unsigned n_shutdown_responses; /* SHUTDOWN_RESPONSEs */
	struct addr shutdown_responses[WCCP_MAX_COMMANDS];
};

/* All of batch->from get its receive id. */
void router_tx_batch(struct router_call *c, const struct router_batch *batch);
void router_tx_query(struct router_call *c, struct member *m);

#endif
