/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The router side of one service group: answering web-caches, admitting them,
 * taking the designated web-cache's assignment, removing the silent.
 *
 * Pure, like group.h; the two never include each other.
 */
#ifndef ROUTER_H
#define ROUTER_H

#include "actions.h"
#include "codec.h"
#include "err.h"
#include "mono.h"
#include "wccp.h"

struct router; /* opaque; one per service group */

struct router_conf {
	/* Type and id say which group.  Of a dynamic service the rest comes from
	 * the first web-cache (2.0 section 4.2). */
	uint8_t service_type, service_id;
	struct addr id; /* the router id it states */
	struct codec_password password;
	uint32_t forward, ret; /* bit masks of what it supports */
	uint32_t assign;       /* the same; only WCCP_ASSIGN_HASH counts so far */
	/* Advertise the timers of 2.01?  Ranges in ms and in units. */
	bool advertise_timers;
	struct wccp_cap_transmit_t transmit_t;
	struct wccp_cap_timer_scale timer_scale;
	/* Put Assignment Info (component 6) into I_SEE_YOU once assigned. */
	bool echo_assignment;
	/* 0: any web-cache may join.  Otherwise both the address it states and the
	 * one its datagrams come from must be listed. */
	unsigned n_allowed;
	struct addr allowed[WCCP_MAX_CACHES];
	uint8_t max_minor;     /* highest version it speaks: 2.0 or 2.01 */
	struct addr multicast; /* set: the group's address, which it also answers to */
};

enum router_event_type { ROUTER_EV_RX, ROUTER_EV_TICK };

struct router_event {
	enum router_event_type type;
	struct mono now;
	struct {
		struct addr from; /* source of the datagram */
		struct addr to;   /* its destination: our address it was sent to */
		const void *octets;
		size_t len;
		/* Its source is behind another router: L2 is neither offered to
		 * it nor accepted (2.0 section 4.12.2). */
		bool off_link;
	} rx;
};

/* NULL only when memory is short.  Receive ids and change numbers begin with the
 * milliseconds of `now`, so that those of an earlier life never match. */
struct router *router_new(const struct router_conf *conf, struct mono now);
void router_free(struct router *r);
/* Never fails: what cannot be done is counted and noted.  `scratch` is where the
 * datagram is decoded and answers are built; its content does not outlive the
 * call. */
void router_step(struct router *r, const struct router_event *ev,
		 struct wccp_msg *scratch, struct actions *out);
/* When the next TICK is due; MONO_NEVER when nothing is. */
struct mono router_deadline(const struct router *r);

struct router_counters {
	uint64_t rx[4], tx[4]; /* by message type - WCCP_HERE_I_AM */
	uint64_t refused[CODEC_REFUSALS];
	uint64_t bad_receive_id, bad_change_number, not_listed, not_allowed;
	uint64_t conflicting_service, bad_capability, full;
	uint64_t bad_service;  /* datagrams of another service group */
	uint64_t wrong_source; /* a member's address from another source */
	uint64_t not_member;   /* assignments by, or naming, one that is no member */
	uint64_t bad_method;   /* assignments of a type that was not agreed */
	uint64_t assignments, flushes;
	uint64_t removed_by_timeout, removed_by_shutdown;
};

struct router_cache_status {
	struct addr addr;
	bool usable;
	uint8_t minor;       /* protocol version it speaks, 2.x */
	uint32_t forward, ret, assign; /* as it chose */
	uint16_t weight;
	struct mono since;   /* usable since */
	unsigned buckets;    /* of 256 */
	struct wccp_bucket_vector vector;
};

struct router_status {
	struct wccp_service service; /* as learned; flags 0 until then */
	bool described;              /* a web-cache has described it */
	uint32_t change_number;
	struct wccp_key key;
	uint32_t transmit_t_ms;
	unsigned n_caches, n_routers;
	struct router_cache_status caches[WCCP_MAX_CACHES];
	struct addr routers[WCCP_MAX_ROUTERS]; /* as the web-caches report */
	bool assigned;               /* a table is in force */
	struct wccp_hash_table table; /* with indices into its own cache list */
	struct router_counters counters;
};

void router_get_status(const struct router *r, struct router_status *out);

#endif
