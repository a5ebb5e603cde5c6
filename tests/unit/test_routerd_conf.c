/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wccprouter's configuration files, good and bad. */
#include "wccprouter/conf/routerd_conf.h"
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct routerd_conf *load(const char *text, char *path, struct err *err)
{
	struct routerd_conf *c;
	int fd;
	FILE *f;

	strcpy(path, "/tmp/wccprouter-conf-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	f = fdopen(fd, "w");
	fputs(text, f);
	fclose(f);
	c = routerd_conf_load(path, err);
	unlink(path);
	return c;
}

#define TOP "router-id = 10.0.9.1\nredirect-in = { cl0 }\ncaches-in = { bx1, bx2 }\n"

TEST(defaults)
{
	char path[64];
	struct err err = { "" };
	struct routerd_conf *c =
		load(TOP "service web-cache { }\nservice 70 { }\n", path, &err);
	const struct router_conf *r;

	ck_assert_msg(c, "%s", err.text);
	ck_assert_str_eq(c->control, "/run/wccprouter.sock");
	ck_assert_uint_eq(addr_to_v4(&c->router_id), 0x0a000901);
	ck_assert_uint_eq(c->redirect_in.n, 1);
	ck_assert_uint_eq(c->caches_in.n, 2);
	ck_assert_str_eq(c->caches_in.names[1], "bx2");
	ck_assert_uint_eq(c->n_services, 2);
	r = &c->services[0].router;
	ck_assert_str_eq(c->services[0].name, "web-cache");
	ck_assert_uint_eq(r->service_type, WCCP_SERVICE_STANDARD);
	ck_assert_uint_eq(r->forward, WCCP_METHOD_GRE | WCCP_METHOD_L2);
	ck_assert_uint_eq(r->ret, WCCP_METHOD_GRE | WCCP_METHOD_L2);
	ck_assert_uint_eq(r->assign, WCCP_ASSIGN_HASH);
	ck_assert_int_eq(r->mask_identity, ROUTER_MASK_EMPTY_SET);
	ck_assert(r->echo_assignment && !r->advertise_timers && !r->password.set);
	ck_assert(!c->services[0].closed);
	ck_assert_uint_eq(r->max_minor, 1);
	ck_assert(!addr_is_set(&r->multicast) && !addr_is_set(&r->id6));
	ck_assert_uint_eq(r->n_allowed, 0);
	r = &c->services[1].router;
	ck_assert_uint_eq(r->service_type, WCCP_SERVICE_DYNAMIC);
	ck_assert_uint_eq(r->service_id, 70);
	routerd_conf_free(c);
}

TEST(metrics)
{
	static const char *const bad[] = { "127.0.0.1",
					   "127.0.0.1:0",
					   "127.0.0.1:65536",
					   "::1:80",
					   "[127.0.0.1]:80",
					   "[::1]",
					   "[::1:80",
					   ":80",
					   "[]:80",
					   "host:80",
					   "" };
	char path[64], text[256];
	struct err err = { "" };
	struct routerd_conf *c;

	c = load(TOP "metrics = \"[::1]:9102\"\nservice 70 { }\n", path, &err);
	ck_assert_msg(c, "%s", err.text);
	ck_assert_str_eq(ADDR_TEXT(&c->metrics), "::1");
	ck_assert_uint_eq(c->metrics_port, 9102);
	routerd_conf_free(c);
	c = load(TOP "metrics = \"10.0.9.1:80\"\nservice 70 { }\n", path, &err);
	ck_assert_msg(c, "%s", err.text);
	ck_assert_uint_eq(addr_to_v4(&c->metrics), 0x0a000901);
	routerd_conf_free(c);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), TOP "metrics = \"%s\"\nservice 70 { }\n",
			 bad[i]);
		ck_assert_msg(!load(text, path, &err), "%s", bad[i]);
		ck_assert_ptr_nonnull(strstr(err.text, ":4: metrics: "));
		ck_assert_ptr_nonnull(strstr(err.text, "is not address:port"));
	}
}

TEST(masks)
{
	static const struct {
		const char *text;
		uint32_t assign;
		enum router_mask_identity identity;
	} cases[] = {
		{ "assign = { mask }", WCCP_ASSIGN_MASK, ROUTER_MASK_EMPTY_SET },
		{ "assign = { mask, hash }\nmask-identity = empty-set",
		  WCCP_ASSIGN_MASK | WCCP_ASSIGN_HASH, ROUTER_MASK_EMPTY_SET },
		{ "mask-identity = no-sets", WCCP_ASSIGN_HASH, ROUTER_MASK_NO_SETS },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char path[64], text[256];
		struct err err = { "" };
		struct routerd_conf *c;

		snprintf(text, sizeof(text), TOP "service 7 {\n%s\n}\n", cases[i].text);
		c = load(text, path, &err);
		ck_assert_msg(c, "%s", err.text);
		ck_assert_uint_eq(c->services[0].router.assign, cases[i].assign);
		ck_assert_int_eq(c->services[0].router.mask_identity,
				 cases[i].identity);
		routerd_conf_free(c);
	}
}

TEST(groups)
{
	static const char text[] =
		TOP "router-id6 = 2001:db8::1\n"
		    "service 7 { group-address = 224.0.1.5\nversion = 2.0 }\n"
		    "service 8 { group-address = ff05::114\ngroup-ttl = 15\n"
		    "group-list = { 10.0.1.2, 2001:db8::2 } }\n";
	char path[64];
	struct err err = { "" };
	struct routerd_conf *c = load(text, path, &err);
	const struct routerd_conf_service *s;

	ck_assert_msg(c, "%s", err.text);
	s = c->services;
	ck_assert_str_eq(ADDR_TEXT(&s[0].router.multicast), "224.0.1.5");
	ck_assert_uint_eq(s[0].group_ttl, 1);
	ck_assert_uint_eq(s[0].router.max_minor, 0);
	ck_assert_str_eq(ADDR_TEXT(&s[1].router.multicast), "ff05::114");
	ck_assert_uint_eq(s[1].group_ttl, 15);
	ck_assert_str_eq(ADDR_TEXT(&s[1].router.id6), "2001:db8::1");
	ck_assert_str_eq(ADDR_TEXT(&s[1].router.allowed[1].addr), "2001:db8::2");
	routerd_conf_free(c);
}

TEST(redirect_out)
{
	char path[64];
	struct err err = { "" };
	struct routerd_conf *c = load("router-id = 10.0.9.1\nredirect-out = { or0 }\n"
			       "exclude-in = { cl1, cl2 }\ncaches-in = { bx1 }\n"
			       "service 7 { }\n",
			       path, &err);

	ck_assert_msg(c, "%s", err.text);
	ck_assert(c->redirect_in.n == 0 && c->redirect_out.n == 1);
	ck_assert_str_eq(c->redirect_out.names[0], "or0");
	ck_assert_uint_eq(c->excluded_in.n, 2);
	ck_assert_str_eq(c->excluded_in.names[1], "cl2");
	routerd_conf_free(c);
}

/* A service that has either list of its own has neither of the file's. */
TEST(interfaces_of_a_service)
{
	char path[64];
	struct err err = { "" };
	struct routerd_conf *c =
		load("router-id = 10.0.9.1\nredirect-in = { cl0 }\n"
		     "redirect-out = { bx1 }\ncaches-in = { bx1 }\n"
		     "service 61 { redirect-in = { lan, lan2 } }\n"
		     "service 62 { redirect-out = { lan } }\nservice 7 { }\n",
		     path, &err);
	const struct routerd_conf_service *s;

	ck_assert_msg(c, "%s", err.text);
	s = c->services;
	ck_assert(s[0].redirect_in.n == 2 && s[0].redirect_out.n == 0);
	ck_assert_str_eq(s[0].redirect_in.names[1], "lan2");
	ck_assert(s[1].redirect_in.n == 0 && s[1].redirect_out.n == 1);
	ck_assert_str_eq(s[1].redirect_out.names[0], "lan");
	ck_assert(s[2].redirect_in.n == 1 && s[2].redirect_out.n == 1);
	ck_assert_str_eq(s[2].redirect_in.names[0], "cl0");
	ck_assert_str_eq(s[2].redirect_out.names[0], "bx1");
	routerd_conf_free(c);
}

/* Five lists of 26 have 130 interfaces. */
TEST(more_interfaces_than_there_is_room_for)
{
	char path[64], text[4096] = "router-id = 10.0.9.1\ncaches-in = { c }\n";
	struct err err = { "" };
	struct routerd_conf *c;

	for (unsigned s = 0; s < 5; s++) {
		sprintf(text + strlen(text), "service %u { redirect-in = {", s);
		for (unsigned i = 0; i < 26; i++)
			sprintf(text + strlen(text), "%s i%u.%u", i ? "," : "", s, i);
		strcat(text, "} }\n");
	}
	ck_assert_ptr_null(load(text, path, &err));
	ck_assert_msg(strstr(err.text, ":8: more than 128 interfaces in all"), "%s",
		      err.text);
	strcpy(strstr(text, ", i4.23"), "} }\n");
	c = load(text, path, &err);
	ck_assert_msg(c, "%s", err.text);
	routerd_conf_free(c);
}

TEST(redirect_list)
{
	static const char text[] =
		TOP "service 7 { redirect-list = {\n"
		    "\"deny 10.1.2.3\",\n"
		    "\"permit  10.0.0.0/8 port 1024-65535 192.0.2.0/25 port 80\",\n"
		    "\"deny any 2001:db8::/32\", \"permit 0.0.0.0/0 any\" } }\n"
		    "service 8 { }\n";
	char path[64];
	struct err err = { "" };
	struct routerd_conf *c = load(text, path, &err);
	const struct redirect_rule *r;

	ck_assert_msg(c, "%s", err.text);
	ck_assert_uint_eq(c->services[0].n_rules, 4);
	ck_assert_uint_eq(c->services[1].n_rules, 0);
	r = c->services[0].rules;
	ck_assert(!r[0].permit && r[0].src.bits == 32 && !r[0].src.has_ports);
	ck_assert(!addr_is_set(&r[0].dst.prefix) && r[0].dst.bits == 0);
	ck_assert(r[1].permit && r[1].src.has_ports && r[1].dst.has_ports);
	ck_assert_str_eq(ADDR_TEXT(&r[1].src.prefix), "10.0.0.0");
	ck_assert_uint_eq(r[1].src.bits, 8);
	ck_assert_uint_eq(r[1].src.low, 1024);
	ck_assert_uint_eq(r[1].src.high, 65535);
	ck_assert_str_eq(ADDR_TEXT(&r[1].dst.prefix), "192.0.2.0");
	ck_assert_uint_eq(r[1].dst.bits, 25);
	ck_assert(r[1].dst.low == 80 && r[1].dst.high == 80);
	ck_assert_str_eq(ADDR_TEXT(&r[2].dst.prefix), "2001:db8::");
	ck_assert_uint_eq(r[3].src.prefix.family, ADDR_V4);
	ck_assert_uint_eq(r[3].src.bits, 0);
	routerd_conf_free(c);
}

TEST(protocols_in_a_redirect_list)
{
	static const char text[] =
		TOP "service 7 { redirect-list = {\n"
		    "\"deny icmp any\", \"deny 47 10.0.0.0/8 any\",\n"
		    "\"permit tcp any port 80\", \"permit ip any any\",\n"
		    "\"permit 0 any\", \"permit icmpv6 ::/0\", \"permit udp any\" } }\n";
	static const int protocols[] = { 1, 47, 6, -1, 0, 58, 17 };
	char path[64];
	struct err err = { "" };
	struct routerd_conf *c = load(text, path, &err);

	ck_assert_msg(c, "%s", err.text);
	ck_assert_uint_eq(c->services[0].n_rules, 7);
	for (unsigned i = 0; i < 7; i++) {
		const struct redirect_rule *r = &c->services[0].rules[i];

		ck_assert_int_eq(r->has_protocol ? r->protocol : -1, protocols[i]);
	}
	ck_assert(c->services[0].rules[2].src.has_ports);
	routerd_conf_free(c);
}

TEST(prefixes_in_the_group_list)
{
	char path[64];
	struct err err = { "" };
	struct routerd_conf *c = load(TOP "service 7 { group-list = { 10.0.0.0/8,\n"
					  "10.0.1.2, 2001:db8::/32 } }\n",
				      path, &err);
	const struct addr_prefix *list;

	ck_assert_msg(c, "%s", err.text);
	ck_assert_uint_eq(c->services[0].router.n_allowed, 3);
	list = c->services[0].router.allowed;
	ck_assert_str_eq(ADDR_PREFIX_TEXT(&list[0]), "10.0.0.0/8");
	ck_assert_str_eq(ADDR_PREFIX_TEXT(&list[1]), "10.0.1.2");
	ck_assert_str_eq(ADDR_PREFIX_TEXT(&list[2]), "2001:db8::/32");
	routerd_conf_free(c);
}

TEST(longest_redirect_list)
{
	char path[64], text[4096] = TOP "service 7 { redirect-list = {\n";
	struct err err = { "" };
	struct routerd_conf *c;

	for (unsigned i = 0; i < ROUTERD_MAX_RULES; i++)
		strcat(text, "\"permit any\",\n");
	strcat(text, "\"permit any\" } }\n");
	ck_assert_ptr_null(load(text, path, &err));
	ck_assert_msg(strstr(err.text, ":69: redirect-list: more than 64 rules"), "%s",
		      err.text);
	strcpy(strstr(text, ",\n\"permit any\" }"), " } }\n");
	c = load(text, path, &err);
	ck_assert_msg(c, "%s", err.text);
	ck_assert_uint_eq(c->services[0].n_rules, ROUTERD_MAX_RULES);
	routerd_conf_free(c);
}

TEST(example_is_good)
{
	const char *top = getenv("srcdir");
	char file[4096];
	struct err err;
	struct routerd_conf *c;

	snprintf(file, sizeof(file), "%s/conf/wccprouter.conf.example",
		 top ? top : ".");
	c = routerd_conf_load(file, &err);
	ck_assert_msg(c, "%s", err.text);
	ck_assert_uint_eq(c->services[0].router.n_allowed, 2);
	ck_assert(c->services[0].router.advertise_timers);
	ck_assert_uint_eq(c->services[0].router.transmit_t.lower_ms, 500);
	ck_assert_uint_eq(c->services[0].router.transmit_t.upper_ms, 60000);
	ck_assert_mem_eq(c->services[0].router.password.octets, "secret\0\0", 8);
	routerd_conf_free(c);
}

static const struct {
	const char *text, *message;
} bad[] = {
	{ "redirect-in = { a }\n", "2: no router-id" },
	{ "router-id = 10.0.9.x\n", "1: router-id: 10.0.9.x is not an IPv4 address" },
	{ "router-id = 10.0.9.1\nredirect-in = { a }\n", "3: no caches-in" },
	{ "router-id = 10.0.9.1\nredirect-in = { a,\nsixteen-or-longer }\n",
	  "3: redirect-in: \"sixteen-or-longer\" is not the name of an interface" },
	{ TOP "exclude-in = { or1 }\nservice 1 { redirect-out = { or0 } }\n"
	      "service 2 { redirect-in = { or0,\n or1 } }\n",
	  "4: exclude-in: or1 is in redirect-in, too" },
	{ "router-id = 10.0.9.1\ncaches-in = { a }\n"
	  "service 1 { redirect-in = { b } }\nservice 2 { }\n",
	  "5: no redirect-in" },
	{ TOP "service 1 {\nredirect-in = { cl0,\n\"a b\" }\n}\n",
	  "6: redirect-in: \"a b\" is not the name of an interface" },
	{ TOP "service 1 {\nredirect-out = { sixteen-or-longer }\n}\n",
	  "5: redirect-out: \"sixteen-or-longer\" is not the name of an interface" },
	{ TOP "exclude-in = { or0 }\nservice 1 { }\n",
	  "4: exclude-in: redirect-out is not set" },
	{ TOP "redirect-out = { or0 }\nexclude-in = { or1,\ncl0 }\nservice 1 { }\n",
	  "6: exclude-in: cl0 is in redirect-in, too" },
	{ "router-id = 10.0.9.1\ncaches-in = { a }\n", "3: no redirect-in" },
	{ TOP, "4: no service" },
	{ TOP "control = here\nservice 1 { }",
	  "4: control: here does not begin with a slash" },
	{ TOP "service 256 { }\n", "4: service 256 is neither web-cache nor 0 to 255" },
	{ TOP "service 7 { }\nservice 07 { }\n",
	  "5: service 7 and service 07 are the same" },
	{ TOP "service 7 {\nforward = { gre, l3 } }\n",
	  "5: forward: l3 is not one of: gre, l2" },
	{ TOP "service 7 {\nassign = { mask, vsn } }\n",
	  "5: assign: vsn is not one of: hash, mask" },
	{ TOP "service 7 {\nmask-identity = none }\n",
	  "5: mask-identity: none is not one of: full, empty-set, no-sets" },
	{ TOP "service 7 {\npassword = ninechars }\n",
	  "5: password: longer than 8 octets" },
	{ TOP "service 7 {\ntransmit-t = { 60000, 500 }\n}\n",
	  "5: transmit-t: needs a lower and an upper limit, 1 to 65535 ms" },
	{ TOP "service 7 {\ntransmit-t = { 500 }\n}\n",
	  "5: transmit-t: needs a lower and an upper limit, 1 to 65535 ms" },
	{ TOP "service 7 {\ngroup-list = { 10.0.1.2, ::1 } }\n",
	  "5: group-list: ::1 is not the address of a host" },
	{ TOP "service 7 {\nredirect-list = { \"permit any\",\n\"allow any\" } }\n",
	  "6: redirect-list: a rule begins with permit or deny, not \"allow\"" },
	{ TOP "service 7 {\nredirect-list = { \"deny\" } }\n",
	  "5: redirect-list: a rule needs a source" },
	{ TOP "service 7 {\nredirect-list = { \"\" } }\n",
	  "5: redirect-list: a rule begins with permit or deny, not \"\"" },
	{ TOP "service 7 {\nredirect-list = { \"deny 10.0.0 any\" } }\n",
	  "5: redirect-list: \"10.0.0\" is neither an address nor a prefix" },
	{ TOP "service 7 {\nredirect-list = { \"deny 10.0.0.0/33\" } }\n",
	  "5: redirect-list: \"10.0.0.0/33\": the length of a prefix is 0 to 32" },
	{ TOP "service 7 {\nredirect-list = { \"deny 2001:db8::/x\" } }\n",
	  "5: redirect-list: \"2001:db8::/x\": the length of a prefix is 0 to 128" },
	{ TOP "service 7 {\nredirect-list = { \"deny 10.0.0.1/24\" } }\n",
	  "5: redirect-list: \"10.0.0.1/24\" has bits set behind its length" },
	{ TOP "service 7 {\nredirect-list = { \"deny 10.0.0.1 ::1\" } }\n",
	  "5: redirect-list: source and destination are of different families" },
	{ TOP "service 7 {\nredirect-list = { \"deny 256 any\" } }\n",
	  "5: redirect-list: protocol: \"256\" is not a number from 0 to 255" },
	{ TOP "service 7 {\nredirect-list = { \"deny icmp any port 80\" } }\n",
	  "5: redirect-list: protocol 1 has no ports" },
	{ TOP "service 7 {\nredirect-list = { \"deny tcp\" } }\n",
	  "5: redirect-list: a rule needs a source" },
	{ TOP "service 7 {\ngroup-list = { 10.0.1.2,\n10.0.1.0/16 } }\n",
	  "6: group-list: \"10.0.1.0/16\" has bits set behind its length" },
	{ TOP "service 7 {\ngroup-list = { 10.0.0.0/40 } }\n",
	  "5: group-list: \"10.0.0.0/40\": the length of a prefix is 0 to 32" },
	{ TOP "service 7 {\nredirect-list = { \"deny any port 90-80\" } }\n",
	  "5: redirect-list: port: \"90-80\" is neither a port nor two, N-M" },
	{ TOP "service 7 {\nredirect-list = { \"deny any port\" } }\n",
	  "5: redirect-list: port: \"\" is neither a port nor two, N-M" },
	{ TOP "service 7 {\nredirect-list = { \"deny any any any\" } }\n",
	  "5: redirect-list: \"any\" is not expected there" },
	{ TOP "service 7 {\nversion = 2.1 }\n",
	  "5: version: 2.1 is not one of: 2.0, 2.01" },
	{ TOP "service 7 {\ngroup-address = 10.0.0.1 }\n",
	  "5: group-address: 10.0.0.1 is not multicast" },
	{ TOP "service 7 {\ngroup-address = 224.0.1.5\ngroup-ttl = 16 }\n",
	  "6: group-ttl: 16 is not a number from 1 to 15" },
	{ TOP "service 7 {\ngroup-ttl = 2 }\n",
	  "5: group-ttl: group-address is not set" },
	{ TOP "service 7 {\ngroup-address = ff05::114 }\n",
	  "5: group-address: IPv6 needs a router-id6" },
	{ TOP "router-id6 = 2001:db8::1\n"
	      "service 7 {\nversion = 2.0\ngroup-address = ff05::114 }\n",
	  "7: group-address: IPv6 needs version 2.01" },
	{ TOP "router-id6 = 10.0.9.1\nservice 7 { }\n",
	  "4: router-id6: 10.0.9.1 is not IPv6" },
	{ TOP "router-id6 = fe80::1\nservice 7 { }\n",
	  "4: router-id6: fe80::1 is link-local" },
	{ TOP "service 7 {\nclosed = maybe }\n",
	  "5: closed: maybe is not one of: false, true" },
};

TEST_LOOP(bad_file, 0, (int)(sizeof(bad) / sizeof(bad[0])))
{
	char path[64], full[400];
	struct err err = { "" };

	ck_assert_ptr_null(load(bad[_i].text, path, &err));
	snprintf(full, sizeof(full), "%s:%s", path, bad[_i].message);
	ck_assert_str_eq(err.text, full);
}

/* -- profiles -------------------------------------------------------------------------- */

#define IN "redirect-in = { cl0 }\ncaches-in = { bx1 }\n"

TEST(a_profile_is_where_it_starts)
{
	char path[64];
	struct err err = { "" };
	struct routerd_conf *c = load("profile = catalyst3750\n" IN "service web-cache { }\n"
			       "service 70 { forward = { gre } version = 2.01 }\n",
			       path, &err);
	struct addr id = addr_v4(0x0a000001);
	const struct router_conf *r;

	ck_assert_msg(c, "%s", err.text);
	ck_assert_str_eq(c->profile->name, "catalyst3750");
	ck_assert(!addr_is_set(&c->router_id));
	r = &c->services[0].router;
	ck_assert_uint_eq(r->forward, WCCP_METHOD_L2);
	ck_assert_uint_eq(r->ret, WCCP_METHOD_L2 | WCCP_METHOD_GRE);
	ck_assert_uint_eq(r->assign, WCCP_ASSIGN_MASK);
	ck_assert_int_eq(r->mask_identity, ROUTER_MASK_NO_SETS);
	ck_assert_uint_eq(r->max_minor, 0);
	ck_assert(!r->echo_assignment && !r->advertise_timers);
	/* What the file says counts more. */
	r = &c->services[1].router;
	ck_assert_uint_eq(r->forward, WCCP_METHOD_GRE);
	ck_assert_uint_eq(r->ret, WCCP_METHOD_L2 | WCCP_METHOD_GRE);
	ck_assert_uint_eq(r->max_minor, 1);
	routerd_conf_set_router_id(c, &id);
	ck_assert(addr_equal(&c->services[1].router.id, &id));
	routerd_conf_free(c);
}

TEST_LOOP(every_profile_can_be_had, 0, 8)
{
	static const char *const names[] = { "ios",	     "ios-xe",
					     "catalyst3750", "catalyst4500",
					     "catalyst6500", "nxos",
					     "asa",	     "fortigate" };
	const struct profile *p = profile_find(names[_i]);
	struct router_conf conf = { 0 };

	ck_assert_ptr_nonnull(p);
	ck_assert_str_eq(p->name, names[_i]);
	ck_assert_ptr_nonnull(strstr(profile_names(), names[_i]));
	profile_apply(p, &conf);
	ck_assert(conf.forward && conf.ret && conf.assign);
}

#define NINE(a)                                                                        \
	a "1 { }\n" a "2 { }\n" a "3 { }\n" a "4 { }\n" a "5 { }\n" a "6 { }\n" a      \
	  "7 { }\n" a "8 { }\n" a "9 { }\n"

static const struct {
	const char *text, *complaint;
} bad_profiles[] = {
	{ "profile = c64\n" IN "service 1 { }\n",
	  ":1: profile: c64 is not one of ios, ios-xe, catalyst3750, catalyst4500, "
	  "catalyst6500, nxos, asa, fortigate" },
	{ "profile = asa\n" IN "service 1 {\n group-address = 224.0.1.5\n}\n",
	  ":5: group-address: profile asa has no multicast" },
	{ "profile = catalyst4500\n" IN NINE("service "),
	  ":12: profile catalyst4500 has no more than 8 services" },
	{ IN "service 1 { }\n", "router-id" },
};

TEST_LOOP(what_a_device_has_not_got, 0, sizeof(bad_profiles) / sizeof(bad_profiles[0]))
{
	char path[64];
	struct err err = { "" };
	struct routerd_conf *c = load(bad_profiles[_i].text, path, &err);

	ck_assert_ptr_null(c);
	ck_assert_msg(strstr(err.text, bad_profiles[_i].complaint), "%s", err.text);
}
