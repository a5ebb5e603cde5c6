/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way of a connection through rendered tables. */
#include "dp/explain/explain_path.h"
#include "dp/ingress/ingress_render.h"
#include "suite.h"

#include <arpa/inet.h>
#include <string.h>

static const uint32_t SRC = 0x0a030002, DST = 0x0a090123, OTHER = 0x0a030202;

static struct plan plan;
static struct ingress_config config;
static struct steer_table table;

static struct plan_service *add_service(unsigned id, unsigned priority, uint16_t port)
{
	struct plan_service *s = &plan.services[plan.n_services++];

	s->service = (struct wccp_service){
		.type = WCCP_SERVICE_DYNAMIC,
		.id = (uint8_t)id,
		.priority = (uint8_t)priority,
		.protocol = IPPROTO_TCP,
		.flags = WCCP_F_PORTS_DEFINED | WCCP_F_DST_IP_HASH | WCCP_F_SRC_IP_ALT_HASH,
		.ports = { port },
	};
	s->n_slots = 256;
	return s;
}

static void reset(void)
{
	memset(&plan, 0, sizeof(plan));
	memset(&table, 0xff, sizeof(table)); /* no pool takes anything */
	plan.self = addr_v4(0x0a030102);
	plan.n_other_caches = 1;
	plan.other_caches[0] = addr_v4(OTHER);
}

static struct explain_path path_to(uint16_t dport)
{
	static struct facts facts;
	static const uint32_t counters[PLAN_MAX_SERVICES];
	const struct packet p = {
		.src = htonl(SRC),
		.dst = htonl(DST),
		.whole_src = packet_addr4(htonl(SRC)),
		.whole_dst = packet_addr4(htonl(DST)),
		.sport = htons(4711),
		.dport = htons(dport),
		.protocol = IPPROTO_TCP,
		.has_ports = true,
	};
	struct explain_path out;

	ingress_render(&plan, &facts, counters, &config);
	explain_path_find(&config, &table, 42, &p, &out);
	return out;
}

TEST(a_port_of_nobody)
{
	struct explain_path p;

	reset();
	add_service(70, 1, 80);
	p = path_to(81);
	ck_assert_uint_eq(p.fits, 0);
	ck_assert_uint_eq(p.pool, STEER_NO_POOL);
}

TEST(the_higher_priority_has_it)
{
	struct explain_path p;

	reset();
	add_service(70, 1, 80);
	add_service(71, 9, 80);
	add_service(72, 5, 80);
	p = path_to(80);
	ck_assert_uint_eq(p.fits, 7);
	ck_assert_uint_eq(p.service, 0);
	ck_assert_uint_eq(config.services[p.service].id, 71);
}

TEST(buckets)
{
	struct explain_path p;

	reset();
	add_service(70, 1, 80)->handover[0x0a ^ 0x09 ^ 0x01 ^ 0x23] = addr_v4(OTHER);
	p = path_to(80);
	ck_assert_uint_eq(p.slot, 0x0a ^ 0x09 ^ 0x01 ^ 0x23);
	ck_assert_uint_eq(p.alternate, 0x0a ^ 0x03 ^ 0x00 ^ 0x02);
	ck_assert_uint_eq(p.former.words[3], htonl(OTHER));
	plan.services[0].handover[p.slot] = (struct addr){ 0 };
	ck_assert_uint_eq(path_to(80).former.words[3], 0);
}

TEST(values_of_a_mask)
{
	struct plan_service *s;

	reset();
	s = add_service(70, 1, 80);
	s->by_mask = true;
	s->mask.dst = addr_v4(0x101); /* 0x0123 has both bits */
	s->mask.sport = 0x10;	      /* of 4711, 0x1267, not set; numbered first */
	s->n_slots = 8;
	s->handover[6] = addr_v4(OTHER);
	ck_assert_uint_eq(path_to(80).slot, 6);
	ck_assert_uint_eq(path_to(80).former.words[3], htonl(OTHER));
}

static uint64_t key_of(unsigned spread, uint64_t addrs, uint64_t ports)
{
	struct explain_path p;

	table.pools[3].spread = spread;
	p = path_to(80);
	ck_assert_uint_eq(p.pool, 3);
	/* As the steering program is tested to do in tests/net. */
	ck_assert_uint_eq(p.key, steer_hash(42, addrs, ports));
	return p.key;
}

TEST(the_pool_and_its_key)
{
	const uint64_t src = (uint64_t)htonl(SRC) << 32, dst = htonl(DST);
	uint64_t flow;

	reset();
	add_service(70, 1, 80);
	table.pool_of_port[80] = 3;
	flow = key_of(STEER_BY_FLOW, src | dst, 4711u << 16 | 80);
	ck_assert_uint_ne(key_of(STEER_BY_SOURCE, src, 0), flow);
	ck_assert_uint_ne(key_of(STEER_BY_DESTINATION, dst, 0), flow);
	/* Who stands in for the processor's own. */
	ck_assert_uint_eq(key_of(STEER_BY_CPU, src | dst, 4711u << 16 | 80), flow);
	ck_assert_uint_eq(path_to(81).key, 0);
}
