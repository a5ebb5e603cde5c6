/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A service and its mirror: real groups against real routers in virtual time, each
 * datagram delivered at once unless a test has it lost.  After every step each router
 * is looked at: its two tables must be alike.
 */
#ifndef PAIR_WORLD_H
#define PAIR_WORLD_H

#include "cache.h"
#include "mask.h"
#include "router.h"

#include <check.h>

enum { CACHES = 3, ROUTERS = 2, SERVICES = 2, QUEUE = 512, T_MS = 10000 };

struct packet {
	unsigned from, to, service; /* nodes; web-caches first */
	size_t len;
	uint8_t octets[8192];
};

struct pair_world {
	struct mono now;
	bool paired, mask;
	struct cache *groups[CACHES][SERVICES];
	struct router *routers[ROUTERS][SERVICES];
	unsigned n_queued;
	struct packet queue[QUEUE];
	/* Is this one to be lost?  NULL: none is. */
	bool (*lost)(const struct packet *p);
	unsigned loss_percent, bend_percent;
	bool bent; /* then a key proves nothing */
	uint64_t random;
	int64_t unlike_ms; /* a slot had two owners, in all */
	struct mono looked;
	bool was_unlike;
	unsigned assignments[SERVICES];
	char split[256]; /* the last note of that */
	unsigned splits, unlikes, halves;
};

extern struct pair_world W;

uint32_t pair_any(uint32_t below);
const struct router_status *pair_look(unsigned j, unsigned k);
/* 0: nobody. */
uint32_t pair_bucket_owner(const struct router_status *s, unsigned bucket);
uint32_t pair_value_owner(const struct router_masks *m, const struct wccp_mask *value);
bool pair_alike(unsigned j);
/* A router takes the slots of those that it removes out of its table at once, maybe
 * only in one of them; other than that none has two owners. */
bool pair_conflict(unsigned j);
unsigned pair_owned(unsigned j, unsigned k, unsigned cache);
/* All that is due now, the mirror's first if `k` says so. */
bool pair_tick_due(void);
struct mono pair_next_deadline(void);
void pair_run(int64_t ms);
void pair_start_cache(unsigned i);
void pair_health(unsigned i, unsigned k, bool up, uint16_t weight);
void pair_up(unsigned i);
void pair_down(unsigned i);
void pair_crash(unsigned i);
void pair_start_router(unsigned j, unsigned k);
void pair_stop_router(unsigned j, unsigned k);
void pair_begin(bool paired, bool by_mask);
void pair_end(void);
/* Every router has a table, both are alike, and these web-caches share it. */
void pair_expect(bool a, bool b, bool c);

#endif
