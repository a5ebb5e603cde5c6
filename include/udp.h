/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The UDP sockets for WCCP messages, port 2048 to port 2048.  A web-cache binds its own
 * address.  A router binds all addresses and needs to know which of them a datagram was
 * sent to, because it answers from that one.
 */
#ifndef WCCPD_UDP_H
#define WCCPD_UDP_H

#include "addr.h"
#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { UDP_PORT = 2048 }; /* of WCCP */

/* Where a datagram came from and to which address ... */
struct udp_arrival {
	struct addr from;
	struct addr to;	   /* its destination, which may be a multicast address */
	struct addr local; /* ours, to answer from; unset when it is not known */
};

/* ... and how to send one. */
struct udp_way {
	struct addr to;
	struct addr local; /* source; unset: the kernel chooses */
	/* Used if udp_needs_interface(); 0: follow the routes. */
	unsigned ifindex;
	uint8_t hops; /* TTL, or hop limit; 0: the kernel's default, for multicast 1 */
};

/* A non-blocking socket bound to `self`, or -1.  The address need not be on the host yet
 * (it may come and go with its interface). */
int udp_open(const struct addr *self, struct err *err);
/* The same, bound to every address of the family.  Not joined to any multicast group. */
int udp_open_any(enum addr_family family, struct err *err);
/* Does this host have the address now? */
bool udp_is_local(const struct addr *self);
/* Have the kernel drop datagrams with the IP identification 0, on a socket of IPv4. */
int udp_ignore_id_zero(int fd, struct err *err);

/* A non-blocking socket that only receives what is sent to a multicast group on
 * the interface of this index, or -1. */
int udp_join(const struct addr *group, unsigned ifindex, struct err *err);
/* Make a socket of the group's family join or leave it on an interface.  -1 with
 * errno. */
int udp_set_member(int fd, const struct addr *group, unsigned ifindex, bool member);

bool udp_is_multicast(const struct addr *a);
/* Does sending to it need an interface?  True for multicast and link-local
 * addresses. */
bool udp_needs_interface(const struct addr *a);

/* Octets of one datagram; -1 when there is none now. */
ssize_t udp_receive(int fd, void *octets, size_t size, struct udp_arrival *out);
/* The socket must be of the family of way->to.  -1 with errno. */
int udp_send(int fd, const struct udp_way *way, const void *octets, size_t len,
	     struct err *err);

/* -- udp_errors.c: what the network says of datagrams that do not arrive --------- */

/* Have the kernel keep ICMP errors for a socket, which is of this family. */
int udp_tell_errors(int fd, unsigned family, struct err *err);
/* The next report: the destination of the datagram, and an error number; 0: there are
 * no more. */
int udp_take_error(int fd, struct addr *to);
/* An explanation for the log, static; NULL for errors that say nothing about the
 * path. */
const char *udp_error_text(int error);

#endif
