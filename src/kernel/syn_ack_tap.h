/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Do SYN-ACKs leave this host?  A program that sees what is handed to the interfaces of this
 * network namespace, after packet filter and routing.  Wake it only while that is in doubt:
 * it costs each packet a little.
 */
#ifndef WCCPD_KERNEL_SYN_ACK_TAP_H
#define WCCPD_KERNEL_SYN_ACK_TAP_H

#include "addr.h"

#include <stdbool.h>
#include <stdint.h>

enum { SYN_ACK_TAP_PORTS = 64 };

struct syn_ack_bpf;

/* All zero before it is woken for the first time. */
struct syn_ack_tap {
	struct syn_ack_bpf *bpf; /* NULL: not needed yet */
	bool is_impossible;	 /* the kernel refuses: it never sees anything */
	bool awake;
	/* From which SYN-ACKs have left, host order; more are not noted. */
	unsigned n_ports;
	uint16_t ports[SYN_ACK_TAP_PORTS];
};

void syn_ack_tap_wake(struct syn_ack_tap *tap);
void syn_ack_tap_park(struct syn_ack_tap *tap);
void syn_ack_tap_free(struct syn_ack_tap *tap);

/* Note the ports of what has left since the last call, from an IPv4 address other than
 * `own`; forget those of before. */
void syn_ack_tap_read(struct syn_ack_tap *tap, const struct addr *own);

#endif
