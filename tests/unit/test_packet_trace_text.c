/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Traced packets as lines. */
#include "wccpd/tell/packet_trace_text.h"
#include "suite.h"

#include <netinet/in.h>
#include <string.h>

static const struct timespec AT = { 1795878000, 7000000 }; /* 2026-11-28T15:00:00Z */

static struct dp_traced packet(uint8_t flags)
{
	return (struct dp_traced){
		.src = addr_v4(0x0a030002),
		.dst = addr_v4(0x0a090101),
		.sport = 4711,
		.dport = 80,
		.protocol = IPPROTO_TCP,
		.tcp_flags = flags,
		.by_gre = true,
		.from = addr_v4(0x0a03ff01),
	};
}

static void expect(const struct dp_traced *t, const char *service, const char *reason,
		   const char *want)
{
	char line[PACKET_TRACE_LINE];
	size_t len = packet_trace_text(t, service, reason, AT, line);

	ck_assert_str_eq(line, want);
	ck_assert_uint_eq(len, strlen(want));
}

TEST(one_that_is_delivered)
{
	struct dp_traced t = packet(0x02);

	strcpy(t.pool, "web");
	strcpy(t.instance, "s1");
	expect(&t, "web-cache", "delivered-new",
	       "2026-11-28T15:00:00.007Z web-cache 10.3.0.2:4711 > 10.9.1.1:80 S "
	       "delivered-new web/s1 by gre from 10.3.255.1\n");
}

TEST(one_that_is_handed_over)
{
	struct dp_traced t = packet(0x18);

	t.other = addr_v4(0x0a030202);
	t.by_gre = false;
	expect(&t, "web-cache", "handed-over",
	       "2026-11-28T15:00:00.007Z web-cache 10.3.0.2:4711 > 10.9.1.1:80 PA "
	       "handed-over to 10.3.2.2 by l2 from 10.3.255.1\n");
}

TEST(what_shows_less)
{
	struct dp_traced t = packet(0);

	t.sport = t.dport = 0;
	t.fragment = true;
	expect(&t, NULL, "returned-fragment",
	       "2026-11-28T15:00:00.007Z (none) 10.3.0.2 > 10.9.1.1 - fragment "
	       "returned-fragment by gre from 10.3.255.1\n");
	t.protocol = 255;
	t.fragment = false;
	expect(&t, NULL, NULL,
	       "2026-11-28T15:00:00.007Z (none) 10.3.0.2 > 10.9.1.1 protocol 255 ? by gre "
	       "from 10.3.255.1\n");
}

TEST(the_longest_has_room)
{
	struct dp_traced t = packet(0xff);
	char line[PACKET_TRACE_LINE];
	const char service[] = "a-service-with-the-longest-name";

	memset(t.pool, 'p', sizeof(t.pool) - 1);
	memset(t.instance, 'i', sizeof(t.instance) - 1);
	t.src = t.dst = t.from = addr_v4(0xdfffffff);
	t.sport = t.dport = 65535;
	t.fragment = true;
	ck_assert_uint_lt(packet_trace_text(&t, service, "dropped-martian-destination", AT,
					    line),
			  PACKET_TRACE_LINE);
	ck_assert_ptr_nonnull(strstr(line, " FSRPAUEC fragment dropped-martian-destination "));
	ck_assert_ptr_nonnull(strstr(line, "iii by gre from 223.255.255.255\n"));
}
