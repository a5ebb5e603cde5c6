/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets that are handed on to the program that takes our place.  Those that need
 * CAP_NET_RAW are opened when the program starts, before it gives up that capability, and
 * stay open as long as it runs.
 */
#ifndef WCCPD_COMMON_KEPT_SOCKETS_H
#define WCCPD_COMMON_KEPT_SOCKETS_H

enum kept_socket {
	KEPT_GRE,    /* raw, IPv4 protocol 47 */
	KEPT_ICMP,   /* raw, IPv4 */
	KEPT_ICMPV6, /* raw */
	/* These are opened, and owned, by others. */
	KEPT_UDP4, /* for WCCP messages */
	KEPT_UDP6,
	KEPT_CONTROL,
	KEPT_SOCKETS,
};

/* Take over those that were handed on to us, open the others.  `which` is a mask of 1 <<
 * enum kept_socket. */
void kept_sockets_open(unsigned which);

/* The non-blocking socket, which the caller must not close; -1 when it could not be opened,
 * errno says why. */
int kept_socket(enum kept_socket which);

/* Take over one that was handed on to us: now it is the caller's.  -1: there is none. */
int kept_socket_take(enum kept_socket which);
/* Hand on this one, too; it stays the caller's. */
void kept_socket_lend(enum kept_socket which, int fd);

/* We are about to execute our program again in this process. */
void kept_sockets_hand_on(void);

#endif
