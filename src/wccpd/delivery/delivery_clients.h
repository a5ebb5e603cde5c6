/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Are the connections of clients that we deliver really answered?  Pure: it is given
 * the counters at each look.
 *
 * A client that only sends SYNs must not be able to raise a false alarm.  SYNs that
 * reached a listener and were answered do not show a fault of this box, whether the
 * handshake is completed or not; hence the question whether SYN-ACKs leave.
 */
#ifndef WCCPD_WCCPD_DELIVERY_DELIVERY_CLIENTS_H
#define WCCPD_WCCPD_DELIVERY_DELIVERY_CLIENTS_H

#include "mono.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	DELIVERY_CLIENTS_FEW = 3, /* SYNs in a row, and no handshake: a doubt */
	DELIVERY_SILENCE_MS = 120000,
	DELIVERY_CLIENTS_LOOKS = 20, /* in doubt without a further SYN, then it ends */
};

/* What has been counted up to now. */
struct delivery_clients_counts {
	uint64_t new_flows;	  /* SYNs delivered */
	uint64_t completed;	  /* handshakes */
	uint64_t stuck;	    /* data that came again before the socket had got any */
	uint64_t confirmed; /* signs of connections that have got data */
};

struct delivery_clients {
	bool has_counts;
	struct delivery_clients_counts last; /* at the last handshake, or doubt */
	unsigned in_doubt; /* looks since the doubt arose; 0: there is none */
	uint64_t stuck, confirmed; /* when a connection was last seen to work */
};

enum delivery_clients_verdict {
	DELIVERY_CLIENTS_FINE,
	DELIVERY_CLIENTS_DOUBT, /* look soon again, and for SYN-ACKs meanwhile */
	DELIVERY_CLIENTS_UNANSWERED,
	DELIVERY_CLIENTS_STUCK, /* they are answered, and get no further */
};

/*
 * Routers have given us slots, but not one packet has arrived since.  True once, when
 * that has lasted for DELIVERY_SILENCE_MS.
 */
struct delivery_silence {
	bool has_slots, settled;
	struct mono since;
	uint64_t redirected; /* when we got them */
};
bool delivery_silence_look(struct delivery_silence *s, unsigned my_slots,
			   uint64_t redirected, struct mono now);

/* `answered`: SYN-ACKs were seen to leave since the look before. */
enum delivery_clients_verdict
delivery_clients_look(struct delivery_clients *c, const struct delivery_clients_counts *now,
		      bool answered);

#endif
