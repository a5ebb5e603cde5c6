/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A whole service group in one process and in virtual time: the real machines of
 * both sides, real datagrams, and a network that loses, doubles and reorders them.
 *
 *   net.c      the network
 *   world.c    the nodes: steps, actions, the clock
 *   trouble.c  what befalls them
 *   judge.c    what must hold at every step, and what in the end
 *   test_sim.c runs it for many seeds
 *
 * Everything random comes from the seed, so a run can be repeated exactly.
 */
#ifndef SIM_H
#define SIM_H

#include "group.h"
#include "router.h"

#include <stdarg.h>

enum {
	SIM_CACHES = 8,
	SIM_ROUTERS = 4,
	SIM_NODES = SIM_CACHES + SIM_ROUTERS, /* caches first */
	SIM_PACKETS = 4096,                   /* on their way at once */
	SIM_DELAY_MAX_MS = 1000,
};

/* -- network ------------------------------------------------------------------ */

struct sim_packet {
	struct mono at;
	uint64_t number; /* in the order of sending; settles ties */
	unsigned from, to;
	size_t len;
	uint8_t *octets;
};

struct sim_net {
	bool bad; /* 20 % lost, 10 % doubled, delays up to SIM_DELAY_MAX_MS */
	bool cut[SIM_CACHES][SIM_ROUTERS];
	uint64_t number, sent, lost, doubled;
	unsigned n;
	struct sim_packet heap[SIM_PACKETS]; /* earliest first */
};

struct sim;

void net_send(struct sim *sim, unsigned from, unsigned to, const void *octets,
	      size_t len);
/* When the next packet arrives; never when none is on its way. */
struct mono net_next(const struct sim_net *net);
/* Take that packet out; its octets are the caller's to free. */
struct sim_packet net_take(struct sim_net *net);
void net_drop_all(struct sim_net *net);

/* -- world ---------------------------------------------------------------------- */

/* What a run is about; the same for all of its nodes. */
struct sim_plan {
	bool timers; /* of 2.01 are offered and wished for */
	bool echo, password;
	uint16_t transmit_t_ms;
	uint8_t timeout_scale, ra_scale;
};

struct sim_cache {
	struct addr addr;
	struct group *group; /* NULL: crashed, or not started yet */
	bool up, ending;
	uint16_t weight;
	struct mono left; /* when it last ceased to want traffic; never: it does */
	struct mono deadline;
};

struct sim_router {
	struct addr addr, id;
	struct router *router; /* NULL: it is down */
	struct mono deadline;
};

struct sim {
	uint64_t seed, random;
	bool trace;
	struct sim_plan plan;
	struct mono now;
	struct mono trouble_at; /* the next */
	struct sim_net net;
	struct sim_cache caches[SIM_CACHES];
	struct sim_router routers[SIM_ROUTERS];
	uint64_t hash; /* of all that was sent: two runs of a seed are the same */
	uint64_t steps;
	bool failed;
	char why[256];
};

/* A number below `below`, which is not 0. */
uint32_t sim_any(struct sim *sim, uint32_t below);
bool sim_chance(struct sim *sim, unsigned percent);
/* The first failure is kept, the run ends. */
void sim_fail(struct sim *sim, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void sim_trace(const struct sim *sim, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void world_start(struct sim *sim, uint64_t seed, bool trace);
void world_stop(struct sim *sim);
/* Let time pass, with everything that is due in it, until `end` or a failure. */
void world_run(struct sim *sim, struct mono end);

void world_cache_start(struct sim *sim, unsigned i);
void world_cache_crash(struct sim *sim, unsigned i);
void world_cache_health(struct sim *sim, unsigned i, bool up, uint16_t weight);
void world_cache_shutdown(struct sim *sim, unsigned i);
void world_router_start(struct sim *sim, unsigned j);
void world_router_crash(struct sim *sim, unsigned j);

/* Base times of the plan, in ms. */
int64_t world_tb_ms(const struct sim *sim);
int64_t world_rb_ms(const struct sim *sim);

/* -- trouble -------------------------------------------------------------------- */

/* One thing happens, and the next is arranged. */
void trouble_strike(struct sim *sim);
/* No more of it: routers and links work, some of the caches stay away. */
void trouble_end(struct sim *sim);

/* -- judge ---------------------------------------------------------------------- */

void judge_cache(struct sim *sim, unsigned i);
void judge_router(struct sim *sim, unsigned j);
/* The one state that all must end in: NULL when they are in it, else what is not
 * so; valid until the next call. */
const char *judge_end_state(struct sim *sim);

#endif
