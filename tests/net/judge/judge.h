/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Do the ingress program and a plain reference judge alike?  Random plans are put into
 * force by the real data plane, random packets run through the program that it has
 * attached (BPF_PROG_TEST_RUN), and what comes out, octet by octet, and what is counted
 * is compared with what the reference says.
 *
 *   main         rounds, counts, output
 *   plans        random plans
 *   packets      random packets: what they are, and their octets
 *   sockets      listeners and connections of this process
 *   expectation  the judgement, after the draft and the manual, by no code of the program
 *   program      the program under test, and the comparison
 *   hostile      packets that nobody should send
 *   rules        what must never happen to any packet, read from its octets alone
 */
#ifndef JUDGE_H
#define JUDGE_H

#include "../decide/chance.h"

#include "bpf/ingress/ingress_maps.h"
#include "dp/dp.h"

enum {
	SERVICES = 5,
	ROUTERS = 3,
	OTHERS = 2,
	BYPASSES = 12, /* prefixes, at most */
	FLOWS = 64,
	DATAGRAMS = 150, /* that fragments are of */
	SEARCHES = 100000, /* flows that came back, at most */
	FRAME_MAX = 2048,
	MTU = 1500,
	ETHERNET = 14,
	WRAP = 28,
};

/* Addresses in host order. */
#define ADDRESS(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define SELF ADDRESS(10, 2, 0, 2)

extern const uint32_t router_ids[ROUTERS], router_addresses[ROUTERS], others[OTHERS];

/* Of a plan's world only this is not in the plan. */
extern bool forwards;

/* -- sockets ----------------------------------------------------------------------- */

struct flow {
	uint32_t client, server;
	uint16_t client_port, server_port;
};
extern struct flow flows[FLOWS];

void sockets_open(void);
void sockets_add(struct plan_pool *pool, unsigned instance, unsigned number);

/* -- packets ----------------------------------------------------------------------- */

enum kind { PLAIN, OPTIONS, FRAGMENTS, MASK, HASH, VLAN, KINDS };

/* -- plans ------------------------------------------------------------------------- */

/* Services that stay, and then a new state of everything. */
void plan_begin(struct plan *plan);
void plan_change(struct plan *plan);
/* Slots are values of masks, or buckets, or both as it comes. */
void plan_set_assignment(struct plan *plan, enum kind kind);

/* One IPv4 packet. */
struct ip4 {
	uint32_t src, dst;
	uint16_t id, sport, dport; /* ports of TCP and UDP */
	uint16_t offset;	   /* in units of 8 octets */
	uint8_t protocol, ttl, tos, flags;
	bool more, df;
	unsigned options; /* words */
	bool source_routed;
	unsigned len;
	bool unsound; /* no IPv4 packet, or not all of it is there */
};

struct sample {
	bool to_us, tagged;
	uint8_t from[6];
	struct ip4 first; /* the frame's own packet */
	bool gre;	  /* it is one of GRE, of WCCP's kind unless it is odd */
	bool odd;
	uint8_t header[4]; /* redirect header */
	struct ip4 inner;
	uint32_t mark;
	unsigned len, inner_at;
	uint8_t frame[FRAME_MAX];
};

void packet_begin(void); /* new datagrams to make fragments of */
void packet_make(struct sample *s, enum kind kind, const struct plan *plan);
uint32_t packet_nasty_address(void);
const uint8_t *packet_router_mac(unsigned router);
uint16_t packet_checksum(const uint8_t *octets, unsigned len);

/* -- the reference ----------------------------------------------------------------- */

enum sending { STAYS, BARE_TO_SENDER, BARE_TO_MAC, BARE_BY_ADDRESS, WRAPPED_TO_SENDER,
	       WRAPPED_BY_ADDRESS, REFUSED };

struct judgement {
	bool ours;
	enum ingress_reason reason;
	int service; /* position in the plan; -1: none */
	bool from_cache, odd_header;
	enum sending sending;
	uint32_t to;	   /* outer destination */
	uint8_t mac[6];	   /* BARE_TO_MAC */
	uint8_t header[4]; /* of what is wrapped newly */
};

void expectation_begin(void); /* no fragment has come yet */
bool expectation_bypasses(const struct plan_bypass *b, uint32_t client, uint32_t server);
struct judgement expectation(const struct plan *plan, const struct sample *s);

/* -- the program ------------------------------------------------------------------- */

void program_open(void);
void program_change(const struct plan *plan);
void program_close(void);
/* A packet, and what became of it.  `action` is one of TC_ACT_*. */
struct result {
	int action;
	unsigned len;
	uint32_t mark;
	uint8_t frame[FRAME_MAX];
};
void program_run(const struct sample *s, struct result *sent, struct result *got);
/* 0, or -1 with what differs. */
int program_compare(const struct sample *s, const struct judgement *j,
		    const struct result *sent, const struct result *got, struct err *err);
int program_compare_counters(const struct plan *plan, struct err *err);

/* -- any packet -------------------------------------------------------------------- */

/* Spoil a packet: only its octets count from then on. */
void hostile_make(struct sample *s, const struct plan *plan);

void rules_begin(void); /* no fragment has come yet */
/* 0, or -1 with the rule that is broken.  What came in (`sent`) was addressed to our
 * MAC address or not. */
int rules_check(const struct plan *plan, const struct sample *s, const struct result *sent,
		const struct result *got, struct err *err);

#endif
