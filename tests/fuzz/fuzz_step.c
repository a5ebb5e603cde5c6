/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzing the state machines: the input is a stream of events for three web-caches and
 * two routers of one service.  It says when timers are due, which datagrams arrive, get
 * lost, come twice, from another sender, or changed and signed again; it may bring some
 * of its own.  As the nodes are real, a stream can form a group, and what is changed
 * has the receive ids and keys that lead beyond the first checks.
 */
#include "../datagram.h"
#include "cache.h"
#include "codec.h"
#include "fuzz.h"
#include "router.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CACHES = 3,
	ROUTERS = 2,
	NODES = CACHES + ROUTERS, /* web-caches first */
	FLIGHT_MAX = 16,	  /* datagrams on their way; the oldest get lost */
	TICKS_MAX = 8,		  /* of one node at one time */
	STEPS_MAX = 400,
};

struct node {
	struct addr addr;
	struct cache *cache; /* one of the two */
	struct router *router;
};

struct datagram {
	struct addr from, to;
	unsigned node; /* that it goes to */
	size_t len;
	uint8_t octets[WCCP_MAX_DATAGRAM];
};

static struct {
	const uint8_t *at, *end; /* of the input */
	struct mono now;
	bool ipv6;
	struct cache_conf cache_conf;
	struct router_conf router_conf;
	struct addr multicast; /* unset: not used */
	struct node nodes[NODES];
	/* The oldest first; what is behind them is free. */
	unsigned n_flight;
	struct datagram *flight[FLIGHT_MAX];
	struct datagram places[FLIGHT_MAX];
} world;

/* Large, hence not on the stack. */
static struct wccp_msg scratch, seen;
static struct actions actions;
static struct router_status router_status;
static struct cache_status cache_status;
static struct datagram now_arriving;

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	abort();
}

/* -- input; zeros behind its end --------------------------------------------------- */

static uint8_t next(void)
{
	return world.at < world.end ? *world.at++ : 0;
}

static unsigned next_wide(void)
{
	unsigned high = next();

	return high << 8 | next();
}

/* -- what must hold ---------------------------------------------------------------- */

/* Whatever a node says can be understood, and is of its kind. */
static void check_sent(const struct node *n, const struct action *x)
{
	const void *octets = action_octets(&actions, x);
	const struct codec_password *password = &world.router_conf.password;
	struct err err = { "" };

	if (datagram_authenticate(octets, x->len, password) != CODEC_OK)
		fail("sent", "it does not authenticate");
	if (datagram_decode(octets, x->len, &seen, &err) != CODEC_OK)
		fail("sent", err.text);
	if (n->cache && seen.type != WCCP_HERE_I_AM &&
	    seen.type != WCCP_REDIRECT_ASSIGN)
		fail("sent", "a message of a router, by a web-cache");
	if (n->router && seen.type != WCCP_I_SEE_YOU && seen.type != WCCP_REMOVAL_QUERY)
		fail("sent", "a message of a web-cache, by a router");
	if (seen.type == WCCP_I_SEE_YOU && !seen.router_identity.self.receive_id)
		fail("sent", "a receive id of 0");
}

static void check_owner(const struct addr *owner)
{
	for (unsigned i = 0; i < router_status.n_caches; i++)
		if (router_status.caches[i].usable &&
		    addr_equal(&router_status.caches[i].addr, owner))
			return;
	fail("table", "it has one that is no member");
}

static void check_hash(const struct wccp_hash_table *t)
{
	for (unsigned b = 0; b < WCCP_BUCKETS; b++) {
		unsigned index = t->buckets[b] & WCCP_BUCKET_INDEX;

		if (t->buckets[b] == WCCP_BUCKET_NONE)
			continue;
		if (index >= t->n_caches || t->n_caches > WCCP_MAX_CACHES)
			fail("table", "an index beyond its web-caches");
		check_owner(&t->caches[index]);
	}
}

static void check_masks(const struct router_masks *m)
{
	if (m->n_caches > WCCP_MAX_CACHES || m->n_sets > ROUTER_MAX_SETS ||
	    m->n_values > ROUTER_MAX_VALUES)
		fail("masks", "more than there is room for");
	for (unsigned i = 0; i < m->n_sets; i++)
		if (m->sets[i].first + m->sets[i].n > m->n_values)
			fail("masks", "a set beyond the values");
	for (unsigned i = 0; i < m->n_values; i++) {
		if (m->values[i].cache >= m->n_caches)
			fail("masks", "an index beyond the web-caches");
		check_owner(&m->caches[m->values[i].cache]);
	}
}

static void check_router(const struct router *r)
{
	router_get_status(r, &router_status);
	if (router_status.n_caches > WCCP_MAX_CACHES ||
	    router_status.n_routers > WCCP_MAX_ROUTERS)
		fail("router", "more members than there is room for");
	if (router_status.assigned && router_status.by_mask)
		check_masks(&router_status.masks);
	else if (router_status.assigned)
		check_hash(&router_status.table);
}

static void check_group(const struct cache *g)
{
	cache_get_status(g, &cache_status);
	if (cache_status.n_caches > WCCP_MAX_CACHES ||
	    cache_status.n_routers > WCCP_MAX_ROUTERS)
		fail("group", "more than there is room for");
	if (cache_status.my_slots > cache_status.n_slots ||
	    cache_status.n_slots > ASSIGN_SLOTS_MAX)
		fail("group", "more slots than there are");
}

/* -- the network ------------------------------------------------------------------- */

static void forget(unsigned i)
{
	struct datagram *d = world.flight[i];

	world.n_flight--;
	memmove(&world.flight[i], &world.flight[i + 1],
		(world.n_flight - i) * sizeof(world.flight[0]));
	world.flight[world.n_flight] = d;
}

/* Datagrams are short, and have room for long ones. */
static void copy(struct datagram *to, const struct datagram *from)
{
	memcpy(to, from, offsetof(struct datagram, octets) + from->len);
}

static void post_to(unsigned node, const struct node *from, const struct action *x)
{
	struct datagram *d;

	if (world.n_flight == FLIGHT_MAX)
		forget(0);
	d = world.flight[world.n_flight++];
	d->from = from->addr;
	d->to = x->peer;
	d->node = node;
	d->len = x->len;
	memcpy(d->octets, action_octets(&actions, x), x->len);
}

/* A multicast reaches all of the other kind. */
static void post(const struct node *from, const struct action *x)
{
	for (unsigned i = 0; i < NODES; i++) {
		const struct node *n = &world.nodes[i];

		if (addr_equal(&x->peer, &n->addr) ||
		    (addr_equal(&x->peer, &world.multicast) &&
		     !n->cache == !from->router))
			post_to(i, from, x);
	}
}

/* -- steps ------------------------------------------------------------------------- */

static void carry_out(const struct node *n)
{
	bool changed = false;

	if (actions.dropped)
		fail("actions", "no room");
	for (unsigned i = 0; i < actions.n; i++) {
		const struct action *x = &actions.list[i];

		changed |= x->kind == ACTION_CHANGED;
		if (x->kind != ACTION_SEND)
			continue;
		check_sent(n, x);
		post(n, x);
	}
	if (changed && n->router)
		check_router(n->router);
	else if (changed)
		check_group(n->cache);
}

static void step_group(const struct node *n, const struct cache_event *ev)
{
	actions_reset(&actions);
	cache_step(n->cache, ev, &scratch, &actions);
	carry_out(n);
}

static void step_router(const struct node *n, const struct router_event *ev)
{
	actions_reset(&actions);
	router_step(n->router, ev, &scratch, &actions);
	carry_out(n);
}

static void tick(const struct node *n)
{
	struct router_event to_router = { .type = ROUTER_EV_TICK, .now = world.now };
	struct cache_event to_group = { .type = CACHE_EV_TICK, .now = world.now };

	if (n->router)
		step_router(n, &to_router);
	else
		step_group(n, &to_group);
}

static struct mono deadline(const struct node *n)
{
	return n->router ? router_deadline(n->router) : cache_deadline(n->cache);
}

/* All that is due. */
static void tick_all(void)
{
	for (unsigned i = 0; i < NODES; i++)
		for (unsigned n = 0; mono_due(deadline(&world.nodes[i]), world.now);
		     n++) {
			if (n == TICKS_MAX)
				fail("deadline", "it does not pass");
			tick(&world.nodes[i]);
		}
}

/* To the next deadline of anybody. */
static void advance(void)
{
	struct mono next_due = MONO_NEVER;

	for (unsigned i = 0; i < NODES; i++)
		next_due = mono_min(next_due, deadline(&world.nodes[i]));
	if (!mono_is_never(next_due) && mono_before(world.now, next_due))
		world.now = next_due;
	tick_all();
}

static void arrive(const struct datagram *d, bool off_link)
{
	const struct node *n = &world.nodes[d->node];
	struct codec_datagram datagram;
	struct router_event to_router = {
		.type = ROUTER_EV_RX,
		.now = world.now,
		.rx = { d->from, d->to, &datagram, off_link },
	};
	struct cache_event to_group = { .type = CACHE_EV_RX, .now = world.now };

	to_group.u.rx.from = d->from;
	to_group.u.rx.datagram = &datagram;
	codec_open(d->octets, d->len, &datagram);
	if (n->router)
		step_router(n, &to_router);
	else
		step_group(n, &to_group);
}

/* One that is on its way, which is taken off it; false when there is none. */
static bool take(bool keep)
{
	unsigned i;

	if (!world.n_flight)
		return false;
	i = next() % world.n_flight;
	copy(&now_arriving, world.flight[i]);
	if (!keep)
		forget(i);
	return true;
}

static void sign(struct datagram *d)
{
	size_t body = d->len - WCCP_HEADER_LEN;

	if (d->len < WCCP_HEADER_LEN)
		return;
	d->octets[6] = (uint8_t)(body >> 8);
	d->octets[7] = (uint8_t)body;
	if (world.router_conf.password.set)
		codec_sign(d->octets, d->len, &world.router_conf.password);
}

/* Some octets of it are others now, or it is shorter. */
static void change(struct datagram *d)
{
	unsigned n = next() % 4;

	if (d->len == 0)
		return;
	if (n == 0)
		d->len -= next_wide() % d->len;
	while (n-- > 0) {
		size_t at = next_wide() % d->len;

		d->octets[at] = next();
	}
	sign(d);
}

/* -- events ------------------------------------------------------------------------ */

static void whole_round(void)
{
	advance();
	while (world.n_flight) {
		copy(&now_arriving, world.flight[0]);
		forget(0);
		arrive(&now_arriving, false);
	}
}

static void brought_along(void)
{
	struct datagram *d = &now_arriving;
	size_t left;

	d->node = next() % NODES;
	d->from = world.nodes[next() % NODES].addr;
	d->to = world.nodes[d->node].addr;
	d->len = next() * 8u;
	left = (size_t)(world.end - world.at);
	if (d->len > left)
		d->len = left;
	memcpy(d->octets, world.at, d->len);
	world.at += d->len;
	sign(d);
	arrive(d, false);
}

static void health(void)
{
	struct cache_event ev = { .type = CACHE_EV_HEALTH, .now = world.now };
	const struct node *n = &world.nodes[next() % CACHES];

	ev.u.health.up = next() % 4;
	ev.u.health.weight = next();
	step_group(n, &ev);
}

static void shut_down(void)
{
	struct cache_event ev = { .type = CACHE_EV_SHUTDOWN, .now = world.now };

	step_group(&world.nodes[next() % CACHES], &ev);
}

static struct cache_preference preference(unsigned bits)
{
	struct cache_preference p = { .n = 1 + (bits & 1),
				      .methods = { 1 + (bits >> 1 & 1) } };

	p.methods[1] = 3 - p.methods[0];
	return p;
}

static void reconfigure(void)
{
	unsigned i = next() % CACHES, bits = next();
	struct cache_conf conf = world.cache_conf;
	struct cache_event ev = { .type = CACHE_EV_CONF, .now = world.now };

	conf.self = world.nodes[i].addr;
	conf.forward = preference(bits);
	conf.ret = preference(bits >> 2);
	conf.assign = preference(bits >> 4);
	conf.version = (enum cache_version)((bits >> 6) % 3);
	conf.transmit_t_ms = next() * 100u;
	conf.timeout_scale = next() % 6;
	if (world.ipv6)
		conf.version = CACHE_V201;
	conf.n_allowed = next() % 4;
	for (unsigned n = 0; n < conf.n_allowed; n++)
		conf.allowed[n] = world.nodes[n].addr;
	ev.u.conf = &conf;
	step_group(&world.nodes[i], &ev);
}

static void administer(void)
{
	struct router *r = world.nodes[CACHES + next() % ROUTERS].router;
	unsigned what = next();
	struct addr_prefix allowed[] = { addr_prefix_of(&world.nodes[0].addr),
					 addr_prefix_of(&world.nodes[1].addr) };

	if (what % 4 == 0)
		router_skip_receive_ids(r, what & 4);
	else if (what % 4 == 1)
		router_allow(r, allowed, what >> 2 & 1);
	else
		router_set_id(r, &world.nodes[CACHES + (what >> 2) % ROUTERS].addr);
}

static void event(void)
{
	uint8_t what = next();

	switch (what % 12) {
	case 0:
		whole_round();
		break;
	case 1:
		advance();
		break;
	case 2:
		world.now = mono_add_ms(world.now, next_wide());
		tick_all();
		break;
	case 3: /* arrives as it is; bit 7: and will again */
	case 4:
		if (take(what & 0x80))
			arrive(&now_arriving, what & 0x40);
		break;
	case 5: /* lost */
		take(false);
		break;
	case 6:
		if (take(what & 0x80)) {
			change(&now_arriving);
			arrive(&now_arriving, false);
		}
		break;
	case 7: /* from, and to, another */
		if (take(what & 0x80)) {
			now_arriving.from = world.nodes[next() % NODES].addr;
			now_arriving.node = next() % NODES;
			arrive(&now_arriving, false);
		}
		break;
	case 8:
		brought_along();
		break;
	case 9:
		health();
		break;
	case 10:
		reconfigure();
		break;
	case 11:
		if (what & 0x80)
			administer();
		else
			shut_down();
		break;
	}
}

/* -- the world --------------------------------------------------------------------- */

static struct addr address(unsigned n)
{
	struct addr a = addr_v4(0x0a010100 + n);
	char text[ADDR_STRLEN];

	if (!world.ipv6)
		return a;
	snprintf(text, sizeof(text), "2001:db8::%x", n);
	if (addr_parse(text, &a) < 0)
		abort();
	return a;
}

static void set_router_conf(unsigned bits)
{
	struct router_conf *r = &world.router_conf;

	*r = (struct router_conf){
		.service_type = WCCP_SERVICE_DYNAMIC,
		.service_id = 80,
		.forward = WCCP_METHOD_GRE | WCCP_METHOD_L2,
		.ret = WCCP_METHOD_GRE | WCCP_METHOD_L2,
		.assign = WCCP_ASSIGN_HASH | WCCP_ASSIGN_MASK,
		.echo_assignment = bits >> 4 & 1,
		.advertise_timers = bits >> 5 & 1,
		.mask_identity = (enum router_mask_identity)((bits >> 6) % 3),
		.transmit_t = { true, 500, 60000 },
		.timer_scale = { true, 1, 5, 1, 5 },
		.max_minor = bits >> 2 & 1,
		.multicast = world.multicast,
	};
	if (world.ipv6)
		r->max_minor = 1;
	if (bits & 2 && codec_password("secret", &r->password, NULL) < 0)
		abort();
}

static void set_cache_conf(unsigned bits)
{
	struct cache_conf *c = &world.cache_conf;

	*c = (struct cache_conf){
		.service = { .type = WCCP_SERVICE_DYNAMIC,
			     .id = 80,
			     .protocol = 6,
			     .flags = WCCP_F_SRC_IP_HASH | WCCP_F_PORTS_DEFINED,
			     .ports = { 80 } },
		.password = world.router_conf.password,
		.forward = preference(1),
		.ret = preference(1),
		.assign = preference(1 | (bits & 1) << 1),
		.version = bits & 4 ? CACHE_NEGOTIATE : CACHE_V20,
		.transmit_t_ms = 1000,
		.multicast = world.multicast,
		.n_routers = ROUTERS,
	};
	if (world.ipv6)
		c->version = CACHE_V201;
	for (unsigned i = 0; i < ROUTERS; i++)
		c->routers[i] = world.nodes[CACHES + i].addr;
}

static void start(void)
{
	unsigned bits = next_wide();

	world.now = (struct mono){ 1000000000 };
	world.ipv6 = bits >> 8 & 1;
	world.multicast = (struct addr){ 0 };
	if (bits >> 9 & 1 &&
	    addr_parse(world.ipv6 ? "ff05::99" : "224.0.1.5", &world.multicast) < 0)
		abort();
	world.n_flight = 0;
	for (unsigned i = 0; i < FLIGHT_MAX; i++)
		world.flight[i] = &world.places[i];
	for (unsigned i = 0; i < NODES; i++)
		world.nodes[i].addr = address(i + 1);
	set_router_conf(bits);
	set_cache_conf(bits);
	for (unsigned i = 0; i < NODES; i++) {
		struct node *n = &world.nodes[i];

		world.cache_conf.self = n->addr;
		world.router_conf.id = world.router_conf.id6 = n->addr;
		n->cache = i < CACHES ? cache_new(&world.cache_conf, world.now) : NULL;
		n->router =
			i < CACHES ? NULL : router_new(&world.router_conf, world.now);
		if (!n->cache && !n->router)
			abort();
	}
	for (unsigned i = 0; i < CACHES; i++) {
		struct cache_event ev = { .type = CACHE_EV_HEALTH, .now = world.now };

		ev.u.health.up = true;
		ev.u.health.weight = 10;
		step_group(&world.nodes[i], &ev);
	}
}

static void stop(void)
{
	for (unsigned i = 0; i < NODES; i++) {
		struct node *n = &world.nodes[i];

		if (n->router) {
			check_router(n->router);
			router_free(n->router);
		} else {
			check_group(n->cache);
			cache_free(n->cache);
		}
	}
}

int fuzz_step(const uint8_t *octets, size_t len)
{
	world.at = octets;
	world.end = octets + len;
	start();
	for (unsigned n = 0; n < STEPS_MAX && world.at < world.end; n++)
		event();
	stop();
	return 0;
}
