/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of the steering program follows the plan. */
#include "dp/steer/steer_render.h"
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TCP 6
#define UDP 17

static struct plan plan;
static struct facts facts = { .n_links = 1, .links = { { .ifindex = 7 } } };
static struct steer_places places;
static struct steer_table table;

/* Slots are handed out in order; listener l of the plan sits in slot l + 10. */
static void reset(void)
{
	memset(&plan, 0, sizeof(plan));
	memset(&places, 0xff, sizeof(places));
	plan.n_pools = 1;
	strcpy(plan.pools[0].name, "web");
}

static void add_instance(const char *name, unsigned weight, unsigned listeners)
{
	struct plan_pool *p = &plan.pools[0];
	struct plan_instance *i = &p->instances[p->n_instances];

	snprintf(i->name, sizeof(i->name), "%s", name);
	i->weight = (uint16_t)weight;
	i->takes = true;
	for (; listeners; listeners--) {
		p->listeners[p->n_listeners].instance = (uint16_t)p->n_instances;
		places.slots[0][p->n_listeners] = (uint16_t)(p->n_listeners + 10);
		p->n_listeners++;
	}
	p->n_instances++;
}

static void render(void)
{
	steer_render(&plan, &facts, &places, &table);
}

TEST(links)
{
	reset();
	render();
	ck_assert_uint_eq(table.links[0], 7);
	ck_assert_uint_eq(table.links[1], 0);
}

/* The slots of the pool's instances, in the order of the plan; 0: it is left out. */
static unsigned count(unsigned instance)
{
	const struct steer_pool *p = &table.pools[0];
	unsigned at = p->of_processor[instance];

	return at == 0xff ? 0 : p->instances[at].n;
}

TEST(who_takes_nothing_or_has_no_listener_is_left_out)
{
	reset();
	add_instance("a", 100, 1);
	add_instance("b", 100, 0);
	add_instance("c", 100, 1);
	add_instance("d", 100, 3);
	add_instance("e", 100, 2);
	places.slots[0][1] = STEER_NO_SLOT; /* c's could not be had */
	plan.pools[0].instances[3].takes = false;
	render();
	ck_assert_uint_eq(table.pools[0].n, 2);
	ck_assert_uint_eq(count(0), 1);
	ck_assert_uint_eq(count(1) + count(2) + count(3), 0);
	ck_assert_uint_eq(count(4), 2);
	/* Processors are divided by what is configured, whoever is up. */
	ck_assert_uint_eq(table.pools[0].n_processors, 5);
}

TEST(listeners_of_an_instance_are_in_the_order_of_its_processes)
{
	static const struct {
		int pid, fd;
	} list[] = { { 12, 5 }, { 10, 9 }, { 12, 3 }, { 11, 7 } };
	const uint16_t *slots;

	reset();
	add_instance("smp", 100, 4);
	for (unsigned i = 0; i < 4; i++) {
		plan.pools[0].listeners[i].pid = list[i].pid;
		plan.pools[0].listeners[i].fd = list[i].fd;
	}
	render();
	slots = table.pools[0].slots;
	ck_assert_uint_eq(slots[0], 11);
	ck_assert_uint_eq(slots[1], 13);
	ck_assert_uint_eq(slots[2], 12);
	ck_assert_uint_eq(slots[3], 10);
}

TEST(largest_pool)
{
	bool seen[PLAN_MAX_LISTENERS] = { false };

	reset();
	for (unsigned i = 0; i < PLAN_MAX_INSTANCES; i++) {
		char name[8];

		snprintf(name, sizeof(name), "i%u", i);
		add_instance(name, 100, PLAN_MAX_LISTENERS / PLAN_MAX_INSTANCES);
	}
	render();
	ck_assert_uint_eq(table.pools[0].n, PLAN_MAX_INSTANCES);
	for (unsigned i = 0; i < PLAN_MAX_LISTENERS; i++) {
		unsigned listener = table.pools[0].slots[i] - 10u;

		ck_assert_uint_lt(listener, PLAN_MAX_LISTENERS);
		ck_assert(!seen[listener]);
		seen[listener] = true;
	}
}

/* -- ports ---------------------------------------------------------------------- */

static void add_service(unsigned priority, unsigned protocol, uint32_t flags,
			uint16_t port, unsigned pool)
{
	struct plan_service *s = &plan.services[plan.n_services];

	s->service.type = WCCP_SERVICE_DYNAMIC;
	s->service.id = (uint8_t)(80 + plan.n_services++);
	s->service.priority = (uint8_t)priority;
	s->service.protocol = (uint8_t)protocol;
	s->service.flags = flags;
	s->service.ports[0] = port;
	s->pool = pool;
	plan.n_pools = 8;
}

TEST(ports_without_a_service_are_nobodys)
{
	reset();
	render();
	for (unsigned port = 0; port < 65536; port++)
		ck_assert_uint_eq(table.pool_of_port[port], STEER_NO_POOL);
}

TEST(the_well_known_service_is_port_80)
{
	reset();
	plan.n_services = 1; /* type 0, id 0: all other fields are zero on the wire */
	render();
	ck_assert_uint_eq(table.pool_of_port[80], 0);
	ck_assert_uint_eq(table.pool_of_port[81], STEER_NO_POOL);
	ck_assert_uint_eq(table.pool_of_port[0], STEER_NO_POOL);
}

TEST(the_higher_priority_has_the_port)
{
	reset();
	add_service(10, TCP, WCCP_F_PORTS_DEFINED, 3128, 1);
	add_service(20, TCP, WCCP_F_PORTS_DEFINED, 3128, 2);
	add_service(20, TCP, WCCP_F_PORTS_DEFINED, 3128, 3);
	add_service(10, TCP, WCCP_F_PORTS_DEFINED, 8080, 4);
	render();
	ck_assert_uint_eq(table.pool_of_port[3128], 2);
	ck_assert_uint_eq(table.pool_of_port[8080], 4);
}

TEST(a_service_without_ports_has_what_is_left)
{
	reset();
	add_service(30, TCP, WCCP_F_PORTS_DEFINED, 443, 1);
	add_service(20, TCP, 0, 0, 2);
	add_service(10, TCP, WCCP_F_PORTS_DEFINED, 8080, 3);
	render();
	ck_assert_uint_eq(table.pool_of_port[443], 1);
	ck_assert_uint_eq(table.pool_of_port[8080], 2); /* comes too late */
	ck_assert_uint_eq(table.pool_of_port[1], 2);
}

TEST(protocol_zero_is_every_protocol_unless_flagged)
{
	reset();
	add_service(10, 0, WCCP_F_ONLY_PROTOCOL_0, 0, 1);
	render();
	ck_assert_uint_eq(table.pool_of_port[80], STEER_NO_POOL);
	add_service(9, 0, 0, 0, 2);
	render();
	ck_assert_uint_eq(table.pool_of_port[80], 2);
}

TEST(source_ports_and_other_protocols_are_not_steered)
{
	reset();
	add_service(10, TCP, WCCP_F_PORTS_DEFINED | WCCP_F_PORTS_SOURCE, 80, 1);
	add_service(10, UDP, WCCP_F_PORTS_DEFINED, 443, 2);
	render();
	ck_assert_uint_eq(table.pool_of_port[80], STEER_NO_POOL);
	ck_assert_uint_eq(table.pool_of_port[443], STEER_NO_POOL);
}

TEST(gre_is_expected_from_routers_and_fellows)
{
	reset();
	add_service(10, TCP, WCCP_F_PORTS_DEFINED, 80, 1);
	plan.n_routers = 1;
	plan.routers[0].forward = WCCP_METHOD_L2;
	plan.routers[0].ret = WCCP_METHOD_GRE;
	ck_assert(!steer_pool_by_gre(&plan, 1));
	plan.n_other_caches = 1;
	ck_assert(steer_pool_by_gre(&plan, 1));
	plan.n_other_caches = 0;
	plan.routers[0].forward = WCCP_METHOD_GRE;
	ck_assert(steer_pool_by_gre(&plan, 1));
	ck_assert(!steer_pool_by_gre(&plan, 0));
}

TEST(ports_that_pools_listen_on)
{
	const struct addr one = addr_v4(0x0a000102);

	reset();
	add_instance("a", 100, 1);
	plan.n_listens = 3;
	plan.listens[0] = (struct plan_listen){ .port = 3128 };
	plan.listens[1] = (struct plan_listen){ .port = 80, .pass_when_down = true };
	plan.listens[2] = (struct plan_listen){ .port = 3128, .addr = one };
	render();
	plan.n_listens = 0;
	ck_assert_uint_eq(table.listen_of_port[80], 0);
	ck_assert_uint_eq(table.listen_of_port[3128], 1);
	ck_assert_uint_eq(table.listen_of_port[3129], STEER_NO_LISTEN);
	ck_assert(table.listens[0].any && table.listens[0].pass);
	/* The one of a single address comes first. */
	ck_assert(!table.listens[1].any && !table.listens[1].pass);
	ck_assert_mem_eq(table.listens[1].addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\1\2",
			 16);
	ck_assert(table.listens[2].any);
	ck_assert_uint_eq(table.listens[2].port, 3128);
	ck_assert_uint_eq(table.listens[3].port, 0);
}
