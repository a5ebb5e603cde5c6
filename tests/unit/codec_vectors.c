/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages written by hand from the figures of draft-wilson-wrec-wccp-v2-03
 * (2.0) section 5 and draft-mclaggan-wccp-v2rev1-00 (2.01) sections 5 and 6.
 *
 * Web-caches are 10.1.1.11 and 10.1.1.12, routers 10.1.1.1 and 10.1.2.1.
 */
#include "codec_vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define X4(s) s s s s
#define X16(s) X4(X4(s))
#define X64(s) X4(X16(s))

#define SECURITY_NONE                                                                  \
	"0000 0004"  /* Security Info, 4 octets */                                     \
	"00000000"   /* option: none */

#define SERVICE_STANDARD                                                               \
	"0001 0018"  /* Service Info, 24 octets */                                     \
	"00 00 00 00" /* standard, id 0, all else zero */                              \
	"00000000" X4("0000 0000")

#define SERVICE_90                                                                     \
	"0001 0018"   /* Service Info, 24 octets */                                    \
	"01 5a c8 06" /* dynamic, id 90, priority 200, TCP */                          \
	"00000211"    /* hash source IP, ports defined, alternate destination IP */    \
	"0050 1f90 0cea 0000 0000 0000 0000 0000" /* ports 80 8080 3306 */

/* The digest is
 *   md5("s3cret\0\0" + message with 16 zero octets in its place)
 * as computed by another MD5 than ours (Python's hashlib). */
static const char here_i_am[] =
	"0000000a 02 00 00ac" /* HERE_I_AM, 2.0, 172 octets */
	"0000 0014"           /* Security Info, 20 octets */
	"00000001"            /* option: MD5 */
	"b4f2904ec7f1f878277e64de81202938"
	SERVICE_90
	"0003 002c"           /* Web-Cache Identity, 44 octets */
	"0a01010b"            /* 10.1.1.11 */
	"0000 0000"           /* reserved; flags: hash, assigned */
	"01 80 00 00 00 00 00 00" /* buckets 0, 15 */
	"00 00 00 00 00 00 00 00"
	"00 00 00 00 00 00 00 00"
	"00 00 00 00 00 00 00 c0" /* buckets 254, 255 */
	"0064 0001"           /* weight 100, status 1 */
	"0005 001c"           /* Web-Cache View, 28 octets */
	"00000007"            /* change number */
	"00000001"            /* one router: */
	"0a010101 00000005"   /* 10.1.1.1, receive id 5 */
	"00000002"            /* two web-caches: */
	"0a01010b 0a01010c"
	"0008 0018"           /* Capabilities, 24 octets */
	"0001 0004 00000001"  /* forwarding: GRE */
	"0002 0004 00000001"  /* assignment: hash */
	"0003 0004 00000002"  /* return: L2 */
	"000f 0008"           /* Command Extension, 8 octets */
	"0001 0004 0a01010b"; /* SHUTDOWN of 10.1.1.11 */

static const char i_see_you[] =
	"0000000b 02 00 0208" /* I_SEE_YOU, 2.0, 520 octets */
	SECURITY_NONE
	SERVICE_STANDARD
	"0002 0018"           /* Router Identity, 24 octets */
	"0a010201 000003e8"   /* 10.1.2.1, receive id 1000 */
	"0a010101"            /* sent to 10.1.1.1 */
	"00000002"            /* received from two: */
	"0a01010b 0a01010c"
	"0004 0074"           /* Router View, 116 octets */
	"00000009"            /* member change number */
	"0a01010b 00000003"   /* assignment key: 10.1.1.11, change number 3 */
	"00000002"            /* two routers: */
	"0a010101 0a010201"
	"00000002"            /* two web-caches: */
	"0a01010b 0000 0000"  /* 10.1.1.11, hash */
	X16("ff") X16("00")   /* buckets 0 to 127 */
	"0001 0000"           /* weight 1, status 0 */
	"0a01010c 0000 0001"  /* 10.1.1.12, hash, unassigned */
	X16("00") X16("ff")   /* historical: buckets 128 to 255 */
	"0002 0003"           /* weight 2, status 3 */
	"0006 0130"           /* Assignment Info, 304 octets */
	"0a01010b 00000003"   /* key */
	"00000002"            /* two routers: */
	"0a010101 00000010 00000008" /* receive id 16, change number 8 */
	"0a010201 000003e7 00000009"
	"00000002"            /* two web-caches: */
	"0a01010b 0a01010c"
	X64("00") X64("80")   /* 0 to 63: cache 0; to 127: cache 0, alternate hash */
	X64("01") X64("ff")   /* to 191: cache 1; to 255: unassigned */
	"0008 0018"           /* Capabilities, 24 octets */
	"0001 0004 00000003"  /* forwarding: GRE, L2 */
	"0002 0004 00000003"  /* assignment: hash, mask */
	"0003 0004 00000001"; /* return: GRE */

static const char assign_hash[] =
	"0000000c 02 00 014c" /* REDIRECT_ASSIGN, 2.0, 332 octets */
	SECURITY_NONE
	SERVICE_90
	"0006 0124"           /* Assignment Info, 292 octets */
	"0a01010b 00000004"   /* key */
	"00000001"            /* one router: */
	"0a010101 00000006 00000002"
	"00000002"            /* two web-caches: */
	"0a01010b 0a01010c"
	X64("00") X64("01") X64("00") X64("81");

static const char assign_mask[] =
	"0000000c 02 00 00a4" /* REDIRECT_ASSIGN, 2.0, 164 octets */
	SECURITY_NONE
	SERVICE_STANDARD
	"000d 007c"           /* Alternate Assignment, 124 octets */
	"0001 0078"           /* assignment type: mask; 120 octets from the key on */
	"0a01010b 00000005"   /* key */
	"00000002"            /* two routers: */
	"0a010101 00000006 00000002"
	"0a010201 00000007 00000003"
	"00000002"            /* two mask/value sets: */
	/* mask: one bit of the source address, one of the destination port */
	"00000100 00000000 0000 0001"
	"00000002"            /* two values: */
	"00000000 00000000 0000 0000 0a01010b"
	"00000100 00000000 0000 0001 0a01010c"
	/* mask: destination address and source port */
	"00000000 00001741 8000 0000"
	"00000001"            /* one value: */
	"00000000 00001000 8000 0000 0a01010c";

/* The example of 2.01 for value sequence numbers: mask bits source address 0x100, destination
 * address 0x3, destination port 0x1 give the numbers 0 to 15. */
static const char assign_alt_mask[] =
	"0000000c 02 01 0098" /* REDIRECT_ASSIGN, 2.01, 152 octets */
	SECURITY_NONE
	SERVICE_STANDARD
	"000d 0070"           /* Alternate Assignment, 112 octets */
	"0002 006c"           /* type: alternate mask; 108 octets from the key on */
	"0a01010b 00000006"   /* key */
	"00000001"            /* one router: */
	"0a010101 00000008 00000004"
	"00000001"            /* one alternate set: */
	"00000100 00000003 0000 0001" /* mask */
	"00000002"            /* two web-caches: */
	"0a01010b"
	"00000008"            /* eight numbers: those without source bit 8 */
	"00000000 00000001 00000002 00000003 00000004 00000005 00000006 00000007"
	"0a01010c"
	"00000004"            /* four numbers; 12 to 15 are nobody's */
	"00000008 00000009 0000000a 0000000b";

static const char assign_alt_hash[] =
	"0000000c 02 01 0150" /* REDIRECT_ASSIGN, 2.01, 336 octets */
	SECURITY_NONE
	SERVICE_STANDARD
	"000d 0128"           /* Alternate Assignment, 296 octets */
	"0000 0124"           /* type: hash; 292 octets from the key on */
	"0a01010c 00000001"   /* key */
	"00000001"            /* one router: */
	"0a010101 00000001 00000001"
	"00000002"            /* two web-caches: */
	"0a01010b 0a01010c"
	X64("01") X64("01") X64("00") X64("ff");

static const char removal_query[] =
	"0000000d 02 00 0038" /* REMOVAL_QUERY, 2.0, 56 octets */
	SECURITY_NONE
	SERVICE_STANDARD
	"0007 0010"           /* Router Query, 16 octets */
	"0a010201 000003e9"   /* 10.1.2.1, receive id 1001 */
	"0a010101"            /* sent to 10.1.1.1 */
	"0a01010c";           /* target 10.1.1.12 */

/* A Catalyst lists mask members with no sets or with an empty one, and puts the
 * values into the map; capabilities 4 and 5 are ranges (2.01). */
static const char i_see_you_mask[] =
	"0000000b 02 01 00d0" /* I_SEE_YOU, 2.01, 208 octets */
	SECURITY_NONE
	SERVICE_STANDARD
	"0002 0014"           /* Router Identity, 20 octets */
	"0a010101 00000011"   /* 10.1.1.1, receive id 17 */
	"0a010101"            /* sent to 10.1.1.1 */
	"00000001 0a01010b"   /* received from 10.1.1.11 */
	"0004 0048"           /* Router View, 72 octets */
	"00000002"            /* member change number */
	"00000000 00000000"   /* assignment key: none yet */
	"00000001 0a010101"   /* one router */
	"00000002"            /* two web-caches: */
	"0a01010b 0000 0003"  /* 10.1.1.11, mask, unassigned */
	"00000001"            /* one set: */
	"00000000 00001741 0000 0000" /* mask on the destination address */
	"00000000"            /* no values */
	"0000 0000"           /* weight, status */
	"0a01010c 0000 0002"  /* 10.1.1.12, mask */
	"00000000"            /* no sets */
	"000a 0000"           /* weight 10, status 0 */
	"000e 0024"           /* Assignment Map, 36 octets */
	"00000001"            /* one set: */
	"00000000 00000001 0000 0000"
	"00000001"            /* one value: */
	"00000000 00000001 0000 0000 0a01010c"
	"0008 0010"           /* Capabilities, 16 octets */
	"0004 0004 ea60 01f4" /* TRANSMIT_T from 500 to 60000 ms */
	"0005 0004 05 01 04 02" /* timeout scale 1 to 5, RA scale 2 to 4 */
	"000f 0008"           /* Command Extension, 8 octets */
	"0002 0004 0a01010c"; /* SHUTDOWN_RESPONSE for 10.1.1.12 */

static const char i_see_you_alt_map[] =
	"0000000b 02 01 0094" /* I_SEE_YOU, 2.01, 148 octets */
	SECURITY_NONE
	SERVICE_STANDARD
	"0002 0014"           /* Router Identity, 20 octets */
	"0a010101 00000012"
	"0a010101"
	"00000001 0a01010b"
	"0004 0028"           /* Router View, 40 octets */
	"00000003"
	"0a01010b 00000001"   /* assignment key: 10.1.1.11, change number 1 */
	"00000001 0a010101"   /* one router */
	"00000002"            /* two web-caches: */
	"0a01010b 0000 0004"  /* 10.1.1.11, no assignment data */
	"0a01010c 0000 000d"  /* 10.1.1.12, none, unassigned, minimum version */
	"0010 0028"           /* Alternate Assignment Map, 40 octets */
	"0002 0024"           /* type: alternate mask, 36 octets */
	"00000001"            /* one set: */
	"00000000 00000000 0000 0001"
	"00000001"            /* one web-cache: */
	"0a01010b"
	"00000002"            /* two numbers: */
	"00000000 00000001";

static const char i_see_you_hash_map[] =
	"0000000b 02 01 0178" /* I_SEE_YOU, 2.01, 376 octets */
	SECURITY_NONE
	SERVICE_STANDARD
	"0002 0010"           /* Router Identity, 16 octets */
	"0a010101 00000013"
	"0a010101"
	"00000000"            /* received from none */
	"0004 0014"           /* Router View, 20 octets */
	"00000004"
	"0a01010b 00000001"
	"00000000"            /* no routers */
	"00000000"            /* no web-caches */
	"0010 0110"           /* Alternate Assignment Map, 272 octets */
	"0000 010c"           /* type: hash, 268 octets: no key here */
	"00000002 0a01010b 0a01010c"
	X64("00") X64("01") X64("00") X64("01")
	"0008 0010"           /* Capabilities, 16 octets */
	"0004 0004 0000 03e8" /* TRANSMIT_T 1000 ms */
	"0005 0004 00 03 00 02"; /* timeout scale 3, RA scale 2 */

/* Extended data of each type, in a router's view. */
static const char i_see_you_extended[] =
	"0000000b 02 01 0100" /* I_SEE_YOU, 2.01, 256 octets */
	SECURITY_NONE
	SERVICE_STANDARD
	"0002 0010"           /* Router Identity, 16 octets */
	"0a010101 00000014 0a010101 00000000"
	"0004 00c4"           /* Router View, 196 octets */
	"00000005"
	"0a01010b 00000002"
	"00000000"            /* no routers */
	"00000004"            /* four web-caches: */
	"0a01010b 0000 0006"  /* extended: */
	"0000 0024"           /* hash, 36 octets */
	X16("aa") X16("55")
	"0001 0002"           /* weight, status */
	"0a01010c 0000 0006"  /* extended: */
	"0001 0028"           /* mask, 40 octets */
	"00000001"            /* one set: */
	"00000000 00000000 0000 0001"
	"00000001"            /* one value: */
	"00000000 00000000 0000 0001 0a01010c"
	"0003 0004"           /* weight, status */
	"0a01010d 0000 0006"  /* extended: */
	"0002 0030"           /* alternate mask, 48 octets */
	"00000001"            /* one set: */
	"00000000 00000000 0000 0003"
	"00000002"            /* two web-caches: */
	"0a01010d 00000001 00000002"
	"0a01010b 00000001 00000003"
	"0005 0006"           /* weight, status */
	"0a01010e 0000 0006"  /* extended: */
	"0003 0004"           /* weight and status only, 4 octets */
	"0007 0008";

/* Every address is an index; the table is in the order of first use. */
static const char here_i_am_ipv6[] =
	"0000000a 02 01 00d8" /* HERE_I_AM, 2.01, 216 octets */
	SECURITY_NONE
	SERVICE_90
	"0003 0034"           /* Web-Cache Identity, 52 octets */
	"0000 0001"           /* index 1: 2001:db8::11 */
	"0000 000e"           /* extended, minimum version */
	"0001 0028"           /* mask, 40 octets */
	"00000001"            /* one set: */
	"0000 0002"           /* source mask, index 2: ::ff */
	"0000 0000"           /* no destination mask */
	"0000 0000"
	"00000001"            /* one value: */
	"0000 0003"           /* index 3: ::7 */
	"0000 0000 0000 0000"
	"0000 0001"           /* web-cache 2001:db8::11 */
	"0032 0000"           /* weight 50, status 0 */
	"0005 001c"           /* Web-Cache View, 28 octets */
	"00000001"
	"00000001"            /* one router: */
	"0000 0004 00000021"  /* index 4: 2001:db8::1, receive id 33 */
	"00000002"            /* two web-caches: */
	"0000 0001 0000 0005" /* 2001:db8::11, 2001:db8::12 */
	"0011 0058"           /* Address Table, 88 octets */
	"0002 0010"           /* IPv6, 16 octets each */
	"00000005"            /* five: */
	"20010db8 00000000 00000000 00000011"
	"00000000 00000000 00000000 000000ff"
	"00000000 00000000 00000000 00000007"
	"20010db8 00000000 00000000 00000001"
	"20010db8 00000000 00000000 00000012";

static const char removal_query_table[] =
	"0000000d 02 01 004c" /* REMOVAL_QUERY, 2.01, 76 octets */
	SECURITY_NONE
	SERVICE_STANDARD
	"0007 0010"           /* Router Query, 16 octets */
	"0000 0001 00000016"  /* index 1: 10.1.1.1, receive id 22 */
	"0000 0001"           /* sent to the same */
	"0000 0002"           /* target, index 2: 10.1.1.11 */
	"0011 0010"           /* Address Table, 16 octets */
	"0001 0004"           /* IPv4, 4 octets each */
	"00000002 0a010101 0a01010b";

const struct vector vectors[] = {
	{ "here_i_am", here_i_am, "s3cret" },
	{ "i_see_you", i_see_you, NULL },
	{ "assign_hash", assign_hash, NULL },
	{ "assign_mask", assign_mask, NULL },
	{ "assign_alt_mask", assign_alt_mask, NULL },
	{ "assign_alt_hash", assign_alt_hash, NULL },
	{ "removal_query", removal_query, NULL },
	{ "i_see_you_mask", i_see_you_mask, NULL },
	{ "i_see_you_alt_map", i_see_you_alt_map, NULL },
	{ "i_see_you_hash_map", i_see_you_hash_map, NULL },
	{ "i_see_you_extended", i_see_you_extended, NULL },
	{ "here_i_am_ipv6", here_i_am_ipv6, NULL },
	{ "removal_query_table", removal_query_table, NULL },
};
const size_t n_vectors = sizeof(vectors) / sizeof(vectors[0]);

static _Noreturn void bad_vector(const char *hex)
{
	fprintf(stderr, "bad vector: %.40s\n", hex);
	abort();
}

static unsigned digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	if (!at)
		bad_vector(&c);
	return (unsigned)(at - digits);
}

size_t vector_octets(const char *hex, uint8_t *out, size_t size)
{
	size_t n = 0;

	while (*hex) {
		if (*hex == ' ') {
			hex++;
			continue;
		}
		if (n == size)
			bad_vector(hex);
		out[n++] = (uint8_t)(digit(hex[0]) << 4 | digit(hex[1]));
		hex += 2;
	}
	return n;
}

size_t vector_load(const char *name, uint8_t out[VECTOR_MAX])
{
	for (size_t i = 0; i < n_vectors; i++)
		if (!strcmp(vectors[i].name, name))
			return vector_octets(vectors[i].hex, out, VECTOR_MAX);
	bad_vector(name);
}

const struct codec_password *vector_password(const struct vector *v,
					     struct codec_password *out)
{
	if (!v->password)
		return NULL;
	if (codec_password(v->password, out, NULL) < 0)
		bad_vector(v->name);
	return out;
}
