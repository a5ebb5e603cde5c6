/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bounded cursors.  Buffers are of exact size and on the heap, so that a
 * sanitizer sees a step past their end.
 */
#include "wire.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

static uint8_t *exactly(size_t n)
{
	uint8_t *p = malloc(n ? n : 1);

	ck_assert_ptr_nonnull(p);
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(i + 1);
	return p;
}

TEST(reads_big_endian)
{
	uint8_t *p = exactly(10);
	struct wire_reader r = wire_reader(p, 10);
	uint8_t rest[3];

	ck_assert_uint_eq(wire_get_u8(&r), 0x01);
	ck_assert_uint_eq(wire_get_u16(&r), 0x0203);
	ck_assert_uint_eq(wire_get_u32(&r), 0x04050607);
	ck_assert_uint_eq(wire_left(&r), 3);
	wire_get_octets(&r, rest, 3);
	ck_assert_mem_eq(rest, "\x08\x09\x0a", 3);
	ck_assert_uint_eq(wire_left(&r), 0);
	ck_assert(!wire_failed(&r));
	free(p);
}

TEST(short_reads_fail_for_good)
{
	for (size_t len = 0; len < 4; len++) {
		uint8_t *p = exactly(len);
		struct wire_reader r = wire_reader(p, len);
		uint8_t out[2] = { 9, 9 };

		ck_assert_uint_eq(wire_get_u32(&r), 0);
		ck_assert(wire_failed(&r));
		ck_assert_uint_eq(wire_left(&r), 0);
		/* Also what would have fitted before. */
		ck_assert_uint_eq(wire_get_u8(&r), 0);
		ck_assert_uint_eq(wire_get_u16(&r), 0);
		wire_get_octets(&r, out, 2);
		ck_assert_mem_eq(out, "\0\0", 2);
		wire_skip(&r, 0);
		ck_assert(wire_failed(&r));
		free(p);
	}
}

TEST(nothing_at_all)
{
	struct wire_reader r = wire_reader(NULL, 0);

	ck_assert_uint_eq(wire_left(&r), 0);
	ck_assert(!wire_failed(&r));
	wire_get_octets(&r, NULL, 0);
	ck_assert(!wire_failed(&r));
	wire_skip(&r, 1);
	ck_assert(wire_failed(&r));
}

TEST(skips)
{
	uint8_t *p = exactly(4);
	struct wire_reader r = wire_reader(p, 4);

	wire_skip(&r, 3);
	ck_assert_uint_eq(wire_get_u8(&r), 4);
	ck_assert(!wire_failed(&r));
	r = wire_reader(p, 4);
	wire_skip(&r, SIZE_MAX);
	ck_assert(wire_failed(&r));
	free(p);
}

TEST(subs)
{
	uint8_t *p = exactly(8);
	struct wire_reader r = wire_reader(p, 8), sub = wire_sub(&r, 3);

	ck_assert_uint_eq(wire_left(&sub), 3);
	ck_assert_uint_eq(wire_left(&r), 5);
	ck_assert_uint_eq(wire_get_u16(&sub), 0x0102);
	ck_assert_uint_eq(wire_get_u16(&sub), 0);
	ck_assert(wire_failed(&sub));
	ck_assert(!wire_failed(&r));
	ck_assert_uint_eq(wire_get_u8(&r), 4);

	sub = wire_sub(&r, 5);
	ck_assert(wire_failed(&sub) && wire_failed(&r));
	ck_assert_uint_eq(wire_left(&sub), 0);
	sub = wire_sub(&r, 0);
	ck_assert(wire_failed(&sub));
	free(p);
}

TEST(counts)
{
	uint8_t *p = exactly(16);
	struct wire_reader r = wire_reader(p, 16);

	ck_assert(wire_fits(&r, 0, 4));
	ck_assert(wire_fits(&r, 4, 4));
	ck_assert(!wire_fits(&r, 5, 4));
	ck_assert(wire_fits(&r, 1, 16));
	ck_assert(!wire_fits(&r, 1, 17));
	/* 0x40000000 * 4 and UINT32_MAX * 4 overflow 32 bits. */
	ck_assert(!wire_fits(&r, 0x40000000, 4));
	ck_assert(!wire_fits(&r, UINT32_MAX, 4));
	ck_assert(!wire_fits(&r, UINT32_MAX, SIZE_MAX));
	wire_skip(&r, 17);
	ck_assert(!wire_fits(&r, 0, 4));
	free(p);
}

TEST(writes_big_endian)
{
	uint8_t *p = exactly(10);
	struct wire_writer w = wire_writer(p, 10);

	wire_put_u8(&w, 0xf1);
	wire_put_u16(&w, 0xf2f3);
	wire_put_u32(&w, 0xf4f5f6f7);
	wire_put_octets(&w, "abc", 3);
	ck_assert(!wire_overflowed(&w));
	ck_assert_uint_eq(wire_written(&w), 10);
	ck_assert_mem_eq(p,
			 "\xf1\xf2\xf3\xf4\xf5\xf6\xf7"
			 "abc",
			 10);
	wire_put_octets(&w, "", 0);
	ck_assert(!wire_overflowed(&w));
	wire_put_u8(&w, 1);
	ck_assert(wire_overflowed(&w));
	ck_assert_uint_eq(wire_written(&w), 10);
	free(p);
}

TEST(overflow_is_for_good)
{
	uint8_t *p = exactly(3);
	struct wire_writer w = wire_writer(p, 3);

	wire_put_u32(&w, 0);
	ck_assert(wire_overflowed(&w));
	wire_put_u8(&w, 9);
	wire_put_u16(&w, 9);
	wire_put_octets(&w, "x", 1);
	ck_assert_uint_eq(wire_written(&w), 0);
	ck_assert_mem_eq(p, "\1\2\3", 3);
	free(p);
}

TEST(lengths)
{
	uint8_t *p = exactly(8);
	struct wire_writer w = wire_writer(p, 8);
	size_t outer = wire_mark_u16(&w), inner;

	wire_put_u8(&w, 7);
	inner = wire_mark_u16(&w);
	wire_put_u16(&w, 0x1111);
	wire_fill_u16(&w, inner);
	wire_fill_u16(&w, outer);
	ck_assert_uint_eq(wire_written(&w), 7);
	ck_assert_mem_eq(p, "\0\5\7\0\2\x11\x11", 7);
	free(p);
}

TEST(lengths_that_do_not_fit)
{
	uint8_t *p = exactly(70000);
	struct wire_writer w = wire_writer(p, 1);
	size_t mark = wire_mark_u16(&w);

	ck_assert(wire_overflowed(&w));
	wire_fill_u16(&w, mark);
	ck_assert_uint_eq(p[0], 1);

	w = wire_writer(p, 70000);
	mark = wire_mark_u16(&w);
	wire_put_octets(&w, p + 2, 65535);
	wire_fill_u16(&w, mark);
	ck_assert(!wire_overflowed(&w));
	ck_assert_mem_eq(p, "\xff\xff", 2);
	wire_put_u8(&w, 0);
	wire_fill_u16(&w, mark);
	ck_assert(wire_overflowed(&w));
	free(p);
}
