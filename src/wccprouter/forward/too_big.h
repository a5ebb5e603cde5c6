/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMP "fragmentation needed" and ICMPv6 "packet too big", sent for the packet path. */
#ifndef WCCPD_WCCPROUTER_FORWARD_TOO_BIG_H
#define WCCPD_WCCPROUTER_FORWARD_TOO_BIG_H

#include "bpf/router/router_maps.h"
#include "err.h"

struct too_big;

/* Raw sockets for too_big_answer(), of IPv6 only if wanted; NULL on error. */
struct too_big *too_big_open(bool v6, struct err *err);
void too_big_close(struct too_big *t);
/* Tell the sender of the quoted packet.  Failure is silent: it will send again. */
void too_big_answer(const struct too_big *t, const struct router_too_big *what);

#endif
