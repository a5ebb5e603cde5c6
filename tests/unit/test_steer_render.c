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
static struct steer_memory memory;
static struct steer_table table;

/* Slots are handed out in order; listener l of the plan sits in slot l + 10. */
static void reset(void)
{
	memset(&plan, 0, sizeof(plan));
	memset(&places, 0xff, sizeof(places));
	memset(&memory, 0, sizeof(memory));
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
	steer_render(&plan, &facts, &places, &memory, &table);
}

/* Buckets in which `slot` has rank `rank`. */
static unsigned count(unsigned slot, unsigned rank)
{
	unsigned n = 0;

	for (unsigned b = 0; b < STEER_BUCKETS; b++)
		n += table.pools[0].slots[b][rank] == slot;
	return n;
}

TEST(buckets_follow_weights)
{
	reset();
	add_instance("a", 100, 1);
	add_instance("b", 100, 1);
	add_instance("c", 200, 1);
	render();
	ck_assert_uint_eq(count(10, 0), 64);
	ck_assert_uint_eq(count(11, 0), 64);
	ck_assert_uint_eq(count(12, 0), 128);
	ck_assert_uint_eq(table.links[0], 7);
}

TEST(every_bucket_ranks_every_instance_once)
{
	reset();
	for (unsigned i = 0; i < 5; i++)
		add_instance((char[]){ (char)('a' + i), 0 }, 100, 1);
	render();
	for (unsigned b = 0; b < STEER_BUCKETS; b++) {
		unsigned seen = 0;

		for (unsigned r = 0; r < 5; r++)
			seen |= 1u << (table.pools[0].slots[b][r] - 10);
		ck_assert_uint_eq(seen, 0x1f);
		for (unsigned r = 5; r < STEER_RANKS; r++)
			ck_assert_uint_eq(table.pools[0].slots[b][r], STEER_NO_SLOT);
	}
}

/* 256 buckets over 4: 64 each; those of one over the other three: 21.3 each.  A fair
 * hash is off by 8 or more once in 40 names; these names are what they are. */
TEST(buckets_of_a_dead_one_spread_over_all_others)
{
	unsigned heirs[4] = { 0 };

	reset();
	add_instance("squid1", 100, 1);
	add_instance("squid2", 100, 1);
	add_instance("squid3", 100, 1);
	add_instance("squid4", 100, 1);
	render();
	for (unsigned b = 0; b < STEER_BUCKETS; b++)
		if (table.pools[0].slots[b][0] == 10)
			heirs[table.pools[0].slots[b][1] - 10]++;
	ck_assert_uint_eq(heirs[0], 0);
	for (unsigned i = 1; i < 4; i++) {
		ck_assert_uint_ge(heirs[i], 13);
		ck_assert_uint_le(heirs[i], 30);
	}
}

TEST(one_that_takes_nothing_is_left_out)
{
	reset();
	add_instance("a", 100, 1);
	add_instance("b", 100, 1);
	plan.pools[0].instances[0].takes = false;
	render();
	for (unsigned b = 0; b < STEER_BUCKETS; b++) {
		ck_assert_uint_eq(table.pools[0].slots[b][0], 11);
		ck_assert_uint_eq(table.pools[0].slots[b][1], STEER_NO_SLOT);
	}
	plan.pools[0].instances[1].takes = false;
	render();
	ck_assert_uint_eq(count(STEER_NO_SLOT, 0), STEER_BUCKETS);
}

TEST(one_without_a_listener_is_left_out)
{
	reset();
	add_instance("a", 100, 1);
	add_instance("b", 100, 0);
	add_instance("c", 100, 1);
	places.slots[0][1] = STEER_NO_SLOT; /* c's could not be had */
	render();
	ck_assert_uint_eq(count(10, 0), STEER_BUCKETS);
	ck_assert_uint_eq(count(STEER_NO_SLOT, 1), STEER_BUCKETS);
}

TEST(a_death_moves_only_the_buckets_of_the_dead)
{
	struct steer_table before;

	reset();
	add_instance("a", 100, 1);
	add_instance("b", 100, 1);
	add_instance("c", 100, 1);
	render();
	before = table;
	plan.pools[0].instances[1].takes = false;
	render();
	for (unsigned b = 0; b < STEER_BUCKETS; b++)
		if (before.pools[0].slots[b][0] != 11)
			ck_assert_uint_eq(table.pools[0].slots[b][0],
					  before.pools[0].slots[b][0]);
	ck_assert_uint_eq(count(10, 0), 128);
	ck_assert_uint_eq(count(12, 0), 128);
}

/* The plan of a changed configuration names the same instances in another order. */
TEST(owners_are_remembered_by_name)
{
	struct steer_memory before;

	reset();
	add_instance("a", 100, 1);
	add_instance("b", 100, 1);
	add_instance("c", 100, 1);
	render();
	before = memory;

	plan.pools[0].n_instances = plan.pools[0].n_listeners = 0;
	add_instance("c", 100, 1);
	add_instance("a", 100, 1);
	add_instance("b", 100, 1);
	render();
	for (unsigned b = 0; b < STEER_BUCKETS; b++)
		ck_assert_str_eq(memory.pools[0].instance[b],
				 before.pools[0].instance[b]);
	ck_assert(!strcmp(memory.pools[0].pool, "web"));
}

TEST(listeners_of_one_instance_take_turns)
{
	reset();
	add_instance("smp", 100, 4);
	add_instance("solo", 100, 1);
	render();
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(count(10 + i, 0), 32);
	ck_assert_uint_eq(count(14, 0), 128);
	/* Another instance is the second choice, the same one's others come later. */
	for (unsigned b = 0; b < STEER_BUCKETS; b++) {
		const uint16_t *s = table.pools[0].slots[b];

		ck_assert((s[0] == 14) != (s[1] == 14));
		for (unsigned r = 0; r < 5; r++)
			ck_assert_uint_ne(s[r], STEER_NO_SLOT);
	}
}

TEST(listeners_of_the_only_instance_stand_in_for_each_other)
{
	reset();
	add_instance("smp", 100, 3);
	render();
	for (unsigned b = 0; b < STEER_BUCKETS; b++) {
		const uint16_t *s = table.pools[0].slots[b];

		ck_assert_uint_eq(
			1u << (s[0] - 10) | 1u << (s[1] - 10) | 1u << (s[2] - 10), 7);
		ck_assert_uint_eq(s[3], STEER_NO_SLOT);
	}
}

TEST(weight_zero_is_the_last_resort)
{
	reset();
	add_instance("a", 0, 1);
	add_instance("b", 100, 1);
	add_instance("c", 100, 1);
	render();
	ck_assert_uint_eq(count(10, 2), STEER_BUCKETS);
}

TEST(largest_pool)
{
	unsigned owned = 0;

	reset();
	for (unsigned i = 0; i < PLAN_MAX_INSTANCES; i++) {
		char name[8];

		snprintf(name, sizeof(name), "i%u", i);
		add_instance(name, 100, PLAN_MAX_LISTENERS / PLAN_MAX_INSTANCES);
	}
	render();
	for (unsigned i = 0; i < PLAN_MAX_LISTENERS; i++) {
		ck_assert_uint_eq(count(10 + i, 0), 1);
		owned += count(10 + i, 0);
	}
	ck_assert_uint_eq(owned, STEER_BUCKETS);
	ck_assert_uint_eq(count(STEER_NO_SLOT, STEER_RANKS - 1), 0);
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
