/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells when links, addresses, routes, rules, neighbours, filters or settings change. */
#include "rtnl/rtnl_monitor.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	RTNL_MONITOR_BUFFER = 1 << 20, /* of the socket */
	RTNL_MONITOR_BURST = 256,      /* datagrams of one call */
	RTNL_MONITOR_PLACES = 4096,    /* a power of 2 */
};

/* What a neighbour was last seen as. */
struct rtnl_monitor_seen {
	uint64_t who, state; /* hashes; 0: nobody */
};

struct rtnl_monitor {
	int fd;
	unsigned kinds;
	/* By a hash of the neighbour.  If two share a place, they evict each other and
	 * are reported more often than necessary, but never less. */
	struct rtnl_monitor_seen seen[RTNL_MONITOR_PLACES];
};

static const struct {
	unsigned kind;
	int group;
} rtnl_monitor_groups[] = {
	{ RTNL_LINK, RTNLGRP_LINK },	       { RTNL_ADDRESS, RTNLGRP_IPV4_IFADDR },
	{ RTNL_ADDRESS, RTNLGRP_IPV6_IFADDR }, { RTNL_ROUTE, RTNLGRP_IPV4_ROUTE },
	{ RTNL_ROUTE, RTNLGRP_IPV6_ROUTE },    { RTNL_RULE, RTNLGRP_IPV4_RULE },
	{ RTNL_RULE, RTNLGRP_IPV6_RULE },      { RTNL_NEIGHBOUR, RTNLGRP_NEIGH },
	{ RTNL_FILTER, RTNLGRP_TC },	       { RTNL_SYSCTL, RTNLGRP_IPV4_NETCONF },
};

/* -- opening and closing ----------------------------------------------------------- */

static int rtnl_monitor_subscribe(struct rtnl_monitor *m)
{
	struct sockaddr_nl local = { .nl_family = AF_NETLINK };
	int size = RTNL_MONITOR_BUFFER;

	m->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       NETLINK_ROUTE);
	if (m->fd < 0 || bind(m->fd, (const void *)&local, sizeof(local)) < 0)
		return -1;
	/* Without CAP_NET_ADMIN it stays smaller, and messages are lost earlier. */
	setsockopt(m->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	for (unsigned i = 0;
	     i < sizeof(rtnl_monitor_groups) / sizeof(rtnl_monitor_groups[0]); i++)
		if (m->kinds & rtnl_monitor_groups[i].kind &&
		    setsockopt(m->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
			       &rtnl_monitor_groups[i].group,
			       sizeof(rtnl_monitor_groups[i].group)) < 0)
			return -1;
	return 0;
}

int rtnl_monitor_open(struct rtnl_monitor **out, unsigned kinds, struct err *err)
{
	struct rtnl_monitor *m = calloc(1, sizeof(*m));

	if (!m)
		return err_set(err, "out of memory");
	m->kinds = kinds;
	if (rtnl_monitor_subscribe(m) < 0) {
		err_set(err, "netlink: %s", strerror(errno));
		rtnl_monitor_close(m);
		return -1;
	}
	*out = m;
	return 0;
}

void rtnl_monitor_close(struct rtnl_monitor *m)
{
	if (!m)
		return;
	if (m->fd >= 0)
		close(m->fd);
	free(m);
}

int rtnl_monitor_fd(const struct rtnl_monitor *m)
{
	return m->fd;
}

/* -- reading ----------------------------------------------------------------------- */

/* FNV-1a. */
static uint64_t rtnl_monitor_hash(uint64_t h, const void *octets, size_t n)
{
	const uint8_t *o = octets;

	for (size_t i = 0; i < n; i++)
		h = (h ^ o[i]) * 0x100000001b3;
	return h;
}

/* The kernel reports every change of a neighbour's state, an endless stream with
 * thousands of neighbours.  All that counts is whether a neighbour has a link-layer
 * address, and which, or has not answered. */
static bool rtnl_monitor_is_news(struct rtnl_monitor *m, const struct nlmsghdr *head)
{
	const struct ndmsg *n = NLMSG_DATA(head);
	int left = (int)NLMSG_PAYLOAD(head, sizeof(*n));
	uint64_t who = rtnl_monitor_hash(0xcbf29ce484222325, &n->ndm_ifindex,
					 sizeof(n->ndm_ifindex));
	uint64_t state = head->nlmsg_type + (uint64_t)(n->ndm_state & NUD_FAILED);
	const struct rtattr *a =
		(const void *)((const char *)n + NLMSG_ALIGN(sizeof(*n)));
	struct rtnl_monitor_seen *place;

	if (left < 0)
		return false;
	for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == NDA_DST)
			who = rtnl_monitor_hash(who, RTA_DATA(a), RTA_PAYLOAD(a));
		else if (a->rta_type == NDA_LLADDR)
			state = rtnl_monitor_hash(state, RTA_DATA(a), RTA_PAYLOAD(a));
	}
	place = &m->seen[who % RTNL_MONITOR_PLACES];
	if (place->who == who && place->state == state)
		return false;
	*place = (struct rtnl_monitor_seen){ who, state };
	return true;
}

static unsigned rtnl_monitor_kind(struct rtnl_monitor *m, const struct nlmsghdr *head)
{
	switch (head->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return RTNL_LINK;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return RTNL_ADDRESS;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return RTNL_ROUTE;
	case RTM_NEWRULE:
	case RTM_DELRULE:
		return RTNL_RULE;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		return rtnl_monitor_is_news(m, head) ? RTNL_NEIGHBOUR : 0;
	case RTM_NEWQDISC:
	case RTM_DELQDISC:
	case RTM_NEWTFILTER:
	case RTM_DELTFILTER:
		return RTNL_FILTER;
	case RTM_NEWNETCONF:
		return RTNL_SYSCTL;
	default:
		return 0;
	}
}

unsigned rtnl_monitor_read(struct rtnl_monitor *m)
{
	_Alignas(struct nlmsghdr) char buf[32768];
	struct sockaddr_nl from;
	unsigned changed = 0;

	for (unsigned i = 0; i < RTNL_MONITOR_BURST; i++) {
		socklen_t from_len = sizeof(from);
		ssize_t n =
			recvfrom(m->fd, buf, sizeof(buf), 0, (void *)&from, &from_len);
		const struct nlmsghdr *head = (const void *)buf;
		unsigned left = n > 0 ? (unsigned)n : 0;

		if (n < 0 && errno == ENOBUFS) {
			changed = m->kinds;
			memset(m->seen, 0, sizeof(m->seen));
			continue;
		}
		if (n < 0 && errno != EINTR)
			break;
		if (n > 0 && from.nl_pid != 0) /* not from the kernel */
			continue;
		for (; NLMSG_OK(head, left); head = NLMSG_NEXT(head, left))
			changed |= rtnl_monitor_kind(m, head);
	}
	return changed;
}
