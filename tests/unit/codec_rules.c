/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the decoder skips, ignores and refuses.
 */
#include "../datagram.h"
#include "codec_vectors.h"
#include "suite.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { BIG = 70000 };

#define END ((const char *)NULL)

#define SECURITY "0000 0004 00000000"
#define SERVICE "0001 0018 01 5a c8 06 00000011 0050 0000 0000 0000 0000 0000 0000 0000"
#define CACHE_ID "0003 0008 0a01010b 0000 0004"
#define CACHE_VIEW "0005 000c 00000001 00000000 00000000"
#define ROUTER_ID "0002 0010 0a010101 00000001 0a010101 00000000"
#define ROUTER_VIEW "0004 0014 00000001 00000000 00000000 00000000 00000000"
#define QUERY "0007 0010 0a010101 00000001 0a010101 0a01010b"

/* An assignment of buckets 0 to 15 to one web-cache. */
#define X4(s) s s s s
#define ASSIGN_BODY(b)                                                                 \
	"0a01010b 00000001 00000000 00000001 0a01010b" X4(X4(b))                       \
		X4(X4("ffffffff ffffffff ffffffff ffffff"))
#define ASSIGN "0006 0114" ASSIGN_BODY("00")

static struct wccp_msg m;
static struct err err;
static uint8_t octets[BIG];
static size_t len;

static void add(const char *hex)
{
	len += vector_octets(hex, octets + len, sizeof(octets) - len);
}

/* Put the length of what is there into the header. */
static void fix_length(void)
{
	octets[6] = (uint8_t)((len - WCCP_HEADER_LEN) >> 8);
	octets[7] = (uint8_t)(len - WCCP_HEADER_LEN);
}

static void start(unsigned type)
{
	static const uint8_t header[WCCP_HEADER_LEN] = { 0, 0, 0, 0, 2, 0, 0, 0 };

	memcpy(octets, header, sizeof(header));
	octets[3] = (uint8_t)type;
	len = sizeof(header);
}

static enum codec_refusal decode(void)
{
	/* On the heap and of exact size, for the sanitizer. */
	uint8_t *exact = malloc(len);
	enum codec_refusal r;

	ck_assert_ptr_nonnull(exact);
	memcpy(exact, octets, len);
	memset(&m, 0xa5, sizeof(m));
	r = datagram_decode(exact, len, &m, &err);
	free(exact);
	return r;
}

/* Decode a message of these components. */
static enum codec_refusal try(unsigned type, const char *first, ...)
{
	const char *hex = first;
	va_list ap;

	start(type);
	va_start(ap, first);
	for (; hex; hex = va_arg(ap, const char *))
		add(hex);
	va_end(ap);
	fix_length();
	return decode();
}

#define HERE(...) try(WCCP_HERE_I_AM, SECURITY, SERVICE, __VA_ARGS__, END)
#define SEE(...) \
	try(WCCP_I_SEE_YOU, SECURITY, SERVICE, ROUTER_ID, __VA_ARGS__, END)
#define ASSIGNS(...) try(WCCP_REDIRECT_ASSIGN, SECURITY, SERVICE, __VA_ARGS__, END)

#define IS(r, want)                                                                    \
	do {                                                                           \
		enum codec_refusal got = (r);                                          \
		ck_assert_msg(got == (want), "%s, not %s (%s)",                        \
			      codec_refusal_name(got), codec_refusal_name(want),       \
			      err.text);                                               \
	} while (0)

TEST(headers)
{
	static const uint32_t types[] = { 0, 7, 8, 9, 14, 0x0a000000, UINT32_MAX };

	start(WCCP_HERE_I_AM);
	add(SECURITY SERVICE CACHE_ID CACHE_VIEW);
	fix_length();
	IS(decode(), CODEC_OK);
	octets[5] = 99;
	IS(decode(), CODEC_OK);
	ck_assert_uint_eq(m.minor, 99);
	octets[4] = 1;
	IS(decode(), CODEC_BAD_VERSION);
	octets[4] = 3;
	IS(decode(), CODEC_BAD_VERSION);
	octets[4] = 2;
	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		for (unsigned k = 0; k < 4; k++)
			octets[k] = (uint8_t)(types[i] >> (24 - 8 * k));
		IS(decode(), CODEC_BAD_TYPE);
	}
	for (len = 0; len < WCCP_HEADER_LEN; len++)
		IS(decode(), CODEC_TRUNCATED);
}

TEST(every_needed_component)
{
	static const char *const parts[][4] = {
		{ SECURITY, SERVICE, CACHE_ID, CACHE_VIEW },
		{ SECURITY, SERVICE, ROUTER_ID, ROUTER_VIEW },
		{ SECURITY, SERVICE, ASSIGN, "" },
		{ SECURITY, SERVICE, QUERY, "" },
	};

	for (unsigned t = 0; t < 4; t++) {
		const char *const *p = parts[t];

		IS(try(WCCP_HERE_I_AM + t, p[0], p[1], p[2], p[3], END), CODEC_OK);
		/* In any order. */
		IS(try(WCCP_HERE_I_AM + t, p[3], p[2], p[1], p[0], END), CODEC_OK);
		IS(try(WCCP_HERE_I_AM + t, p[1], p[2], p[3], END), CODEC_MISSING);
		IS(try(WCCP_HERE_I_AM + t, p[0], p[2], p[3], END), CODEC_MISSING);
		IS(try(WCCP_HERE_I_AM + t, p[0], p[1], p[3], END), CODEC_MISSING);
		if (*p[3])
			IS(try(WCCP_HERE_I_AM + t, p[0], p[1], p[2], END),
			   CODEC_MISSING);
	}
	ck_assert_int_eq(strncmp(err.text, "REMOVAL_QUERY: no Router Query", 30), 0);
}

TEST(unknown_components)
{
	IS(HERE("0009 0004 01020304", CACHE_ID, "ffff 0000", CACHE_VIEW), CODEC_OK);
	/* Padded, as 2.0 has it, with a length that does not count the padding. */
	IS(HERE("0012 0005 0102030405 000000", CACHE_ID, CACHE_VIEW), CODEC_OK);
	IS(HERE(CACHE_ID, CACHE_VIEW, "0012 0002 0102"), CODEC_OK);
}

TEST(components_of_other_messages)
{
	IS(HERE(CACHE_ID, CACHE_VIEW, ROUTER_VIEW, ASSIGN, QUERY), CODEC_OK);
	ck_assert_uint_eq(m.present, 1u << WCCP_C_SECURITY | 1u << WCCP_C_SERVICE |
					     1u << WCCP_C_CACHE_ID |
					     1u << WCCP_C_CACHE_VIEW);
	/* Even a broken one. */
	IS(HERE(CACHE_ID, CACHE_VIEW, "0007 0004 00000000"), CODEC_OK);
}

TEST(second_of_a_kind)
{
	IS(HERE(CACHE_ID, CACHE_VIEW, "0003 0008 0a0101ff 0000 0004",
		"0001 0018" X4("00000000 00000000") "0000000000000000"),
	   CODEC_OK);
	ck_assert_uint_eq(addr_to_v4(&m.cache_identity.addr), 0x0a01010b);
	ck_assert_uint_eq(m.service.id, 90);
	/* The second is not even looked at. */
	IS(HERE(CACHE_ID, CACHE_VIEW, "0003 0000"), CODEC_OK);
	IS(HERE("0003 0000", CACHE_ID, CACHE_VIEW), CODEC_MALFORMED);
}

TEST(plain_before_alternate)
{
	IS(ASSIGNS("000d 0118 0000 0114" ASSIGN_BODY("80"), ASSIGN), CODEC_OK);
	ck_assert(wccp_has(&m, WCCP_C_ASSIGNMENT));
	ck_assert(!wccp_has(&m, WCCP_C_ALT_ASSIGNMENT));
	ck_assert_uint_eq(m.assignment.hash.buckets[0], 0);
	IS(SEE(ROUTER_VIEW, "0010 0008 0001 0004 00000000", "000e 0004 00000000"),
	   CODEC_OK);
	ck_assert(wccp_has(&m, WCCP_C_ASSIGN_MAP));
	ck_assert(!wccp_has(&m, WCCP_C_ALT_ASSIGN_MAP));
}

TEST(overrunning_components)
{
	IS(HERE(CACHE_ID, CACHE_VIEW, "0008 0010 0001 0004 00000001"), CODEC_OK);
	ck_assert(!wccp_has(&m, WCCP_C_CAPABILITIES));
	ck_assert_uint_eq(m.capabilities.present, 0);
	IS(HERE(CACHE_ID, CACHE_VIEW, "000f ffff"), CODEC_OK);
	ck_assert_uint_eq(m.n_commands, 0);
	IS(HERE(CACHE_ID, CACHE_VIEW, "0008 00"), CODEC_OK);
	IS(HERE(CACHE_ID, "0005 0010 00000001 00000000 00000000"), CODEC_MISSING);
	IS(HERE(CACHE_ID, "0005 ffff", CACHE_VIEW), CODEC_MISSING);
	/* Without their table, indices would pass for addresses. */
	IS(HERE(CACHE_ID, CACHE_VIEW, "0011 0010 0001 0004 00000001 0a010101"),
	   CODEC_MALFORMED);
}

TEST(odd_lengths)
{
	IS(HERE("0003 0009 0a01010b 0000 0004 00 000000", CACHE_VIEW), CODEC_MALFORMED);
	IS(HERE(CACHE_ID, CACHE_VIEW, "0008 0009 0001 0004 00000001 00 000000",
		"000f 0008 0001 0004 0a01010b"),
	   CODEC_OK);
	ck_assert(!wccp_has(&m, WCCP_C_CAPABILITIES));
	ck_assert_uint_eq(m.capabilities.present, 0);
	ck_assert_uint_eq(m.n_commands, 1);
	IS(HERE(CACHE_ID, "0005 000d 00000001 00000000 00000000 00"), CODEC_MALFORMED);
}

TEST(more_than_is_known)
{
	/* At the end of the datagram, of a component, of extended data. */
	start(WCCP_HERE_I_AM);
	add(SECURITY SERVICE CACHE_ID CACHE_VIEW);
	fix_length();
	add("0008 0008 0001 0004 00000002");
	IS(decode(), CODEC_OK);
	ck_assert(!wccp_has(&m, WCCP_C_CAPABILITIES));
	IS(HERE("0003 000c 0a01010b 0000 0004 deadbeef",
		"0005 0010 00000007 00000000 00000000 deadbeef"),
	   CODEC_OK);
	ck_assert_uint_eq(m.cache_view.change_number, 7);
	IS(HERE("0003 0014 0a01010b 0000 0006 0003 0008 0005 0006 deadbeef",
		CACHE_VIEW),
	   CODEC_OK);
	ck_assert_uint_eq(m.cache_identity.weight, 5);
	ck_assert_uint_eq(m.cache_identity.status, 6);
}

TEST(unknown_extended_data)
{
	/* In a view, so that what follows shows whether it was stepped over. */
	IS(SEE("0004 002c 00000001 00000000 00000000 00000000 00000002"
	       "0a01010b 0000 0007 0063 0004 deadbeef"
	       "0a01010c 0000 0004"),
	   CODEC_OK);
	ck_assert_int_eq(m.router_view.caches[0].kind, WCCP_DATA_NONE);
	ck_assert(m.router_view.caches[0].unassigned);
	ck_assert(!m.router_view.caches[0].extended);
	ck_assert_uint_eq(addr_to_v4(&m.router_view.caches[1].addr), 0x0a01010c);
	/* Longer than what is there, shorter than what it needs. */
	IS(HERE("0003 0010 0a01010b 0000 0006 0003 0008 0000 0000", CACHE_VIEW),
	   CODEC_MALFORMED);
	IS(HERE("0003 0010 0a01010b 0000 0006 0003 0002 0000 0000", CACHE_VIEW),
	   CODEC_MALFORMED);
}

/* Whatever they will mean, they mean nothing now. */
TEST(reserved_bits)
{
	IS(HERE("0003 0008 0a01010b beef fff4", CACHE_VIEW), CODEC_OK);
	ck_assert_int_eq(m.cache_identity.kind, WCCP_DATA_NONE);
	ck_assert(!m.cache_identity.unassigned);
	ck_assert(!m.cache_identity.min_version);
	ck_assert_uint_eq(addr_to_v4(&m.cache_identity.addr), 0x0a01010b);
}

TEST(capability_elements)
{
	IS(HERE(CACHE_ID, CACHE_VIEW,
		"0008 0034"
		"0001 0004 00000002"
		"0063 0008 deadbeef deadbeef" /* unknown */
		"0002 0002 0001"              /* too short for its type */
		"0001 0004 00000001"          /* again */
		"0003 0008 00000001 ffffffff" /* longer than is known */
		"0002 0008 0000"),            /* overruns the component */
	   CODEC_OK);
	ck_assert_uint_eq(m.capabilities.present,
			  1u << WCCP_CAP_FORWARD | 1u << WCCP_CAP_RETURN);
	ck_assert(wccp_has(&m, WCCP_C_CAPABILITIES));
	ck_assert_uint_eq(m.capabilities.forward, 2);
	ck_assert_uint_eq(m.capabilities.ret, 1);
	IS(HERE(CACHE_ID, CACHE_VIEW, "0008 0000"), CODEC_OK);
	ck_assert(wccp_has(&m, WCCP_C_CAPABILITIES));
	ck_assert_uint_eq(m.capabilities.present, 0);
}

TEST(impossible_times)
{
	static const char *const elements[] = {
		"0004 0004 0000 0000",   /* no time at all */
		"0004 0004 01f4 0000",   /* from 0 */
		"0004 0004 01f4 03e8",   /* upside down */
		"0005 0004 00 00 00 01", "0005 0004 00 01 00 00",
		"0005 0004 02 03 00 01", "0005 0004 00 01 02 03",
	};

	for (unsigned i = 0; i < sizeof(elements) / sizeof(elements[0]); i++) {
		IS(HERE(CACHE_ID, CACHE_VIEW, "0008 0010", elements[i],
			"0001 0004 00000001"),
		   CODEC_OK);
		ck_assert_uint_eq(m.capabilities.present, 1u << WCCP_CAP_FORWARD);
	}
	/* One value for the one scale, a range for the other. */
	IS(HERE(CACHE_ID, CACHE_VIEW, "0008 0008 0005 0004 00 03 05 02"), CODEC_OK);
	ck_assert(m.capabilities.timer_scale.is_range);
	ck_assert_uint_eq(m.capabilities.timer_scale.timeout_lower, 3);
	ck_assert_uint_eq(m.capabilities.timer_scale.timeout_upper, 3);
	ck_assert_uint_eq(m.capabilities.timer_scale.ra_upper, 5);
}

#define SHUTDOWN "0001 0004 0a01010b"

TEST(command_elements)
{
	IS(HERE(CACHE_ID, CACHE_VIEW,
		"000f 002a"
		"0063 0006 deadbeefdead" /* unknown */
		"0001 0002 0000"         /* too short */
		"0002 0004 0a01010c"
		"0001 0008 0a01010b deadbeef" /* longer than is known */
		"0001 0008" "0000"),     /* overruns the component */
	   CODEC_OK);
	ck_assert(!wccp_has(&m, WCCP_C_COMMAND)); /* 42 is no multiple of four */
	IS(HERE(CACHE_ID, CACHE_VIEW,
		"000f 002c"
		"0063 0006 deadbeefdead"
		"0001 0002 0000"
		"0002 0004 0a01010c"
		"0001 0008 0a01010b deadbeef"
		"0001 0008" "00000000"),
	   CODEC_OK);
	ck_assert_uint_eq(m.n_commands, 2);
	ck_assert_uint_eq(m.commands[0].type, WCCP_CMD_SHUTDOWN_RESPONSE);
	ck_assert_uint_eq(addr_to_v4(&m.commands[0].cache), 0x0a01010c);
	ck_assert_uint_eq(m.commands[1].type, WCCP_CMD_SHUTDOWN);
	IS(HERE(CACHE_ID, CACHE_VIEW, "000f 0040", X4(SHUTDOWN), X4(SHUTDOWN)),
	   CODEC_OK);
	ck_assert_uint_eq(m.n_commands, 8);
	IS(HERE(CACHE_ID, CACHE_VIEW, "000f 0048", X4(SHUTDOWN), X4(SHUTDOWN),
		SHUTDOWN),
	   CODEC_TOO_MANY);
}

TEST(buckets_of_nobody)
{
	static const char *const bad[] = { "01", "81", "7f", "fe", "20" };

	IS(ASSIGNS("0006 0114", ASSIGN_BODY("80")), CODEC_OK);
	IS(ASSIGNS("0006 0114", ASSIGN_BODY("ff")), CODEC_OK);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		IS(ASSIGNS(ASSIGN), CODEC_OK);
		vector_octets(bad[i], octets + len - 1, 1);
		IS(decode(), CODEC_MALFORMED);
	}
	/* An echo is optional, so a broken one is no reason to refuse the message. */
	IS(SEE(ROUTER_VIEW, "0006 0114", ASSIGN_BODY("01")), CODEC_OK);
	ck_assert(!wccp_has(&m, WCCP_C_ASSIGNMENT));
}

TEST(assignment_lengths)
{
	IS(ASSIGNS("000d 0118 0000 0114", ASSIGN_BODY("00")), CODEC_OK);
	IS(ASSIGNS("000d 0118 0000 0113", ASSIGN_BODY("00")), CODEC_MALFORMED);
	IS(ASSIGNS("000d 0118 0000 0115", ASSIGN_BODY("00")), CODEC_MALFORMED);
	IS(ASSIGNS("000d 0118 0000 0000", ASSIGN_BODY("00")), CODEC_MALFORMED);
	IS(ASSIGNS("000d 0118 0003 0114", ASSIGN_BODY("00")), CODEC_MALFORMED);
	IS(ASSIGNS("000d 0004 0000 0000"), CODEC_MALFORMED);
	IS(ASSIGNS("000d 0000"), CODEC_MALFORMED);
	IS(SEE(ROUTER_VIEW, "0010 0008 0003 0004 00000000"), CODEC_OK);
	ck_assert(!wccp_has(&m, WCCP_C_ALT_ASSIGN_MAP));
}

/* Component of `type`: `head`, a count of `n`, and as many times `item`. */
static void add_counted(unsigned type, const char *head, uint32_t n, const char *item,
			const char *tail)
{
	size_t at = len, body;

	add("0000 0000");
	octets[at + 1] = (uint8_t)type;
	add(head);
	for (unsigned k = 0; k < 4; k++)
		octets[len++] = (uint8_t)(n >> (24 - 8 * k));
	while (n--)
		add(item);
	add(tail);
	body = len - at - 4;
	ck_assert_uint_le(body, 65535);
	octets[at + 2] = (uint8_t)(body >> 8);
	octets[at + 3] = (uint8_t)body;
}

/* The same, in an otherwise good message. */
static enum codec_refusal count(unsigned message, unsigned type, const char *head,
				uint32_t n, const char *item, const char *tail)
{
	start(message);
	add(SECURITY SERVICE);
	add_counted(type, head, n, item, tail);
	add(CACHE_ID CACHE_VIEW ROUTER_ID ROUTER_VIEW);
	fix_length();
	return decode();
}

#define KEY "0a01010b 00000001"
#define MASK "00000000 00000000 0000 0000"
#define ALL_UNASSIGNED X4(X4(X4("ffffffff")))

TEST(capacities)
{
	static const struct {
		unsigned message, type, max;
		const char *head, *item, *tail;
	} of[] = {
		{ WCCP_I_SEE_YOU, 2, 32, KEY "0a010101", "0a01010b", "" },
		{ WCCP_I_SEE_YOU, 4, 32, "00000001" KEY, "0a010101", "00000000" },
		{ WCCP_I_SEE_YOU, 4, 32, "00000001" KEY "00000000",
		  "0a01010b 0000 0004", "" },
		{ WCCP_HERE_I_AM, 5, 32, "00000001", KEY, "00000000" },
		{ WCCP_HERE_I_AM, 5, 32, "00000001 00000000", "0a01010b", "" },
		{ WCCP_REDIRECT_ASSIGN, 6, 32, KEY, KEY "00000001",
		  "00000000" ALL_UNASSIGNED },
		{ WCCP_REDIRECT_ASSIGN, 6, 32, KEY "00000000", "0a01010b",
		  ALL_UNASSIGNED },
		{ WCCP_I_SEE_YOU, 14, 256, "", MASK "00000000", "" },
		/* One set with so many values. */
		{ WCCP_I_SEE_YOU, 14, 4080, "00000001" MASK, MASK "0a01010b", "" },
	};

	for (unsigned i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		IS(count(of[i].message, of[i].type, of[i].head, 0, of[i].item,
			 of[i].tail), CODEC_OK);
		IS(count(of[i].message, of[i].type, of[i].head, of[i].max, of[i].item,
			 of[i].tail), CODEC_OK);
		if (of[i].max > 4000) /* more do not fit into a datagram */
			continue;
		IS(count(of[i].message, of[i].type, of[i].head, of[i].max + 1,
			 of[i].item, of[i].tail), CODEC_TOO_MANY);
	}
}

/* The only other pool that a datagram can exhaust. */
TEST(cache_value_capacity)
{
	for (uint32_t n = WCCP_MAX_VALUES - 1; n <= WCCP_MAX_VALUES + 1; n++) {
		size_t at, inner = 20 + 8 * n;

		start(WCCP_I_SEE_YOU);
		add(SECURITY SERVICE ROUTER_ID ROUTER_VIEW);
		at = len;
		add_counted(16, "0002 0000 00000001" MASK, n, "0a01010b 00000000", "");
		octets[at + 6] = (uint8_t)(inner >> 8);
		octets[at + 7] = (uint8_t)inner;
		fix_length();
		IS(decode(), n > WCCP_MAX_VALUES ? CODEC_TOO_MANY : CODEC_OK);
	}
}

/* All lists of a message share the pool. */
TEST(sets_of_all_lists)
{
	for (uint32_t n = 55; n <= 57; n++) {
		start(WCCP_I_SEE_YOU);
		add(SECURITY SERVICE ROUTER_ID);
		add_counted(4, "00000001" KEY "00000000 00000001 0a01010b 0000 0002",
			    200, MASK "00000000", "0000 0000");
		add_counted(14, "", n, MASK "00000000", "");
		fix_length();
		IS(decode(), n > 56 ? CODEC_TOO_MANY : CODEC_OK);
	}
}

/* Counts that the octets cannot hold are malformed, whatever their size. */
TEST(counts_too_high)
{
	static const char *const huge[] = { "00000001", "40000000", "20000001",
					    "7fffffff", "80000000", "ffffffff" };

	for (unsigned i = 0; i < sizeof(huge) / sizeof(huge[0]); i++) {
		const char *n = huge[i];

		IS(HERE(CACHE_ID, "0005 000c 00000001", n, "00000000"),
		   CODEC_MALFORMED);
		IS(HERE(CACHE_ID, "0005 000c 00000001 00000000", n), CODEC_MALFORMED);
		IS(SEE("0004 0014 00000001 00000000 00000000 00000000", n),
		   CODEC_MALFORMED);
		IS(SEE("0004 0014 00000001 00000000 00000000", n, "00000000"),
		   CODEC_MALFORMED);
		IS(HERE("0003 0010 0a01010b 0000 0002", n, "00000000", CACHE_VIEW),
		   CODEC_MALFORMED);
		IS(HERE("0003 0020 0a01010b 0000 0002 00000001" MASK, n, "00000000",
			CACHE_VIEW), CODEC_MALFORMED);
		IS(ASSIGNS("000d 0014 0001 0010 0a01010b 00000001 00000000", n),
		   CODEC_MALFORMED);
		IS(ASSIGNS("000d 002c 0002 0028 0a01010b 00000001 00000000 00000001"
			   MASK "00000001 0a01010b", n), CODEC_MALFORMED);
		IS(HERE(CACHE_ID, CACHE_VIEW, "0011 0008 0001 0004", n),
		   CODEC_MALFORMED);
	}
}

#define TABLE "0011 0010 0001 0004 00000002 0a01010b 00000000"

TEST(address_tables)
{
	const char *view = "0005 000c 00000001 00000000 00000000";

	/* Anywhere, although the drafts put it last. */
	IS(HERE(TABLE, "0003 0008 0000 0001 0000 0004", view), CODEC_OK);
	ck_assert_uint_eq(addr_to_v4(&m.cache_identity.addr), 0x0a01010b);
	ck_assert_uint_eq(m.table_family, 1);
	/* Index 0, and an entry of zeros, are no address. */
	IS(HERE("0003 0008 0000 0000 0000 0004", view, TABLE), CODEC_OK);
	ck_assert(!addr_is_set(&m.cache_identity.addr));
	IS(HERE("0003 0008 0000 0002 0000 0004", view, TABLE), CODEC_OK);
	ck_assert(!addr_is_set(&m.cache_identity.addr));
	/* Past the table, and more than an index. */
	IS(HERE("0003 0008 0000 0003 0000 0004", view, TABLE), CODEC_MALFORMED);
	IS(HERE("0003 0008 0001 0001 0000 0004", view, TABLE), CODEC_MALFORMED);
	IS(HERE("0003 0008 0a01 010b 0000 0004", view, TABLE), CODEC_MALFORMED);
	/* In an optional component. */
	IS(HERE("0003 0008 0000 0001 0000 0004", view,
		"000f 0010 0001 0004 00000001 0001 0004 00000003", TABLE), CODEC_OK);
	ck_assert(!wccp_has(&m, WCCP_C_COMMAND));
	ck_assert_uint_eq(m.n_commands, 0);
	/* Families and lengths that do not go together, or are unknown. */
	IS(HERE(CACHE_ID, view, "0011 0008 0003 0004 00000000"), CODEC_MALFORMED);
	IS(HERE(CACHE_ID, view, "0011 0008 0002 0004 00000000"), CODEC_MALFORMED);
	IS(HERE(CACHE_ID, view, "0011 0008 0002 0000 00000000"), CODEC_MALFORMED);
	IS(HERE(CACHE_ID, view, "0011 0004 0002 0010"), CODEC_MALFORMED);
	IS(HERE(CACHE_ID, view, "0011 0000"), CODEC_MALFORMED);
}

/* 2.01 section 5.1.5: octets that are behind an address do not count. */
TEST(address_table_entries_with_a_tail)
{
	const char *view = "0005 000c 00000001 00000000 00000000";

	IS(HERE("0003 0008 0000 0002 0000 0004", view,
		"0011 0018 0001 0008 00000002 0a010101 deadbeef 0a01010b deadbeef"),
	   CODEC_OK);
	ck_assert_uint_eq(addr_to_v4(&m.cache_identity.addr), 0x0a01010b);
	IS(HERE("0003 0008 0000 0002 0000 0004", view,
		"0011 0030 0002 0014 00000002"
		"20010db8 00000000 00000000 00000011 deadbeef"
		"20010db8 00000000 00000000 00000012 deadbeef"),
	   CODEC_OK);
	ck_assert_str_eq(ADDR_TEXT(&m.cache_identity.addr), "2001:db8::12");
	/* Zeros are no address, whatever is behind them. */
	IS(HERE("0003 0008 0000 0001 0000 0004", view,
		"0011 0010 0001 0008 00000001 00000000 deadbeef"),
	   CODEC_OK);
	ck_assert(!addr_is_set(&m.cache_identity.addr));
	/* No multiple of four, and more than there is. */
	IS(HERE("0003 0008 0000 0001 0000 0004", view,
		"0011 0014 0001 0006 00000002 0a010101 0000 0a01010b 0000"),
	   CODEC_MALFORMED);
	IS(HERE("0003 0008 0000 0001 0000 0004", view,
		"0011 000c 0001 0008 00000001 0a010101"),
	   CODEC_MALFORMED);
}

TEST(address_table_capacity)
{
	start(WCCP_HERE_I_AM);
	add(SECURITY SERVICE CACHE_VIEW "0003 0008 0000 0100 0000 0004");
	add_counted(17, "0001 0004", 256, "0a01010c", "");
	fix_length();
	IS(decode(), CODEC_OK);
	ck_assert_uint_eq(addr_to_v4(&m.cache_identity.addr), 0x0a01010c);
	start(WCCP_HERE_I_AM);
	add(SECURITY SERVICE CACHE_VIEW "0003 0008 0000 0100 0000 0004");
	add_counted(17, "0001 0004", 257, "0a01010c", "");
	fix_length();
	IS(decode(), CODEC_TOO_MANY);
}

/* 0.0.0.0 is no address, in the same way as index 0. */
TEST(unset_addresses)
{
	IS(HERE("0003 0008 00000000 0000 0004", CACHE_VIEW), CODEC_OK);
	ck_assert(!addr_is_set(&m.cache_identity.addr));
}
