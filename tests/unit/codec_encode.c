/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the encoder refuses, and messages as text.
 */
#include "../datagram.h"
#include "codec_vectors.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

static struct wccp_msg m;
static struct err err;
static uint8_t room[WCCP_MAX_DATAGRAM];

static void decode(const char *name)
{
	uint8_t octets[VECTOR_MAX];
	size_t len = vector_load(name, octets);

	ck_assert_int_eq(datagram_decode(octets, len, &m, &err), CODEC_OK);
}

static void refused(const char *why)
{
	err.text[0] = '\0';
	ck_assert_int_eq(codec_encode(&m, NULL, room, sizeof(room), &err), -1);
	ck_assert_msg(strstr(err.text, why), "%s", err.text);
}

CASE(encode, .timeout = 60)

/* One test for each vector: every size that is too small. */
TEST_LOOP(too_small, 0, (int)n_vectors)
{
	const struct vector *v = &vectors[_i];
	struct codec_password p;
	const struct codec_password *password = vector_password(v, &p);
	uint8_t octets[VECTOR_MAX];
	size_t len = vector_load(v->name, octets);

	decode(v->name);
	for (size_t size = 0; size <= len; size++) {
		uint8_t *exact = malloc(size ? size : 1);
		int n = codec_encode(&m, password, exact, size, &err);

		ck_assert_int_eq(n, size == len ? (int)len : -1);
		free(exact);
	}
}

TEST(begins_empty)
{
	memset(&m, 0xa5, sizeof(m));
	codec_begin(&m, WCCP_REMOVAL_QUERY);
	/* A message of the Security component alone: it is in every message. */
	ck_assert_int_eq(codec_encode(&m, NULL, room, sizeof(room), &err), 16);
	ck_assert_mem_eq(room, "\0\0\0\x0d\2\0\0\x08\0\0\0\4\0\0\0\0", 16);
}

TEST(wrong_types)
{
	decode("removal_query");
	m.type = 9;
	refused("type 9");
	m.type = WCCP_REMOVAL_QUERY;
	m.table_family = 3;
	refused("family 3");
}

TEST(wrong_families)
{
	decode("removal_query");
	ck_assert_int_eq(addr_parse("2001:db8::1", &m.query.target), 0);
	refused("Router Query component: an address is not of the message's family");
	m.table_family = 2;
	refused("family"); /* the others are IPv4 */
	ck_assert_int_eq(addr_parse("2001:db8::2", &m.query.router.id), 0);
	m.query.sent_to = (struct addr){ .family = ADDR_NONE };
	ck_assert_int_gt(codec_encode(&m, NULL, room, sizeof(room), &err), 0);
}

TEST(too_many)
{
	decode("here_i_am");
	m.cache_view.n_routers = 33;
	refused("33 routers");
	m.cache_view.n_routers = 1;
	m.cache_view.n_caches = 33;
	refused("33 web-caches");
	m.cache_view.n_caches = 0;
	m.n_commands = 9;
	refused("9 commands");
	decode("i_see_you");
	m.router_identity.n_from = UINT32_MAX;
	refused("Router Identity");
	decode("i_see_you");
	m.router_view.n_caches = 33;
	refused("Router View");
	decode("assign_hash");
	m.assignment.n_routers = 33;
	refused("Assignment Info");
	decode("assign_hash");
	m.assignment.hash.n_caches = 33;
	refused("Assignment Info");
}

TEST(buckets_of_nobody)
{
	decode("assign_hash");
	m.assignment.hash.buckets[200] = 2;
	refused("bucket 200 names none of 2");
	m.assignment.hash.buckets[200] = 0x82;
	refused("bucket 200");
	m.assignment.hash.buckets[200] = 0x81;
	ck_assert_int_gt(codec_encode(&m, NULL, room, sizeof(room), &err), 0);
}

TEST(runs_past_their_pool)
{
	decode("assign_mask");
	m.assignment.sets.first = 65535;
	refused("mask/value sets");
	decode("assign_mask");
	m.assignment.sets.n = 3;
	refused("mask/value sets");
	decode("assign_mask");
	m.n_values--;
	refused("mask values");
	decode("assign_mask");
	m.sets[1].first = 4096;
	refused("mask values");
	decode("assign_alt_mask");
	m.n_vsns--;
	refused("value sequence numbers");
	decode("assign_alt_mask");
	m.n_cache_values = 1;
	refused("web-cache value elements");
	/* A pool that claims to be larger than it is. */
	decode("assign_mask");
	m.n_sets = 60000;
	m.assignment.sets.first = 256;
	refused("mask/value sets");
}

TEST(lists_of_the_wrong_kind)
{
	decode("assign_mask");
	m.assignment.type = WCCP_AT_ALT_MASK;
	refused("plain mask/value sets where alternate ones belong");
	m.assignment.type = 3;
	refused("unknown assignment type 3");
	m.assignment.type = WCCP_AT_MASK;
	m.present ^= 1u << WCCP_C_ALT_ASSIGNMENT | 1u << WCCP_C_ASSIGNMENT;
	refused("only hash");
	decode("i_see_you_mask");
	m.map.type = WCCP_AT_HASH;
	refused("only mask");
}

/* Web-caches, routers and as many values as make one address too many. */
static void fill_table(unsigned values)
{
	codec_begin(&m, WCCP_I_SEE_YOU);
	m.table_family = 1;
	m.present = 1u << WCCP_C_ASSIGN_MAP;
	m.map.type = WCCP_AT_MASK;
	m.map.sets = (struct wccp_set_list){ .n = 1 };
	m.n_sets = 1;
	memset(&m.sets[0], 0, sizeof(m.sets[0]));
	m.sets[0].n = (uint16_t)values;
	m.n_values = values;
	memset(m.values, 0, values * sizeof(m.values[0]));
	for (unsigned i = 0; i < values; i++)
		m.values[i].cache = addr_v4(i + 1);
}

TEST(full_table)
{
	fill_table(256);
	ck_assert_int_gt(codec_encode(&m, NULL, room, sizeof(room), &err), 0);
	ck_assert_int_eq(datagram_decode(room, sizeof(room), &m, &err), CODEC_MISSING);
	fill_table(257);
	refused("address table is full");
}

/* Two lists that fit into the pools, but not into a datagram. */
TEST(longer_than_a_datagram)
{
	decode("i_see_you_mask");
	m.n_sets = 1;
	m.n_values = WCCP_MAX_VALUES;
	memset(m.values, 0, sizeof(m.values));
	memset(&m.sets[0], 0, sizeof(m.sets[0]));
	m.sets[0].n = WCCP_MAX_VALUES;
	m.router_view.caches[0].sets = (struct wccp_set_list){ .n = 1 };
	m.map.sets = (struct wccp_set_list){ .n = 1 };
	refused("room");
}

/* One test for each vector. */
TEST_LOOP(texts, 0, (int)n_vectors)
{
	char whole[10000], part[10000];
	int size, n;

	decode(vectors[_i].name);
	size = codec_print(&m, whole, sizeof(whole));
	ck_assert_int_gt(size, 100);
	ck_assert_int_lt(size, (int)sizeof(whole));
	ck_assert_int_eq((int)strlen(whole), size);
	ck_assert_int_eq(codec_print(&m, NULL, 0), size);
	for (n = 1; n <= size; n++) {
		char *exact = malloc((size_t)n);

		ck_assert_int_eq(codec_print(&m, exact, (size_t)n), size);
		memcpy(part, whole, (size_t)n - 1);
		part[n - 1] = '\0';
		ck_assert_str_eq(exact, part);
		free(exact);
	}
}

TEST(text_of_everything)
{
	static const struct {
		const char *vector, *line;
	} said[] = {
		{ "here_i_am", "HERE_I_AM version 2.00\nSecurity Info\n  md5\n" },
		{ "here_i_am", "\n  dynamic 90 priority 200 protocol 6 flags 0x0211 "
			       "ports 80 8080 3306\n" },
		{ "here_i_am", "\n    buckets 0 15 254-255 (4)\n" },
		{ "here_i_am", "\n  router 10.1.1.1 receive-id 5\n" },
		{ "here_i_am", "\n  forward gre\n  assign hash\n  return l2\n" },
		{ "here_i_am", "\n  shutdown 10.1.1.11\n" },
		{ "i_see_you", "\n  received-from 10.1.1.12\n" },
		{ "i_see_you", "\n  key 10.1.1.11 change 3\n" },
		{ "i_see_you", " data hash unassigned weight 2 status 3\n" },
		{ "i_see_you", "\n    buckets 64-127 cache 0 alt\n"
			       "    buckets 128-191 cache 1\n"
			       "    buckets 192-255 unassigned\n" },
		{ "i_see_you", "\n  forward gre l2\n" },
		{ "assign_mask",
		  "\n    mask src 0x0 dst 0x1741 sport 0x8000 dport 0x0\n"
		  "      value src 0x0 dst 0x1000 sport 0x8000 dport 0x0 "
		  "cache 10.1.1.12\n" },
		{ "assign_alt_mask", "\n      cache 10.1.1.12 numbers 8 9 10 11\n" },
		{ "removal_query", "\n  sent-to 10.1.1.1 target 10.1.1.12\n" },
		{ "i_see_you_mask", "\n  transmit-t 500-60000 ms\n"
				    "  timer-scale timeout 1-5 ra 2-4\n" },
		{ "i_see_you_mask", "\n  shutdown-response 10.1.1.12\n" },
		{ "i_see_you_alt_map", " data none unassigned minimum-version\n" },
		{ "i_see_you_extended",
		  " data weight-only extended weight 7 status 8" },
		{ "here_i_am_ipv6", "HERE_I_AM version 2.01\n" },
		{ "here_i_am_ipv6",
		  "\n    mask src ::ff dst 0x0 sport 0x0 dport 0x0\n" },
		{ "here_i_am_ipv6", "\n  router 2001:db8::1 receive-id 33\n" },
	};
	char text[10000];

	for (unsigned i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		decode(said[i].vector);
		codec_print(&m, text, sizeof(text));
		ck_assert_msg(strstr(text, said[i].line), "no \"%s\" in\n%s",
			      said[i].line, text);
	}
}

/* Printing is for debugging, so it must survive what is to be debugged. */
TEST(text_of_nonsense)
{
	static char text[1 << 20];
	static const char *const names[] = { "i_see_you", "assign_mask",
					     "assign_alt_mask", "i_see_you_extended" };
	int size;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		decode(names[i]);
		m.present = ~0u;
		m.n_sets = m.n_values = m.n_cache_values = m.n_vsns = UINT32_MAX;
		m.n_commands = m.router_view.n_caches = m.router_view.n_routers =
			m.assignment.n_routers = m.assignment.hash.n_caches =
				m.router_identity.n_from = m.cache_view.n_caches =
					m.cache_view.n_routers = UINT32_MAX;
		memset(m.router_view.caches, 0, sizeof(m.router_view.caches));
		for (unsigned k = 0; k < WCCP_MAX_CACHES; k++) {
			m.router_view.caches[k].kind = WCCP_DATA_ALT_MASK + 2 - k % 5;
			m.router_view.caches[k].sets.n = UINT16_MAX;
		}
		m.assignment.sets = (struct wccp_set_list){ WCCP_MAX_SETS, 1, i % 2 };
		for (unsigned k = 0; k < WCCP_MAX_SETS; k++) {
			m.sets[k].first = (uint16_t)(WCCP_MAX_VALUES - k % 2);
			m.sets[k].n = UINT16_MAX;
		}
		m.cache_values[WCCP_MAX_VALUES - 1].first_vsn = WCCP_MAX_VSNS - 1;
		m.cache_values[WCCP_MAX_VALUES - 1].n_vsns = UINT16_MAX;
		size = codec_print(&m, text, sizeof(text));
		ck_assert_int_gt(size, 1000);
		ck_assert_uint_eq(strlen(text), size < (int)sizeof(text)
							? (size_t)size
							: sizeof(text) - 1);
	}
}
