/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets that need CAP_NET_RAW.  They are opened when the program starts, before it gives
 * up that capability, stay open as long as it runs, and are handed on to the program that
 * takes its place.
 */
#ifndef WCCPD_COMMON_KEPT_SOCKETS_H
#define WCCPD_COMMON_KEPT_SOCKETS_H

enum kept_socket {
	KEPT_GRE,    /* raw, IPv4 protocol 47 */
	KEPT_PACKET, /* AF_PACKET without a link-layer header, bound to no protocol */
	KEPT_ICMP,   /* raw, IPv4 */
	KEPT_ICMPV6, /* raw */
	KEPT_SOCKETS,
};

/* Take over those that were handed on to us, open the others.  `which` is a mask of 1 <<
 * enum kept_socket. */
void kept_sockets_open(unsigned which);

/* The non-blocking socket, which the caller must not close; -1 when it could not be opened,
 * errno says why. */
int kept_socket(enum kept_socket which);

/* We are about to execute our program again in this process. */
void kept_sockets_hand_on(void);

#endif
