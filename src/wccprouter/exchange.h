/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of datagrams between the sockets and the service groups: faults befall them,
 * and whoever looks on sees what is left.
 */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include "engine.h"

/* Send what service `s` has said; `ev` is what made it say so. */
void exchange_send(struct engine *e, struct engine_service *s, const struct action *x,
		   const struct router_event *ev);
/* `len` octets are in e->datagram, as e->arrival says: engine_take() them. */
void exchange_receive(struct engine *e, size_t len, struct mono now);
/* Tell those who look on of a datagram that is taken; `conf` is NULL when it is for no
 * service of ours. */
void exchange_see_received(struct engine *e, const struct rconf_service *conf,
			   const struct router_event *ev);

#endif
