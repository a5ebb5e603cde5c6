/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sections of services: templates, fields, masks, members, pairs. */
#include "conf_file.h"
#include "suite.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct conf_service *first(struct conf *c)
{
	return &c->services[0];
}

/* -- templates ---------------------------------------------------------------------- */

static const struct {
	const char *name;
	struct wccp_service service;
} templates[] = {
	{ "web-cache", { .type = WCCP_SERVICE_STANDARD } },
	{ "http",
	  { .type = 1,
	    .id = 80,
	    .priority = 240,
	    .protocol = IPPROTO_TCP,
	    .flags = WCCP_F_PORTS_DEFINED | WCCP_F_DST_IP_HASH,
	    .ports = { 80 } } },
	{ "https",
	  { .type = 1,
	    .id = 70,
	    .priority = 231,
	    .protocol = IPPROTO_TCP,
	    .flags = WCCP_F_PORTS_DEFINED | WCCP_F_DST_IP_HASH,
	    .ports = { 443 } } },
	{ "dns",
	  { .type = 1,
	    .id = 53,
	    .priority = 200,
	    .protocol = IPPROTO_UDP,
	    .flags = WCCP_F_PORTS_DEFINED | WCCP_F_SRC_IP_HASH,
	    .ports = { 53 } } },
	{ "rtsp",
	  { .type = 1,
	    .id = 80,
	    .priority = 200,
	    .protocol = IPPROTO_TCP,
	    .flags = WCCP_F_PORTS_DEFINED | WCCP_F_DST_IP_HASH,
	    .ports = { 554 } } },
};

static void check_service(const struct wccp_service *a, const struct wccp_service *b)
{
	ck_assert_uint_eq(a->type, b->type);
	ck_assert_uint_eq(a->id, b->id);
	ck_assert_uint_eq(a->priority, b->priority);
	ck_assert_uint_eq(a->protocol, b->protocol);
	ck_assert_uint_eq(a->flags, b->flags);
	ck_assert_mem_eq(a->ports, b->ports, sizeof(a->ports));
}

CASE(fields, .setup = conf_file_make, .teardown = conf_file_remove)

TEST_LOOP(a_name_is_a_template, 0, (int)(sizeof(templates) / sizeof(templates[0])))
{
	char text[400];
	struct conf *c;

	snprintf(text, sizeof(text), TOP POOL "service %s { " ROUTERS " }",
		 templates[_i].name);
	c = conf_file_good(text);
	check_service(&first(c)->group.service, &templates[_i].service);
	conf_free(c);
	snprintf(text, sizeof(text), TOP POOL "service x { " ROUTERS " template = %s }",
		 templates[_i].name);
	c = conf_file_good(text);
	ck_assert_str_eq(first(c)->name, "x");
	check_service(&first(c)->group.service, &templates[_i].service);
	conf_free(c);
}

TEST(every_field_of_a_template_can_be_replaced)
{
	struct conf *c = conf_file_good(NAMED(
		"https", "id = 71 priority = 9 protocol = udp ports = { 8443, 9443 "
			 "} port-type = source hash = { src-port, dst-port } "
			 "alternate-hash = { src-ip, dst-ip }"));
	const struct wccp_service want = {
		.type = 1,
		.id = 71,
		.priority = 9,
		.protocol = IPPROTO_UDP,
		.flags = 0x033c,
		.ports = { 8443, 9443 },
	};

	check_service(&first(c)->group.service, &want);
	conf_free(c);
	/* The ports of a template mean nothing to a protocol without. */
	c = conf_file_good(NAMED("https", "id = 72 protocol = 47"));
	ck_assert_uint_eq(first(c)->group.service.flags, WCCP_F_DST_IP_HASH);
	ck_assert_uint_eq(first(c)->group.service.ports[0], 0);
	conf_free(c);
}

TEST(any_protocol)
{
	static const struct {
		const char *text;
		unsigned number;
		uint32_t flags;
	} is[] = {
		{ "protocol = any", 0, 0x2 },
		{ "protocol = 0 redirect-only-protocol-0 = true", 0, 0x42 },
		{ "protocol = 0 redirect-only-protocol-0 = false", 0, 0x2 },
		{ "protocol = 0xff", 255, 0x2 },
		{ "protocol = sctp", 132, 0x2 },
		{ "protocol = 6 ports = { 0x50 }", 6, 0x12 },
		{ "protocol = tcp ports = { any }", 6, 0x2 },
		{ "protocol = icmp hash = { src-ip, dst-ip }", 1, 0x3 },
	};

	for (size_t i = 0; i < sizeof(is) / sizeof(is[0]); i++) {
		char text[400];
		struct conf *c;

		snprintf(text, sizeof(text),
			 TOP POOL "service x { " ROUTERS " id = 0 %s }", is[i].text);
		c = conf_file_good(text);
		ck_assert_uint_eq(first(c)->group.service.type, WCCP_SERVICE_DYNAMIC);
		ck_assert_uint_eq(first(c)->group.service.protocol, is[i].number);
		ck_assert_uint_eq(first(c)->group.service.flags, is[i].flags);
		ck_assert_int_eq(first(c)->group.version,
				 is[i].flags & WCCP_F_ONLY_PROTOCOL_0 ? CACHE_V201
								      : CACHE_V20);
		ck_assert_uint_eq(c->n_warnings, is[i].number != IPPROTO_TCP);
		conf_free(c);
	}
}

TEST(hot_buckets_get_the_alternate_bit)
{
	struct conf *c = conf_file_good(
		IN("alternate-hash = { src-port } hot-buckets = { 3, 17, 200-210, 0xff "
		   "}"));
	unsigned n = 0;

	for (unsigned b = 0; b < WCCP_BUCKETS; b++) {
		bool hot = wccp_vector_has(&first(c)->group.alt_buckets, b);

		ck_assert_int_eq(hot, b == 3 || b == 17 || (b >= 200 && b <= 210) ||
					      b == 255);
		n += hot;
	}
	ck_assert_uint_eq(n, 14);
	conf_free(c);
	c = conf_file_good(WEB_CACHE("hot-buckets = { 0-255 }"));
	ck_assert_uint_eq(first(c)->group.alt_buckets.octets[31], 0xff);
	conf_free(c);
}

/* -- masks ---------------------------------------------------------------------------- */

TEST(methods_of_assignment_by_preference)
{
	struct conf *c = conf_file_good(WEB_CACHE("assign = { mask, hash }"));
	const struct cache_conf *g = &first(c)->group;

	ck_assert_uint_eq(g->assign.n, 2);
	ck_assert_uint_eq(g->assign.methods[0], WCCP_ASSIGN_MASK);
	ck_assert_uint_eq(g->assign.methods[1], WCCP_ASSIGN_HASH);
	/* Six bits of what the hash looks at. */
	ck_assert_uint_eq(addr_to_v4(&g->mask.dst), 0x1741);
	ck_assert(!addr_is_set(&g->mask.src));
	ck_assert_uint_eq(c->n_warnings, 0);
	conf_free(c);
	c = conf_file_good(IN("assign = { mask } hash = { src-ip, src-port }"));
	g = &first(c)->group;
	ck_assert_uint_eq(addr_to_v4(&g->mask.src), 0x1741);
	ck_assert(!addr_is_set(&g->mask.dst));
	conf_free(c);
}

TEST(mask_of_every_field)
{
	struct conf *c = conf_file_good(WEB_CACHE(
		"assign = mask mask { src-ip = 0 dst-ip = 0.0.3.0 src-port = 1 "
		"dst-port = 0x8000 }"));
	const struct wccp_mask *m = &first(c)->group.mask;

	ck_assert_uint_eq(m->src.family, ADDR_NONE);
	ck_assert_uint_eq(addr_to_v4(&m->dst), 0x300);
	ck_assert_uint_eq(m->sport, 1);
	ck_assert_uint_eq(m->dport, 0x8000);
	conf_free(c);
	c = conf_file_good(WEB_CACHE("assign = mask mask { src-ip = 0x1741 dst-ip = "
				     "0.0.0.0 }"));
	m = &first(c)->group.mask;
	ck_assert_uint_eq(addr_to_v4(&m->src), 0x1741);
	ck_assert_uint_eq(m->dst.family, ADDR_NONE);
	conf_free(c);
}

TEST(mask_bits_is_a_shorthand)
{
	static const uint32_t masks[] = { 0x1,	  0x101,  0x141,  0x341,  0x741,
					  0x1741, 0x1743, 0x1747, 0x17c7, 0x17cf };

	for (unsigned n = 1; n <= 10; n++) {
		char text[400];
		struct conf *c;

		snprintf(text, sizeof(text),
			 WEB_CACHE("assign = { mask } mask-bits = %u"), n);
		c = conf_file_good(text);
		ck_assert_uint_eq(addr_to_v4(&first(c)->group.mask.dst), masks[n - 1]);
		ck_assert_uint_eq(c->n_warnings, n > 6);
		conf_free(c);
	}
}

/* -- members -------------------------------------------------------------------------- */

TEST(members_and_timers)
{
	struct conf *c = conf_file_good(
		WEB_CACHE("caches = { 10.0.1.3, 10.0.1.2 } version = negotiate "
			  "transmit-t = 1000 timeout-scale = 5 ra-scale = 2"));
	const struct cache_conf *g = &first(c)->group;

	ck_assert_uint_eq(g->n_allowed, 2);
	ck_assert_uint_eq(addr_to_v4(&g->allowed[0]), 0x0a000103);
	ck_assert_int_eq(g->version, CACHE_NEGOTIATE);
	ck_assert_uint_eq(g->transmit_t_ms, 1000);
	ck_assert_uint_eq(g->timeout_scale, 5);
	ck_assert_uint_eq(g->ra_scale, 2);
	ck_assert(!addr_is_set(&g->multicast));
	ck_assert_uint_eq(first(c)->multicast_ttl, 0);
	conf_free(c);
	c = conf_file_good(WEB_CACHE("version = 2.01"));
	ck_assert_int_eq(first(c)->group.version, CACHE_V201);
	conf_free(c);
}

TEST(multicast_needs_no_routers)
{
	struct conf *c = conf_file_good(
		TOP POOL "service web-cache { pool = web multicast = 224.0.1.5 }");

	ck_assert_uint_eq(addr_to_v4(&first(c)->group.multicast), 0xe0000105);
	ck_assert_uint_eq(first(c)->group.n_routers, 0);
	ck_assert_uint_eq(first(c)->multicast_ttl, 1);
	conf_free(c);
	c = conf_file_good(WEB_CACHE("multicast = 239.1.2.3 multicast-ttl = 15"));
	ck_assert_uint_eq(first(c)->group.n_routers, 1);
	ck_assert_uint_eq(first(c)->multicast_ttl, 15);
	conf_free(c);
}

TEST(ipv6_group)
{
	struct conf *c = conf_file_good(
		IN6("caches = { 2001:db8::2, 2001:db8::3 } multicast = ff05::5\n"
		    "assign = { mask } mask { src-ip = ::f00 dst-ip = 0x1741 }"));
	const struct cache_conf *g = &first(c)->group;
	struct addr mask;

	ck_assert_int_eq(g->self.family, ADDR_V6);
	ck_assert_int_eq(g->routers[0].family, ADDR_V6);
	ck_assert_int_eq(g->multicast.octets[1], 5);
	/* 2.0 has no address table. */
	ck_assert_int_eq(g->version, CACHE_V201);
	addr_parse("::1741", &mask);
	ck_assert(addr_equal(&g->mask.dst, &mask));
	addr_parse("::f00", &mask);
	ck_assert(addr_equal(&g->mask.src, &mask));
	conf_free(c);
	c = conf_file_good(IN6("version = negotiate"));
	ck_assert_int_eq(first(c)->group.version, CACHE_NEGOTIATE);
	conf_free(c);
}

/* -- pairs ---------------------------------------------------------------------------- */

TEST(spoof_makes_a_mirrored_pair)
{
	struct conf *c = conf_file_good(
		TOP POOL
		"service web-cache { " ROUTERS " }\n"
		"service http { spoof = true password = p caches = { 10.0.1.2 }\n"
		"  " ROUTERS " assign = { mask, hash } forward = { gre }\n"
		"  mask { src-ip = 0xf00 dst-port = 1 } when-down = drop weight "
		"= 5\n"
		"  alternate-hash = { dst-port } hot-buckets = { 9 } transmit-t = "
		"500 }\n");
	const struct conf_service *a = &c->services[1], *b = &c->services[2];
	struct wccp_service want = {
		.type = 1,
		.id = 80,
		.priority = 240,
		.protocol = IPPROTO_TCP,
		.flags = WCCP_F_PORTS_DEFINED | WCCP_F_SRC_IP_HASH |
			 WCCP_F_DST_PORT_ALT_HASH,
		.ports = { 80 },
	};
	struct cache_conf same;

	ck_assert_uint_eq(c->n_services, 3);
	ck_assert_int_eq(c->services[0].pair, -1);
	ck_assert_int_eq(a->pair, 2);
	ck_assert_int_eq(b->pair, 1);
	ck_assert_str_eq(a->name, "http");
	ck_assert_str_eq(b->name, "http-return");
	check_service(&a->group.service, &want);
	want.id = 90;
	want.flags = WCCP_F_PORTS_DEFINED | WCCP_F_PORTS_SOURCE | WCCP_F_DST_IP_HASH |
		     WCCP_F_SRC_PORT_ALT_HASH;
	check_service(&b->group.service, &want);
	ck_assert_uint_eq(addr_to_v4(&a->group.mask.src), 0xf00);
	ck_assert_uint_eq(a->group.mask.dport, 1);
	ck_assert_uint_eq(addr_to_v4(&b->group.mask.dst), 0xf00);
	ck_assert_int_eq(b->group.mask.src.family, ADDR_NONE);
	ck_assert_uint_eq(b->group.mask.sport, 1);
	ck_assert_uint_eq(b->group.mask.dport, 0);
	/* All else is one and the same. */
	same = b->group;
	same.service = a->group.service;
	same.mask = a->group.mask;
	ck_assert_mem_eq(&same, &a->group, sizeof(same));
	ck_assert_uint_eq(b->pool, a->pool);
	ck_assert_uint_eq(b->weight, 5);
	ck_assert(b->drop_when_down);
	conf_free(c);
}

TEST(spoof_with_other_numbers)
{
	struct conf *c = conf_file_good(
		TOP POOL
		"service http { spoof = true " ROUTERS " assign = mask }\n"
		"service https { spoof = true spoof-ids = { 70, 71 } " ROUTERS "}\n"
		"service x { spoof = true spoof-ids = { 0, 255 } ports = { 8080 }"
		" hash = { src-ip, dst-ip }\n" ROUTERS "}");

	ck_assert_uint_eq(c->n_services, 6);
	ck_assert_uint_eq(addr_to_v4(&c->services[0].group.mask.src), 0x1741);
	ck_assert_uint_eq(addr_to_v4(&c->services[1].group.mask.dst), 0x1741);
	ck_assert_uint_eq(c->services[2].group.service.id, 70);
	ck_assert_uint_eq(c->services[3].group.service.id, 71);
	ck_assert_uint_eq(c->services[3].group.service.ports[0], 443);
	ck_assert_uint_eq(c->services[4].group.service.id, 0);
	ck_assert_uint_eq(c->services[5].group.service.id, 255);
	ck_assert_uint_eq(c->services[5].group.service.flags, 0x33);
	ck_assert_int_eq(c->services[5].pair, 4);
	conf_free(c);
	c = conf_file_good(IN("spoof = false"));
	ck_assert_uint_eq(c->n_services, 1);
	conf_free(c);
}

/* -- capacity ----------------------------------------------------------------------------- */

enum { TEXT_SIZE = 1 << 19 };

static size_t add_addresses(char *text, const char *name, unsigned first, unsigned n)
{
	size_t len = (size_t)sprintf(text, " %s = {", name);

	for (unsigned i = 0; i < n; i++)
		len += (size_t)sprintf(text + len, "%s10.1.%u.%u", i ? ", " : " ",
				       (first + i) / 256, (first + i) % 256);
	return len + (size_t)sprintf(text + len, " }");
}

/* n services, alternating between two sets of 32 routers, for 32 web-caches. */
static size_t make_large(char *text, unsigned n)
{
	size_t len =
		(size_t)sprintf(text, "address = 10.1.9.1 interface = eth0\n" POOL);

	for (unsigned i = 0; i < n; i++) {
		len += (size_t)sprintf(
			text + len, "service s%u { id = %u ports = { 1 } pool = web\n",
			i, i);
		len += add_addresses(text + len, "routers", i % 2 * 32, 32);
		len += add_addresses(text + len, "caches", 9 * 256 + 1, 32);
		len += (size_t)sprintf(text + len, " }\n");
	}
	return len;
}

TEST(sixty_four_services_of_thirty_two_and_thirty_two)
{
	char *text = malloc(TEXT_SIZE);
	size_t len;
	struct conf *c;

	make_large(text, 64);
	c = conf_file_good(text);
	ck_assert_uint_eq(c->n_services, 64);
	ck_assert_uint_eq(c->services[63].group.n_routers, 32);
	ck_assert_uint_eq(c->services[63].group.n_allowed, 32);
	ck_assert_uint_eq(c->services[63].group.service.id, 63);
	conf_free(c);

	make_large(text, 65);
	conf_file_bad(text, "132: more than 64 services");
	/* The mirror needs room, too. */
	len = make_large(text, 63);
	sprintf(text + len,
		"service http { spoof = true\npool = web routers = { 10.1.0.1 }"
		"\n}");
	conf_file_bad(text, "131: more than 64 services");
	len = make_large(text, 3);
	sprintf(text + len, "service x { id = 99 ports = { 1 } pool = web\n"
			    "routers = { 10.1.0.1,\n10.1.0.0,\n10.3.3.3 }\n}");
	conf_file_bad(text, "12: routers: more than 64 different ones in all services "
			    "together");
	free(text);
}

TEST(warnings_do_not_overflow)
{
	char *text = malloc(TEXT_SIZE);
	size_t len = (size_t)sprintf(text, TOP6 POOL);
	struct conf *c;

	for (unsigned i = 0; i < 64; i++)
		len += (size_t)sprintf(text + len,
				       "service s%u { id = %u protocol = 1 pool = web "
				       "assign = mask mask-bits = 8 routers = { "
				       "2001:db8::1 } }\n",
				       i, i);
	c = conf_file_good(text);
	ck_assert_uint_eq(c->n_warnings, CONF_MAX_WARNINGS);
	conf_free(c);
	free(text);
}

/* -- display ------------------------------------------------------------------------------ */

TEST(printing_shows_what_was_filled_in)
{
	static const char want[] =
		"PATH:4: service dns: the instances take TCP only, all other packets "
		"go "
		"back to the routers (warning)\n"
		"service web-cache: standard 0, pool web\n"
		"    protocol tcp, destination ports 80, priority 240, hash dst-ip, "
		"alternate hash src-ip, src-port\n"
		"    multicast 224.0.1.5, ttl 3\n"
		"    routers any\n"
		"    version 2.0, forward l2, gre; return l2, gre; assign hash, mask\n"
		"    mask dst-ip 0x1741\n"
		"    hot buckets 0-2, 9\n"
		"service http: dynamic 80, pool web, mirror of http-return\n"
		"    protocol tcp, destination ports 80, priority 240, hash src-ip\n"
		"    routers 10.0.1.1\n"
		"    web-caches 10.0.1.2, 10.0.1.3\n"
		"    version 2.01, forward gre; return l2, gre; assign mask, hash\n"
		"    mask src-ip 0x1741\n"
		"service http-return: dynamic 90, pool web, mirror of http\n"
		"    protocol tcp, source ports 80, priority 240, hash dst-ip\n"
		"    routers 10.0.1.1\n"
		"    web-caches 10.0.1.2, 10.0.1.3\n"
		"    version 2.01, forward gre; return l2, gre; assign mask, hash\n"
		"    mask dst-ip 0x1741\n"
		"service dns: dynamic 53, pool web\n"
		"    protocol udp, any port, priority 200, hash src-ip\n"
		"    routers 10.0.1.1\n"
		"    version negotiate, forward l2, gre; return l2, gre; assign hash, "
		"mask\n"
		"    mask src-ip 0x1741\n";
	struct conf *c = conf_file_good(
		TOP POOL
		"service web-cache { pool = web multicast = 224.0.1.5 "
		"multicast-ttl = 3 hot-buckets = { 0-2, 9 } }"
		"service http { spoof = true pool = web routers = { 10.0.1.1 } "
		"assign = { mask, hash } forward = gre version = 2.01 "
		"caches = { 10.0.1.2, 10.0.1.3 } }"
		"service dns { pool = web routers = { 10.0.1.1 } protocol = udp "
		"ports = { any } version = negotiate }");
	char *text;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	conf_print(c, to);
	fclose(to);
	ck_assert_mem_eq(text, conf_file_path, strlen(conf_file_path));
	ck_assert_str_eq(text + strlen(conf_file_path), want + strlen("PATH"));
	free(text);
	conf_free(c);
}

TEST(describing_rare_services)
{
	struct wccp_service s = { .type = 1,
				  .protocol = 0,
				  .flags = WCCP_F_ONLY_PROTOCOL_0 };
	struct conf_description d = conf_describe(&s);

	ck_assert_str_eq(d.protocol, "any");
	ck_assert_str_eq(d.ports, "-");
	ck_assert_str_eq(d.port_type, "-");
	ck_assert_str_eq(d.hash, "-");
	ck_assert(d.only_protocol_0);
	s = (struct wccp_service){ .type = 1, .protocol = 99, .flags = 0xf0f };
	d = conf_describe(&s);
	ck_assert_str_eq(d.protocol, "99");
	ck_assert_str_eq(d.hash, "src-ip, dst-ip, src-port, dst-port");
	ck_assert_str_eq(d.alternate, "src-ip, dst-ip, src-port, dst-port");
	s = (struct wccp_service){ .type = 1, .protocol = 6, .flags = 0x10 };
	for (unsigned i = 0; i < 8; i++)
		s.ports[i] = 65535;
	d = conf_describe(&s);
	ck_assert_str_eq(d.ports, "65535, 65535, 65535, 65535, 65535, 65535, 65535, "
				  "65535");
}

TEST(describing_masks)
{
	struct wccp_mask m = { .sport = 1, .dport = 0x8000 };

	addr_parse("0.0.23.65", &m.dst);
	addr_parse("::f00", &m.src);
	ck_assert_str_eq(conf_mask_text(&m).s,
			 "src-ip ::f00, dst-ip 0x1741, src-port 0x1, dst-port 0x8000");
	ck_assert_str_eq(conf_mask_text(&(struct wccp_mask){ .sport = 0 }).s, "-");
}
