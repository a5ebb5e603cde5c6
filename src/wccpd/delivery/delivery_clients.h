/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Are the connections of clients that are delivered really answered?  Pure: counters come
 * in at each look.
 *
 * Somebody who only sends SYNs must not be able to raise a false alarm.  SYNs that came
 * as far as a listener and were answered say nothing against this box, whether they
 * are completed or not; hence the question whether SYN-ACKs leave.
 */
#ifndef WCCPD_WCCPD_DELIVERY_DELIVERY_CLIENTS_H
#define WCCPD_WCCPD_DELIVERY_DELIVERY_CLIENTS_H

#include <stdbool.h>
#include <stdint.h>

enum {
	DELIVERY_CLIENTS_FEW = 3, /* SYNs between two looks that say something */
};

/* What has been counted up to now. */
struct delivery_clients_counts {
	uint64_t new_flows;	  /* SYNs delivered */
	uint64_t completed;	  /* handshakes */
};

struct delivery_clients {
	bool has_counts;
	struct delivery_clients_counts last;
	unsigned suspicious; /* looks in a row with SYNs and without a handshake */
};

enum delivery_clients_verdict {
	DELIVERY_CLIENTS_FINE,
	DELIVERY_CLIENTS_DOUBT, /* look soon again, and for SYN-ACKs meanwhile */
	DELIVERY_CLIENTS_UNANSWERED,
};

/* `answered`: SYN-ACKs were seen to leave since the look before. */
enum delivery_clients_verdict
delivery_clients_look(struct delivery_clients *c, const struct delivery_clients_counts *now,
		      bool answered);

#endif
