/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Multicast addresses on interfaces. */
#include "wccprouter/net/routerd_multicast.h"

#include "log.h"
#include "udp.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* One address on one interface. */
struct routerd_membership {
	struct addr group;
	const char *interface; /* of the configuration */
	unsigned ifindex;      /* joined on; 0: not */
	bool failed;	       /* which was logged */
};

struct routerd_multicast {
	unsigned n;
	struct routerd_membership list[ROUTERD_MAX_SERVICES * ROUTERD_MAX_INTERFACES];
};

/* Several services may share an address. */
static bool routerd_multicast_is_known(const struct routerd_multicast *all,
				       const struct addr *group)
{
	unsigned i;

	for (i = 0; i < all->n; i++)
		if (addr_equal(&all->list[i].group, group))
			return true;
	return false;
}

struct routerd_multicast *routerd_multicast_open(const struct routerd_conf *conf)
{
	struct routerd_multicast *all = calloc(1, sizeof(*all));
	unsigned i, k;

	if (!all)
		return NULL;
	for (i = 0; i < conf->n_services; i++) {
		const struct addr *group = &conf->services[i].router.multicast;

		if (!addr_is_set(group) || routerd_multicast_is_known(all, group))
			continue;
		for (k = 0; k < conf->caches_in.n; k++)
			all->list[all->n++] = (struct routerd_membership){
				.group = *group, .interface = conf->caches_in.names[k]
			};
	}
	return all;
}

void routerd_multicast_close(struct routerd_multicast *all)
{
	free(all); /* memberships end with the sockets */
}

/* -- memberships ------------------------------------------------------------------- */

static void routerd_multicast_join(int fd, struct routerd_membership *m,
				   unsigned ifindex)
{
	if (udp_set_member(fd, &m->group, ifindex, true) == 0 || errno == EADDRINUSE) {
		m->ifindex = ifindex;
		m->failed = false;
		log_info("group-joined", "%s on %s", ADDR_TEXT(&m->group),
			 m->interface);
		return;
	}
	if (!m->failed)
		log_error("group-failed", "%s cannot be joined on %s: %s",
			  ADDR_TEXT(&m->group), m->interface, strerror(errno));
	m->failed = true;
}

static void routerd_multicast_follow_one(int fd, struct routerd_membership *m)
{
	unsigned ifindex = if_nametoindex(m->interface);

	if (fd < 0 || ifindex == m->ifindex)
		return;
	/* Another interface has the name now.  The old one still counts as a membership
	 * of the socket, and their number is limited. */
	if (m->ifindex)
		udp_set_member(fd, &m->group, m->ifindex, false);
	m->ifindex = 0;
	if (ifindex)
		routerd_multicast_join(fd, m, ifindex);
}

void routerd_multicast_follow(struct routerd_multicast *all, int fd4, int fd6)
{
	unsigned i;

	for (i = 0; i < all->n; i++)
		routerd_multicast_follow_one(all->list[i].group.family == ADDR_V6 ? fd6
										  : fd4,
					     &all->list[i]);
}

/* -- sending ----------------------------------------------------------------------- */

/* For a link-local IPv6 group the kernel would choose a link-local source address,
 * which no web-cache could answer to.  Unset if there is no other. */
static struct addr routerd_multicast_global_address(const char *interface)
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

void routerd_multicast_send(const struct routerd_conf *conf,
			    const struct routerd_conf_service *service, int fd,
			    const void *octets, size_t len)
{
	struct udp_way way = { .to = service->router.multicast,
			       .hops = service->group_ttl };
	struct err err;
	unsigned i;

	for (i = 0; i < conf->caches_in.n; i++) {
		way.ifindex = if_nametoindex(conf->caches_in.names[i]);
		if (!way.ifindex)
			continue;
		if (way.to.family == ADDR_V6)
			way.local =
				routerd_multicast_global_address(conf->caches_in.names[i]);
		if (udp_send(fd, &way, octets, len, &err) < 0)
			log_event(NOTE_DEBUG, "send-failed",
				  (struct log_about){ .service = service->name },
				  "%s: %s", conf->caches_in.names[i], err.text);
	}
}
