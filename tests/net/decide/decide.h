/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Do the eBPF program and a plain reference decide alike?  Random service groups are
 * put into the real program by the real data plane, random packets run through it
 * (BPF_PROG_TEST_RUN), and what comes out is compared with what the reference says.
 *
 *   main       rounds, counts, output
 *   chance     random numbers
 *   world      random configurations and states of service groups
 *   sample     random packets: what they are, and their octets
 *   reference  the decision, after the drafts, by no code of the programs
 *   kernel     the program under test, and the comparison
 */
#ifndef DECIDE_H
#define DECIDE_H

#include "chance.h"

#include "wccprouter/forward/forward.h"
#include "wccprouter/conf/routerd_conf.h"
#include "router.h"

enum {
	SERVICES = 6, /* at most */
	CACHES = 4,   /* of one service, at most */
	FRAME_MAX = 1024,
};

/* -- world ------------------------------------------------------------------------- */

struct world {
	struct routerd_conf conf;
	bool excluded; /* what came in on the VLAN's interface */
	struct router_status status[SERVICES];
};

/* Web-cache number i of a family; the last one has no route. */
struct addr world_cache(unsigned family, unsigned i);
bool world_is_reachable(const struct addr *cache);
/* A new configuration, and then new states of its service groups. */
void world_configure(struct world *w);
void world_change(struct world *w);

/* -- packets ----------------------------------------------------------------------- */

enum kind { IPV4, IPV6, FRAGMENT, EXTENDED, VLAN, LEAVING, KINDS };

/* Where it comes in, or leaves. */
enum where { TRUNK, OF_VLAN, CACHES_SIDE, PLACES };

struct sample {
	unsigned family; /* ADDR_V4, ADDR_V6 */
	struct addr src, dst;
	uint8_t protocol, ttl;
	bool whole;	  /* no fragment */
	bool shows_ports; /* of TCP or UDP, and in this fragment */
	uint16_t sport, dport;
	bool foreign;	  /* not looked at: has a tag, or headers without end */
	bool leaving;	  /* was forwarded; else it has just come in */
	enum where at;	  /* the interface; OF_VLAN: without the tag */
	enum where from;  /* of one that leaves; PLACES: the router's own */
	bool wccp;	  /* GRE packet of WCCP */
	unsigned l3, len; /* where its header begins in the frame, and the end */
	uint8_t frame[FRAME_MAX];
};

/* Addresses, ports and protocols are often those that the services are about. */
void sample_make(struct sample *s, enum kind kind, const struct world *w);
uint16_t sample_checksum(const uint8_t *octets, unsigned len);

/* -- the reference ----------------------------------------------------------------- */

enum verdict {
	NOT_OURS,   /* no service has it */
	EXEMPT,	    /* of no service's business: for this host, multicast ... */
	DENIED,	    /* by a redirect list */
	UNASSIGNED, /* nobody takes it */
	REFUSED,    /* the same at a closed service */
	EXPIRED,    /* its TTL ends here */
	BY_HASH,
	BY_ALTERNATE_HASH,
	BY_MASK,
	VERDICTS,
};

struct decision {
	enum verdict verdict;
	unsigned service;  /* index */
	uint64_t bypassed; /* services that a member's own packet passed by */
	struct addr cache; /* where it is redirected to ... */
	bool gre;	   /* ... by GRE, or by L2 */
	uint8_t header[4]; /* redirect header */
};

struct decision reference_decide(const struct world *w, const struct sample *s);

/* -- the program ------------------------------------------------------------------- */

extern const char *const kernel_interfaces[PLACES];

/* Load everything for this configuration; the process ends on failure. */
void kernel_open(const struct world *w);
void kernel_change(const struct world *w);
void kernel_close(void);
/* Run the packet.  0, or -1 with what differs from the decision. */
int kernel_compare(const struct sample *s, const struct decision *d, struct err *err);
/* Have the counters of the program grown by what was decided since kernel_open()? */
int kernel_compare_counters(const struct world *w, struct err *err);

#endif
