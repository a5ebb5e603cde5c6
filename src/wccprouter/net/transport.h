/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of datagrams between the sockets and the service groups: faults befall them
 * there.  Who looks on sees what is on the wire: what comes in before that, what goes
 * out after it.
 */
#ifndef WCCPD_WCCPROUTER_NET_TRANSPORT_H
#define WCCPD_WCCPROUTER_NET_TRANSPORT_H

#include "wccprouter/routerd.h"

/* Send what service `s` has said; `ev` is what made it say so. */
void transport_send(struct routerd *d, struct routerd_service *s,
		    const struct action *x, const struct router_event *ev);
/* `len` octets are in d->datagram, as d->arrival says: routerd_take() them. */
void transport_receive(struct routerd *d, size_t len, struct mono now);

#endif
