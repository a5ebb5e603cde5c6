/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole service groups in one process and in virtual time: the real machines of
 * both sides, real datagrams, and a network that loses, doubles and reorders them.
 *
 *   plan.c     what a seed stands for: how many nodes, and how each is configured
 *   net.c      the network
 *   recorder.c an attacker who replays what he has recorded
 *   world.c    the nodes: their lives, and the clock
 *   step.c     one step of a node, and carrying out its actions
 *   trouble.c  what happens to them
 *   vary.c     temporary changes of their configuration
 *   judge.c    what must hold at every step
 *   moves.c    ... and of every assignment that is sent
 *   table.c    tables, and whether two of a pair are alike
 *   goal.c     the state that all must end in, and by when
 *   test_sim.c runs it for many seeds
 *
 * Everything random comes from the seed, so a run can be repeated exactly.
 */
#ifndef SIM_H
#define SIM_H

#include "cache.h"
#include "router.h"

#include <stdarg.h>

enum {
	SIM_CACHES = WCCP_MAX_CACHES,
	SIM_ROUTERS = WCCP_MAX_ROUTERS,
	SIM_NODES = SIM_CACHES + SIM_ROUTERS, /* caches first */
	SIM_SERVICES = 2,		      /* one, or a pair */
	SIM_PACKETS_MAX = 1 << 16,	      /* on their way at once */
	SIM_DELAY_MAX_MS = 1000,
	SIM_GOOD_DELAY_MAX_MS = 20,
	SIM_TABLES = 64, /* assignments remembered */
	SIM_ELSEWHERE = UINT8_MAX, /* no node: a datagram from any address */
};

struct sim;

/* -- chance and words ------------------------------------------------------------ */

/* A number below `below`, which is not 0. */
uint32_t sim_any(struct sim *sim, uint32_t below);
bool sim_chance(struct sim *sim, unsigned percent);
/* The first failure is kept, the run ends. */
void sim_fail(struct sim *sim, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void sim_trace(const struct sim *sim, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* -- plan -------------------------------------------------------------------------- */

enum sim_methods { SIM_HASH, SIM_MASK, SIM_MIXED };

/* What a run is about. */
struct sim_plan {
	bool classic; /* 8 web-caches, 4 routers, 20 % loss, all of one kind */
	unsigned n_caches, n_routers, n_services;
	unsigned loss;		     /* percent, of a bad network */
	bool settles_despite_losses; /* small enough for that to be likely */
	bool ipv6, multicast, password, echo, strangers, outcasts;
	enum sim_methods methods;
	bool timers; /* of 2.01 are offered and wished for */
	/* The largest that any two nodes may agree upon, in ms. */
	int64_t t_ms, tb_ms, rb_ms;
	int64_t trouble_ms;
};

void plan_make(struct sim *sim);
/* The configuration that a node has in the end, and mostly before. */
void plan_caches(struct sim *sim);
void plan_routers(struct sim *sim);
void plan_trace(const struct sim *sim);
/* Any mask for masks of this plan; empty: the default. */
struct wccp_mask plan_any_mask(struct sim *sim);

/* -- network ----------------------------------------------------------------------- */

struct sim_octets; /* shared by the copies of a datagram */

struct sim_packet {
	struct mono at;
	uint64_t number; /* in the order of sending; settles ties */
	uint8_t from, to, service;
	bool multicast; /* to the group's address */
	bool replayed;
	struct sim_octets *octets;
};

struct sim_net {
	bool bad; /* losses, 10 % doubled, delays up to SIM_DELAY_MAX_MS */
	bool cut[SIM_CACHES][SIM_ROUTERS];
	uint64_t number, sent, lost, doubled;
	size_t largest; /* datagram, in octets */
	unsigned n, room;
	struct sim_packet *heap; /* earliest first */
};

struct sim_octets *net_octets(const void *octets, size_t len);
const uint8_t *net_data(const struct sim_octets *octets, size_t *len);
void net_keep(struct sim_octets *octets);
void net_release(struct sim_octets *octets);
/* Keeps its own reference. */
void net_send(struct sim *sim, unsigned from, unsigned to, unsigned service,
	      bool multicast, struct sim_octets *octets);
/* The same for a packet that an attacker has made; it is never lost. */
void net_inject(struct sim *sim, struct sim_packet p);
/* When the next packet arrives; never when none is on its way. */
struct mono net_next(const struct sim_net *net);
/* Take that packet out; its octets are the caller's to release. */
struct sim_packet net_take(struct sim_net *net);
void net_stop(struct sim_net *net);

/* -- world --------------------------------------------------------------------------- */

struct sim_cache {
	struct addr addr;
	struct cache_conf plan[SIM_SERVICES]; /* as it is in the end ... */
	struct cache_conf conf[SIM_SERVICES]; /* ... and now */
	bool stranger;			      /* joins, and is in nobody's list */
	bool outcast;			      /* no router lets it join */
	struct cache *groups[SIM_SERVICES];   /* NULL: crashed, or not started yet */
	bool up, ending;
	uint16_t weight;
	struct mono reweighted; /* when that changed */
	struct mono remasked;	/* when its configuration did */
	struct mono judged[SIM_SERVICES];
	/* When an I_SEE_YOU of each router last came. */
	struct mono heard[SIM_SERVICES][SIM_ROUTERS];
	/* Since it is up, of its newest assignment by hash, by mask: the key's
	 * number; 0: none */
	uint32_t newest[SIM_SERVICES][2];
};

struct sim_router {
	struct addr addr;
	struct router_conf plan[SIM_SERVICES], conf[SIM_SERVICES];
	struct router *routers[SIM_SERVICES]; /* NULL: it is down */
	struct mono judged[SIM_SERVICES];
	/* When a HERE_I_AM of each web-cache last came. */
	struct mono heard[SIM_SERVICES][SIM_CACHES];
};

/* An assignment as it was sent: owners are numbers of web-caches. */
struct sim_table {
	struct wccp_key key;
	bool by_mask;
	struct wccp_mask mask;
	unsigned n_slots; /* 0: none */
	uint8_t owners[ASSIGN_SLOTS_MAX];
};

struct sim_record; /* recorder.c */

struct sim {
	uint64_t seed, random;
	bool trace, attacked;
	struct sim_record *record; /* NULL: nobody records */
	struct mono attack_at;	   /* the next */
	uint64_t replayed;
	struct sim_plan plan;
	struct mono now;
	struct mono trouble_at; /* the next */
	bool parted;		/* there is a partition to mend */
	struct sim_net net;
	struct sim_cache caches[SIM_CACHES];
	struct sim_router routers[SIM_ROUTERS];
	struct mono deadlines[SIM_NODES][SIM_SERVICES];
	unsigned n_tables[SIM_SERVICES];
	struct sim_table tables[SIM_SERVICES][SIM_TABLES]; /* the newest, in turn */
	uint64_t hash; /* of all that was sent: two runs of a seed are the same */
	uint64_t steps, strikes, assignments, moves_judged;
	bool failed;
	char why[256];
};

static inline bool sim_is_cache(unsigned node)
{
	return node < SIM_CACHES;
}

/* Number of the web-cache with this address, or -1. */
int world_cache_at(const struct sim *sim, const struct addr *addr);
int world_router_at(const struct sim *sim, const struct addr *addr);

void world_start(struct sim *sim, uint64_t seed, bool trace, bool attacked);
void world_stop(struct sim *sim);
/* Let time pass, with everything that is due in it, until `end` or a failure. */
void world_run(struct sim *sim, struct mono end);

void world_cache_start(struct sim *sim, unsigned i);
void world_cache_crash(struct sim *sim, unsigned i);
void world_cache_health(struct sim *sim, unsigned i, bool up, uint16_t weight);
void world_cache_shutdown(struct sim *sim, unsigned i);
/* caches[i].conf has changed. */
void world_cache_configure(struct sim *sim, unsigned i, const char *what);
void world_router_start(struct sim *sim, unsigned j);
void world_router_crash(struct sim *sim, unsigned j);

/* -- steps ------------------------------------------------------------------------------ */

void step_cache(struct sim *sim, unsigned i, unsigned service,
		const struct cache_event *ev);
void step_deliver(struct sim *sim, const struct sim_packet *p);
void step_ticks(struct sim *sim);

/* -- trouble ------------------------------------------------------------------------------ */

/* One thing happens, and the next is arranged. */
void trouble_strike(struct sim *sim);
/* End the trouble: routers and links work, some of the caches stay away. */
void trouble_end(struct sim *sim);

/* Another configuration for a while, or the planned one again. */
void vary_cache(struct sim *sim, unsigned i);
void vary_router(struct sim *sim, unsigned j); /* from its next start on */
void vary_end(struct sim *sim);

/* -- recorder --------------------------------------------------------------------- */

void recorder_start(struct sim *sim);
void recorder_stop(struct sim *sim);
/* A datagram has arrived. */
void recorder_hear(struct sim *sim, const struct sim_packet *p);
/* Some come again, and the next time is arranged. */
void recorder_attack(struct sim *sim);

/* -- judge ---------------------------------------------------------------------------------- */

void judge_cache(struct sim *sim, unsigned i, unsigned service);
void judge_router(struct sim *sim, unsigned j, unsigned service);

/* A REDIRECT_ASSIGN that a web-cache sends. */
void moves_judge(struct sim *sim, unsigned i, unsigned service, const void *octets,
		 size_t len);

/* What a router has in force; purged slots have no owner. */
void table_read(const struct sim *sim, const struct router_status *s,
		struct sim_table *t);
/* Is it that of the first service, mirrored, in all slots that both assign? */
bool table_mirrors(const struct sim_table *mirror, const struct sim_table *first);

/* In ms, from the first moment of a good network on. */
int64_t goal_bound_ms(const struct sim *sim);
/* NULL if all are in the state that they must end in, else what is wrong; valid until
 * the next call. */
const char *goal_missed(struct sim *sim);

#endif
