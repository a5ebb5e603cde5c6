/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The multicast groups that routers answer to. */
#include "wccpd/multicast.h"

#include "udp.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

static bool multicast_has_address(const struct ifaddrs *i, const struct addr *a)
{
	const void *octets = NULL;

	if (!i->ifa_addr)
		return false;
	if (i->ifa_addr->sa_family == AF_INET && a->family == ADDR_V4)
		octets = &((const struct sockaddr_in *)i->ifa_addr)->sin_addr;
	if (i->ifa_addr->sa_family == AF_INET6 && a->family == ADDR_V6)
		octets = &((const struct sockaddr_in6 *)i->ifa_addr)->sin6_addr;
	return octets && memcmp(octets, a->octets, addr_len(a)) == 0;
}

unsigned multicast_ifindex(const struct conf *conf)
{
	struct ifaddrs *all;
	unsigned index = 0;

	if (!conf->any_interface)
		return if_nametoindex(conf->interfaces[0]);
	if (getifaddrs(&all) < 0)
		return 0;
	for (struct ifaddrs *i = all; i && !index; i = i->ifa_next)
		if (multicast_has_address(i, &conf->address))
			index = if_nametoindex(i->ifa_name);
	freeifaddrs(all);
	return index;
}

static bool multicast_is_wanted(const struct conf *conf, const struct addr *group)
{
	for (unsigned i = 0; i < conf->n_services; i++)
		if (addr_equal(&conf->services[i].group.multicast, group))
			return true;
	return false;
}

static void multicast_leave(struct multicast *c, unsigned i)
{
	event_free(c->list[i].event);
	close(c->list[i].fd);
	c->list[i] = c->list[--c->n];
}

/* An interface that was deleted and created again has another index, and no members. */
static void multicast_drop_stale(struct multicast *c, const struct conf *conf,
				 unsigned ifindex)
{
	for (unsigned i = c->n; i-- > 0;)
		if (c->list[i].ifindex != ifindex ||
		    !multicast_is_wanted(conf, &c->list[i].group))
			multicast_leave(c, i);
}

static bool multicast_has(const struct multicast *c, const struct addr *group)
{
	for (unsigned i = 0; i < c->n; i++)
		if (addr_equal(&c->list[i].group, group))
			return true;
	return false;
}

static int multicast_join(struct multicast *c, const struct addr *group,
			  unsigned ifindex, struct event_base *base,
			  event_callback_fn readable, void *arg, struct err *err)
{
	struct multicast_socket *s = &c->list[c->n];

	s->group = *group;
	s->ifindex = ifindex;
	s->fd = udp_join(group, ifindex, err);
	if (s->fd < 0)
		return -1;
	s->event = event_new(base, s->fd, EV_READ | EV_PERSIST, readable, arg);
	if (!s->event || event_add(s->event, NULL) < 0) {
		if (s->event)
			event_free(s->event);
		close(s->fd);
		return err_set(err, "out of memory");
	}
	c->n++;
	return 0;
}

int multicast_follow(struct multicast *c, const struct conf *conf,
		     struct event_base *base, event_callback_fn readable, void *arg,
		     struct err *err)
{
	unsigned ifindex = multicast_ifindex(conf);
	int result = 0;

	multicast_drop_stale(c, conf, ifindex);
	for (unsigned i = 0; i < conf->n_services; i++) {
		const struct addr *group = &conf->services[i].group.multicast;

		if (!addr_is_set(group) || multicast_has(c, group))
			continue;
		if (!ifindex)
			result = err_set(err, "cannot join %s: no interface %s",
					 ADDR_TEXT(group),
					 conf_interfaces_text(conf).s);
		else if (multicast_join(c, group, ifindex, base, readable, arg, err) <
			 0)
			result = -1;
	}
	return result;
}

void multicast_close(struct multicast *c)
{
	while (c->n > 0)
		multicast_leave(c, 0);
}
