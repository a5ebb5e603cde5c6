/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which service a datagram is for, passwords and digests.
 */
#include "../datagram.h"
#include "codec_vectors.h"
#include "suite.h"

#include <string.h>

static struct codec_password password(const char *text)
{
	struct codec_password p;

	ck_assert_int_eq(codec_password(text, &p, NULL), 0);
	return p;
}

TEST(passwords)
{
	struct codec_password p = password("abc");
	struct err err = { { 0 } };

	ck_assert(p.set);
	ck_assert_mem_eq(p.octets, "abc\0\0\0\0\0", 8);
	p = password("12345678");
	ck_assert_mem_eq(p.octets, "12345678", 8);
	ck_assert_int_eq(codec_password("123456789", &p, &err), -1);
	ck_assert_str_ne(err.text, "");
	ck_assert_int_eq(codec_password("", &p, &err), -1);
}

TEST(opens)
{
	uint8_t octets[VECTOR_MAX];
	size_t len = vector_load("here_i_am", octets);
	struct codec_datagram d;

	ck_assert_int_eq(codec_open(octets, len, &d), CODEC_OK);
	ck_assert_uint_eq(d.type, WCCP_HERE_I_AM);
	ck_assert_uint_eq(d.service_type, WCCP_SERVICE_DYNAMIC);
	ck_assert_uint_eq(d.service_id, 90);
	ck_assert_int_eq(codec_open(octets, len - 1, &d), CODEC_TRUNCATED);
	ck_assert_int_eq(codec_open(octets, 7, &d), CODEC_TRUNCATED);
	octets[8 + 24 + 1] = 0x63; /* the type of the Service Info component */
	ck_assert_int_eq(codec_open(octets, len, &d), CODEC_NO_SERVICE);
	octets[4] = 1;
	ck_assert_int_eq(codec_open(octets, len, &d), CODEC_BAD_VERSION);
	octets[3] = 7;
	ck_assert_int_eq(codec_open(octets, len, &d), CODEC_BAD_TYPE);

	/* A component that is too short for a type and an id. */
	len = vector_octets("0000000d 02 00 0004 0001 0000", octets, sizeof(octets));
	ck_assert_int_eq(codec_open(octets, len, &d), CODEC_NO_SERVICE);
}

/* The digest in the vector was not computed by us. */
TEST(right_and_wrong_passwords)
{
	struct codec_password right = password("s3cret"), wrong = password("s3creT");
	struct codec_password none = { .set = false };
	uint8_t octets[VECTOR_MAX];
	size_t len = vector_load("here_i_am", octets);

	ck_assert_int_eq(datagram_authenticate(octets, len, &right), CODEC_OK);
	ck_assert_int_eq(datagram_authenticate(octets, len, &wrong), CODEC_AUTH_FAILED);
	ck_assert_int_eq(datagram_authenticate(octets, len, NULL),
			 CODEC_AUTH_UNEXPECTED);
	ck_assert_int_eq(datagram_authenticate(octets, len, &none),
			 CODEC_AUTH_UNEXPECTED);
	ck_assert_int_eq(datagram_authenticate(octets, len - 1, &right),
			 CODEC_TRUNCATED);

	len = vector_load("i_see_you", octets);
	ck_assert_int_eq(datagram_authenticate(octets, len, NULL), CODEC_OK);
	ck_assert_int_eq(datagram_authenticate(octets, len, &right),
			 CODEC_AUTH_MISSING);
}

TEST(every_octet_counts)
{
	struct codec_password right = password("s3cret");
	uint8_t octets[VECTOR_MAX];
	size_t len = vector_load("here_i_am", octets);

	for (size_t i = 0; i < len; i++) {
		octets[i] ^= 0x10;
		ck_assert_int_ne(datagram_authenticate(octets, len, &right), CODEC_OK);
		octets[i] ^= 0x10;
	}
	/* But not those behind the message. */
	octets[len] = 0x55;
	ck_assert_int_eq(datagram_authenticate(octets, len + 1, &right), CODEC_OK);
}

TEST(security_components)
{
	struct codec_password p = password("s3cret");
	uint8_t octets[64];
	size_t len;

	len = vector_octets("0000000d 02 00 0000", octets, sizeof(octets));
	ck_assert_int_eq(datagram_authenticate(octets, len, &p), CODEC_AUTH_MISSING);
	ck_assert_int_eq(datagram_authenticate(octets, len, NULL), CODEC_MISSING);
	len = vector_octets("0000000d 02 00 0004 0000 0000", octets, sizeof(octets));
	ck_assert_int_eq(datagram_authenticate(octets, len, &p), CODEC_MALFORMED);
	ck_assert_int_eq(datagram_authenticate(octets, len, NULL), CODEC_MALFORMED);
	/* MD5 without room for a digest, and an option that nobody knows. */
	len = vector_octets("0000000d 02 00 0008 0000 0004 00000001", octets,
			    sizeof(octets));
	ck_assert_int_eq(datagram_authenticate(octets, len, &p), CODEC_MALFORMED);
	ck_assert_int_eq(datagram_authenticate(octets, len, NULL),
			 CODEC_AUTH_UNEXPECTED);
	octets[15] = 2;
	ck_assert_int_eq(datagram_authenticate(octets, len, &p), CODEC_AUTH_FAILED);
	ck_assert_int_eq(datagram_authenticate(octets, len, NULL),
			 CODEC_AUTH_UNEXPECTED);
}

TEST(names)
{
	for (unsigned r = 0; r < CODEC_REFUSALS; r++) {
		ck_assert_ptr_nonnull(codec_refusal_name(r));
		for (unsigned k = 0; k < r; k++)
			ck_assert_str_ne(codec_refusal_name(r), codec_refusal_name(k));
	}
	ck_assert_str_eq(codec_refusal_name(CODEC_AUTH_FAILED), "auth-failed");
	ck_assert_str_eq(codec_refusal_name(CODEC_REFUSALS), "unknown");
	ck_assert_str_eq(codec_type_name(WCCP_REDIRECT_ASSIGN), "REDIRECT_ASSIGN");
	ck_assert_str_eq(codec_type_name(0), "UNKNOWN");
}
