/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A router on the bench: web-caches speak to it in real datagrams, its answers
 * are decoded again, time is virtual.
 */
#ifndef ROUTER_BENCH_H
#define ROUTER_BENCH_H

#include "router.h"

#include <check.h>

/* A web-cache played by the test. */
struct fake {
	struct addr addr, source;
	uint32_t receive_id;    /* of the last I_SEE_YOU it got */
	uint32_t change_number; /* the same */
	uint8_t minor;
	bool min_version;
	uint16_t weight;
	struct wccp_bucket_vector vector; /* what it claims */
	struct wccp_capabilities capabilities;
	unsigned n_others; /* routers it reports besides the one on the bench */
	struct addr others[WCCP_MAX_ROUTERS];
};

struct bench {
	struct router *r;
	struct router_conf conf;
	struct mono now;
	struct addr to; /* where web-caches send to */
	struct addr id; /* of the router, as they know it */
	bool off_link;  /* they are behind another router */
	struct wccp_msg scratch; /* the router's */
	struct wccp_msg msg;     /* to be sent */
	struct wccp_msg seen;    /* the last answer */
	struct actions out;      /* of the last step or advance */
	struct router_status status;
};

extern struct bench bench;

#define ROUTER_V4 0x0a0000feu /* 10.0.0.254 */
#define ROUTER_ID addr_v4(ROUTER_V4)

/* Web-cache 10.0.0.n, or 2001:db8::n. */
struct fake bench_cache(unsigned n);
struct fake bench_cache6(unsigned n);
/* Web-cache service 0, everything supported, no password. */
struct router_conf bench_conf(void);
void bench_start(const struct router_conf *conf, int64_t start_ms);
void bench_stop(void);

/* Fill bench.msg with the HERE_I_AM of `f`; the view lists us if it heard us. */
void bench_hello(const struct fake *f);
void bench_shutdown(const struct fake *f);
/* The REDIRECT_ASSIGN that `f` sends: bucket b to caches[b % n]. */
void bench_assign(const struct fake *f, uint32_t key, const struct fake *caches,
		  unsigned n);
/* Encode bench.msg and let it arrive from `source`. */
void bench_deliver(const struct addr *source);
void bench_octets(const struct addr *source, const void *octets, size_t len);
/* Decode the only datagram sent to an address into bench.seen; NULL without one. */
const struct wccp_msg *bench_sent_to(const struct addr *to);
/* Decode the only datagram sent to `f` into bench.seen: NULL when there was none.
 * An I_SEE_YOU updates the ids of `f`. */
const struct wccp_msg *bench_answer(struct fake *f);

/* The I_SEE_YOU in bench.seen is for `f`: keep its ids. */
void bench_take(struct fake *f);
/* hello + answer */
const struct wccp_msg *bench_greet(struct fake *f);
/* Greet twice: usable afterwards. */
void bench_join(struct fake *f);
/* Time passes; ticks come at their deadlines.  Actions add up in bench.out. */
void bench_advance(int64_t ms);

const struct router_status *bench_status(void);
const struct router_counters *bench_counters(void);
/* Is `f` among the usable ones? */
bool bench_usable(const struct fake *f);
/* Identity of `f` in the view of bench.seen, or NULL. */
const struct wccp_cache_id *bench_in_view(const struct fake *f);
/* Text of the first note of that event in bench.out, or NULL. */
const char *bench_note(const char *event);
unsigned bench_sends(void);
bool bench_changed(void);

/* -- router_bench_mask.c -- */
extern struct fake bench_both[2]; /* usable, and both know the newest numbers */
void bench_choose_mask(struct fake *f);
struct router_conf bench_mask_conf(void);
/* Start with bench_both in the group. */
void bench_start_masks(const struct router_conf *conf);
/* A mask of the destination address; with 0 an empty one. */
struct wccp_mask bench_dst(uint32_t bits);
/* Compose an assignment of sets by `f` in bench.msg: its head, ... */
void bench_begin_sets(const struct fake *f, uint32_t key, uint16_t type);
void bench_add_set(struct wccp_mask mask);
void bench_add_value(struct wccp_mask match, const struct fake *owner);
void bench_add_vsns(const struct fake *owner, const uint32_t *vsns, unsigned n);
/* ... or all of it: every value of the mask, in turns to the two. */
void bench_all_values(const struct fake *f, uint32_t key, struct wccp_mask mask);
/* From bench_both[0]. */
void bench_deliver_masks(void);
/* All values of 0x1741. */
void bench_assign_masks(uint32_t key);

#endif
