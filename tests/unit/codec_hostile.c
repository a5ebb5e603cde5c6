/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Vectors cut short, corrupted and exaggerated.  Every datagram is decoded from
 * a buffer of exactly its size, so that a sanitizer sees any step past it; what
 * is accepted must be something that the encoder can say again.
 */
#include "../datagram.h"
#include "codec_vectors.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

static struct wccp_msg m, again;
static uint8_t room[WCCP_MAX_DATAGRAM];
static char text[200000], text_again[200000];

/* What was decoded, encoded and decoded again, reads the same. */
static void check_accepted(void)
{
	static const struct codec_password password = { .set = true };
	bool md5 = m.security == WCCP_SECURITY_MD5;
	struct err err = { { 0 } };
	int n, size = codec_print(&m, text, sizeof(text));

	ck_assert_int_lt(size, (int)sizeof(text));
	ck_assert_int_eq((int)strlen(text), size);
	n = codec_encode(&m, md5 ? &password : NULL, room, sizeof(room), &err);
	ck_assert_msg(n > 0, "%s", err.text);
	ck_assert_msg(datagram_decode(room, (size_t)n, &again, &err) == CODEC_OK, "%s",
		      err.text);
	again.security = m.security; /* options unknown to us become none */
	codec_print(&again, text_again, sizeof(text_again));
	ck_assert_str_eq(text, text_again);
}

static enum codec_refusal attack(const uint8_t *octets, size_t len)
{
	static const struct codec_password password = { .set = true };
	uint8_t *exact = malloc(len ? len : 1);
	struct codec_datagram d;
	struct err err;
	enum codec_refusal r;

	ck_assert_ptr_nonnull(exact);
	memcpy(exact, octets, len);
	codec_open(exact, len, &d);
	codec_authenticate(&d, &password);
	codec_authenticate(&d, NULL);
	r = codec_decode(&d, &m, &err);
	ck_assert_int_lt(r, CODEC_REFUSALS);
	if (r == CODEC_OK)
		check_accepted();
	free(exact);
	return r;
}

static void set_length(uint8_t *octets, size_t len)
{
	octets[6] = (uint8_t)((len - WCCP_HEADER_LEN) >> 8);
	octets[7] = (uint8_t)(len - WCCP_HEADER_LEN);
}

CASE(hostile, .timeout = 120)

/* One test for each vector, here and below. */
TEST_LOOP(truncated, 0, (int)n_vectors)
{
	uint8_t octets[VECTOR_MAX];
	size_t len = vector_load(vectors[_i].name, octets);

	ck_assert_int_eq(attack(octets, len), CODEC_OK);
	for (size_t n = 0; n < len; n++)
		ck_assert_int_eq(attack(octets, n), CODEC_TRUNCATED);
}

TEST_LOOP(truncated_with_a_length_that_fits, 0, (int)n_vectors)
{
	uint8_t octets[VECTOR_MAX];
	size_t len = vector_load(vectors[_i].name, octets);
	unsigned refused = 0;

	for (size_t n = WCCP_HEADER_LEN; n < len; n++) {
		set_length(octets, n);
		refused += attack(octets, n) != CODEC_OK;
	}
	/* Only cuts within optional components at the end may pass. */
	ck_assert_uint_ge(refused, 44);
}

TEST_LOOP(one_octet_corrupted, 0, (int)n_vectors)
{
	uint8_t octets[VECTOR_MAX];
	size_t len = vector_load(vectors[_i].name, octets);

	for (size_t i = 0; i < len; i++) {
		uint8_t was = octets[i];
		const uint8_t worse[] = { 0x00, 0xff, (uint8_t)(was + 1),
					  (uint8_t)(was - 1), was ^ 0x80 };

		for (unsigned k = 0; k < sizeof(worse); k++) {
			octets[i] = worse[k];
			attack(octets, len);
		}
		octets[i] = was;
	}
}

/* Every aligned 16 bits as a length, every aligned 32 bits as a count. */
TEST_LOOP(lengths_and_counts, 0, (int)n_vectors)
{
	static const uint16_t lengths[] = { 0, 1, 3, 4, 0x7fff, 0xfffc, 0xffff };
	static const uint32_t counts[] = { 0,	       1,	   32,
					   33,	       256,	   0x10000,
					   0x40000000, 0x80000000, UINT32_MAX };
	uint8_t octets[VECTOR_MAX], worse[VECTOR_MAX];
	size_t len = vector_load(vectors[_i].name, octets);

	for (size_t i = 0; i + 4 <= len; i += 2) {
		for (unsigned k = 0; k < sizeof(lengths) / sizeof(lengths[0]); k++) {
			memcpy(worse, octets, len);
			worse[i] = (uint8_t)(lengths[k] >> 8);
			worse[i + 1] = (uint8_t)lengths[k];
			attack(worse, len);
		}
		for (unsigned k = 0; k < sizeof(counts) / sizeof(counts[0]); k++) {
			memcpy(worse, octets, len);
			for (unsigned o = 0; o < 4; o++)
				worse[i + o] = (uint8_t)(counts[k] >> (24 - 8 * o));
			attack(worse, len);
		}
	}
}

/* A header of a component that ends the message, whole or cut, of any type. */
TEST_LOOP(header_at_the_very_end, 0, (int)n_vectors)
{
	static const uint8_t lengths[][2] = {
		{ 0, 0 }, { 0, 1 }, { 0, 4 }, { 0xff, 0xff }
	};
	uint8_t octets[VECTOR_MAX];
	size_t len = vector_load(vectors[_i].name, octets);

	for (unsigned type = 0; type < 20; type++) {
		for (unsigned k = 0; k < 4; k++) {
			octets[len] = 0;
			octets[len + 1] = (uint8_t)type;
			memcpy(&octets[len + 2], lengths[k], 2);
			for (size_t n = 1; n <= 4; n++) {
				set_length(octets, len + n);
				attack(octets, len + n);
			}
		}
	}
}

static uint32_t lcg(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* A few octets at once, always the same ones. */
TEST_LOOP(several_octets_corrupted, 0, (int)n_vectors)
{
	uint8_t octets[VECTOR_MAX], worse[VECTOR_MAX];
	size_t len = vector_load(vectors[_i].name, octets);
	uint32_t state = 1;

	for (unsigned round = 0; round < 3000; round++) {
		memcpy(worse, octets, len);
		for (unsigned k = 0; k < 2 + round % 5; k++)
			worse[8 + lcg(&state) % (len - 8)] = (uint8_t)lcg(&state);
		attack(worse, len);
	}
}

TEST(only_noise)
{
	uint8_t octets[1500];
	uint32_t state = 2;

	for (unsigned round = 0; round < 2000; round++) {
		for (size_t i = 0; i < sizeof(octets); i++)
			octets[i] = (uint8_t)lcg(&state);
		memset(octets, 0, 3);
		octets[3] = (uint8_t)(WCCP_HERE_I_AM + round % 4);
		octets[4] = 2;
		set_length(octets, 8 + lcg(&state) % (sizeof(octets) - 8));
		ck_assert_int_ne(attack(octets, sizeof(octets)), CODEC_OK);
	}
}
