/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of wccprouter's packet path, the matching and the hash that it is
 * read with.
 */
#include "wccprouter/forward/member_table.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

static struct routerd_conf conf;
static struct router_status status[ROUTERD_MAX_SERVICES];
static struct router_entry entries[ROUTER_MAX_SERVICES];
static struct member_table_values values[ROUTERD_MAX_SERVICES];

/* Web-cache 10.0.0.n: 9 has no route, 5 is behind a gateway. */
static int route(void *arg, const struct addr *cache, struct route *out)
{
	ck_assert_ptr_eq(arg, &conf);
	*out = (struct route){ *cache, 7, 1500, true };
	if (cache->octets[3] == 5) {
		out->nexthop = addr_v4(0x0a0000fe);
		out->on_link = false;
	}
	return cache->octets[3] == 9 ? -1 : 0;
}

static unsigned build(void)
{
	enum addr_family families[ROUTERD_MAX_SERVICES];

	for (unsigned i = 0; i < conf.n_services; i++)
		families[i] = member_table_family(&conf.services[i], &status[i], ADDR_NONE);
	return member_table_build(&conf, status, families, route, &conf, entries, values);
}

static void assert_addr(const struct packet_addr *a, const char *text)
{
	struct addr wanted;
	struct packet_addr octets;

	ck_assert_int_eq(addr_parse(text, &wanted), 0);
	octets = packet_addr_of(&wanted);
	ck_assert_mem_eq(a, &octets, sizeof(octets));
}

static void setup(void)
{
	memset(&conf, 0, sizeof(conf));
	memset(status, 0, sizeof(status));
}

static struct router_status *add_service(uint8_t type, uint8_t id, uint8_t priority)
{
	struct router_status *st = &status[conf.n_services];
	struct router_conf *r = &conf.services[conf.n_services++].router;

	r->service_type = type;
	r->service_id = id;
	st->described = true;
	st->service = (struct wccp_service){
		.type = type, .id = id, .priority = priority, .protocol = 6
	};
	return st;
}

static void add_cache(struct router_status *st, unsigned n, uint32_t forward)
{
	struct addr a = addr_v4(0x0a000000 + n);

	st->caches[st->n_caches++] = (struct router_cache_status){ .addr = a,
								   .usable = true,
								   .forward = forward };
	st->assigned = true;
	st->table.caches[st->table.n_caches++] = a;
}

CASE(table, .setup = setup)

TEST(well_known_service_is_filled_in)
{
	struct router_status *st = add_service(WCCP_SERVICE_STANDARD, 0, 0);

	st->service.protocol = 0;
	add_cache(st, 1, WCCP_METHOD_GRE);
	ck_assert_uint_eq(build(), 1);
	ck_assert_uint_eq(entries[0].match.priority, 240);
	ck_assert_uint_eq(entries[0].match.protocol, IPPROTO_TCP);
	ck_assert_uint_eq(entries[0].match.ports[0], htons(80));
	ck_assert_uint_eq(entries[0].match.flags & 0xf, WCCP_F_DST_IP_HASH);
	ck_assert_uint_eq(entries[0].used, 1);
	ck_assert_uint_eq(entries[1].used, 0);
}

TEST(priorities)
{
	static const uint8_t given[] = { 3, 200, 3, 255, 0 };
	static const unsigned order[] = { 3, 1, 0, 2, 4 };

	for (unsigned i = 0; i < 5; i++)
		add_cache(
			add_service(WCCP_SERVICE_DYNAMIC, (uint8_t)(10 + i), given[i]),
			1, WCCP_METHOD_GRE);
	ck_assert_uint_eq(build(), 5);
	for (unsigned i = 0; i < 5; i++)
		ck_assert_uint_eq(entries[i].number, order[i]);
}

TEST(services_that_take_nothing_have_no_entry)
{
	struct router_status *unknown = add_service(WCCP_SERVICE_DYNAMIC, 1, 1);
	struct router_status *left = add_service(WCCP_SERVICE_DYNAMIC, 2, 1);

	add_cache(unknown, 1, WCCP_METHOD_GRE);
	unknown->described = false;
	add_cache(left, 1, WCCP_METHOD_GRE);
	left->caches[0].usable = false;
	ck_assert_uint_eq(build(), 0);
	ck_assert_uint_eq(entries[0].used, 0);
	/* A closed one has one all the same, to drop by. */
	conf.services[1].closed = true;
	ck_assert_uint_eq(build(), 1);
	ck_assert_uint_eq(entries[0].number, 1);
	ck_assert_uint_eq(entries[0].closed, 1);
	for (unsigned b = 0; b < WCCP_BUCKETS; b++)
		ck_assert_uint_eq(entries[0].buckets[b], WCCP_BUCKET_NONE);
	/* But not one that nobody has described, or that is shut. */
	left->described = false;
	conf.services[1].router.service_type = WCCP_SERVICE_STANDARD;
	ck_assert_uint_eq(build(), 0);
}

/* Each service is about the packets of its web-caches' family. */
TEST(ipv6)
{
	struct router_status *st = add_service(WCCP_SERVICE_DYNAMIC, 1, 1);

	add_cache(add_service(WCCP_SERVICE_DYNAMIC, 2, 0), 1, WCCP_METHOD_GRE);
	add_cache(st, 1, WCCP_METHOD_GRE);
	ck_assert_int_eq(addr_parse("2001:db8::1", &st->caches[0].addr), 0);
	st->table.caches[0] = st->caches[0].addr;
	st->family = ADDR_V6;
	ck_assert_uint_eq(build(), 2);
	ck_assert_uint_eq(entries[0].v6, 1);
	ck_assert_uint_eq(entries[1].v6, 0);
	assert_addr(&entries[0].targets[0].cache, "2001:db8::1");
	assert_addr(&entries[0].targets[0].nexthop, "2001:db8::1");
	assert_addr(&entries[1].targets[0].cache, "10.0.0.1");
}

/* What a closed service without web-caches drops. */
TEST(family_without_webcaches)
{
	struct router_status *st = add_service(WCCP_SERVICE_DYNAMIC, 1, 1);
	struct routerd_conf_service *service = &conf.services[0];
	struct router_conf *r = &service->router;

	ck_assert_int_eq(member_table_family(service, st, ADDR_NONE), ADDR_V4);
	ck_assert_int_eq(member_table_family(service, st, ADDR_V6), ADDR_V6);
	r->n_allowed = 2;
	r->allowed[0].addr.family = ADDR_V6;
	r->allowed[1].addr.family = ADDR_V4;
	ck_assert_int_eq(member_table_family(service, st, ADDR_NONE), ADDR_V4);
	r->allowed[1].addr.family = ADDR_V6;
	ck_assert_int_eq(member_table_family(service, st, ADDR_NONE), ADDR_V6);
	r->n_allowed = 0;
	r->multicast.family = ADDR_V6;
	ck_assert_int_eq(member_table_family(service, st, ADDR_NONE), ADDR_V6);
	st->family = ADDR_V4;
	ck_assert_int_eq(member_table_family(service, st, ADDR_V6), ADDR_V4);
}

TEST(buckets_of_the_unusable_are_nobodys)
{
	struct router_status *st = add_service(WCCP_SERVICE_DYNAMIC, 1, 1);

	add_cache(st, 1, WCCP_METHOD_GRE);
	add_cache(st, 2, WCCP_METHOD_GRE);
	/* In the assignment, but no member (any more). */
	st->table.caches[st->table.n_caches++] = addr_v4(0x0a000003);
	for (unsigned b = 0; b < WCCP_BUCKETS; b++)
		st->table.buckets[b] =
			(uint8_t)(b % 3 | (b & 16 ? WCCP_BUCKET_ALT : 0));
	st->table.buckets[200] = WCCP_BUCKET_NONE;
	st->table.buckets[201] = 31; /* past the list */
	st->caches[1].usable = false;
	ck_assert_uint_eq(build(), 1);
	for (unsigned b = 0; b < 200; b++)
		ck_assert_uint_eq(entries[0].buckets[b],
				  b % 3 ? WCCP_BUCKET_NONE : st->table.buckets[b]);
	ck_assert_uint_eq(entries[0].buckets[200], WCCP_BUCKET_NONE);
	ck_assert_uint_eq(entries[0].buckets[201], WCCP_BUCKET_NONE);
	st->assigned = false;
	build();
	ck_assert_uint_eq(entries[0].buckets[0], WCCP_BUCKET_NONE);
}

TEST(targets)
{
	struct router_status *st = add_service(WCCP_SERVICE_DYNAMIC, 1, 1);
	const struct router_target *t = entries[0].targets;

	add_cache(st, 1, WCCP_METHOD_L2);
	add_cache(st, 5, WCCP_METHOD_GRE);
	add_cache(st, 5, WCCP_METHOD_L2);
	add_cache(st, 9, WCCP_METHOD_GRE);
	st->table.caches[2] = st->caches[2].addr = addr_v4(0x0a000105);
	build();
	ck_assert_uint_eq(t[0].method, WCCP_METHOD_L2);
	assert_addr(&t[0].nexthop, "10.0.0.1");
	ck_assert_uint_eq(t[0].ifindex, 7);
	ck_assert_uint_eq(t[1].method, WCCP_METHOD_GRE);
	assert_addr(&t[1].cache, "10.0.0.5");
	assert_addr(&t[1].nexthop, "10.0.0.254");
	/* L2 across a gateway, and no route at all. */
	ck_assert_uint_eq(t[2].ifindex, 0);
	ck_assert_uint_eq(t[3].ifindex, 0);
}

static void add_value(struct router_masks *m, uint32_t dst, uint8_t cache)
{
	m->values[m->n_values++] = (struct router_value){
		.match = { .dst = addr_v4(dst), .sport = 0x1234 }, .cache = cache
	};
	m->sets[m->n_sets - 1].n++;
}

static void add_mask(struct router_masks *m, struct wccp_mask mask)
{
	m->sets[m->n_sets++] =
		(struct wccp_set){ .mask = mask, .first = (uint16_t)m->n_values };
}

TEST(masks)
{
	struct router_status *st;
	struct router_masks *m;
	const struct member_table_value *v = values[1].list;

	add_cache(add_service(WCCP_SERVICE_DYNAMIC, 2, 9), 1, WCCP_METHOD_GRE);
	st = add_service(WCCP_SERVICE_DYNAMIC, 1, 1);
	m = &st->masks;
	add_cache(st, 1, WCCP_METHOD_GRE);
	add_cache(st, 2, WCCP_METHOD_GRE);
	add_cache(st, 9, WCCP_METHOD_GRE); /* without a route: nobody's, but known */
	st->by_mask = true;
	st->caches[1].usable = false;
	for (unsigned i = 0; i < 3; i++)
		m->caches[m->n_caches++] = st->caches[i].addr;
	add_mask(m, (struct wccp_mask){ .dst = addr_v4(0x1741), .sport = 0xffff });
	add_value(m, 0x41, 2);
	add_value(m, 0x40, 1);
	add_value(m, 1, 0);
	add_mask(m, (struct wccp_mask){ .src = addr_v4(0x100), .dport = 1 });
	add_value(m, 0, 0);
	ck_assert_uint_eq(build(), 2);
	ck_assert_uint_eq(entries[0].by_mask, 0);
	ck_assert_uint_eq(values[0].n, 0);
	ck_assert_uint_eq(entries[1].by_mask, 1);
	ck_assert_uint_eq(entries[1].n_masks, 2);
	ck_assert_uint_eq(entries[1].masks[0].dst.words[3], htonl(0x1741));
	ck_assert_uint_eq(entries[1].masks[0].sport, htons(0xffff));
	ck_assert_uint_eq(entries[1].masks[1].src.words[3], htonl(0x100));
	ck_assert_uint_eq(entries[1].masks[1].dport, htons(1));
	ck_assert_uint_eq(values[1].n, 3);
	ck_assert_uint_eq(v[0].fields.dst.words[3], htonl(0x41));
	ck_assert_uint_eq(v[0].fields.sport, htons(0x1234));
	ck_assert_uint_eq(v[0].target, 2);
	ck_assert_uint_eq(v[1].fields.dst.words[3], htonl(1));
	ck_assert_uint_eq(v[1].mask, 0);
	ck_assert_uint_eq(v[2].mask, 1);
	ck_assert_uint_eq(v[2].target, 0);
	ck_assert_uint_eq(entries[1].targets[0].ifindex, 7);
	ck_assert_uint_eq(entries[1].targets[2].ifindex, 0);
	/* From a mask of the other family on, nothing. */
	m->sets[1].mask.src = (struct addr){ .family = ADDR_V6, .octets = { 1 } };
	build();
	ck_assert_uint_eq(entries[1].n_masks, 1);
	ck_assert_uint_eq(values[1].n, 2);
	st->family = ADDR_V6;
	m->sets[0].mask.dst = (struct addr){ 0 };
	build();
	ck_assert_uint_eq(entries[1].n_masks, 2);
	ck_assert_uint_eq(entries[1].masks[0].dst.words[2], 0); /* nor ::ffff: */
	ck_assert_uint_eq(entries[1].masks[1].src.words[0], htonl(0x01000000));
	/* Values of an earlier state do not stay. */
	st->by_mask = false;
	build();
	ck_assert_uint_eq(values[1].n, 0);
}

static bool matches(uint32_t flags, uint8_t protocol, const struct packet *p)
{
	struct packet_service s = { .flags = flags,
				    .protocol = protocol,
				    .ports = { htons(80), htons(8080), 0,
					       htons(443) } };

	return packet_matches(p, &s);
}

TEST(matching)
{
	struct packet tcp = { .protocol = 6,
			      .has_ports = true,
			      .sport = htons(443),
			      .dport = htons(8080) };
	struct packet later = { .protocol = 6, .fragment = true };
	struct packet icmp = { .protocol = 1 };
	const uint32_t ports = WCCP_F_PORTS_DEFINED;

	ck_assert(matches(ports, 6, &tcp));
	ck_assert(!matches(ports, 17, &tcp));
	ck_assert(!matches(ports | WCCP_F_PORTS_SOURCE, 6, &tcp)); /* behind the 0 */
	tcp.sport = htons(80);
	ck_assert(matches(ports | WCCP_F_PORTS_SOURCE, 6, &tcp));
	tcp.dport = 0;
	ck_assert(!matches(ports, 6, &tcp)); /* the terminator is no port */
	ck_assert(matches(0, 6, &tcp));
	ck_assert(!matches(ports, 6, &later));
	ck_assert(matches(0, 6, &later));
	ck_assert(matches(0, 0, &icmp));
	ck_assert(!matches(WCCP_F_ONLY_PROTOCOL_0, 0, &icmp));
	icmp.protocol = 0;
	ck_assert(matches(WCCP_F_ONLY_PROTOCOL_0, 0, &icmp));
}

/* The list is of TCP and UDP (2.01 section 5.1.2): with any other protocol, and with
 * all of them, it says nothing. */
TEST(ports_of_other_protocols)
{
	struct packet p = { .protocol = 17, .has_ports = true, .dport = htons(9) };

	ck_assert(!matches(WCCP_F_PORTS_DEFINED, 17, &p));
	ck_assert(matches(WCCP_F_PORTS_DEFINED, 0, &p));
	p.dport = htons(80);
	ck_assert(matches(WCCP_F_PORTS_DEFINED, 17, &p));
	p = (struct packet){ .protocol = 1 };
	ck_assert(matches(WCCP_F_PORTS_DEFINED, 1, &p));
}

/* XOR of the octets, by hand: 10.1.2.3, 192.168.0.80, 0x1234, 0x0050. */
TEST(hash)
{
	struct packet p = { .src = htonl(0x0a010203),
			    .dst = htonl(0xc0a80050),
			    .sport = htons(0x1234),
			    .dport = htons(80) };

	ck_assert_uint_eq(packet_bucket(&p, WCCP_F_SRC_IP_HASH), 0x0a);
	ck_assert_uint_eq(packet_bucket(&p, WCCP_F_DST_IP_HASH), 0x38);
	ck_assert_uint_eq(packet_bucket(&p, WCCP_F_SRC_PORT_HASH), 0x26);
	ck_assert_uint_eq(packet_bucket(&p, WCCP_F_DST_PORT_HASH), 0x50);
	ck_assert_uint_eq(packet_bucket(&p, 0x0f), 0x0a ^ 0x38 ^ 0x26 ^ 0x50);
	ck_assert_uint_eq(packet_bucket(&p, 0), 0);
	ck_assert_uint_eq(packet_alt_bucket(&p, 0x0f), 0);
	ck_assert_uint_eq(packet_alt_bucket(&p, WCCP_F_SRC_IP_ALT_HASH |
							WCCP_F_SRC_PORT_ALT_HASH),
			  0x0a ^ 0x26);
}
