/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses and error texts.
 */
#include "addr.h"
#include "err.h"
#include "suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct addr parsed(const char *text)
{
	struct addr a;

	ck_assert_int_eq(addr_parse(text, &a), 0);
	return a;
}

TEST(v4_is_network_order)
{
	static const uint8_t octets[16] = { 10, 0, 0, 1 };
	struct addr a = addr_v4(0x0a000001);

	ck_assert_uint_eq(a.family, ADDR_V4);
	ck_assert_mem_eq(a.octets, octets, 16);
	ck_assert_uint_eq(addr_to_v4(&a), 0x0a000001);
	ck_assert_uint_eq(addr_len(&a), 4);
	a = addr_v4(0xfffefdfc);
	ck_assert_uint_eq(addr_to_v4(&a), 0xfffefdfc);
}

TEST(from_octets)
{
	uint8_t octets[16];
	struct addr a;

	for (unsigned i = 0; i < 16; i++)
		octets[i] = (uint8_t)(0xf0 + i);
	a = addr_from_octets(ADDR_V6, octets);
	ck_assert_uint_eq(addr_len(&a), 16);
	ck_assert_mem_eq(a.octets, octets, 16);
	ck_assert_uint_eq(addr_to_v4(&a), 0);
	a = addr_from_octets(ADDR_V4, octets);
	ck_assert_uint_eq(addr_to_v4(&a), 0xf0f1f2f3);
	ck_assert_uint_eq(a.octets[4], 0);
	a = addr_from_octets(ADDR_NONE, octets);
	ck_assert(!addr_is_set(&a));
	ck_assert_uint_eq(addr_len(&a), 0);
	ck_assert_uint_eq(a.octets[0], 0);
}

/* The order of a list of addresses must be the numerical one on any machine:
 * the lowest web-cache becomes the designated one. */
TEST(order)
{
	static const char *const ascending[] = {
		"0.0.0.0",   "1.0.0.2",		"2.0.0.1",
		"10.0.0.9",  "10.0.1.0",	"127.255.255.255",
		"128.0.0.0", "255.255.255.255", "::",
		"::1",	     "7f00::",		"8000::",
		"ffff::",
	};
	int n = sizeof(ascending) / sizeof(ascending[0]);
	struct addr none = { .family = ADDR_NONE };

	for (int i = 0; i < n; i++) {
		struct addr a = parsed(ascending[i]);

		ck_assert_int_lt(addr_compare(&none, &a), 0);
		for (int k = 0; k < n; k++) {
			struct addr b = parsed(ascending[k]);
			int c = addr_compare(&a, &b);

			ck_assert_int_eq((c > 0) - (c < 0), (i > k) - (i < k));
			ck_assert_int_eq(addr_equal(&a, &b), i == k);
		}
	}
	ck_assert(addr_equal(&none, &none));
}

TEST(find)
{
	struct addr list[] = { addr_v4(1), addr_v4(2), addr_v4(2), parsed("::2") };
	struct addr a = addr_v4(2), b = addr_v4(3), c = parsed("::2");

	ck_assert_int_eq(addr_find(list, 4, &a), 1);
	ck_assert_int_eq(addr_find(list, 4, &b), -1);
	ck_assert_int_eq(addr_find(list, 4, &c), 3);
	ck_assert_int_eq(addr_find(list, 1, &a), -1);
	ck_assert_int_eq(addr_find(NULL, 0, &a), -1);
}

TEST(text)
{
	static const char *const good[] = { "0.0.0.0", "192.0.2.255",
					    "::", "2001:db8::1", "::ffff:192.0.2.1" };
	static const char longest[] = "1111:2222:3333:4444:5555:6666:255.255.255.255";
	struct addr none = { .family = ADDR_NONE };

	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct addr a = parsed(good[i]);

		ck_assert_str_eq(ADDR_TEXT(&a), good[i]);
	}
	ck_assert_uint_eq(strlen(longest) + 1, ADDR_STRLEN);
	ck_assert_str_eq(ADDR_TEXT(&none), "-");
}

TEST(not_addresses)
{
	static const char *const bad[] = {
		"",	     "-",	 "1",	      "1.2.3",	    "1.2.3.4.5",
		"256.0.0.1", "1.2.3.4 ", " 1.2.3.4",  "1.2.3.4/24", "::1%lo",
		":::",	     "g::",	 "localhost", "0x7f000001",
	};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct addr a = addr_v4(7);

		ck_assert_msg(addr_parse(bad[i], &a) == -1, "%s", bad[i]);
		ck_assert_uint_eq(addr_to_v4(&a), 7);
	}
}

TEST(prefixes)
{
	static const struct {
		const char *text, *inside, *outside;
	} cases[] = {
		{ "10.0.0.0/8", "10.255.255.255", "11.0.0.0" },
		{ "10.1.2.128/25", "10.1.2.255", "10.1.2.127" },
		{ "10.1.2.3", "10.1.2.3", "10.1.2.2" },
		{ "0.0.0.0/0", "255.255.255.255", "::" },
		{ "2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::" },
		{ "::/0", "ffff::", "0.0.0.0" },
	};
	static const char *const bad[] = { "",		"10.0.0.0/",	"10.0.0.0/33",
					   "10.0.0.0/+8", "10.0.0.1/24", "10.0.0.0/8/8",
					   "/8",	"2001:db8::/129", "any" };
	struct addr_prefix p;
	struct addr a;
	struct err err;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_int_eq(addr_prefix_parse(cases[i].text, &p, &err), 0);
		ck_assert_str_eq(ADDR_PREFIX_TEXT(&p), cases[i].text);
		addr_parse(cases[i].inside, &a);
		ck_assert_msg(addr_prefix_has(&p, &a), "%s", cases[i].text);
		addr_parse(cases[i].outside, &a);
		ck_assert_msg(!addr_prefix_has(&p, &a), "%s", cases[i].text);
		ck_assert_int_eq(addr_prefix_is_one(&p), i == 2);
	}
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(addr_prefix_parse(bad[i], &p, &err) < 0, "%s", bad[i]);
}

TEST(err_texts)
{
	struct err err;

	errno = ENOENT;
	ck_assert_int_eq(err_set(&err, "%s %d", "line", 7), -1);
	ck_assert_int_eq(err_prefix(&err, "file %c", 'x'), -1);
	ck_assert_str_eq(err.text, "file x: line 7");
	ck_assert_int_eq(err_set(&err, "again: %s", err.text), -1);
	ck_assert_str_eq(err.text, "again: file x: line 7");
	ck_assert_int_eq(err_set(NULL, "nobody reads this"), -1);
	ck_assert_int_eq(err_prefix(NULL, "nor this"), -1);
	ck_assert_int_eq(errno, ENOENT);
}

TEST(err_overlong)
{
	char many[1000];
	struct err err;

	memset(many, 'a', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	err_set(&err, "%s", many);
	ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
	err_prefix(&err, "what");
	ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
	ck_assert_int_eq(strncmp(err.text, "what: aaa", 9), 0);
	err_prefix(&err, "%s", many);
	ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
}
