/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The web-cache side of one service group: joining its routers, agreeing with
 * them, assigning buckets when this is the designated web-cache, leaving.
 *
 * Pure: events and time go in, actions come out.  States are per router: trouble with one
 * router never affects another.
 */
#ifndef WCCPD_CACHE_H
#define WCCPD_CACHE_H

#include "actions.h"
#include "assign.h"
#include "codec.h"
#include "err.h"
#include "mono.h"
#include "wccp.h"

struct cache; /* opaque; one per service group */

/*
 * An assignment as a table of slots: the 256 buckets of hash assignment, or the
 * values of a mask by their sequence numbers (mask.h).
 */
struct cache_table {
	unsigned n_slots;      /* 0: there is none */
	struct wccp_mask mask; /* empty: slots are buckets */
	struct wccp_bucket_vector alt; /* buckets with the alternate-hash bit */
	unsigned n_caches;
	struct addr caches[WCCP_MAX_CACHES];
	uint8_t owners[ASSIGN_SLOTS_MAX]; /* index into caches, or ASSIGN_NOBODY */
};

/* Methods in order of preference, WCCP_METHOD_* or WCCP_ASSIGN_*; n >= 1. */
struct cache_preference {
	unsigned n;
	uint32_t methods[2];
};

/* Minor versions (2.01 section 3.4). */
enum cache_version {
	CACHE_V20,       /* 2.0 only */
	CACHE_V201,      /* at most 2.01; a router may answer with less */
	CACHE_NEGOTIATE, /* ask with the lowest, then take the router's highest */
};

struct cache_conf {
	struct wccp_service service;
	struct addr self; /* this web-cache, as routers and other caches know it */
	/* Where HERE_I_AMs go; with `multicast` set, the routers that may answer
	 * (none listed: any). */
	unsigned n_routers;
	struct addr routers[WCCP_MAX_ROUTERS];
	struct addr multicast; /* set: HERE_I_AMs and REDIRECT_ASSIGNs go there */
	struct codec_password password;
	struct cache_preference forward, ret, assign;
	/* What we ask for; the router's offer decides (2.01 section 3.5.4).  0: the
	 * default. */
	uint32_t transmit_t_ms;
	uint8_t timeout_scale, ra_scale;
	enum cache_version version;
	/* For mask assignment: up to MASK_BITS_MAX bits, in any field.  All zero: the
	 * default, six bits of the address that the service's hash looks at. */
	struct wccp_mask mask;
	struct wccp_bucket_vector alt_buckets; /* hot: get the alternate-hash bit */
	/* Web-caches that may get buckets, ourselves included; none listed: any. */
	unsigned n_allowed;
	struct addr allowed[WCCP_MAX_CACHES];
};

/* Does the configuration allow this web-cache to get buckets? */
bool cache_conf_allows(const struct cache_conf *conf, const struct addr *cache);

/* The state of this service at one router.  Operators see these names. */
enum peer_state {
	PEER_IDLE,        /* not announced: the pool is down */
	PEER_WAITING,     /* HERE_I_AM sent, nothing heard yet */
	PEER_NEGOTIATING, /* heard; our choice is made, not yet in its view */
	PEER_JOINED,      /* in its view, usable, no buckets yet */
	PEER_ASSIGNED,    /* in its view with buckets */
	PEER_DRAINING,     /* SHUTDOWN sent, not acknowledged */
	PEER_WITHDRAWN,   /* SHUTDOWN acknowledged */
	PEER_LOST,        /* was joined, silent for longer than its time-out */
	PEER_MISMATCH,    /* offers nothing we can do */
	PEER_AUTH_FAILED, /* the last thing heard did not authenticate */
	PEER_STATES,
};

const char *peer_state_name(enum peer_state s); /* "capability mismatch" ... */

enum cache_event_type {
	CACHE_EV_RX,       /* a datagram for this group arrived */
	CACHE_EV_TICK,     /* the deadline has come */
	CACHE_EV_HEALTH,   /* the local pool changed */
	CACHE_EV_CONF,     /* the configuration changed */
	CACHE_EV_UNREACHABLE, /* a datagram could not be sent or delivered */
	CACHE_EV_REACHABLE, /* routes have changed: that may be over */
	CACHE_EV_SHUTDOWN, /* withdraw for good */
};

struct cache_event {
	enum cache_event_type type;
	struct mono now;
	union {
		struct {
			struct addr from; /* source address of the datagram ... */
			/* ... which is not on a link of ours: L2 cannot be spoken with
			 * a router there, whatever it offers. */
			bool far;
			/* The result of codec_open(), even if that refused it. */
			const struct codec_datagram *datagram;
		} rx;
		struct {
			bool up;         /* announce, or withdraw */
			uint16_t weight; /* assignment weight to announce; 0: we want
					  * no slots */
			const char *why; /* withdrawn; static storage, NULL: the pool
					  * is down */
		} health;
		struct {
			struct addr router;
			const char *why; /* for the log; static storage */
		} unreachable;
		/* Service type, id and `self` must be those of cache_new(). */
		const struct cache_conf *conf;
	} u;
};

/* NULL only when memory is short.  The group starts idle; it announces itself from the
 * first HEALTH event on that has `up` set. */
struct cache *cache_new(const struct cache_conf *conf, struct mono now);
/* To be called before the first step, with a random number: what was recorded of earlier
 * lives is then known to be old (freshness.h). */
void cache_set_token(struct cache *g, uint16_t random);
void cache_free(struct cache *g);

/* Never fails: anything that cannot be done becomes a note.  `scratch` is where the
 * datagram is decoded and messages are built; its content does not outlive the call. */
void cache_step(struct cache *g, const struct cache_event *ev,
		struct wccp_msg *scratch, struct actions *out);

/* When the next TICK is due; MONO_NEVER: nothing is pending. */
struct mono cache_deadline(const struct cache *g);

/* True when every router is idle or withdrawn: nothing is left to be sent. */
bool cache_is_quiet(const struct cache *g);

/*
 * Two groups that must have one table: a service and its mirror (cache_pair.c says
 * how).  The configuration of `first` counts, and the mask of `mirror` is the mirror
 * image of that of `first`; both configurations should name the same web-caches.
 * Groups can be paired at any time, even before their first step; pairing them again
 * has no effect.
 *
 * From then on a step of one can bring the deadline of the other forward: after any
 * step ask both.  When an assignment is due, the step of one decides for both, and
 * the other sends its part when it is stepped at that deadline, which is at once.
 */
void cache_pair(struct cache *first, struct cache *mirror);
/* Undo cache_pair().  cache_free() does so, too. */
void cache_unpair(struct cache *g);

/* -- what it knows, for the plan, control commands and metrics
 * ---------------------------- */

struct cache_counters {
	uint64_t rx[4], tx[4]; /* by message type - WCCP_HERE_I_AM */
	uint64_t refused[CODEC_REFUSALS];
	uint64_t unknown_router, not_for_us, bad_service;
	uint64_t assignments_sent, assignments_resent;
	uint64_t view_changes;
	uint64_t table_full; /* routers for which the list had no room */
	uint64_t stale;      /* I_SEE_YOUs and REMOVAL_QUERYs that are not new */
	uint64_t doubted;    /* I_SEE_YOUs that may not be, of a router that works */
	uint64_t bad_id;     /* router ids that no router can have */
	uint64_t elsewhere;  /* from another address than the router that answers */
	uint64_t state_changes; /* of all routers; each gave one note */
};

struct cache_router_status {
	struct addr address; /* as configured */
	struct addr id;      /* as the router states it; unset until it has answered */
	enum peer_state state;
	const char *reason;  /* of the last transition; static storage */
	struct mono since;   /* of the last transition */
	uint32_t receive_id, change_number;
	/* Agreed methods; 0 until agreed. */
	uint32_t forward, ret, assign;
	/* What it last offered. */
	struct wccp_capabilities offer;
	uint32_t transmit_t_ms;
	unsigned outstanding; /* HERE_I_AMs without an answer */
	struct wccp_key key;  /* as it last echoed */
	unsigned n_caches;    /* in its view */
	uint8_t minor;        /* of WCCP 2, as spoken with it */
};

struct cache_member_status {
	struct addr addr;
	uint16_t weight;
	unsigned buckets;     /* slots, as the routers last stated */
	unsigned n_routers;   /* that see it */
	bool seen_by_all;
};

struct cache_status {
	struct wccp_service service;
	struct addr self;
	bool up;
	uint16_t weight;
	bool designated;        /* is it us? */
	struct addr designated_cache; /* unset while not known */
	struct wccp_key key;    /* newest assignment made here */
	unsigned n_routers, n_caches;
	struct cache_router_status routers[WCCP_MAX_ROUTERS];
	struct cache_member_status caches[WCCP_MAX_CACHES];
	/* How packets are mapped to slots.  If routers differ, as the first of them
	 * does. */
	bool by_mask;
	struct wccp_mask mask; /* that we assign by, at routers that agreed on masks */
	unsigned n_slots;      /* 256 buckets, or the values of the mask */
	unsigned my_slots;
	struct wccp_bucket_vector mine; /* of up to 256 slots */
	/* handover[i]: the other living web-cache that was last known to own slot i, or
	 * unset.  Packets of flows that are unknown here may belong to it. */
	struct addr handover[ASSIGN_SLOTS_MAX];
	struct cache_counters counters;
};

void cache_get_status(const struct cache *g, struct cache_status *out);

/* Who has a slot (of the status' n_slots), as a router tells. */
struct cache_slot_owner {
	struct addr router; /* as HERE_I_AMs are sent to it */
	struct addr cache;  /* unset: nobody that it tells of */
};
/* Of each live router, up to WCCP_MAX_ROUTERS; returns how many. */
unsigned cache_get_slot_owners(const struct cache *g, unsigned slot,
			       struct cache_slot_owner *out);

#endif
