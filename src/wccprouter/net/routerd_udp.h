/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The UDP sockets of the router: port 2048 of every address, one for each family.
 * Which address a datagram was sent to matters, for the answer comes from there.
 */
#ifndef WCCPD_WCCPROUTER_NET_ROUTERD_UDP_H
#define WCCPD_WCCPROUTER_NET_ROUTERD_UDP_H

#include "addr.h"
#include "err.h"

#include <stddef.h>
#include <sys/types.h>

/* A datagram's way here ... */
struct routerd_udp_arrival {
	struct addr from;
	struct addr to;	   /* its destination, which may be a multicast address */
	struct addr local; /* ours, to answer from; unset when it is not known */
};

/* ... and one's way to `to`. */
struct routerd_udp_way {
	struct addr to;
	struct addr local; /* unset: the kernel chooses */
	unsigned ifindex;  /* 0: as the routes say */
	uint8_t hops;	   /* TTL, or hop limit; 0: the kernel's default */
};

/* ADDR_V4 or ADDR_V6.  Not joined to any multicast group. */
int routerd_udp_open(enum addr_family family, struct err *err);
/* Have the kernel drop datagrams with the IP identification 0, on a socket of IPv4. */
int routerd_udp_ignore_id_zero(int fd, struct err *err);
/* Octets of one datagram; -1 when there is none now. */
ssize_t routerd_udp_receive(int fd, void *octets, size_t size,
			    struct routerd_udp_arrival *out);
/* To port 2048.  The socket must be one of the family. */
int routerd_udp_send(int fd, const struct routerd_udp_way *way, const void *octets,
		     size_t len, struct err *err);

#endif
