/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The multicast groups that routers answer to. */
#include "wccpd/multicast.h"

#include "wccpd/udp.h"

#include <unistd.h>

static bool is_wanted(const struct conf *conf, const struct addr *group)
{
	for (unsigned i = 0; i < conf->n_services; i++)
		if (addr_equal(&conf->services[i].group.multicast, group))
			return true;
	return false;
}

static void leave(struct casts *c, unsigned i)
{
	event_free(c->list[i].event);
	close(c->list[i].fd);
	c->list[i] = c->list[--c->n];
}

/* An interface that was made anew has another index, and no members. */
static void drop_stale(struct casts *c, const struct conf *conf, unsigned ifindex)
{
	for (unsigned i = c->n; i-- > 0;)
		if (c->list[i].ifindex != ifindex || !is_wanted(conf, &c->list[i].group))
			leave(c, i);
}

static bool has(const struct casts *c, const struct addr *group)
{
	for (unsigned i = 0; i < c->n; i++)
		if (addr_equal(&c->list[i].group, group))
			return true;
	return false;
}

static int join(struct casts *c, const struct addr *group, unsigned ifindex,
		struct event_base *base, event_callback_fn readable, void *arg,
		struct err *err)
{
	struct cast_socket *s = &c->list[c->n];

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

int casts_follow(struct casts *c, const struct conf *conf, struct event_base *base,
		 event_callback_fn readable, void *arg, struct err *err)
{
	unsigned ifindex = if_nametoindex(conf->interface);
	int result = 0;

	drop_stale(c, conf, ifindex);
	for (unsigned i = 0; i < conf->n_services; i++) {
		const struct addr *group = &conf->services[i].group.multicast;

		if (!addr_is_set(group) || has(c, group))
			continue;
		if (!ifindex)
			result = err_set(err, "cannot join %s: no interface %s",
					 ADDR_TEXT(group), conf->interface);
		else if (join(c, group, ifindex, base, readable, arg, err) < 0)
			result = -1;
	}
	return result;
}

void casts_close(struct casts *c)
{
	while (c->n > 0)
		leave(c, 0);
}
