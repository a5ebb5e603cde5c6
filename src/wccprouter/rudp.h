/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The UDP socket of the router: port 2048 of every address.  Which of them a
 * datagram was sent to matters, for the answer comes from there.
 */
#ifndef RUDP_H
#define RUDP_H

#include "addr.h"
#include "err.h"

#include <stddef.h>
#include <sys/types.h>

int rudp_open(struct err *err);
/* Octets of one datagram, its source and its destination; -1 when there is none
 * now. */
ssize_t rudp_receive(int fd, void *octets, size_t size, struct addr *from,
		     struct addr *to);
/* Send from `local` (unset: the kernel chooses) to port 2048 of `to`. */
int rudp_send(int fd, const struct addr *local, const struct addr *to,
	      const void *octets, size_t len, struct err *err);

#endif
