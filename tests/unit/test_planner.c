/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The desired state of the kernel follows configuration and groups. */
#include "wccpd/planner/planner.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

static struct conf conf;
static struct cache_status status;
static struct plan plan;

static void reset(void)
{
	memset(&conf, 0, sizeof(conf));
	memset(&status, 0, sizeof(status));
	memset(&plan, 0xa5, sizeof(plan)); /* reused by the daemon, never cleared */
	strcpy(conf.interfaces[conf.n_interfaces++], "eth7");
	conf.address = addr_v4(0x0a000102);
	conf.mark = 0x5700;
	conf.mark_mask = 0xff00;
	conf.table = 77;
	conf.n_services = 1;
	conf.services[0].pool = 3;
	conf.services[0].group.service.id = 80;
	conf.services[0].drop_when_down = true;
}

static struct cache_router_status router(uint32_t id, uint32_t forward)
{
	return (struct cache_router_status){
		.address = addr_v4(0x0a000101),
		.id = id ? addr_v4(id) : (struct addr){ 0 },
		.forward = forward,
		.ret = WCCP_METHOD_L2,
	};
}

CASE(plan, .setup = reset)

TEST(takes_the_fixed_parts_from_the_configuration)
{
	planner_begin(&conf, &plan);
	ck_assert_uint_eq(plan.n_interfaces, 1);
	ck_assert_str_eq(plan.interfaces[0], "eth7");
	ck_assert(addr_equal(&plan.self, &conf.address));
	ck_assert_uint_eq(plan.mark, 0x5700);
	ck_assert_uint_eq(plan.mark_mask, 0xff00);
	ck_assert_uint_eq(plan.table, 77);
	ck_assert_uint_eq(plan.n_services + plan.n_pools + plan.n_routers + plan.n_other_caches,
			  0);
}

TEST(lists_only_routers_that_agreed_on_methods)
{
	status.n_routers = 3;
	status.routers[0] = router(0, 0);                        /* never heard */
	status.routers[1] = router(0x0a00ff01, 0);               /* no agreement */
	status.routers[2] = router(0x0a00ff02, WCCP_METHOD_GRE); /* agreed */
	planner_begin(&conf, &plan);
	planner_add_service(&conf.services[0], &status, NULL, &plan);
	ck_assert_uint_eq(plan.n_services, 1);
	ck_assert_uint_eq(plan.services[0].service.id, 80);
	ck_assert_uint_eq(plan.services[0].pool, 3);
	ck_assert(plan.services[0].drop_when_down);
	ck_assert_uint_eq(plan.n_routers, 1);
	ck_assert_uint_eq(addr_to_v4(&plan.routers[0].id), 0x0a00ff02);
	ck_assert_uint_eq(plan.routers[0].service, 0);
	ck_assert_uint_eq(plan.routers[0].forward, WCCP_METHOD_GRE);
	ck_assert_uint_eq(plan.routers[0].ret, WCCP_METHOD_L2);
}

TEST(lists_every_fellow_once_and_never_itself)
{
	status.n_caches = 3;
	status.caches[0].addr = conf.address;
	status.caches[1].addr = addr_v4(0x0a000103);
	status.caches[2].addr = addr_v4(0x0a000104);
	planner_begin(&conf, &plan);
	planner_add_service(&conf.services[0], &status, NULL, &plan);
	planner_add_service(&conf.services[0], &status, NULL, &plan);
	ck_assert_uint_eq(plan.n_services, 2);
	ck_assert_uint_eq(plan.n_other_caches, 2);
	ck_assert_uint_eq(addr_to_v4(&plan.other_caches[0]), 0x0a000103);
	ck_assert_uint_eq(addr_to_v4(&plan.other_caches[1]), 0x0a000104);
}

TEST(exchanges_no_packets_with_strangers)
{
	struct cache_conf *g = &conf.services[0].group;

	g->n_allowed = 2;
	g->allowed[0] = conf.address;
	g->allowed[1] = addr_v4(0x0a000104);
	status.n_caches = 2;
	status.caches[0].addr = addr_v4(0x0a000103);
	status.caches[1].addr = addr_v4(0x0a000104);
	planner_begin(&conf, &plan);
	planner_add_service(&conf.services[0], &status, NULL, &plan);
	ck_assert_uint_eq(plan.n_other_caches, 1);
	ck_assert_uint_eq(addr_to_v4(&plan.other_caches[0]), 0x0a000104);
}

/* They count as the service's first router that has agreed on their method. */
TEST(sources_belong_to_routers_of_their_service)
{
	static const uint8_t mac[6] = { 0, 0, 0x5e, 0, 1, 7 };
	struct conf_service *s = &conf.services[0];

	s->n_gre_sources = s->n_l2_sources = 1;
	s->gre_sources[0] = addr_v4(0x0a000909);
	memcpy(s->l2_sources[0], mac, sizeof(mac));
	status.n_routers = 1;
	status.routers[0] = router(0x0a00ff01, 0);
	planner_begin(&conf, &plan);
	planner_add_service(s, &status, NULL, &plan);
	ck_assert_uint_eq(plan.n_sources, 0);
	status.routers[0] = router(0x0a00ff01, WCCP_METHOD_GRE);
	planner_add_service(s, &status, NULL, &plan);
	ck_assert_uint_eq(plan.n_sources, 1);
	status.n_routers = 2;
	status.routers[1] = router(0x0a00ff02, WCCP_METHOD_L2);
	planner_add_service(s, &status, NULL, &plan);
	ck_assert_uint_eq(plan.n_sources, 3);
	ck_assert_uint_eq(plan.sources[1].router, 1);
	ck_assert(addr_equal(&plan.sources[1].addr, &s->gre_sources[0]));
	ck_assert_uint_eq(plan.sources[2].router, 2);
	ck_assert(plan.sources[2].by_mac);
	ck_assert_mem_eq(plan.sources[2].mac, mac, sizeof(mac));
}

TEST(carries_the_handover_table)
{
	status.handover[200] = addr_v4(0x0a000103);
	planner_begin(&conf, &plan);
	planner_add_service(&conf.services[0], &status, NULL, &plan);
	ck_assert(!addr_is_set(&plan.services[0].handover[199]));
	ck_assert_uint_eq(addr_to_v4(&plan.services[0].handover[200]), 0x0a000103);
}

static void add_full_service(uint32_t first)
{
	status.n_routers = WCCP_MAX_ROUTERS;
	for (unsigned i = 0; i < WCCP_MAX_ROUTERS; i++)
		status.routers[i] = router(first + i, WCCP_METHOD_L2);
	planner_add_service(&conf.services[0], &status, NULL, &plan);
}

TEST(never_lists_more_routers_than_a_plan_holds)
{
	planner_begin(&conf, &plan);
	for (unsigned s = 0; s < 3; s++) {
		add_full_service(0x0a00ff00 + s * 0x100);
		ck_assert_uint_eq(plan.n_left_out, s < 2 ? 0 : WCCP_MAX_ROUTERS);
	}
	ck_assert_uint_eq(plan.n_services, 3);
	ck_assert_uint_eq(plan.n_addresses, PLAN_MAX_ADDRESSES);
	ck_assert_uint_eq(plan.n_routers, 2 * WCCP_MAX_ROUTERS);
	planner_begin(&conf, &plan);
	ck_assert_uint_eq(plan.n_left_out, 0);
}

/* As many as can be configured: 64 services at 32 routers each. */
TEST(lists_every_service_at_every_router)
{
	planner_begin(&conf, &plan);
	for (unsigned s = 0; s < PLAN_MAX_SERVICES; s++)
		add_full_service(0x0a00ff00 + s % 2 * 0x100);
	ck_assert_uint_eq(plan.n_services, PLAN_MAX_SERVICES);
	ck_assert_uint_eq(plan.n_routers, PLAN_MAX_SERVICES * WCCP_MAX_ROUTERS);
	ck_assert_uint_eq(plan.n_left_out, 0);
	ck_assert_uint_eq(plan.routers[PLAN_MAX_ROUTERS - 1].service, 63);
}

/* -- with the plan of the process before ------------------------------------------------ */

static struct plan earlier;

static void plan_with_earlier(void)
{
	planner_begin(&conf, &plan);
	planner_add_service(&conf.services[0], &status, &earlier, &plan);
}

/* A router, slots and another web-cache. */
static void earlier_knows(uint32_t id)
{
	struct plan_service *s = &earlier.services[0];

	memset(&earlier, 0, sizeof(earlier));
	earlier.n_services = earlier.n_routers = earlier.n_other_caches = 1;
	s->service.id = 80;
	s->n_slots = 256;
	s->my_slots = 100;
	s->handover[7] = addr_v4(0x0a000203);
	earlier.routers[0] = (struct plan_router){
		.id = addr_v4(id),
		.address = addr_v4(0x0a000101),
		.forward = WCCP_METHOD_GRE,
		.held = true,
	};
	earlier.other_caches[0] = addr_v4(0x0a000203);
	conf.services[0].group.routers[0] = addr_v4(0x0a000101);
	conf.services[0].group.n_routers = 1;
}

TEST(keeps_an_earlier_router_until_it_is_heard)
{
	earlier_knows(0x0a00ff01);
	status.n_routers = 1;
	status.routers[0] = router(0, 0);
	plan_with_earlier();
	ck_assert_uint_eq(plan.n_routers, 1);
	ck_assert(addr_equal(&plan.routers[0].id, &earlier.routers[0].id));
	ck_assert(!plan.routers[0].held);
	ck_assert_uint_eq(plan.services[0].n_slots, 256);
	ck_assert_uint_eq(plan.services[0].my_slots, 100);
	ck_assert(addr_is_set(&plan.services[0].handover[7]));
	ck_assert_uint_eq(plan.n_other_caches, 1);

	status.routers[0] = router(0x0a00ff02, WCCP_METHOD_L2);
	plan_with_earlier();
	ck_assert_uint_eq(plan.n_routers, 1);
	ck_assert(addr_equal(&plan.routers[0].id, &status.routers[0].id));
	ck_assert_uint_eq(plan.services[0].n_slots, 0);
	ck_assert_uint_eq(plan.n_other_caches, 0);
}

TEST(keeps_no_earlier_router_that_is_not_configured)
{
	earlier_knows(0x0a00ff01);
	conf.services[0].group.routers[0] = addr_v4(0x0a000177);
	plan_with_earlier();
	ck_assert_uint_eq(plan.n_routers, 0);
}

TEST(remembers_who_had_a_slot_while_that_one_lives)
{
	earlier_knows(0x0a00ff01);
	status.n_routers = status.n_caches = 1;
	status.routers[0] = router(0x0a00ff01, WCCP_METHOD_GRE);
	status.n_slots = 256;
	status.caches[0].addr = addr_v4(0x0a000203);
	plan_with_earlier();
	ck_assert(addr_equal(&plan.services[0].handover[7], &status.caches[0].addr));
	ck_assert(!addr_is_set(&plan.services[0].handover[8]));
	status.n_caches = 0;
	plan_with_earlier();
	ck_assert(!addr_is_set(&plan.services[0].handover[7]));
}

TEST(guesses_that_a_router_uses_its_configured_address)
{
	struct cache_conf *group = &conf.services[0].group;

	earlier_knows(0x0a00ff01);
	group->forward = (struct cache_preference){ 2, { WCCP_METHOD_L2, WCCP_METHOD_GRE } };
	group->ret = group->forward;
	planner_begin(&conf, &plan);
	planner_add_service(&conf.services[0], &status, NULL, &plan);
	planner_add_guesses(&conf.services[0], 0, &plan);
	ck_assert_uint_eq(plan.n_routers, 1);
	ck_assert(plan.routers[0].guessed);
	ck_assert(addr_equal(&plan.routers[0].id, &group->routers[0]));
	ck_assert_uint_eq(plan.routers[0].forward, WCCP_METHOD_GRE);
	planner_add_guesses(&conf.services[0], 0, &plan);
	ck_assert_uint_eq(plan.n_routers, 1); /* it is there already */
}

TEST(an_instance_takes_by_the_listener_it_had)
{
	struct plan_pool pool = { .name = "web", .n_instances = 1, .n_listeners = 1 };

	strcpy(pool.instances[0].name, "s1");
	pool.listeners[0].inode = 11;
	memset(&earlier, 0, sizeof(earlier));
	earlier.n_pools = 1;
	earlier.pools[0] = pool;
	planner_keep_instance(&earlier, 0, &pool);
	ck_assert(!pool.instances[0].takes);
	earlier.pools[0].instances[0].takes = true;
	planner_keep_instance(&earlier, 0, &pool);
	ck_assert(pool.instances[0].takes);
	pool.instances[0].takes = false;
	pool.listeners[0].inode = 12; /* another process */
	planner_keep_instance(&earlier, 0, &pool);
	ck_assert(!pool.instances[0].takes);
}
