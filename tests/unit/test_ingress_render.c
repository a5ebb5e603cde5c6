/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration of the ingress program follows the plan, and the look-ups that
 * the program makes in it find what the plan says. */
#include "dp/ingress/ingress_render.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

static struct plan plan;
static struct facts facts;
static uint32_t counters[PLAN_MAX_SERVICES];
static struct ingress_config config;

static void reset(void)
{
	memset(&plan, 0, sizeof(plan));
	memset(&facts, 0, sizeof(facts));
	plan.self = addr_v4(0x0a020002);
	plan.mark = 0x100;
	plan.mark_mask = 0xff00;
	for (unsigned i = 0; i < PLAN_MAX_SERVICES; i++)
		counters[i] = i;
}

static void render(void)
{
	ingress_render(&plan, &facts, counters, &config);
}

static struct plan_service *add_service(unsigned id, unsigned priority)
{
	struct plan_service *s = &plan.services[plan.n_services++];

	s->service = (struct wccp_service){
		.type = WCCP_SERVICE_DYNAMIC,
		.id = (uint8_t)id,
		.priority = (uint8_t)priority,
		.protocol = IPPROTO_TCP,
		.flags = WCCP_F_PORTS_DEFINED | WCCP_F_DST_IP_HASH,
		.ports = { 80 },
	};
	return s;
}

static void add_router(unsigned service, uint32_t id, uint32_t address,
		       uint32_t forward, uint32_t ret)
{
	plan.routers[plan.n_routers++] = (struct plan_router){
		.service = service,
		.id = addr_v4(id),
		.address = addr_v4(address),
		.forward = forward,
		.ret = ret,
	};
}

static void set_mac(unsigned router, unsigned last)
{
	const uint8_t mac[6] = { 0x02, 0, 0, 0, (uint8_t)(last >> 8), (uint8_t)last };

	facts.macs[router].state = NEIGHBOUR_KNOWN;
	memcpy(facts.macs[router].octets, mac, sizeof(mac));
}

static uint32_t find(uint32_t address)
{
	return ingress_find(&config, htonl(address));
}

static uint32_t find_mac(unsigned router)
{
	uint32_t first;
	uint16_t last;

	memcpy(&first, facts.macs[router].octets, sizeof(first));
	memcpy(&last, facts.macs[router].octets + sizeof(first), sizeof(last));
	return ingress_find(&config, ingress_mac_key(first, last));
}

/* -- services -------------------------------------------------------------------- */

/* What is sent leaves by the interface that its receiver is on. */
TEST(several_interfaces)
{
	reset();
	facts.n_links = 2;
	facts.links[0] = (struct facts_link){ .ifindex = 4, .mtu = 1500 };
	facts.links[1] = (struct facts_link){ .ifindex = 9,
					      .mtu = 1400,
					      .mac = { 2, 0, 0, 0, 0, 9 } };
	add_service(51, 10);
	add_router(0, 0x0a000001, 0x0a000001, WCCP_METHOD_L2, WCCP_METHOD_L2);
	set_mac(0, 1);
	facts.macs[0].link = 1;
	facts.router_out[0] = 4;
	plan.other_caches[plan.n_other_caches++] = addr_v4(0x0a000007);
	facts.other_out[0] = 9;
	render();
	ck_assert_uint_eq(config.routers[0].mac_out, 9);
	ck_assert_mem_eq(config.routers[0].our_mac, facts.links[1].mac, 6);
	ck_assert_uint_eq(config.routers[0].id_out, 4);
	ck_assert_uint_eq(config.other_out[0], 9);
	ck_assert_uint_eq(ingress_mtu(&config, 4), 1500);
	ck_assert_uint_eq(ingress_mtu(&config, 9), 1400);
	ck_assert_uint_eq(ingress_mtu(&config, 5), 0);
	ck_assert(!config.routers[0].held);
	/* Nothing that is delivered would arrive. */
	facts.blocked = true;
	render();
	ck_assert_uint_eq(config.routers[0].held, config.services[0].bit);
}

TEST(services_stand_in_order_of_priority)
{
	reset();
	add_service(51, 10);
	add_service(52, 30);
	add_service(53, 10);
	render();
	ck_assert_uint_eq(config.services[0].id, 52);
	ck_assert_uint_eq(config.services[1].id, 51);
	ck_assert_uint_eq(config.services[2].id, 53);
	ck_assert_uint_eq(config.services[0].counters, 1);
	ck_assert_uint_eq(config.services[2].bit, 4);
	ck_assert_uint_eq(config.service_of_id[1][53], 2);
	ck_assert_uint_eq(config.service_of_id[1][50], INGRESS_NONE);
}

/* Matched by id alone, one would be taken for the other (2.0 section 4.2). */
TEST(a_type_and_an_id_make_a_service)
{
	reset();
	add_service(0, 10);
	add_service(0, 20)->service.type = WCCP_SERVICE_STANDARD;
	render();
	ck_assert_uint_eq(config.services[config.service_of_id[0][0]].type, 0);
	ck_assert_uint_eq(config.services[config.service_of_id[1][0]].type, 1);
	/* Priority 240 by definition, whatever the plan says. */
	ck_assert_uint_eq(config.service_of_id[0][0], 0);
}

TEST(buckets_are_not_handed_to_ourselves)
{
	struct plan_service *s;

	reset();
	s = add_service(51, 10);
	plan.other_caches[plan.n_other_caches++] = addr_v4(0x0a020007);
	plan.other_caches[plan.n_other_caches++] = addr_v4(0x0a020003);
	s->n_slots = WCCP_BUCKETS;
	s->handover[4] = addr_v4(0x0a020003);
	s->handover[5] = plan.self;
	s->handover[6] = addr_v4(0x0a020099); /* no other cache of the plan */
	render();
	ck_assert_uint_eq(config.services[0].handover[3], 0);
	ck_assert_uint_eq(config.services[0].handover[4], 2);
	ck_assert_uint_eq(config.other_caches[1].words[3], htonl(0x0a020003));
	ck_assert_uint_eq(config.services[0].handover[5], 0);
	ck_assert_uint_eq(config.services[0].handover[6], 0);
}

TEST(sources_count_as_their_router)
{
	struct plan_source gre = { .router = 1, .addr = addr_v4(0x0a020909) };
	struct plan_source mac = { .router = 1, .by_mac = true, .mac = { 2, 7 } };
	struct plan_source taken = { .router = 1, .addr = addr_v4(0x0a0200fe) };

	reset();
	add_service(51, 10);
	add_router(0, 0x0a0200fe, 0x0a020001, WCCP_METHOD_GRE, WCCP_METHOD_GRE);
	add_router(0, 0x0a0200fd, 0x0a020006, WCCP_METHOD_GRE, WCCP_METHOD_GRE);
	plan.sources[0] = gre;
	plan.sources[1] = mac;
	plan.sources[2] = taken; /* of another router */
	plan.n_sources = 3;
	render();
	ck_assert_uint_eq(find(0x0a020909), find(0x0a0200fd));
	ck_assert_uint_ne(find(0x0a020909), find(0x0a0200fe));
	ck_assert_uint_ne(find(0x0a0200fe), find(0x0a0200fd));
	facts.macs[0].octets[0] = 2;
	facts.macs[0].octets[1] = 7;
	ck_assert_uint_eq(find_mac(0), find(0x0a0200fd));
}

/* A generator of our own, so that a failure comes again (Numerical Recipes). */
static uint32_t seed;

static uint32_t dice(uint32_t sides)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % sides;
}

static const uint8_t protocols[] = { 0, 1, IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, 47 };

static void random_service(struct wccp_service *s)
{
	*s = (struct wccp_service){
		.type = dice(8) ? WCCP_SERVICE_DYNAMIC : WCCP_SERVICE_STANDARD,
		.id = (uint8_t)dice(256),
		.priority = (uint8_t)dice(4),
		.protocol = protocols[dice(sizeof(protocols))],
	};
	if (dice(4))
		s->flags |= WCCP_F_PORTS_DEFINED;
	if (!dice(3))
		s->flags |= WCCP_F_PORTS_SOURCE;
	if (!dice(3))
		s->flags |= WCCP_F_ONLY_PROTOCOL_0;
	for (unsigned i = dice(WCCP_MAX_PORTS + 1); i > 0; i--)
		s->ports[i - 1] = (uint16_t)(78 + dice(10));
}

static struct packet random_packet(void)
{
	struct packet p = { .protocol = protocols[dice(sizeof(protocols))] };

	p.has_ports = p.protocol == IPPROTO_TCP || p.protocol == IPPROTO_UDP;
	if (p.has_ports) {
		p.sport = htons((uint16_t)(78 + dice(12)));
		p.dport = htons((uint16_t)(78 + dice(12)));
	}
	return p;
}

static void check_packet(const struct packet *p)
{
	uint64_t found = ingress_matching(&config, p);
	unsigned highest = 0;

	for (unsigned i = 0; i < plan.n_services; i++) {
		struct packet_service s;
		unsigned rank;

		packet_service_set(&s, &plan.services[i].service);
		for (rank = 0; config.services[rank].counters != i; rank++)
			;
		ck_assert_int_eq(found >> rank & 1, packet_matches(p, &s));
		if (packet_matches(p, &s) && s.priority > highest)
			highest = s.priority;
	}
	if (found) {
		struct packet_service s;
		uint32_t first = ingress_first(found);

		packet_service_set(
			&s, &plan.services[config.services[first].counters].service);
		ck_assert_uint_eq(s.priority, highest);
		ck_assert(found >> first & 1);
		ck_assert_uint_eq(found & ((1ULL << first) - 1), 0);
	}
}

TEST_LOOP(look_ups_agree_with_the_descriptions, 0, 8)
{
	reset();
	seed = (uint32_t)_i * 7919;
	while (plan.n_services < PLAN_MAX_SERVICES) {
		random_service(&plan.services[plan.n_services++].service);
		if (dice(8) && plan.n_services < PLAN_MAX_SERVICES)
			continue;
		render();
		for (unsigned n = 0; n < 100; n++) {
			struct packet p = random_packet();

			check_packet(&p);
		}
	}
}

TEST(later_fragments_fit_every_service_of_their_protocol)
{
	struct packet p = { .protocol = IPPROTO_TCP, .fragment = true };

	reset();
	add_service(51, 10);
	add_service(52, 9)->service.protocol = IPPROTO_UDP;
	add_service(53, 8)->service.ports[0] = 443;
	render();
	ck_assert_uint_eq(ingress_matching(&config, &p), 5);
	p.protocol = IPPROTO_UDP;
	ck_assert_uint_eq(ingress_matching(&config, &p), 2);
}

/* -- senders ------------------------------------------------------------------------ */

TEST(one_router_serves_several_services)
{
	const struct ingress_router *r = &config.routers[0];

	reset();
	add_service(51, 10);
	add_service(52, 20);
	add_service(53, 30);
	add_router(0, 0x01010101, 0x0a020001, WCCP_METHOD_L2, WCCP_METHOD_GRE);
	add_router(1, 0x01010101, 0x0a020001, WCCP_METHOD_GRE, WCCP_METHOD_L2);
	add_router(2, 0x02020202, 0x0a020009, WCCP_METHOD_GRE, WCCP_METHOD_GRE);
	set_mac(0, 1);
	render();
	ck_assert_uint_eq(find(0x01010101), 0);
	ck_assert_uint_eq(find(0x0a020001), 0);
	ck_assert_uint_eq(find(0x02020202), 1);
	ck_assert_uint_eq(find_mac(0), 0);
	/* By priority: 53, 52, 51. */
	ck_assert_uint_eq(r->services, 6);
	ck_assert_uint_eq(r->l2, 4);
	ck_assert_uint_eq(r->return_l2, 2);
	ck_assert_uint_eq(config.routers[1].services, 1);
	ck_assert_uint_eq(config.services[0].router, 1);
	ck_assert_uint_eq(config.services[1].router, 0);
	ck_assert_uint_eq(find(0x03030303), INGRESS_NOBODY);
}

TEST(a_service_without_routers_has_no_way_back)
{
	reset();
	add_service(51, 10);
	render();
	ck_assert_uint_eq(config.services[0].router, INGRESS_NONE);
	ck_assert_uint_eq(find(0), INGRESS_NOBODY);
}

TEST(every_sender_of_the_largest_plan_is_found)
{
	reset();
	add_service(51, 10);
	for (unsigned i = 0; i < PLAN_MAX_ADDRESSES; i++) {
		/* Neither ascending nor descending, with the top bit and without. */
		uint32_t scattered = (i * 37 % 64) << 26 | i;

		add_router(0, scattered | 0x100, scattered | 0x200, WCCP_METHOD_L2,
			   WCCP_METHOD_L2);
		set_mac(i, 63 - i);
	}
	for (unsigned i = 0; i < WCCP_MAX_CACHES; i++)
		plan.other_caches[plan.n_other_caches++] = addr_v4(0xc0a80000 + i * 0x01000001);
	/* Nobody plans that, but it must do no harm. */
	add_router(0, 0x7f000001, 0x7f000002, WCCP_METHOD_L2, WCCP_METHOD_L2);
	render();
	ck_assert_uint_eq(find(0x7f000001), INGRESS_NOBODY);
	for (unsigned i = 0; i < PLAN_MAX_ADDRESSES; i++) {
		ck_assert_uint_eq(find(addr_to_v4(&plan.routers[i].id)), i);
		ck_assert_uint_eq(find(addr_to_v4(&plan.routers[i].address)), i);
		ck_assert_uint_eq(find_mac(i), i);
	}
	for (unsigned i = 0; i < WCCP_MAX_CACHES; i++)
		ck_assert_uint_eq(find(addr_to_v4(&plan.other_caches[i])), INGRESS_OTHER_CACHE);
	ck_assert_uint_eq(find(0x12345678), INGRESS_NOBODY);
	ck_assert_uint_eq(find(0xffffffff), INGRESS_NOBODY);
	ck_assert_uint_eq(find(0), INGRESS_NOBODY);
}

static bool near_own(uint32_t address)
{
	const struct packet_addr a = packet_addr4(htonl(address));

	return ingress_near_own(&config, ingress_addr_near(&a));
}

/* Whatever is the box's own is never passed over; the filter may only err the other
 * way, within the same upper half. */
TEST(own_prefixes_are_near)
{
	facts.own_prefixes[0] = (struct facts_prefix){ .addr = addr_v4(0x0a020002), .bits = 32 };
	facts.own_prefixes[1] = (struct facts_prefix){ .addr = addr_v4(0x7f000000), .bits = 8 };
	facts.own_prefixes[2] = (struct facts_prefix){ .addr = addr_v4(0xc0a80100), .bits = 24 };
	facts.n_own_prefixes = 3;
	render();
	ck_assert(near_own(0x0a020002));
	ck_assert(near_own(0x7f000001) && near_own(0x7fffffff));
	ck_assert(near_own(0xc0a801ff));
	ck_assert(!near_own(0x0a030002));
	ck_assert(!near_own(0x7effffff) && !near_own(0x80000000));
	ck_assert(!near_own(0xc0a90100));
}

TEST(first_bit)
{
	for (unsigned i = 0; i < 64; i++) {
		ck_assert_uint_eq(ingress_first(1ULL << i), i);
		ck_assert_uint_eq(ingress_first(~0ULL << i), i);
	}
}
