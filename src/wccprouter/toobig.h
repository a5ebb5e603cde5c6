/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMP "fragmentation needed", sent for the packet path. */
#ifndef TOOBIG_H
#define TOOBIG_H

#include "err.h"
#include "router_maps.h"

/* A raw socket for toobig_answer(), or -1. */
int toobig_open(struct err *err);
/* Tell the sender of the quoted packet.  Failure is silent: it will send again. */
void toobig_answer(int fd, const struct router_too_big *what);

#endif
