/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports of instances for single ports of services, and the pools they make. */
#include "conf_file.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

CASE(ports, .setup = conf_file_make, .teardown = conf_file_remove)

#define INSTANCE(n, more)                                                              \
	"instance s" #n " { port = 310" #n " check = 127.0.0.1:420" #n " " more " }\n"
#define AT(n, address, more)                                                           \
	"instance s" #n " { port = \"" address ":3129\" check = 127.0.0.1:420" #n " "     \
	more " }\n"
#define POOL_OF(rest) TOP "pool web {\n" rest "}\n"
#define WEB "service web-cache { pool = web routers = { 10.0.1.1 } }\n"
#define TLS "service https { pool = web routers = { 10.0.1.1 } }\n"

static const struct conf_pool *pool_of(const struct conf *c, unsigned service)
{
	return &c->pools[c->services[service].pool];
}

TEST(a_port_of_its_own_makes_a_pool)
{
	struct conf *c = conf_file_good(POOL_OF(
		"min-instances = 2\n" INSTANCE(1, "https-port = 3201 weight = 7")
			INSTANCE(2, "") INSTANCE(3, "ports = { \"443:3203\", 8080:3303 }"))
						TLS WEB
		"service x { id = 9 ports = { 8080 } pool = web routers = { 10.0.1.1 } }\n"
		"service y { id = 8 ports = { 81 } pool = web routers = { 10.0.1.1 } }\n");
	const struct conf_pool *tls = pool_of(c, 0), *other = pool_of(c, 2);

	ck_assert_uint_eq(c->n_warnings, 0);
	ck_assert_uint_eq(c->n_pools, 3);
	ck_assert_str_eq(tls->name, "web-443");
	ck_assert_uint_eq(tls->n_instances, 2);
	ck_assert_uint_eq(tls->min_instances, 2);
	ck_assert_str_eq(tls->instances[0].name, "s1");
	ck_assert_uint_eq(tls->instances[0].port, 3201);
	ck_assert_uint_eq(tls->instances[0].weight, 7);
	ck_assert_uint_eq(tls->instances[0].check_port, 4201);
	ck_assert_str_eq(tls->instances[1].name, "s3");
	ck_assert_uint_eq(tls->instances[1].port, 3203);
	ck_assert_str_eq(pool_of(c, 1)->name, "web");
	ck_assert_uint_eq(pool_of(c, 1)->n_instances, 3);
	ck_assert_str_eq(other->name, "web-8080");
	ck_assert_uint_eq(other->instances[0].port, 3303);
	ck_assert_uint_eq(other->min_instances, 1); /* there is no more */
	ck_assert_str_eq(pool_of(c, 3)->name, "web");
	conf_free(c);
}

/* The answers of the origins go to sockets that exist: any pool will do. */
TEST(a_mirror_has_the_pool_of_its_service)
{
	struct conf *c = conf_file_good(POOL_OF(INSTANCE(1, "https-port = 3201"))
		"service https { pool = web routers = { 10.0.1.1 } spoof = true }\n");

	ck_assert_str_eq(pool_of(c, 0)->name, "web-443");
	ck_assert_str_eq(pool_of(c, 1)->name, "web-443");
	conf_free(c);
}

static const char *name_for(const struct conf *c, unsigned port)
{
	unsigned own = c->services[0].port_pools[port];

	return c->pools[own ? own - 1 : c->services[0].pool].name;
}

TEST(each_port_of_a_service_has_its_pool)
{
	struct conf *c = conf_file_good(POOL_OF(
		INSTANCE(1, "https-port = 3201 ports = { 8443:3201 }")
			INSTANCE(2, "https-port = 3202 ports = { 8080:3302 }"))
		"service x { id = 9 ports = { 80, 443, 8080, 81 } pool = web "
		"routers = { 10.0.1.1 } }\n");

	ck_assert_uint_eq(c->n_warnings, 0);
	ck_assert_str_eq(name_for(c, 0), "web");
	ck_assert_str_eq(name_for(c, 1), "web-443");
	ck_assert_str_eq(name_for(c, 2), "web-8080");
	ck_assert_str_eq(name_for(c, 3), "web");
	conf_free(c);
}

TEST(instances_that_differ_by_address)
{
	struct conf *c = conf_file_good(POOL_OF(AT(1, "10.0.1.2", "https-port = 3139")
						AT(2, "10.0.1.3", "https-port = 3139"))
					WEB TLS);

	for (unsigned i = 0; i < 2; i++) {
		ck_assert_uint_eq(pool_of(c, i)->instances[1].port, i ? 3139 : 3129);
		ck_assert_str_eq(ADDR_TEXT(&pool_of(c, i)->instances[1].at), "10.0.1.3");
	}
	conf_free(c);
	/* Processes of one port, told apart by their pid files. */
	c = conf_file_good(POOL_OF(AT(1, "10.0.1.2", "pid-file = /1")
				   AT(2, "10.0.1.2", "pid-file = /2")) WEB);
	ck_assert_uint_eq(c->n_warnings, 0);
	conf_free(c);
}

static const struct {
	const char *text, *message;
} bad[] = {
	{ POOL_OF(INSTANCE(1, "https-port = 3101")) WEB,
	  "4: https-port: 3101 is its port for all others" },
	{ POOL_OF(INSTANCE(1, "https-port = 3102") INSTANCE(2, "")) WEB,
	  "4: port 3102 is that of instance s2, too" },
	{ POOL_OF(INSTANCE(1, "https-port = 3201") INSTANCE(2, "https-port = 3201")) WEB,
	  "5: port 3201 is that of instance s1, too" },
	{ POOL_OF(INSTANCE(1, "https-port = 3201 ports = { 443:3202 }")) WEB,
	  "4: ports: 443 is listed twice" },
	{ POOL_OF(INSTANCE(1, "ports = { 443 }")) WEB,
	  "4: ports: 443 is not a port of services, a colon and a port of the instance" },
	{ POOL_OF(INSTANCE(1, "ports = { 443:70000 }")) WEB,
	  "4: ports: 443:70000 is not a port of services, a colon and a port of the "
	  "instance" },
	{ POOL_OF(AT(1, "10.0.1.2", "") AT(2, "10.0.1.2", "")) WEB,
	  "5: port: 10.0.1.2:3129 is that of instance s1: they must differ by port or "
	  "address, or by pid-file" },
	{ POOL_OF(AT(1, "10.0.1.2", "") "instance s2 { port = 3129 check = 127.0.0.1:1 }\n") WEB,
	  "5: port: 3129 is that of instance s1: they must differ by port or address, or by "
	  "pid-file" },
	{ POOL_OF(AT(1, "10.0.1.2", "pid-file = /p") AT(2, "10.0.1.2", "pid-file = /p")) WEB,
	  "5: port: 10.0.1.2:3129 is that of instance s1: they must differ by port or "
	  "address, or by pid-file" },
	{ POOL_OF(AT(1, "[2001:db8::1]", "")) WEB,
	  "4: port: [2001:db8::1]:3129 is IPv6, the address of this box is IPv4" },
	{ POOL_OF(AT(1, "box", "")) WEB,
	  "4: port: box:3129 is neither a port nor address:port" },
	{ POOL_OF(AT(1, "10.0.1.2", "https-port = 3139") AT(2, "10.0.1.2", "")) WEB,
	  "5: port: 10.0.1.2:3129 is that of instance s1: they must differ by port or "
	  "address, or by pid-file" },
};

TEST_LOOP(refused, 0, sizeof(bad) / sizeof(bad[0]))
{
	conf_file_bad(bad[_i].text, bad[_i].message);
}

TEST(a_pool_that_listens_makes_a_pool_of_plain_ports)
{
	struct conf *c = conf_file_good(POOL_OF("listen = { 3128, '[2001:db8::2]:8080' }\n"
						"when-down = pass\n"
						INSTANCE(1, "proxy = '[::1]:3128' https-port = 1")
							INSTANCE(2, "weight = 5")) WEB);
	const struct conf_pool *p = &c->pools[2];

	ck_assert_uint_eq(c->n_warnings, 0);
	ck_assert_uint_eq(c->n_pools, 3);
	ck_assert(!c->pools[0].plain && !c->pools[1].plain && p->plain);
	ck_assert_str_eq(p->name, "web-listen");
	ck_assert_uint_eq(p->n_instances, 2);
	ck_assert_uint_eq(p->instances[0].port, 3128);
	ck_assert_uint_eq(p->instances[0].at.family, ADDR_V6);
	ck_assert_uint_eq(p->instances[1].port, 4202);
	ck_assert_uint_eq(addr_to_v4(&p->instances[1].at), 0x7f000001);
	ck_assert_uint_eq(p->instances[1].weight, 5);
	ck_assert(!p->instances[1].check_aside);
	ck_assert_uint_eq(c->pools[0].instances[0].port, 3101);
	ck_assert(!addr_is_set(&c->pools[0].instances[0].at));
	ck_assert_uint_eq(c->n_listens, 2);
	ck_assert_uint_eq(c->listens[0].pool, 2);
	ck_assert_uint_eq(c->listens[0].port, 3128);
	ck_assert(!addr_is_set(&c->listens[0].addr) && c->listens[0].pass_when_down);
	ck_assert_str_eq(conf_endpoint_text(&c->listens[1].addr, c->listens[1].port).s,
			 "[2001:db8::2]:8080");
	ck_assert_str_eq(pool_of(c, 0)->name, "web");
	conf_free(c);
}

/* No address, no interface, no service, no port. */
TEST(a_file_may_have_no_service)
{
	struct conf *c = conf_file_good("pool web { listen = { 3128, 127.0.0.1:4202 }\n"
					"instance s1 { check = 127.0.0.1:4201 }\n"
					"instance s2 { check = 127.0.0.1:4202 } }\n");
	const struct conf_pool *p = &c->pools[0];

	ck_assert_uint_eq(c->n_pools, 1);
	ck_assert_uint_eq(c->n_services, 0);
	ck_assert(!addr_is_set(&c->address) && p->plain);
	ck_assert_str_eq(conf_interfaces_text(c).s, "-");
	ck_assert_uint_eq(p->instances[0].port, 4201);
	ck_assert(!p->instances[0].check_aside && p->instances[1].check_aside);
	ck_assert(!c->listens[1].pass_when_down);
	conf_free(c);
}
