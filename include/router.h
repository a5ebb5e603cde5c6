/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The router side of one service group: answering web-caches, admitting them,
 * taking the designated web-cache's assignment, removing the silent.
 *
 * Pure, like cache.h; the two never include each other.
 */
#ifndef WCCPD_ROUTER_H
#define WCCPD_ROUTER_H

#include "actions.h"
#include "codec.h"
#include "err.h"
#include "mono.h"
#include "wccp.h"

struct router; /* opaque; one per service group */

/* Capacities of mask assignment.  A larger assignment is refused, which its sender can
 * see: its key is not echoed. */
enum { ROUTER_MAX_SETS = 16, ROUTER_MAX_VALUES = 1024 /* of all sets */ };

/* What the view says of a member's values (real routers differ). */
enum router_mask_identity {
	ROUTER_MASK_FULL,      /* each member's sets and values */
	ROUTER_MASK_EMPTY_SET, /* flags 0x0003, one set without values: 32 octets */
	ROUTER_MASK_NO_SETS,   /* 16 octets */
};

struct router_conf {
	/* Type and id identify the group.  The rest of a dynamic service comes from the
	 * first web-cache (2.0 section 4.2). */
	uint8_t service_type, service_id;
	struct addr id; /* the router id it states ... */
	struct addr id6; /* ... and to IPv6 web-caches, if set */
	struct codec_password password;
	uint32_t forward, ret; /* bit masks of what it supports */
	uint32_t assign;       /* the same, WCCP_ASSIGN_* */
	/* Advertise the timers of 2.01?  Ranges in ms and in units. */
	bool advertise_timers;
	struct wccp_cap_transmit_t transmit_t;
	struct wccp_cap_timer_scale timer_scale;
	/* Echo the assignment in force in each I_SEE_YOU: Assignment Info (6), or a map
	 * (14, 16) for masks. */
	bool echo_assignment;
	/* Unless FULL, every I_SEE_YOU has the map, as the values are nowhere else. */
	enum router_mask_identity mask_identity;
	/* 0: any web-cache may join that states the address its datagrams come from.
	 * Otherwise both addresses must be in one of these prefixes; the stated one may
	 * differ from the source only if it is listed itself, not merely covered by a
	 * prefix. */
	unsigned n_allowed;
	struct addr_prefix allowed[WCCP_MAX_CACHES];
	uint8_t max_minor;     /* highest minor version it speaks: 0 or 1 */
	struct addr multicast; /* set: the group's address, which it also answers to */
	unsigned max_caches;   /* members; 0: WCCP_MAX_CACHES */
};

/* Advertise TRANSMIT_T within these limits, in ms, and the scales that 2.01 section
 * 6.11.5 suggests. */
void router_offer_timers(struct router_conf *conf, uint16_t lower_ms, uint16_t upper_ms);

enum router_event_type { ROUTER_EV_RX, ROUTER_EV_TICK };

struct router_event {
	enum router_event_type type;
	struct mono now;
	struct {
		struct addr from; /* source of the datagram */
		struct addr to;   /* its destination: our address it was sent to */
		const struct codec_datagram *datagram; /* opened, refused or not */
		/* Its source is behind another router: L2 is neither offered to
		 * it nor accepted (2.0 section 4.12.2). */
		bool off_link;
	} rx;
};

/* NULL only when memory is short.  Receive ids and change numbers begin with the
 * milliseconds of `beginning`, which should be such that those of an earlier life never
 * match: else what was recorded then could be replayed now. */
struct router *router_new(const struct router_conf *conf, struct mono beginning);
void router_free(struct router *r);
/* Replace the list of web-caches that may join (router_conf.allowed); 0: any.  A member
 * that is not on the list is no longer heard, and times out. */
void router_allow(struct router *r, const struct addr_prefix *list, unsigned n);
/* For tests of web-caches: jump far ahead with the next receive id, or to the last one
 * before they wrap around (to 1, as 0 means none). */
void router_skip_receive_ids(struct router *r, bool to_the_last);
/* State this router id from now on, to web-caches of its family. */
void router_set_id(struct router *r, const struct addr *id);
/* Never fails: anything that cannot be done is counted and noted.  `scratch` is
 * where the datagram is decoded and answers are built; its content does not outlive
 * the call. */
void router_step(struct router *r, const struct router_event *ev,
		 struct wccp_msg *scratch, struct actions *out);
/* When the next TICK is due; MONO_NEVER: nothing is pending. */
struct mono router_deadline(const struct router *r);

struct router_counters {
	uint64_t rx[4], tx[4]; /* by message type - WCCP_HERE_I_AM */
	uint64_t refused[CODEC_REFUSALS];
	uint64_t unanswered; /* HERE_I_AMs of web-caches that have proved nothing */
	uint64_t bad_receive_id, bad_change_number, not_listed, not_allowed;
	uint64_t conflicting_service, bad_capability, full;
	uint64_t bad_service;  /* datagrams for another service group */
	uint64_t wrong_source; /* a member's address, sent from another source */
	uint64_t bad_address;  /* HERE_I_AMs that state an address no host can have */
	uint64_t wrong_group;  /* datagrams to another multicast address */
	uint64_t bad_family;   /* HERE_I_AMs of a family that does not fit the group */
	uint64_t not_member;   /* assignments by, or naming, a non-member */
	uint64_t bad_method;   /* assignments of a type that was not agreed */
	uint64_t bad_mask;     /* values outside their masks, bad sequence numbers */
	uint64_t too_large;    /* more sets or values than there is room for */
	uint64_t maps_left_out; /* I_SEE_YOUs without the map, as it did not fit */
	uint64_t assignments, flushes;
	uint64_t removed_by_timeout, removed_by_shutdown;
};

struct router_value {
	struct wccp_mask match;
	uint8_t cache; /* index */
};

/* Mask assignment in force: sets in order, and the values of each in order; the
 * first that matches decides (2.0 section 4.11.2). */
struct router_masks {
	/* They came as alternate sets (2.01), and are sent so to web-caches that
	 * understand them. */
	bool alternate;
	unsigned n_caches, n_sets, n_values;
	struct addr caches[WCCP_MAX_CACHES];
	struct wccp_set sets[ROUTER_MAX_SETS]; /* runs of `values` */
	struct router_value values[ROUTER_MAX_VALUES];
};

struct router_cache_status {
	struct addr addr;
	bool usable;
	bool multicast;      /* its last HERE_I_AM came by the group's address */
	uint8_t minor;       /* protocol version it speaks, 2.x */
	uint32_t forward, ret, assign; /* as it chose */
	uint16_t weight;
	struct mono since;   /* usable since */
	unsigned values;     /* of mask assignment */
	unsigned buckets;    /* of 256 */
	struct wccp_bucket_vector vector;
};

struct router_status {
	struct wccp_service service; /* as learned; flags 0 until then */
	bool described;              /* a web-cache has described it */
	uint8_t family;              /* of the members, enum addr_family */
	uint32_t change_number;
	struct wccp_key key;
	uint32_t transmit_t_ms;
	unsigned n_caches, n_routers;
	struct router_cache_status caches[WCCP_MAX_CACHES];
	struct addr routers[WCCP_MAX_ROUTERS]; /* as the web-caches report */
	bool assigned;               /* a table, or masks, are in force ... */
	bool by_mask;                /* ... and which of them */
	struct wccp_hash_table table; /* its indices refer to its own list of caches */
	struct router_masks masks;
	struct router_counters counters;
};

void router_get_status(const struct router *r, struct router_status *out);

#endif
