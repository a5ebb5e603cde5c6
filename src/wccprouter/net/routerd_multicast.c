/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Multicast addresses on interfaces. */
#include "wccprouter/net/routerd_multicast.h"

#include "log.h"
#include "wccprouter/net/routerd_udp.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* One address on one interface. */
struct cast {
	struct addr group;
	const char *interface; /* of the configuration */
	unsigned ifindex;      /* joined on; 0: not */
	bool failed;	       /* which was logged */
};

struct casts {
	unsigned n;
	struct cast list[RCONF_MAX_SERVICES * RCONF_MAX_INTERFACES];
};

/* Several services may share an address. */
static bool is_known(const struct casts *c, const struct addr *group)
{
	unsigned i;

	for (i = 0; i < c->n; i++)
		if (addr_equal(&c->list[i].group, group))
			return true;
	return false;
}

struct casts *casts_open(const struct rconf *conf)
{
	struct casts *c = calloc(1, sizeof(*c));
	unsigned i, k;

	if (!c)
		return NULL;
	for (i = 0; i < conf->n_services; i++) {
		const struct addr *group = &conf->services[i].router.multicast;

		if (!addr_is_set(group) || is_known(c, group))
			continue;
		for (k = 0; k < conf->n_caches_in; k++)
			c->list[c->n++] =
				(struct cast){ .group = *group,
					       .interface = conf->caches_in[k] };
	}
	return c;
}

void casts_close(struct casts *c)
{
	free(c); /* memberships end with the sockets */
}

/* ---- memberships ---- */

static int change_v4(int fd, const struct cast *cast, unsigned ifindex, bool join)
{
	struct ip_mreqn request = { .imr_ifindex = (int)ifindex };

	memcpy(&request.imr_multiaddr, cast->group.octets, 4);
	return setsockopt(fd, IPPROTO_IP, join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP,
			  &request, sizeof(request));
}

static int change_v6(int fd, const struct cast *cast, unsigned ifindex, bool join)
{
	struct ipv6_mreq request = { .ipv6mr_interface = ifindex };

	memcpy(&request.ipv6mr_multiaddr, cast->group.octets, 16);
	return setsockopt(fd, IPPROTO_IPV6, join ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP,
			  &request, sizeof(request));
}

static int change(int fd, const struct cast *cast, unsigned ifindex, bool join)
{
	if (cast->group.family == ADDR_V6)
		return change_v6(fd, cast, ifindex, join);
	return change_v4(fd, cast, ifindex, join);
}

static void join(int fd, struct cast *cast, unsigned ifindex)
{
	if (change(fd, cast, ifindex, true) == 0 || errno == EADDRINUSE) {
		cast->ifindex = ifindex;
		cast->failed = false;
		log_info("group-joined", "%s on %s", ADDR_TEXT(&cast->group),
			 cast->interface);
		return;
	}
	if (!cast->failed)
		log_error("group-failed", "%s cannot be joined on %s: %s",
			  ADDR_TEXT(&cast->group), cast->interface, strerror(errno));
	cast->failed = true;
}

static void follow(int fd, struct cast *cast)
{
	unsigned ifindex = if_nametoindex(cast->interface);

	if (fd < 0 || ifindex == cast->ifindex)
		return;
	/* Another interface has the name now.  The socket still counts the old one
	 * among its memberships, of which it may have a limited number. */
	if (cast->ifindex)
		change(fd, cast, cast->ifindex, false);
	cast->ifindex = 0;
	if (ifindex)
		join(fd, cast, ifindex);
}

void casts_follow(struct casts *c, int fd4, int fd6)
{
	unsigned i;

	for (i = 0; i < c->n; i++)
		follow(c->list[i].group.family == ADDR_V6 ? fd6 : fd4, &c->list[i]);
}

/* ---- sending ---- */

/* In IPv6 the kernel would take a link-local address for a link-local group, which
 * no web-cache could answer to.  Unset when there is no other. */
static struct addr global_address(const char *interface)
{
	struct addr found = { 0 };
	struct ifaddrs *list, *i;

	if (getifaddrs(&list) < 0)
		return found;
	for (i = list; i && !addr_is_set(&found); i = i->ifa_next) {
		const struct sockaddr_in6 *sin = (const void *)i->ifa_addr;

		if (sin && sin->sin6_family == AF_INET6 &&
		    strcmp(i->ifa_name, interface) == 0 &&
		    !IN6_IS_ADDR_LINKLOCAL(&sin->sin6_addr))
			found = addr_from_octets(ADDR_V6, sin->sin6_addr.s6_addr);
	}
	freeifaddrs(list);
	return found;
}

void casts_send(const struct rconf *conf, const struct rconf_service *service, int fd,
		const void *octets, size_t len)
{
	struct rudp_way way = { .to = service->router.multicast,
				.hops = service->group_ttl };
	struct err err;
	unsigned i;

	for (i = 0; i < conf->n_caches_in; i++) {
		way.ifindex = if_nametoindex(conf->caches_in[i]);
		if (!way.ifindex)
			continue;
		if (way.to.family == ADDR_V6)
			way.local = global_address(conf->caches_in[i]);
		if (rudp_send(fd, &way, octets, len, &err) < 0)
			log_event(NOTE_DEBUG, "send-failed",
				  (struct log_about){ .service = service->name },
				  "%s: %s", conf->caches_in[i], err.text);
	}
}
