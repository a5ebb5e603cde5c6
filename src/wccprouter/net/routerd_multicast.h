/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The multicast addresses of the service groups: joined on every interface behind
 * which web-caches are, and sent to on each of them.  Interfaces come and go; the
 * memberships follow.
 */
#ifndef WCCPD_WCCPROUTER_NET_ROUTERD_MULTICAST_H
#define WCCPD_WCCPROUTER_NET_ROUTERD_MULTICAST_H

#include "wccprouter/conf/routerd_conf.h"

struct routerd_multicast;

/* NULL only when memory is short. */
struct routerd_multicast *routerd_multicast_open(const struct routerd_conf *conf);
void routerd_multicast_close(struct routerd_multicast *all);

/* Join where it is not joined, on the sockets of the two families (-1: none). */
void routerd_multicast_follow(struct routerd_multicast *all, int fd4, int fd6);
/* To the multicast address of one service, on every interface of caches-in.
 * Failures are logged. */
void routerd_multicast_send(const struct routerd_conf *conf,
			    const struct routerd_conf_service *service, int fd,
			    const void *octets, size_t len);

#endif
