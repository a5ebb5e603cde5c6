/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration files, good and bad, with the exact words about each bad one. */
#include "conf_file.h"
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

CASE(conf, .setup = conf_file_make, .teardown = conf_file_remove)

TEST(defaults)
{
	struct conf *c = conf_file_good(TOP POOL SERVICE);
	const struct conf_pool *p = &c->pools[0];
	const struct conf_service *s = &c->services[0];

	ck_assert_uint_eq(addr_to_v4(&c->address), 0x0a000102);
	ck_assert_str_eq(c->interfaces[0], "eth0");
	ck_assert_str_eq(c->control, "/run/wccpd.sock");
	ck_assert_str_eq(c->pid_file, "");
	ck_assert_int_eq(c->log, CONF_LOG_STDERR);
	ck_assert_uint_eq(c->mark, 0x5743);
	ck_assert_uint_eq(c->mark_mask, 0xffff);
	ck_assert_uint_eq(c->table, 2048);
	ck_assert_uint_eq(c->rule_priority, 100);
	ck_assert_uint_eq(c->tc_priority, 0);
	ck_assert_uint_eq(c->n_interfaces, 1);
	ck_assert(!c->any_interface);

	ck_assert_uint_eq(c->n_pools, 1);
	ck_assert_str_eq(p->name, "web");
	ck_assert_uint_eq(p->min_instances, 1);
	ck_assert_uint_eq(p->interval_ms, 1000);
	ck_assert_uint_eq(p->timeout_ms, 1000);
	ck_assert_uint_eq(p->health.rise, 2);
	ck_assert_uint_eq(p->health.fall, 3);
	ck_assert_uint_eq(p->health.grace_ms, 5000);
	ck_assert_uint_eq(p->n_instances, 1);
	ck_assert_str_eq(p->instances[0].name, "s1");
	ck_assert_uint_eq(p->instances[0].port, 3129);
	ck_assert_uint_eq(addr_to_v4(&p->instances[0].check), 0x7f000001);
	ck_assert_uint_eq(p->instances[0].check_port, 4201);
	ck_assert_uint_eq(p->instances[0].weight, 1);
	ck_assert_str_eq(p->instances[0].pid_file, "");

	ck_assert_uint_eq(c->n_services, 1);
	ck_assert_str_eq(s->name, "web-cache");
	ck_assert_uint_eq(s->pool, 0);
	ck_assert_uint_eq(s->weight, 100);
	ck_assert(!s->drop_when_down);
	ck_assert_uint_eq(s->group.service.type, WCCP_SERVICE_STANDARD);
	ck_assert_uint_eq(s->group.service.id, WCCP_WEB_CACHE_ID);
	ck_assert_uint_eq(s->group.service.flags, 0);
	ck_assert(addr_equal(&s->group.self, &c->address));
	ck_assert_uint_eq(s->group.n_routers, 1);
	ck_assert_uint_eq(addr_to_v4(&s->group.routers[0]), 0x0a000101);
	ck_assert(!s->group.password.set);
	ck_assert_uint_eq(s->group.forward.n, 2);
	ck_assert_uint_eq(s->group.forward.methods[0], WCCP_METHOD_L2);
	ck_assert_uint_eq(s->group.ret.methods[1], WCCP_METHOD_GRE);
	ck_assert_uint_eq(s->group.assign.n, 2);
	ck_assert_uint_eq(s->group.assign.methods[0], WCCP_ASSIGN_HASH);
	ck_assert_uint_eq(s->group.assign.methods[1], WCCP_ASSIGN_MASK);
	ck_assert_uint_eq(s->group.transmit_t_ms, 0);
	conf_free(c);
}

TEST(several_interfaces)
{
	struct conf *c = conf_file_good("address = 10.0.1.2\n"
					"interface = { eth0, eth1 }\n" POOL SERVICE);

	ck_assert_uint_eq(c->n_interfaces, 2);
	ck_assert_str_eq(c->interfaces[1], "eth1");
	ck_assert_str_eq(conf_interfaces_text(c).s, "eth0, eth1");
	conf_free(c);
}

TEST(any_interface)
{
	struct conf *c = conf_file_good("address = 10.0.1.2\ninterface = any\n" POOL
						SERVICE);

	ck_assert_uint_eq(c->n_interfaces, 0);
	ck_assert(c->any_interface);
	ck_assert_str_eq(conf_interfaces_text(c).s, "any");
	conf_free(c);
}

static const char everything[] =
	"# a comment with a \" quote\n"
	"address = 10.0.1.2 // another\n"
	"interface = \"eth0.100\"\r\n"
	"control = /run/other.sock  pid-file = /run/wccpd.pid\n"
	"log = syslog  mark = 0x10000/0xff0000  table = 77\n"
	"rule-priority = 50 tc-priority = 3\n"
	"delivery = interface delivery-interface = redirected\n"
	"pool a {\n"
	"  min-instances = 2 interval = 250 timeout = 300 rise = 1 fall = 5 grace = 0\n"
	"  spread = source\n"
	"  instance s1 { port = 1 check = '127.0.0.1:2' weight = 3 pid-file = '/p#1' "
	"}\n"
	"  instance s2 { port = 3 check = 127.0.0.2:4 }\n"
	"}\n"
	"pool b { instance s1 { port = 65535 check = 10.0.1.2:65535 } }\n"
	"service https {\n"
	"  id = 70 protocol = tcp priority = 7 ports = { 443, # why not\n"
	"    8443 } port-type = source hash = { src-ip, dst-port }\n"
	"  pool = b password = 'a b#\"c' when-down = drop weight = 65535\n"
	"  routers = { 10.0.1.1, /* the other */ 10.0.2.1 }\n"
	"  forward = { gre } return = gre assign = { hash } transmit-t = 500\n"
	"}\n"
	"service udp { id = 71 ports = { 1, 2, 3, 4, 5, 6, 7, 8 } pool = a\n"
	"  routers = { 10.0.1.1 } }";

TEST(everything_set)
{
	struct conf *c = conf_file_good(everything);
	const struct conf_service *s = &c->services[0];
	const struct wccp_service *w = &s->group.service;

	ck_assert_str_eq(c->interfaces[0], "eth0.100");
	ck_assert_str_eq(c->control, "/run/other.sock");
	ck_assert_str_eq(c->pid_file, "/run/wccpd.pid");
	ck_assert_int_eq(c->log, CONF_LOG_SYSLOG);
	ck_assert_uint_eq(c->mark, 0x10000);
	ck_assert_uint_eq(c->mark_mask, 0xff0000);
	ck_assert_uint_eq(c->table, 77);
	ck_assert_uint_eq(c->rule_priority, 50);
	ck_assert_uint_eq(c->tc_priority, 3);
	ck_assert_str_eq(c->delivery_interface, "redirected");

	ck_assert_uint_eq(c->n_pools, 2);
	ck_assert_uint_eq(c->pools[0].min_instances, 2);
	ck_assert_uint_eq(c->pools[0].interval_ms, 250);
	ck_assert_uint_eq(c->pools[0].timeout_ms, 300);
	ck_assert_uint_eq(c->pools[0].health.rise, 1);
	ck_assert_uint_eq(c->pools[0].health.fall, 5);
	ck_assert_uint_eq(c->pools[0].health.grace_ms, 0);
	ck_assert_uint_eq(c->pools[0].spread, PLAN_SPREAD_SOURCE);
	ck_assert_uint_eq(c->pools[1].spread, PLAN_SPREAD_FLOW);
	ck_assert_uint_eq(c->pools[0].instances[0].weight, 3);
	ck_assert_str_eq(c->pools[0].instances[0].pid_file, "/p#1");
	ck_assert_uint_eq(c->pools[0].instances[1].port, 3);
	ck_assert_uint_eq(c->pools[1].instances[0].check_port, 65535);

	ck_assert_uint_eq(s->pool, 1);
	ck_assert(s->drop_when_down);
	ck_assert_uint_eq(s->weight, 65535);
	ck_assert_uint_eq(w->type, WCCP_SERVICE_DYNAMIC);
	ck_assert_uint_eq(w->id, 70);
	ck_assert_uint_eq(w->priority, 7);
	ck_assert_uint_eq(w->protocol, 6);
	ck_assert_uint_eq(w->flags, WCCP_F_SRC_IP_HASH | WCCP_F_DST_PORT_HASH |
					    WCCP_F_PORTS_DEFINED | WCCP_F_PORTS_SOURCE);
	ck_assert_uint_eq(w->ports[0], 443);
	ck_assert_uint_eq(w->ports[1], 8443);
	ck_assert_uint_eq(w->ports[2], 0);
	ck_assert_uint_eq(s->group.n_routers, 2);
	ck_assert(s->group.password.set);
	ck_assert_mem_eq(s->group.password.octets, "a b#\"c\0\0", 8);
	ck_assert_uint_eq(s->group.forward.n, 1);
	ck_assert_uint_eq(s->group.forward.methods[0], WCCP_METHOD_GRE);
	ck_assert_uint_eq(s->group.ret.n, 1);
	ck_assert_uint_eq(s->group.ret.methods[0], WCCP_METHOD_GRE);
	ck_assert_uint_eq(s->group.transmit_t_ms, 500);
	ck_assert_uint_eq(c->services[1].group.service.ports[7], 8);
	ck_assert_uint_eq(c->services[1].group.service.flags,
			  WCCP_F_DST_IP_HASH | WCCP_F_PORTS_DEFINED);
	conf_free(c);
}

TEST(example_is_good)
{
	const char *top = getenv("srcdir");
	char file[4096];
	struct err err;
	struct conf *c;

	snprintf(file, sizeof(file), "%s/conf/wccpd.conf.example", top ? top : ".");
	c = conf_load(file, &err);
	ck_assert_msg(c, "%s", err.text);
	ck_assert_uint_eq(c->pools[0].n_instances, 3);
	ck_assert_uint_eq(c->n_services, 5);
	ck_assert_uint_eq(c->services[0].group.n_routers, 2);
	/* Everybody may read an example. */
	for (unsigned i = 0; i < c->n_warnings; i++)
		ck_assert_msg(strstr(c->warnings[i].text, "every user can read this file"),
			      "%s", c->warnings[i].text);
	conf_free(c);
}

/* What the example shows commented out is the default, as it says. */
TEST(example_shows_the_defaults)
{
	const char *top = getenv("srcdir");
	char file[4096], text[16384], *at = text;
	struct conf *shown, *plain;
	struct err err;
	size_t n;
	FILE *f;

	snprintf(file, sizeof(file), "%s/conf/wccpd.conf.example", top ? top : ".");
	plain = conf_load(file, &err);
	f = fopen(file, "r");
	ck_assert(plain && f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	/* "#word" is a setting, "# Word" is prose. */
	while ((at = strchr(at, '#'))) {
		if (at[1] >= 'a' && at[1] <= 'z')
			*at = ' ';
		at++;
	}
	shown = conf_file_good(text);
	/* These show a value of their own kind: there is no default. */
	ck_assert_str_eq(shown->pid_file, "/run/wccpd.pid");
	ck_assert_uint_eq(shown->services[0].group.transmit_t_ms, 10000);
	shown->pid_file[0] = '\0';
	ck_assert_uint_eq(shown->services[0].group.timeout_scale, 1);
	ck_assert_uint_eq(shown->services[0].group.ra_scale, 1);
	shown->services[0].group.transmit_t_ms = 0;
	shown->services[0].group.timeout_scale = 0;
	shown->services[0].group.ra_scale = 0;

	ck_assert_str_eq(shown->control, plain->control);
	ck_assert_int_eq(shown->log, plain->log);
	ck_assert_uint_eq(shown->mark, plain->mark);
	ck_assert_uint_eq(shown->mark_mask, plain->mark_mask);
	ck_assert_uint_eq(shown->table, plain->table);
	ck_assert_uint_eq(shown->rule_priority, plain->rule_priority);
	ck_assert_str_eq(shown->delivery_interface, plain->delivery_interface);
	ck_assert_uint_eq(shown->tc_priority, 2048); /* of the default it is a part */
	ck_assert_mem_eq(&shown->pools[0].min_instances, &plain->pools[0].min_instances,
			 offsetof(struct conf_pool, instances) -
				 offsetof(struct conf_pool, min_instances));
	ck_assert_uint_eq(shown->pools[0].instances[0].weight, 1);
	ck_assert_mem_eq(&shown->services[0].group, &plain->services[0].group,
			 sizeof(struct cache_conf));
	ck_assert_uint_eq(shown->services[0].weight, plain->services[0].weight);
	ck_assert_int_eq(shown->services[0].drop_when_down,
			 plain->services[0].drop_when_down);
	conf_free(shown);
	conf_free(plain);
}

#define R8(n)                                                                          \
	"10.0." n ".1, 10.0." n ".2, 10.0." n ".3, 10.0." n ".4, 10.0." n              \
	".5, 10.0." n ".6, 10.0." n ".7, 10.0." n ".8"
#define R32 R8("2") ", " R8("3") ", " R8("4") ", " R8("5")
#define OTHER_R32 R8("6") ", " R8("7") ", " R8("8") ", " R8("9")
#define DYNAMIC(rest)                                                                  \
	TOP POOL "service x { pool = web routers = { 10.0.1.1 }\n" rest " }"
#define IN_SERVICE(rest) TOP POOL "service web-cache { pool = web\n" rest " }"
#define IN_POOL(rest) TOP "pool web {\n" rest "\n}\n" SERVICE
#define INSTANCE "instance s1 { port = 3129 check = 127.0.0.1:4201 }"

static const struct {
	const char *text, *message;
} bad[] = {
	/* syntax: libconfuse's words, our lines */
	{ TOP "colour = blue\n", "3: no such option 'colour'" },
	{ TOP "table 5\n", "3: missing equal sign after option 'table'" },
	{ TOP "pool { }\n", "3: missing title for section 'pool'" },
	{ TOP "pool web ; instance\n", "3: missing opening brace for section 'pool'" },
	{ TOP "}\n", "3: unexpected closing brace" },
	{ TOP "table = { 5 }\n", "3: unexpected token '{'" },
	{ TOP "pool web {\n instance s1 {\n  porto = 5 } }\n",
	  "5: no such option 'porto'" },
	{ TOP POOL "service web-cache { pool = web\n",
	  "4: this brace is never closed" },
	{ TOP POOL POOL, "4: found duplicate title 'web'" },
	{ TOP POOL SERVICE SERVICE, "5: found duplicate title 'web-cache'" },
	{ IN_POOL(INSTANCE "\n" INSTANCE), "5: found duplicate title 's1'" },
	{ TOP "table = 5\n# more\ntable = 6\n", "5: table is set twice" },
	{ IN_SERVICE("routers = { 10.0.1.1 }\nrouters = { 10.0.1.3 }"),
	  "6: routers is set twice" },

	{ TOP "table = 5 #\n/* {\n\n*/ /* no end\nlog = syslog\n",
	  "6: this comment is never closed" },
	{ TOP "# it's fine\ncontrol = \"/x\\\"\n\n", "4: this text is never closed" },
	{ TOP POOL "service web-cache {\npool = web }\n}\n",
	  "6: unexpected closing brace" },
	{ TOP POOL SERVICE "}", "5: unexpected closing brace" },
	{ TOP "table =", "3: premature end of file" },

	/* top level */
	{ "interface = eth0\n" POOL SERVICE, "4: no address" },
	{ "address = 10.0.1.2\n" POOL SERVICE, "4: no interface" },
	{ "\naddress = 10.0.1\n", "2: address: 10.0.1 is not an IP address" },
	{ "address = box1\n", "1: address: box1 is not an IP address" },
	{ "address = ff02::1\n", "1: address: ff02::1 is multicast" },
	{ "address = fe80::1\n", "1: address: fe80::1 is link-local" },
	{ "address = ::1\n", "1: address: ::1 is not the address of a host" },
	{ "address = ::\n", "1: address: :: is not the address of a host" },
	{ "address = ::ffff:10.0.0.1\n",
	  "1: address: ::ffff:10.0.0.1 is not the address of a host" },
	{ "address = 239.0.0.1\n",
	  "1: address: 239.0.0.1 is multicast" },
	{ "address = 255.255.255.255\n",
	  "1: address: 255.255.255.255 is not the address of a host" },
	{ "address = 0.0.0.0\n", "1: address: 0.0.0.0 is not the address of a host" },
	{ "address = 10.0.1.2\ninterface = sixteen-and-more\n",
	  "2: interface: longer than 15 octets" },
	{ "address = 10.0.1.2\ninterface = a/b\n",
	  "2: interface: \"a/b\" is not the name of one" },
	{ "address = 10.0.1.2\ninterface = ''\n", "2: interface: empty" },
	{ "address = 10.0.1.2\ninterface = { a,\nb,\na }\n",
	  "4: interface: a is listed twice" },
	{ "address = 10.0.1.2\ninterface = { any, b }\n",
	  "2: interface: any stands for all and must be alone" },
	{ "address = 10.0.1.2\ninterface = { a1, a2, a3, a4, a5, a6, a7, a8, a9, b1, b2, b3, "
	  "b4, b5, b6, b7,\nb8 }\n",
	  "3: interface: more than 16" },
	{ TOP "rule-priority = 0\n",
	  "3: rule-priority: 0 is not a number from 1 to 32765" },
	{ TOP "delivery = nft\n", "3: delivery: nft is not one of: mark, interface" },
	{ TOP "delivery-interface = sixteen-and-more\n",
	  "3: delivery-interface: longer than 15 octets" },
	{ TOP "delivery-interface = a/b\n",
	  "3: delivery-interface: \"a/b\" is not the name of one" },
	{ TOP "delivery = interface\ndelivery-interface = eth0\n",
	  "4: delivery-interface: redirected packets arrive on eth0" },
	{ TOP "tc-priority = 65536\n",
	  "3: tc-priority: 65536 is not a number from 1 to 65535" },
	{ TOP "control = wccpd.sock\n",
	  "3: control: wccpd.sock does not begin with a slash" },
	{ TOP "control = /0123456789012345678901234567890123456789012345678901234567890"
	      "12345678901234567890123456789012345678901234567890\n",
	  "3: control: longer than 107 octets" },
	{ TOP "pid-file = x\n", "3: pid-file: x does not begin with a slash" },
	{ TOP "log = file\n", "3: log: file is not one of: stderr, syslog" },
	{ TOP "log = 'a\tb\n'", "4: log: a?b? is not one of: stderr, syslog" },
	{ TOP "mark = red\n", "3: mark: red is not mark/mask" },
	{ TOP "mark = 1/x\n", "3: mark: 1/x is not mark/mask" },
	{ TOP "mark = 0x100000000\n", "3: mark: 0x100000000 is not mark/mask" },
	{ TOP "mark = 0\n", "3: mark: 0 is zero or has bits outside its mask" },
	{ TOP "mark = 0x10/0xf\n",
	  "3: mark: 0x10/0xf is zero or has bits outside its mask" },
	{ TOP "table = 0\n", "3: table: 0 is not a number from 1 to 4294967295" },
	{ TOP "table = 254\n", "3: table: 254 belongs to the system" },
	{ TOP SERVICE, "4: no pool" },
	{ TOP POOL, "4: no service, and no pool that listens" },

	/* pools and instances */
	{ IN_POOL(""), "5: pool web has no instance" },
	{ TOP "pool 'a b' { " INSTANCE " }",
	  "3: pool: its name may have letters, digits, \".\", \"_\" and \"-\" only" },
	{ TOP "pool '' { " INSTANCE " }",
	  "3: pool: its name may have letters, digits, \".\", \"_\" and \"-\" only" },
	{ TOP "pool a-name-of-more-than-thirty-one-octets { " INSTANCE " }",
	  "3: pool: name longer than 31 octets" },
	{ IN_POOL("min-instances = 0 " INSTANCE),
	  "4: min-instances: 0 is not a number from 1 to 1" },
	{ IN_POOL(INSTANCE "\nmin-instances = 2"),
	  "5: min-instances: 2 is not a number from 1 to 1" },
	{ IN_POOL(INSTANCE "\ninterval = 1s"),
	  "5: interval: 1s is not a number from 50 to 600000" },
	{ IN_POOL(INSTANCE "\ntimeout = 49"),
	  "5: timeout: 49 is not a number from 50 to 600000" },
	{ IN_POOL(INSTANCE "\nrise = 0"), "5: rise: 0 is not a number from 1 to 100" },
	{ IN_POOL(INSTANCE "\nfall = -1"),
	  "5: fall: -1 is not a number from 1 to 100" },
	{ IN_POOL(INSTANCE "\ngrace = 99999999999999999999999"),
	  "5: grace: 99999999999999999999999 is not a number from 0 to 600000" },
	{ IN_POOL(INSTANCE "\nspread = client"),
	  "5: spread: client is not one of: flow, source, destination, cpu" },
	{ IN_POOL("instance s1 {\ncheck = 127.0.0.1:1\n}"),
	  "6: instance s1 has no port" },
	{ IN_POOL("instance s1 {\nport = 1\n}"), "6: instance s1 has no check" },
	{ IN_POOL("instance s1 {\nport = 0\n check = 127.0.0.1:1 }"),
	  "5: port: 0 is not a number from 1 to 65535" },
	{ IN_POOL("instance s1 {\nport = 65536\n check = 127.0.0.1:1 }"),
	  "5: port: 65536 is not a number from 1 to 65535" },
	{ IN_POOL("instance s1 { port = 1\ncheck = 127.0.0.1 }"),
	  "5: check: 127.0.0.1 is not address:port" },
	{ IN_POOL("instance s1 { port = 1\ncheck = localhost:80 }"),
	  "5: check: localhost:80 is not address:port" },
	{ IN_POOL("instance s1 { port = 1\ncheck = 127.0.0.1:0 }"),
	  "5: check: 127.0.0.1:0 is not address:port" },
	{ IN_POOL("instance s1 { port = 1\ncheck = ::1:80 }"),
	  "5: check: ::1:80 is not address:port" },
	{ IN_POOL("instance s1 { port = 1\ncheck = [127.0.0.1]:80 }"),
	  "5: check: [127.0.0.1]:80 is not address:port" },
	{ IN_POOL("instance s1 { port = 1\ncheck = [::1:80 }"),
	  "5: check: [::1:80 is not address:port" },
	{ IN_POOL("instance s1 { port = 1 check = 127.0.0.1:1\nproxy = 127.0.0.1:2 }"),
	  "5: proxy: its pool has no listen, nothing would come there" },
	{ IN_POOL("listen = 3128\ninstance s1 { port = 1 check = 127.0.0.1:1\nproxy = ::1:2 "
		  "}"),
	  "6: proxy: ::1:2 is not address:port" },
	{ IN_POOL("listen = { 3128,\n0 }\n" INSTANCE),
	  "5: listen: 0 is neither a port nor address:port" },
	{ IN_POOL("listen = { 3128,\n10.0.0.1 }\n" INSTANCE),
	  "5: listen: 10.0.0.1 is neither a port nor address:port" },
	{ IN_POOL("listen = { 3128,\n'[10.0.0.1]:1' }\n" INSTANCE),
	  "5: listen: [10.0.0.1]:1 is neither a port nor address:port" },
	{ IN_POOL("listen = { '10.0.0.1:3128',\n'[::1]:3128',\n'10.0.0.1:3128' }\n" INSTANCE),
	  "6: listen: 10.0.0.1:3128 is listed twice, pool web-listen has it" },
	{ IN_POOL("listen = 3128\n" INSTANCE) "\npool b { listen = {\n3128 }\n" INSTANCE " }",
	  "10: listen: *:3128 is listed twice, pool web-listen has it" },
	{ IN_POOL("listen = 3128\nwhen-down = drop\n" INSTANCE),
	  "5: when-down: drop is not one of: refuse, pass" },
	{ IN_POOL("when-down = pass\n" INSTANCE),
	  "4: when-down: this is about listen, which the pool has not; a service has its own" },
	{ IN_POOL("listen = 3128\ninstance s1 { check = 127.0.0.1:1 }"),
	  "7: pool: the instances of web have no port for redirected connections" },
	{ IN_POOL("listen = 3128\n" INSTANCE "\ninstance s2 {\ncheck = 127.0.0.1:1 }"),
	  "7: port: either all instances of a pool have one, or none" },
	{ IN_POOL("instance s1 { port = 1 check = 127.0.0.1:1\nweight = 0 }"),
	  "5: weight: 0 is not a number from 1 to 65535" },
	{ IN_POOL("instance s1 { port = 1 check = 127.0.0.1:1\npid-file = s1.pid }"),
	  "5: pid-file: s1.pid does not begin with a slash" },
	{ IN_POOL(INSTANCE "\ninstance s2 { port = 3129 check = 127.0.0.1:4202 }"),
	  "5: port: 3129 is that of instance s1: they must differ by port or address, "
	  "or by pid-file" },
	{ IN_POOL(INSTANCE "\ninstance s2 { port = 3130 check = 127.0.0.1:4201 }"),
	  "5: check: 127.0.0.1:4201 is that of instance s1" },

	/* services */
	{ IN_SERVICE(""), "5: service web-cache has no routers" },
	{ IN_SERVICE("routers = { }"), "5: service web-cache has no routers" },
	{ TOP POOL "service web-cache { routers = { 10.0.1.1 }\n}",
	  "5: service web-cache has no pool" },
	{ TOP POOL "service web-cache {\npool = wbe\n}",
	  "5: pool: there is no pool wbe" },
	{ IN_SERVICE("routers = {\n10.0.1.1,\n10.0.1.256 }"),
	  "7: routers: 10.0.1.256 is not an IP address" },
	{ IN_SERVICE("routers = { 2001:db8::1 }"),
	  "5: routers: 2001:db8::1 is IPv6, the address of this box is IPv4" },
	{ IN_SERVICE("routers = { 224.1.1.1 }"),
	  "5: routers: 224.1.1.1 is multicast" },
	{ IN_SERVICE("routers = { 10.0.1.1,\n10.0.1.2 }"),
	  "6: routers: 10.0.1.2 is the address of this box" },
	{ IN_SERVICE("routers = { 10.0.1.1, 10.0.1.3,\n10.0.1.1 }"),
	  "6: routers: 10.0.1.1 is listed twice" },
	{ IN_SERVICE("routers = { " R32 ",\n10.0.6.1 }"), "6: routers: more than 32" },
	{ IN_SERVICE("routers = { 10.0.1.1 }\npassword = 123456789"),
	  "6: password: longer than 8 octets" },
	{ IN_SERVICE("routers = { 10.0.1.1 }\npassword = ''"), "6: password: empty" },
	{ IN_SERVICE("routers = { 10.0.1.1 }\nforward = { gre, ip }"),
	  "6: forward: ip is not one of: l2, gre" },
	{ IN_SERVICE("routers = { 10.0.1.1 }\nreturn = { gre,\ngre }"),
	  "7: return: gre is listed twice" },
	{ IN_SERVICE("routers = { 10.0.1.1 }\nassign = { mask, cash }"),
	  "6: assign: cash is not one of: hash, mask" },
	{ IN_SERVICE("routers = { 10.0.1.1 }\nassign = { mask,\nmask }"),
	  "7: assign: mask is listed twice" },
	{ IN_SERVICE("routers = { 10.0.1.1 }\ntransmit-t = 499"),
	  "6: transmit-t: 499 is not a number from 500 to 60000" },
	{ IN_SERVICE("routers = { 10.0.1.1 }\nweight = 65536"),
	  "6: weight: 65536 is not a number from 0 to 65535" },
	{ IN_SERVICE("routers = { 10.0.1.1 }\nwhen-down = open"),
	  "6: when-down: open is not one of: return, drop" },
	{ IN_SERVICE("routers = { 10.0.1.1 }\nports = { 80 }"),
	  "6: ports: service web-cache is well known, it cannot be set" },
	{ IN_SERVICE("routers = { 10.0.1.1 }\nid = 0"),
	  "6: id: service web-cache is well known, it cannot be set" },
	{ DYNAMIC("ports = { 443 }"),
	  "5: service x has no id, and is no template (web-cache, http, https, dns, rtsp)" },
	{ DYNAMIC("id = 256 ports = { 443 }"),
	  "5: id: 256 is not a number from 0 to 255" },
	{ DYNAMIC("id = 70"), "5: service x has no ports" },
	{ DYNAMIC("id = 70 ports = { 443, 0 }"),
	  "5: ports: 0 is not a number from 1 to 65535" },
	{ DYNAMIC("id = 70 ports = { 1, 2, 3, 4, 5, 6, 7, 8,\n9 }"),
	  "6: ports: more than 8" },
	{ DYNAMIC("id = 70 ports = { 443 } protocol = tpc"),
	  "5: protocol: tpc is neither a number from 0 to 255 nor any, icmp, tcp, udp, gre, "
	  "esp, ah, icmpv6, sctp" },
	{ DYNAMIC("id = 70 ports = { 443 } priority = 256"),
	  "5: priority: 256 is not a number from 0 to 255" },
	{ DYNAMIC("id = 70 ports = { 443 } port-type = both"),
	  "5: port-type: both is not one of: destination, source" },
	{ DYNAMIC("id = 70 ports = { 443 }\nhash = { mac }"),
	  "6: hash: mac is not one of: src-ip, dst-ip, src-port, dst-port" },
	{ DYNAMIC("id = 70 ports = { 1 } }\n"
		  "service y { pool = web routers = { 10.0.1.1 } ports = { 2 }\nid = "
		  "70"),
	  "7: id: 70 is that of service x" },
	{ TOP POOL
	  "service a { id = 1 ports = { 1 } pool = web routers = { " R32 " } }\n"
	  "service b { id = 2 ports = { 1 } pool = web routers = { " OTHER_R32 " } }\n"
	  "service c { id = 3 ports = { 1 } pool = web routers = { " R32 " } }\n"
	  "service d { id = 4 ports = { 1 } pool = web\nrouters = { 10.0.2.1,\n10.0.1.1 } "
	  "}",
	  "9: routers: more than 64 different ones in all services together" },
};

TEST_LOOP(bad_file, 0, (int)(sizeof(bad) / sizeof(bad[0])))
{
	conf_file_bad(bad[_i].text, bad[_i].message);
}

TEST(no_such_file)
{
	struct err err;

	ck_assert_ptr_null(conf_load("/nonexistent/wccpd.conf", &err));
	ck_assert_str_eq(err.text,
			 "/nonexistent/wccpd.conf: No such file or directory");
	ck_assert_ptr_null(conf_load("/", &err));
	ck_assert_str_eq(err.text, "/: is a directory, not a regular file");
}

TEST(not_a_text_file)
{
	static char big[(1 << 20) + 1];
	struct err err;
	char want[100];

	conf_file_write("address = 10.0.1.2\n\0", 20);
	ck_assert_ptr_null(conf_load(conf_file_path, &err));
	snprintf(want, sizeof(want), "%s: not a text file", conf_file_path);
	ck_assert_str_eq(err.text, want);

	memset(big, '\n', sizeof(big));
	conf_file_write(big, sizeof(big));
	ck_assert_ptr_null(conf_load(conf_file_path, &err));
	snprintf(want, sizeof(want), "%s: larger than 1048576 octets", conf_file_path);
	ck_assert_str_eq(err.text, want);

	conf_file_write("", 0);
	ck_assert_ptr_null(conf_load(conf_file_path, &err));
	snprintf(want, sizeof(want), "%s:1: no pool", conf_file_path);
	ck_assert_str_eq(err.text, want);
}

TEST(endless_list_is_refused)
{
	static char text[1 << 18];
	size_t n =
		(size_t)sprintf(text, "%s", TOP POOL "service web-cache { routers = {");
	struct err err;

	for (int i = 0; i < 20000; i++)
		n += (size_t)sprintf(text + n, "1.1.1.1,");
	strcpy(text + n, "} }");
	ck_assert_ptr_null(conf_file_load(text, &err));
	ck_assert_ptr_nonnull(strstr(err.text, ":4: more than 16384 values"));
}

/* A bad file must not spoil the reading of the next one: reload. */
TEST(good_after_bad)
{
	struct err err;

	ck_assert_ptr_null(conf_file_load(TOP "control = \"/unterminated\n", &err));
	conf_free(conf_file_good(TOP POOL SERVICE));
	ck_assert_ptr_null(conf_file_load(TOP "pool web { /* unterminated\n", &err));
	conf_free(conf_file_good(TOP POOL SERVICE));
	ck_assert_ptr_null(conf_file_load(TOP "mark = 'unterminated\n", &err));
	conf_free(conf_file_good(TOP POOL SERVICE));
}
