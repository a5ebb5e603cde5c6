/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The multicast groups that routers answer to: one receiving socket for each. */
#ifndef WCCPD_WCCPD_MULTICAST_H
#define WCCPD_WCCPD_MULTICAST_H

#include "addr.h"
#include "err.h"
#include "wccpd/conf/conf.h"

#include <event2/event.h>
#include <net/if.h>

struct multicast_socket {
	struct addr group;
	unsigned ifindex; /* joined there */
	int fd;
	struct event *event;
};

struct multicast {
	unsigned n;
	struct multicast_socket list[PLAN_MAX_SERVICES];
};

/* Listen to the groups of the configuration and to no others.  Asked again and
 * again it follows an interface that goes and comes back.  -1 with the last of the
 * troubles; the other groups are listened to all the same. */
int multicast_follow(struct multicast *c, const struct conf *conf,
		     struct event_base *base, event_callback_fn readable, void *arg,
		     struct err *err);
/* Of the interface that groups are joined on and multicasts leave by: the first one named,
 * or that which has our address; 0: there is none. */
unsigned multicast_ifindex(const struct conf *conf);
void multicast_close(struct multicast *c);

#endif
