/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Do SYN-ACKs leave this host?  A packet socket that sees what is handed to the
 * interfaces, after packet filter and routing.  Open it only while that is in doubt: it
 * costs each packet a little.
 */
#ifndef WCCPD_KERNEL_SYN_ACK_TAP_H
#define WCCPD_KERNEL_SYN_ACK_TAP_H

#include "addr.h"
#include "err.h"

#include <stdbool.h>
#include <stdint.h>

/* A descriptor, to be closed by close(); -1: `err` says why. */
int syn_ack_tap_open(struct err *err);

/* Has one left from an IPv4 address other than `own`, from a port for which `wanted`
 * answers true (host order)?  Consumes what has been seen since the last call. */
bool syn_ack_tap_seen(int tap, const struct addr *own,
		      bool (*wanted)(void *arg, uint16_t port), void *arg);

#endif
