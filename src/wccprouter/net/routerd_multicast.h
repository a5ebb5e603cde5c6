/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The multicast addresses of the service groups: joined on every interface behind
 * which web-caches are, and sent to on each of them.  Interfaces come and go; the
 * memberships follow.
 */
#ifndef WCCPD_WCCPROUTER_NET_ROUTERD_MULTICAST_H
#define WCCPD_WCCPROUTER_NET_ROUTERD_MULTICAST_H

#include "wccprouter/conf/routerd_conf.h"

struct casts;

/* NULL only when memory is short. */
struct casts *casts_open(const struct rconf *conf);
void casts_close(struct casts *c);

/* Join where it is not joined, on the sockets of the two families (-1: none). */
void casts_follow(struct casts *c, int fd4, int fd6);
/* To the multicast address of one service, on every interface of caches-in.
 * Failures are logged. */
void casts_send(const struct rconf *conf, const struct rconf_service *service, int fd,
		const void *octets, size_t len);

#endif
