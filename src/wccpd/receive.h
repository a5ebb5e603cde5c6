/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Datagrams on their way from the sockets to the services. */
#ifndef WCCPD_WCCPD_RECEIVE_H
#define WCCPD_WCCPD_RECEIVE_H

#include <event2/util.h>

/* An event callback: `fd` is readable, `daemon` is a struct daemon. */
void receive_datagrams(evutil_socket_t fd, short what, void *daemon);

#endif
