/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The UDP sockets that WCCP messages go through, port 2048 to port 2048: of a web-cache
 * bound to its address, of a router to all addresses, where it matters which of them a
 * datagram was sent to, because the answer comes from there.
 */
#ifndef WCCPD_UDP_H
#define WCCPD_UDP_H

#include "addr.h"
#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { UDP_PORT = 2048 }; /* of WCCP */

/* How a datagram came here ... */
struct udp_arrival {
	struct addr from;
	struct addr to;	   /* its destination, which may be a multicast address */
	struct addr local; /* ours, to answer from; unset when it is not known */
};

/* ... and how one goes to `to`. */
struct udp_way {
	struct addr to;
	struct addr local; /* source; unset: the kernel chooses */
	/* Counts if udp_needs_interface(); 0: as the routes say. */
	unsigned ifindex;
	uint8_t hops; /* TTL, or hop limit; 0: the kernel's default, for multicast 1 */
};

/* A non-blocking socket bound to `self`, or -1.  The address need not be on the host yet
 * (it may come and go with its interface). */
int udp_open(const struct addr *self, struct err *err);
/* The same, bound to every address of the family.  Not joined to any multicast group. */
int udp_open_any(enum addr_family family, struct err *err);
/* Does the host have this address now? */
bool udp_is_local(const struct addr *self);
/* Have the kernel drop datagrams with the IP identification 0, on a socket of IPv4. */
int udp_ignore_id_zero(int fd, struct err *err);

/* A non-blocking socket that only receives what is sent to a multicast group on
 * the interface of this index, or -1. */
int udp_join(const struct addr *group, unsigned ifindex, struct err *err);
/* Make a socket of the group's family a member on an interface, or no longer one.  -1
 * with errno. */
int udp_set_member(int fd, const struct addr *group, unsigned ifindex, bool member);

bool udp_is_multicast(const struct addr *a);
/* Can it only be reached when an interface is named?  Multicast and link-local ones. */
bool udp_needs_interface(const struct addr *a);

/* Octets of one datagram; -1 when there is none now. */
ssize_t udp_receive(int fd, void *octets, size_t size, struct udp_arrival *out);
/* The socket must be one of the family.  -1 with errno. */
int udp_send(int fd, const struct udp_way *way, const void *octets, size_t len,
	     struct err *err);

/* -- udp_errors.c: what the network says of datagrams that do not arrive --------- */

/* Have the kernel keep it, on a socket of this family. */
int udp_tell_errors(int fd, unsigned family, struct err *err);
/* The next report: where the datagram was to go, and an error number; 0: there is no
 * (further) report. */
int udp_take_error(int fd, struct addr *to);
/* In words for people, static; NULL for errors that say nothing of the way there. */
const char *udp_error_text(int error);

#endif
