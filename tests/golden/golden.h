/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Golden traces: the real state machines of both sides play a scenario in virtual time,
 * and everything they send and note must match the trace beside it.
 *
 *   scene.c      reads a scenario, and has its commands carried out
 *   options.c    what it can say of a web-cache, a router, a service
 *   handmade.c   messages written by hand
 *   stage.c      the nodes: steps, actions, the network, the clock
 *   expect.c     what a scenario demands on its way
 *   trace.c      the trace: lines with their time, and states
 *   message.c    a message in it: what is new since the last of its kind
 *   test_golden.c plays all of them, or one, or rewrites the traces
 *
 * The network takes DELAY_MS for each datagram and loses what the scenario tells it to.
 */
#ifndef GOLDEN_H
#define GOLDEN_H

#include "cache.h"
#include "router.h"

#include <stdio.h>

enum {
	NODES = 12,
	SERVICES = 32,
	DELAY_MS = 10,
	LOSSES = 16,
	WORDS_MAX = 64, /* in a line */
};

struct golden_service {
	char name[24];
	struct wccp_service service;
	int mirror_of; /* index of the service that this one is paired with, or -1 */
};

enum node_kind { NODE_CACHE, NODE_ROUTER, NODE_HAND };

/* A machine for each service, whichever the kind. */
struct machine {
	struct cache *cache;
	struct router *router;
};

struct node {
	enum node_kind kind;
	char name[16];
	struct addr addr;
	bool off_link; /* its datagrams come to routers through another router */
	/* Of every service; the service itself is filled in. */
	struct cache_conf cache_conf;
	struct router_conf router_conf;
	struct machine machines[SERVICES];
};

/* What the network loses from `from` to `to`; type 0: everything. */
struct loss {
	const struct node *from, *to;
	uint32_t type;
	unsigned left; /* datagrams; UINT_MAX: for good */
};

struct stage {
	struct mono start, now;
	unsigned n_nodes, n_services, n_losses;
	struct node nodes[NODES];
	struct golden_service services[SERVICES];
	struct loss losses[LOSSES];
	FILE *trace;
	bool hide_messages;
	struct memory *memory, *said; /* of message.c */
	/* Set by the first thing that goes wrong; it ends the play. */
	bool failed;
	char why[512];
};

/* -- scene.c -- */
/* Play the scenario in file `path`, its trace going to `trace`.  0, or -1 with
 * "file:line: message" in `err`. */
int scene_play(const char *path, FILE *trace, struct err *err);

/* A line of a scenario, being read word by word. */
struct words {
	unsigned n, at;
	char *list[WORDS_MAX];
};

/* The next word; NULL at the end. */
const char *words_next(struct words *w);
/* The same, but one must be there: "" and a failure if not. */
const char *words_need(struct stage *st, struct words *w, const char *what);
/* Is the next word this one?  Then it is taken. */
bool words_take(struct words *w, const char *word);
/* As words_need(), for a number, an address, a list "a,b" of addresses. */
unsigned long words_number(struct stage *st, struct words *w, const char *what);
struct addr words_addr(struct stage *st, struct words *w, const char *what);
unsigned words_addrs(struct stage *st, struct words *w, struct addr *list,
		     unsigned max);

/* -- options.c -- */
/* Read all that follows. */
void options_service(struct stage *st, struct golden_service *s, struct words *w);
void options_cache(struct stage *st, struct node *n, struct words *w);
void options_router(struct stage *st, struct node *n, struct words *w);
/* "gre,l2" or "hash,mask" to a bit mask; in order of preference if `pref`. */
uint32_t options_methods(struct stage *st, const char *text,
			 struct cache_preference *pref);
void options_mask(struct stage *st, struct words *w, struct wccp_mask *mask);

/* -- handmade.c -- */
/* "TYPE to NODE key value ..." */
void handmade_write(struct stage *st, struct node *from, struct words *w);

/* -- stage.c -- */
void stage_fail(struct stage *st, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
struct node *stage_node(struct stage *st, const char *name);
struct node *stage_node_at(struct stage *st, const struct addr *addr);
/* Let time pass until `end`; what is due at that very time is left for later. */
void stage_run(struct stage *st, struct mono end);
void stage_send(struct stage *st, const struct node *from, const struct addr *to,
		const void *octets, size_t len);
/* Services first .. last of a web-cache or router. */
void stage_start(struct stage *st, struct node *n);
void stage_stop(struct stage *st, struct node *n);
void stage_health(struct stage *st, struct node *n, unsigned service, bool up,
		  uint16_t weight);
void stage_shutdown(struct stage *st, struct node *n);
void stage_conf(struct stage *st, struct node *n);
void stage_end(struct stage *st);

/* -- expect.c -- */
/* What follows "expect". */
void expect(struct stage *st, struct words *w);

/* -- trace.c -- */
/* A line with the time; a continued line without. */
void trace_line(struct stage *st, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void trace_more(struct stage *st, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void trace_state(struct stage *st);

/* -- message.c -- */
/* `to` is a name; `fate` is appended: "" or what became of the message. */
void message_trace(struct stage *st, const struct node *from, const char *to,
		   const void *octets, size_t len, const char *fate);
void message_forget(struct stage *st);

#endif
