/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon: the glue between the pure core and the world.  It reads the clock
 * once per callback, feeds events, carries out actions, applies the plan.
 */
#ifndef WCCPD_WCCPD_DAEMON_H
#define WCCPD_WCCPD_DAEMON_H

#include "cache.h"
#include "dp/dp.h"
#include "dp/plan/plan.h"
#include "err.h"
#include "wccpd/conf/conf.h"
#include "wccpd/delivery/delivery_watch.h"
#include "wccpd/drain/drain_fsm.h"
#include "wccpd/multicast.h"
#include "wccpd/pool/pools.h"
#include "wccpd/senders/gre_slow_path.h"
#include "wccpd/senders/strangers.h"

#include <event2/event.h>

/* What a group was last told about its pool. */
struct announcement {
	bool up;
	uint16_t weight;
};

/* Something that lasts, as it was last logged; empty while there is nothing to say. */
struct complaint {
	char text[sizeof((struct err *)0)->text];
	struct mono since;
};

struct service {
	const struct conf_service *conf; /* NULL once removed by a reload */
	char name[32];
	struct wccp_service id; /* type and id count */
	uint8_t multicast_ttl;
	struct cache *cache;
	struct announcement told;
	struct mono slow_since; /* its share has been growing since then; never: no more */
	/* Of a mirror, that of the service counts; see leave.h. */
	struct drain drain;
	bool drain_asked;	  /* by an operator */
	unsigned drain_left_open; /* flows, when last counted */
	struct mono drain_told;	  /* when its progress was last logged */
};

/* Configured ones and those still leaving after a reload. */
enum { DAEMON_MAX_SERVICES = 2 * PLAN_MAX_SERVICES };

enum { DAEMON_SIGNALS = 4 };

struct control;
struct handover_watch;
struct packet_trace;
struct log_loop;
struct rtnl_monitor;

struct daemon {
	const char *conf_path;
	struct conf *conf;
	struct event_base *base;
	struct dp *dp;
	struct pools *pools;
	struct control *control;
	struct packet_trace *trace;
	struct log_loop *log;
	struct delivery_watch *delivery;
	struct handover_watch *handover;
	int nft; /* rtnl/nft_monitor.h; -1: none */
	struct event *nft_event;
	struct strangers strangers;
	struct gre_slow_path *gre; /* NULL: not available */
	int udp;
	struct multicast multicast;
	struct event *udp_event, *timer, *reload, *leave_timer;
	struct event *replan, *retry, *rtnl_event;
	struct rtnl_monitor *rtnl;
	struct event *signals[DAEMON_SIGNALS], *restart;
	unsigned n_services;
	struct service services[DAEMON_MAX_SERVICES];
	/* Datagrams that belong to no group. */
	uint64_t refused[CODEC_REFUSALS], unknown_service;
	bool unreachable;    /* some datagram could not be sent ... */
	bool routes_changed; /* ... and this happened since */
	bool applied; /* the kernel has followed a plan at least once */
	bool stopping, stop_at_once;
	bool said_goodbye; /* all services have been told to withdraw for good */
	bool leaves; /* ends at once, and all stays in the kernel for the next start */
	bool stopped; /* in order: nothing of ours is to stay in the kernel */
	struct mono stopped_by, linger_until;
	struct mono started, earlier_until; /* see earlier.h */
	/* Scratch, large and reused. */
	struct wccp_msg msg;
	struct actions actions;
	struct cache_status status;
	struct plan plan;
	uint8_t datagram[WCCP_MAX_DATAGRAM];
	struct complaint apply_error, obstacle, trouble, multicast_error, address_error;
	struct mono drift_again; /* see reconcile_tell_drift() */
	unsigned n_drift;
};

/* Open and start everything.  Takes `conf` over. NULL on error, with nothing
 * left behind. */
struct daemon *daemon_new(struct conf *conf, const char *conf_path, struct err *err);
/* Run until a signal ends it; has withdrawn from the routers by then. */
void daemon_run(struct daemon *d);
/* Undo everything. */
void daemon_free(struct daemon *d);

#endif
