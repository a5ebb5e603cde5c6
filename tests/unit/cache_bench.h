/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bench to put one group on: virtual time, simple routers made of real
 * datagrams, and a record of everything the group had done.
 */
#ifndef CACHE_BENCH_H
#define CACHE_BENCH_H

#include "cache.h"

/* How a router that assigns by mask shows its table. */
enum rtr_listing {
	RTR_LISTS_SETS,     /* with each web-cache, its values */
	RTR_LISTS_NO_VALUE, /* one set of no values each, all flagged U */
	RTR_LISTS_NO_SET,   /* no set at all */
};
enum rtr_echo {
	RTR_ECHOES_NOTHING,
	RTR_ECHOES_MAP,     /* component 14, by hash component 6 */
	RTR_ECHOES_ALT_MAP, /* component 16 */
};

/* A router as far as a web-cache can tell.  Tests change its fields at will. */
struct rtr {
	struct addr address, id;
	struct wccp_service service;
	struct codec_password password;
	uint32_t receive_id; /* of the last I_SEE_YOU */
	struct wccp_capabilities capabilities;
	struct wccp_router_view view;
	bool far;      /* behind a gateway */
	bool answers;  /* every HERE_I_AM, at once */
	bool accepts;  /* REDIRECT_ASSIGN with the right ids */
	bool accepts_nobody; /* new in its view */
	bool obeys;    /* SHUTDOWN */
	bool passes_status; /* of web-caches, on to others */
	uint8_t max_minor;    /* highest version it speaks */
	bool ignores_newer;   /* no answer to a HERE_I_AM above that */
	uint8_t minor;        /* of its next message; follows from the last HERE_I_AM */
	/* Multicast: HERE_I_AMs are answered every `period_ms` by one I_SEE_YOU. */
	int64_t period_ms;
	struct mono see_at;
	bool addressed;   /* there is somebody to answer */
	uint16_t command; /* to be answered */
	bool by_mask;         /* what follows is its table, not what is in `view` */
	struct cache_table table; /* by hash, only for the echo */
	enum rtr_listing listing;
	enum rtr_echo echo;
	unsigned stale; /* HERE_I_AMs with a wrong receive id, discarded */
	unsigned refused; /* assignments */
};

enum { SENT_MAX = 4096, NOTED_MAX = 4096, RTRS_MAX = 8 };

struct sent {
	struct mono at;
	struct addr to;
	size_t len;
	const uint8_t *octets; /* until bench_clear() */
};

struct noted {
	struct mono at;
	const char *event;
	struct addr peer;
	enum note_level level;
	bool rate_limited;
	char text[512];
};

struct bench {
	struct cache *cache;
	struct cache_conf conf;
	struct mono now;
	unsigned n_rtrs;
	struct rtr *rtrs[RTRS_MAX];
	unsigned n_sent, n_noted, n_changed;
	struct sent sent[SENT_MAX];
	struct noted noted[NOTED_MAX];
	struct wccp_msg got;      /* the message bench_last() decoded */
	struct cache_status status; /* filled by bench_look() */
};

extern struct bench B;

/* One web-cache service, self 10.0.0.10, GRE and hash, routers given. */
void bench_open(unsigned n_rtrs, struct rtr *const *rtrs);
void bench_close(void);
/* Another group in place of this one, from B.conf: we were restarted. */
void bench_restart(void);
/* Forget what was sent and noted so far. */
void bench_clear(void);

/* A router at this address, which is also its id; answers, accepts and obeys. */
struct rtr rtr_make(uint32_t address);
struct rtr rtr_make_at(const struct addr *address);
/* Put a web-cache into its view (change number + 1), or change its weight. */
void rtr_add(struct rtr *r, uint32_t cache, uint16_t weight);
void rtr_remove(struct rtr *r, uint32_t cache);
/* Give it buckets first .. first + n - 1. */
void rtr_give(struct rtr *r, uint32_t cache, unsigned first, unsigned n);
unsigned rtr_count(const struct rtr *r, uint32_t cache);
/* The same in the table of a router that assigns by mask. */
void rtr_give_values(struct rtr *r, uint32_t cache, unsigned first, unsigned n);
unsigned rtr_count_values(const struct rtr *r, uint32_t cache);
/* -- cache_bench_mask.c, for cache_bench.c */
void rtr_put_table(const struct rtr *r, struct wccp_msg *m);
void rtr_take_table(struct rtr *r, const struct wccp_msg *m);
/* Send an I_SEE_YOU with the next receive id; `command` 0 for none. */
void rtr_see(struct rtr *r, uint16_t command);
/* Encode one without sending; returns its length. */
size_t rtr_encode(struct rtr *r, uint16_t command, uint8_t *octets, size_t size);
void rtr_query(struct rtr *r, const struct addr *target);

void bench_rx(const struct addr *from, const void *octets, size_t len);
void bench_health(bool up, uint16_t weight);
void bench_reachable(void);
void bench_conf(void); /* B.conf, as changed by the test */
void bench_shutdown(void);
/* Let time pass, firing the group's deadlines and the routers' answers. */
void bench_run(int64_t ms);
/* Without TICKs: as when other events keep coming. */
void bench_skip(int64_t ms);

/* -- what happened -- */
unsigned bench_count(enum wccp_type type, const struct rtr *to);
/* Decode the newest (or n-th newest) message of a type to a router into B.got;
 * fails the test when there is none. */
const struct sent *bench_last(enum wccp_type type, const struct rtr *to);
const struct sent *bench_nth(enum wccp_type type, const struct rtr *to, unsigned nth);
/* `to` MULTICAST: to the group's multicast address. */
#define MULTICAST (&bench_multicast)
extern struct rtr bench_multicast;
unsigned bench_notes(const char *event, const struct rtr *about);
const char *bench_note_text(const char *event); /* of the newest; "" */
/* Fill and return B.status. */
const struct cache_status *bench_look(void);
enum peer_state bench_state(const struct rtr *r);
const struct cache_router_status *bench_router(const struct rtr *r);

#define SELF 0x0a00000a /* 10.0.0.10 */

#endif
