/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMP "fragmentation needed" and ICMPv6 "packet too big", sent for the packet path. */
#ifndef WCCPD_WCCPROUTER_FORWARD_TOO_BIG_H
#define WCCPD_WCCPROUTER_FORWARD_TOO_BIG_H

#include "err.h"
#include "bpf/router_maps.h"

struct toobig;

/* Raw sockets for toobig_answer(), of IPv6 only if wanted; NULL on error. */
struct toobig *toobig_open(bool v6, struct err *err);
void toobig_close(struct toobig *t);
/* Tell the sender of the quoted packet.  Failure is silent: it will send again. */
void toobig_answer(const struct toobig *t, const struct router_too_big *what);

#endif
