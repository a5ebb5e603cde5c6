/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configurations that are refused, and what is warned of. */
#include "conf_file.h"
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

CASE(trouble, .setup = conf_file_make, .teardown = conf_file_remove)

/* -- warnings --------------------------------------------------------------------------- */

static const struct {
	const char *text, *warning;
} warned[] = {
	{ WEB_CACHE("assign = { mask }\nmask-bits = 8"),
	  "6: mask: 8 bits make 256 values, which may be more than the TCAM of a "
	  "switch takes, and messages of 4192 octets (less by version 2.01), which are "
	  "lost where fragments are filtered" },
	{ WEB_CACHE("assign = { mask }\nmask {\nsrc-ip = 0xf dst-ip = 0xf\n}"),
	  "8: mask: 8 bits make 256 values, which may be more than the TCAM of a "
	  "switch takes, and messages of 4192 octets (less by version 2.01), which are "
	  "lost where fragments are filtered" },
	{ WEB_CACHE("assign = { mask }\nmask-bits = 7"),
	  "6: mask: 7 bits make messages of 2144 octets (less by version 2.01), which "
	  "are lost where fragments are filtered" },
	{ WEB_CACHE("version = 2.01\nmask-bits = 9"),
	  "6: mask: 9 bits make 512 values, which may be more than the TCAM of a switch "
	  "takes, and messages of 2144 octets, which are lost where fragments are "
	  "filtered" },
	{ WEB_CACHE("assign = { mask }\nmask-bits = 2 caches = { 10.0.1.2, 10.0.1.3 }"),
	  "6: mask: 2 bits make 4 values, too few to share evenly among 2 web-caches" },
	{ WEB_CACHE("assign = { hash } mask { dst-ip = 0x1 }"),
	  "5: mask: not used, assign does not have it" },
	{ WEB_CACHE("assign = { hash }\nmask-bits = 4"),
	  "6: mask: not used, assign does not have it" },
	{ NAMED("x", "id = 60\nports = { 20, 21 }"),
	  "6: ports: 21 is for FTP's control connections: its data connections have any "
	  "port, are not redirected, and every transfer fails" },
	{ NAMED("https", "") "service web-cache { " ROUTERS "}\n",
	  "6: pool: web takes port 443 at the same ports of its instances as port 80, "
	  "where TLS fails: set https-port to Squid's https_port" },
	{ NAMED("x", "id = 71 ports = { 443, 80 }"),
	  "4: pool: web takes port 443 at the same ports of its instances as port 80, "
	  "where TLS fails: set https-port to Squid's https_port" },
	{ NAMED("dns", ""), "6: service dns: the instances take TCP only, all other "
			    "packets go back to the routers" },
	{ NAMED("http", "spoof = true\nhash = { dst-ip }"),
	  "6: hash: with spoof, dst-ip works only while the proxy asks the very "
	  "address "
	  "that the client asked" },
	{ "address = 10.0.1.2\ninterface = eth0;\n" POOL "service web-cache { " ROUTERS
	  "}",
	  "2: interface: \"eth0;\" has a \";\", which is probably a mistake" },
	{ TOP
	  "pool web {\ninstance s1 { port = 1 check = 127.0.0.1:2 pid-file = /p }\n"
	  "instance s2 { port = 3 check = 127.0.0.1:4\npid-file = /p }\n}\n" SERVICE,
	  "6: pid-file: /p is that of instance s1, too" },
	{ TOP "pool web {\ninstance s1 { port = 1 check = 127.0.0.1:2 }\n"
	      "instance s2 { port = 3 check = 127.0.0.1:4 weight = 2 }\n"
	      "spread = cpu\n}\n" SERVICE,
	  "6: spread: by cpu, the weights of instances only say who stands in for one "
	  "that is down" },
};

TEST_LOOP(warning, 0, sizeof(warned) / sizeof(warned[0]))
{
	struct conf *c = conf_file_good(warned[_i].text);
	char full[400];

	snprintf(full, sizeof(full), "%s:%s", conf_file_path, warned[_i].warning);
	ck_assert_uint_eq(c->n_warnings, 1);
	ck_assert_str_eq(c->warnings[0].text, full);
	conf_free(c);
}

TEST(no_warning_without_cause)
{
	static const char *const fine[] = {
		WEB_CACHE("assign = { mask } mask-bits = 6"),
		WEB_CACHE("version = negotiate mask-bits = 7"),
		WEB_CACHE(
			"assign = { mask } mask-bits = 3 caches = { 10.0.1.2, 10.0.1.3 "
			"}"),
		WEB_CACHE("assign = { hash } caches = { 10.0.1.2 }"),
		NAMED("http", "spoof = true"),
	};

	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		struct conf *c = conf_file_good(fine[i]);

		ck_assert_msg(c->n_warnings == 0, "%s", c->warnings[0].text);
		conf_free(c);
	}
}

/* -- errors ----------------------------------------------------------------------------- */

#define A8(n)                                                                          \
	"10.1." n ".1, 10.1." n ".2, 10.1." n ".3, 10.1." n ".4, 10.1." n              \
	".5, 10.1." n ".6, 10.1." n ".7, 10.1." n ".8"

static const struct {
	const char *text, *message;
} bad[] = {
	/* templates and fields */
	{ IN("template = gopher"),
	  "6: template: gopher is not one of: web-cache, http, "
	  "https, dns, rtsp" },
	{ NAMED("socks", ""),
	  "6: service socks has no id, and is no template (web-cache, "
	  "http, https, dns, rtsp)" },
	{ NAMED("x", "template = web-cache\nhash = { src-ip }"),
	  "6: hash: service web-cache is well known, it cannot be set" },
	{ WEB_CACHE("alternate-hash = { src-ip }"),
	  "5: alternate-hash: service web-cache is well known, it cannot be set" },
	{ IN("protocol = 256"),
	  "6: protocol: 256 is neither a number from 0 to 255 nor "
	  "any, icmp, tcp, udp, gre, esp, ah, icmpv6, sctp" },
	{ IN("protocol = icmp"), "5: ports: only protocols tcp and udp have any" },
	{ NAMED("x", "id = 7 protocol = any\nport-type = source"),
	  "6: port-type: there are no ports" },
	{ NAMED("x", "id = 7 ports = { any }\nport-type = source"),
	  "6: port-type: there are no ports" },
	{ NAMED("x", "id = 7 ports = { 1, any }"),
	  "5: ports: any is not a number from 1 to 65535" },
	{ IN("hash = { src-ip,\nsrc-ip }"), "7: hash: src-ip is listed twice" },
	{ IN("alternate-hash = { port }"), "6: alternate-hash: port is not one of: "
					   "src-ip, dst-ip, src-port, dst-port" },
	{ IN("redirect-only-protocol-0 = true"),
	  "6: redirect-only-protocol-0: the protocol is not 0" },
	{ IN("redirect-only-protocol-0 = 1"),
	  "6: redirect-only-protocol-0: 1 is not one of: false, true" },
	{ IN("hot-buckets = { 1 }"),
	  "6: hot-buckets: the service has no alternate-hash" },
	{ WEB_CACHE("hot-buckets = { 1,\n256 }"),
	  "6: hot-buckets: 256 is neither a number from 0 to 255 nor a range of them" },
	{ WEB_CACHE("hot-buckets = { 9-8 }"),
	  "5: hot-buckets: 9-8 is neither a number from 0 to 255 nor a range of them" },
	{ WEB_CACHE("hot-buckets = { 1-2-3 }"),
	  "5: hot-buckets: 1-2-3 is neither a number from 0 to 255 nor a range of "
	  "them" },
	{ WEB_CACHE("hot-buckets = { -3 }"),
	  "5: hot-buckets: -3 is neither a number from 0 to 255 nor a range of them" },
	{ WEB_CACHE("hot-buckets = { 000000001 }"),
	  "5: hot-buckets: 000000001 is neither "
	  "a number from 0 to 255 nor a range "
	  "of them" },
	{ TOP POOL "service https { " ROUTERS
		   "}\nservice x { id = 70\nports = { 1 } " ROUTERS "}",
	  "6: id: 70 is that of service https" },
	{ TOP POOL "service http { " ROUTERS "}\nservice rtsp { " ROUTERS "}",
	  "7: id: 80 is that of service http" },

	/* masks */
	{ WEB_CACHE("assign = { mask }\nmask {\n}"), "7: mask: no bit is set" },
	{ WEB_CACHE("assign = { mask }\nmask { dst-ip = 0 src-ip = 0.0.0.0 }"),
	  "6: mask: no bit is set" },
	{ WEB_CACHE("assign = { mask } mask { dst-ip = 1 }\nmask { src-ip = 1 }"),
	  "6: mask is set twice" },
	{ WEB_CACHE("assign = { mask } mask { dst-ip = 1\ndst-ip = 1 }"),
	  "6: dst-ip is set twice" },
	{ WEB_CACHE("assign = { mask } mask { dst-ip = 1 }\nmask-bits = 4"),
	  "6: mask-bits: the bits are set by mask" },
	{ WEB_CACHE("assign = { mask }\nmask-bits = 11"),
	  "6: mask-bits: 11 is not a number from 1 to 10" },
	{ WEB_CACHE("assign = { mask }\nmask { dst-ip = 0x7ff }"),
	  "6: mask: 11 bits, more than 10" },
	{ WEB_CACHE("assign = { mask }\nmask { dst-ip = 0xff src-port = 7 }"),
	  "6: mask: 11 bits, more than 10" },
	{ WEB_CACHE("assign = { mask }\nmask { dst-ip = 0x100000000 }"),
	  "6: dst-ip: 0x100000000 is neither a 32-bit number nor the IPv4 address of a "
	  "mask" },
	{ WEB_CACHE("assign = { mask }\nmask { dst-ip = ::1 }"),
	  "6: dst-ip: ::1 is neither a 32-bit number nor the IPv4 address of a mask" },
	{ WEB_CACHE("assign = { mask }\nmask { src-port = 65536 }"),
	  "6: src-port: 65536 is not a number from 0 to 65535" },
	{ WEB_CACHE("assign = { mask }\nmask { port = 1 }"),
	  "6: no such option 'port'" },
	{ IN6("assign = { mask }\nmask { dst-ip = 0.0.23.65 }"),
	  "6: dst-ip: 0.0.23.65 is neither a 32-bit number nor the IPv6 address of a "
	  "mask" },

	/* members */
	{ WEB_CACHE("gre-sources = { 10.0.9.1,\n10.0.1.2 }"),
	  "6: gre-sources: 10.0.1.2 is the address of this box" },
	{ WEB_CACHE("gre-sources = { " A8("1") ", " A8("2") ", 10.0.9.9 }"),
	  "5: gre-sources: more than 16" },
	{ WEB_CACHE("l2-sources = { \"00:00:5e:00:01:07\",\n\"00:00:5e:00:01\" }"),
	  "6: l2-sources: 00:00:5e:00:01 is not the MAC address of an interface, as "
	  "00:00:5e:00:01:07" },
	{ WEB_CACHE("l2-sources = { \"01:00:5e:00:01:07\" }"),
	  "5: l2-sources: 01:00:5e:00:01:07 is not the MAC address of an interface, as "
	  "00:00:5e:00:01:07" },
	{ WEB_CACHE("l2-sources = { \"0:0:5e:0:1:7\" }"),
	  "5: l2-sources: 0:0:5e:0:1:7 is not the MAC address of an interface, as "
	  "00:00:5e:00:01:07" },
	{ WEB_CACHE("caches = { 10.0.1.3 }"),
	  "5: caches: 10.0.1.2 is missing, the address of this box" },
	{ WEB_CACHE("caches = { 10.0.1.2,\n10.0.1.2 }"),
	  "6: caches: 10.0.1.2 is listed twice" },
	{ WEB_CACHE("caches = { 10.0.1.2, " A8("1") ", " A8("2") ", " A8("3") ", " A8(
		  "4") " }"),
	  "5: caches: more than 32" },
	{ WEB_CACHE("caches = { 10.0.1.2, 2001:db8::1 }"),
	  "5: caches: 2001:db8::1 is IPv6, the address of this box is IPv4" },
	{ WEB_CACHE("caches = { box1 }"), "5: caches: box1 is not an IP address" },
	{ WEB_CACHE("version = 2"),
	  "5: version: 2 is not one of: 2.0, 2.01, negotiate" },
	{ WEB_CACHE("timeout-scale = 0"),
	  "5: timeout-scale: 0 is not a number from 1 to 5" },
	{ WEB_CACHE("ra-scale = 6"), "5: ra-scale: 6 is not a number from 1 to 5" },
	{ WEB_CACHE("multicast = 10.0.0.1"),
	  "5: multicast: 10.0.0.1 is not multicast" },
	{ WEB_CACHE("multicast = all"), "5: multicast: all is not an IP address" },
	{ WEB_CACHE("multicast = ff05::5"),
	  "5: multicast: ff05::5 is IPv6, the address of this box is IPv4" },
	{ WEB_CACHE("multicast-ttl = 1"), "5: multicast-ttl: multicast is not set" },
	{ WEB_CACHE("multicast = 224.0.1.5\nmulticast-ttl = 16"),
	  "6: multicast-ttl: 16 is not a number from 1 to 15" },
	{ IN6("version = 2.0"),
	  "5: version: 2.0 has no IPv6, this needs 2.01 or negotiate" },
	{ NAMED("x",
		"id = 7 protocol = 0 redirect-only-protocol-0 = true\nversion = 2.0"),
	  "6: version: 2.0 has no redirect-only-protocol-0, this needs 2.01 or "
	  "negotiate" },
	{ TOP6 POOL "service web-cache { pool = web routers = { 2001:db8::1,\n10.0.1.1 "
		    "} }",
	  "5: routers: 10.0.1.1 is IPv4, the address of this box is IPv6" },
	{ IN6("multicast = 224.0.1.5"),
	  "5: multicast: 224.0.1.5 is IPv4, the address of this box is IPv6" },

	/* pairs */
	{ WEB_CACHE("spoof = true"), "5: spoof: the well-known web-cache has no "
				     "mirror; write template = http, and "
				     "the numbers of spoof-ids into the routers" },
	{ WEB_CACHE("spoof = yes"), "5: spoof: yes is not one of: false, true" },
	{ NAMED("http", "spoof-ids = { 1, 2 }"),
	  "5: spoof-ids: the service does not spoof" },
	{ NAMED("http", "spoof = true\nspoof-ids = { 1 }"),
	  "6: spoof-ids: needs two numbers, of the service and of its mirror" },
	{ NAMED("http", "spoof = true spoof-ids = { 1,\n256 }"),
	  "6: spoof-ids: 256 is not a number from 0 to 255" },
	{ NAMED("http", "spoof = true spoof-ids = { 1,\n1 }"),
	  "6: spoof-ids: 1 is listed twice" },
	{ NAMED("http", "spoof = true\nid = 80"),
	  "6: id: of a service that spoofs it is the first of spoof-ids" },
	{ NAMED("http", "spoof = true\nport-type = source"),
	  "6: port-type: of a service that spoofs it is destination, and source in its "
	  "mirror" },
	{ NAMED("http", "spoof = true ports = { any }"),
	  "5: spoof: needs a service with ports" },
	{ NAMED("http", "spoof = true\nhash = { src-port }"),
	  "6: spoof: src-port differs on both sides of the proxy" },
	{ NAMED("http", "spoof = true\nalternate-hash = { src-port }"),
	  "6: spoof: src-port differs on both sides of the proxy" },
	{ NAMED("http", "spoof = true assign = mask\nmask { src-port = 1 }"),
	  "5: spoof: src-port in the mask differs on both sides of the proxy" },
	{ NAMED("a-name-of-twenty-five-le-t", "spoof = true ports = { 1 }"),
	  "6: service: name longer than 24 octets" },
	{ TOP POOL "service http { spoof = true " ROUTERS "}\n"
		   "service https { spoof = true\n" ROUTERS "}",
	  "8: id: 80 is that of service http" },
	{ TOP POOL "service x { id = 91 ports = { 1 } " ROUTERS "}\n"
		   "service http { spoof = true\nspoof-ids = { 80, 91 } " ROUTERS "}",
	  "7: spoof-ids: 91 is that of service x" },
	{ TOP POOL "service http-return { id = 91 ports = { 1 } " ROUTERS "}\n"
		   "service http { spoof = true\n" ROUTERS "}",
	  "8: there are two services http-return" },
};

TEST_LOOP(bad_file, 0, sizeof(bad) / sizeof(bad[0]))
{
	conf_file_bad(bad[_i].text, bad[_i].message);
}

/* More could not be scanned for: they would be absent without a word. */
TEST(too_many_instances)
{
	enum { POOLS = 16, EACH = 33, SIZE = 64 * 1024 };
	char *text = malloc(SIZE);
	size_t n = (size_t)snprintf(text, SIZE, TOP);
	struct conf *c;
	struct err err;

	for (int p = 0; p < POOLS; p++) {
		n += (size_t)snprintf(text + n, SIZE - n, "pool p%d {\n", p);
		for (int i = 0; i < EACH; i++)
			n += (size_t)snprintf(
				text + n, SIZE - n,
				"instance s%d { port = %d check = 127.0.0.1:%d }\n", i,
				1 + p * EACH + i, 10000 + p * EACH + i);
		n += (size_t)snprintf(text + n, SIZE - n, "}\n");
	}
	snprintf(text + n, SIZE - n,
		 "service web-cache { pool = p0 routers = { 10.0.1.1 } }");
	c = conf_file_load(text, &err);
	ck_assert_ptr_null(c);
	ck_assert_ptr_nonnull(strstr(err.text, "more than 512 instances"));
	free(text);
}
