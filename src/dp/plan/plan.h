/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole desired state of the kernel, as data.  The daemon computes it from
 * configuration, groups and health; the data plane makes the kernel equal to it.
 */
#ifndef WCCPD_DP_PLAN_PLAN_H
#define WCCPD_DP_PLAN_PLAN_H

#include "addr.h"
#include "assign.h"
#include "dp/plan/bypass.h"
#include "wccp.h"

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	PLAN_MAX_SERVICES = 64,
	PLAN_MAX_POOLS = 16,
	PLAN_MAX_INSTANCES = 64,  /* in one pool */
	PLAN_MAX_LISTENERS = 256, /* in all pools: SMP instances have several */
	/* One for each service at each router ... */
	PLAN_MAX_ROUTERS = PLAN_MAX_SERVICES * WCCP_MAX_ROUTERS,
	PLAN_MAX_ADDRESSES = 64, /* ... and different routers among them */
	PLAN_MAX_INTERFACES = 16, /* that redirected packets arrive on */
	PLAN_MAX_SOURCES = 64,
	PLAN_MAX_LISTENS = 64,
};

/* One listening socket of an instance, as found in the kernel. */
struct plan_listener {
	uint64_t inode;	   /* of the socket: its identity */
	pid_t pid;	   /* who owns it ... */
	int fd;		   /* ... under which descriptor there */
	uint16_t instance; /* index into the pool's instances */
};

struct plan_instance {
	char name[32];
	uint16_t weight; /* share among the instances of its pool */
	bool takes;	 /* may new connections go there? */
	uint8_t wanted;	 /* by an operator; for the next process */
};

/* What the instance of a new connection follows from. */
enum plan_spread {
	PLAN_SPREAD_FLOW,	 /* addresses and ports */
	PLAN_SPREAD_SOURCE,	 /* the address of the client */
	PLAN_SPREAD_DESTINATION, /* that of the server */
	PLAN_SPREAD_CPU,	 /* the processor that its first packet comes in on */
};

struct plan_pool {
	char name[32];
	/* Its listeners are plain ones, for connections to this box itself; otherwise they
	 * are transparent, for redirected ones. */
	bool plain;
	enum plan_spread spread;
	/* Listeners at which so many connections wait are passed over; 0: none are. */
	uint32_t queue_high;
	unsigned n_instances, n_listeners;
	struct plan_instance instances[PLAN_MAX_INSTANCES];
	struct plan_listener listeners[PLAN_MAX_LISTENERS];
};

struct plan_service {
	char name[32]; /* for people */
	struct wccp_service service;
	int mate; /* index of the other service of a pair; -1: it is alone */
	unsigned pool;	     /* index into plan.pools */
	/* By the position of a port: 1 + index of a pool of its own; 0: that above. */
	uint8_t port_pools[WCCP_MAX_PORTS];
	bool drop_when_down; /* when nothing takes a new flow: drop, not return */
	bool drop_udp; /* instead of returning it */
	bool drain_asked; /* by an operator; for the next process */
	bool returns_new; /* it is drained: new flows go back to the routers */
	/* How packets come to slots, and who had each before: see struct cache_status. */
	bool by_mask;
	struct wccp_mask mask;
	unsigned n_slots, my_slots; /* all, and those that routers send to us */
	struct addr handover[ASSIGN_SLOTS_MAX];
	/* Bit i: other_caches[i] is a member; it may have flows of any slot. */
	uint32_t members, asked;
	/* Buckets whose packets go by the alternate hash instead. */
	struct wccp_bucket_vector hot;
	/* Source address of proofs of delivery: one that routers have, if it is known. */
	struct addr proof_source;
};

/* Connections to an address and port of this box are given to a pool. */
struct plan_listen {
	struct addr addr; /* unset: every address of the box */
	uint16_t port;
	unsigned pool; /* index into plan.pools */
	bool pass_when_down; /* leave them to who listens there besides; or refuse them */
};

/* A router as a source of redirected packets, for one service. */
struct plan_router {
	unsigned service;      /* index into plan.services */
	struct addr id;	       /* source of its GRE packets */
	struct addr address;   /* where it answers from: its on-link address for L2 */
	uint32_t forward, ret; /* WCCP_METHOD_*, as agreed */
	bool held; /* new connections go back: what is delivered does not arrive */
	bool guessed; /* it has not answered yet: its id may be another */
};

/* A further sender of redirected packets: what it sends counts as a router's. */
struct plan_source {
	unsigned router; /* index into plan.routers */
	bool by_mac;
	struct addr addr; /* outer source of GRE ... */
	uint8_t mac[6];	  /* ... or of frames */
};

struct plan {
	/* That redirected packets arrive on: these, or every one that can have them.  None:
	 * nothing is redirected. */
	bool any_interface;
	unsigned n_interfaces;
	char interfaces[PLAN_MAX_INTERFACES][IF_NAMESIZE];
	struct addr self;	     /* our address: outer destination of GRE */
	uint32_t mark, mark_mask;    /* firewall mark of packets to deliver here */
	/* Interface of our own to deliver them through; empty: the mark alone leads here. */
	char delivery_interface[IF_NAMESIZE];
	uint32_t table;		     /* routing table with the local default route */
	uint32_t rule_priority;	     /* of the rules that lead there */
	uint32_t tc_priority;	     /* of the ingress program; 0: see kernel/tc.h */
	unsigned n_services, n_pools, n_routers, n_other_caches;
	/* Different ones among the routers; services at routers that found no room. */
	unsigned n_addresses, n_left_out;
	unsigned n_listens;
	struct plan_listen listens[PLAN_MAX_LISTENS];
	const struct plan_bypass *bypass; /* not owned; NULL: no prefixes */
	unsigned n_sources;
	struct plan_source sources[PLAN_MAX_SOURCES];
	struct plan_service services[PLAN_MAX_SERVICES];
	struct plan_pool pools[PLAN_MAX_POOLS];
	struct plan_router routers[PLAN_MAX_ROUTERS];
	struct addr other_caches
		[WCCP_MAX_CACHES]; /* other web-caches that may hand flows over */
};

#endif
