/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The multicast groups to which routers send their answers: one receiving socket for
 * each. */
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

/* Listen to the groups of the configuration and to no others.  If called repeatedly, it
 * follows an interface that goes and comes back.  -1 with the last of the errors; the
 * other groups are joined all the same. */
int multicast_follow(struct multicast *c, const struct conf *conf,
		     struct event_base *base, event_callback_fn readable, void *arg,
		     struct err *err);
/* Index of the interface on which groups are joined and by which multicasts leave: the
 * first one named, or the one that has our address; 0: there is none. */
unsigned multicast_ifindex(const struct conf *conf);
void multicast_close(struct multicast *c);

#endif
