/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Masks and value sequence numbers.
 */
#include "mask.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

static struct addr v4(uint32_t a)
{
	return a ? addr_v4(a) : (struct addr){ 0 };
}

static struct wccp_mask mask(uint32_t src, uint32_t dst, uint16_t sport, uint16_t dport)
{
	return (struct wccp_mask){
		.src = v4(src), .dst = v4(dst), .sport = sport, .dport = dport
	};
}

static struct addr v6(uint8_t octet14, uint8_t octet15)
{
	uint8_t octets[16] = { [14] = octet14, [15] = octet15 };

	return addr_from_octets(ADDR_V6, octets);
}

/* 2.01 section 7: VSN bit 0 is the destination port's, 1 and 2 are the destination
 * address's, 3 is bit 8 of the source address. */
TEST(example_of_the_draft)
{
	const struct wccp_mask m = mask(0x100, 0x3, 0, 0x1);

	ck_assert_uint_eq(mask_bits(&m), 4);
	for (uint32_t vsn = 0; vsn < 16; vsn++) {
		struct wccp_mask want = mask(vsn & 8 ? 0x100 : 0, vsn >> 1 & 3, 0, vsn & 1);
		struct wccp_mask got = mask_value(&m, vsn);

		ck_assert_mem_eq(&got, &want, sizeof(want));
		ck_assert_int_eq(mask_vsn(&m, &want), vsn);
	}
}

TEST(default_mask)
{
	const struct wccp_mask m = mask(0, MASK_DEFAULT, 0, 0);
	const uint32_t bits[] = { 0x1, 0x40, 0x100, 0x200, 0x400, 0x1000 };

	ck_assert_uint_eq(mask_bits(&m), 6);
	for (unsigned i = 0; i < 6; i++) {
		struct wccp_mask one = mask_value(&m, 1u << i);

		ck_assert_uint_eq(addr_to_v4(&one.dst), bits[i]);
	}
}

TEST(fields_in_order)
{
	const struct wccp_mask m = mask(0x80000001, 0x80000001, 0x8001, 0x8001);
	const struct wccp_mask each[] = {
		mask(0, 0, 0, 1),      mask(0, 0, 0, 0x8000),
		mask(0, 0, 1, 0),      mask(0, 0, 0x8000, 0),
		mask(0, 1, 0, 0),      mask(0, 0x80000000, 0, 0),
		mask(1, 0, 0, 0),      mask(0x80000000, 0, 0, 0),
	};

	for (unsigned i = 0; i < 8; i++) {
		struct wccp_mask got = mask_value(&m, 1u << i);

		ck_assert(mask_equal(&got, &each[i]));
		ck_assert_int_eq(mask_vsn(&m, &each[i]), 1 << i);
	}
}

/* As many as a sequence number has room for (2.01 section 7). */
TEST(thirty_two_bits)
{
	const struct wccp_mask m = mask(0xffff0000, 0, 0xff, 0xff);
	const uint32_t some[] = { 0, 1, 0x7fffffff, 0x80000000, 0xffffffff };

	ck_assert_uint_eq(mask_bits(&m), 32);
	for (unsigned i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		struct wccp_mask value = mask_value(&m, some[i]);

		ck_assert_int_eq(mask_vsn(&m, &value), some[i]);
	}
}

TEST(there_and_back)
{
	const struct wccp_mask m = mask(0x00f00f00, 0x10, 0x3, 0);

	for (uint32_t vsn = 0; vsn < 1u << mask_bits(&m); vsn++) {
		struct wccp_mask value = mask_value(&m, vsn);

		ck_assert_int_eq(mask_vsn(&m, &value), vsn);
	}
}

TEST(ipv6)
{
	struct wccp_mask m = { .dst = v6(0x17, 0x41) };
	struct wccp_mask value = { .dst = v6(0x10, 0x01) };
	struct wccp_mask other = mask(0, 0x1001, 0, 0), m4 = mask(0, 0x1741, 0, 0);
	struct wccp_mask got = mask_value(&m, 0x21);

	ck_assert_uint_eq(mask_bits(&m), 6);
	ck_assert_int_eq(mask_vsn(&m, &value), 0x21);
	ck_assert(mask_equal(&value, &got));
	ck_assert_int_eq(mask_vsn(&m, &other), -1);
	value.dst = (struct addr){ 0 };
	ck_assert_int_eq(mask_vsn(&m, &value), 0);
	ck_assert(!mask_equal(&m, &m4));
}

TEST(bits_outside_match_nothing)
{
	const struct wccp_mask m = mask(0, MASK_DEFAULT, 0, 0);
	const struct wccp_mask bad[] = { mask(0, 0x2, 0, 0), mask(1, 0, 0, 0),
					 mask(0, 0x1743, 0, 0), mask(0, 1, 1, 0) };

	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(mask_vsn(&m, &bad[i]), -1);
}

TEST(lowest_bits)
{
	const struct wccp_mask m = mask(0xff, 0xf, 0, 0x1);
	struct wccp_mask got = mask_lowest(&m, 10), want = mask(0x1f, 0xf, 0, 1);

	ck_assert(mask_equal(&got, &want));
	got = mask_lowest(&m, 13);
	ck_assert(mask_equal(&got, &m));
	got = mask_lowest(&m, 0);
	ck_assert_uint_eq(mask_bits(&got), 0);
	ck_assert_uint_eq(got.src.family, ADDR_NONE);
}

TEST(mirror)
{
	const struct wccp_mask m = mask(1, 2, 3, 4), want = mask(2, 1, 4, 3);
	struct wccp_mask got = mask_mirror(&m);

	ck_assert(mask_equal(&got, &want));
}

TEST(equal_whatever_the_empty_family)
{
	struct wccp_mask a = mask(0, 1, 0, 0), b = a;

	b.src = addr_v4(0); /* 0.0.0.0 with a family */
	ck_assert(mask_equal(&a, &b));
	ck_assert_int_eq(mask_vsn(&a, &b), 1);
	b.dport = 1;
	ck_assert(!mask_equal(&a, &b));
}

TEST(texts)
{
	struct wccp_mask all = mask(0xf00, 0x1741, 0x1, 0x8000), none = { 0 };
	struct wccp_mask six = { .src = v6(0x17, 0x41) };
	char text[MASK_TEXT_MAX];

	ck_assert_str_eq(mask_text(&all, text),
			 "src 0xf00, dst 0x1741, sport 0x1, dport 0x8000");
	ck_assert_str_eq(mask_text(&none, text), "nothing");
	ck_assert_str_eq(mask_text(&six, text), "src ::1741");
}
