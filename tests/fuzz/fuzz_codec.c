/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzing the codec: whatever is accepted must be printable, and must read the
 * same after being encoded and decoded again.
 */
#include "../datagram.h"
#include "codec.h"
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct wccp_msg m, again;
static uint8_t room[WCCP_MAX_DATAGRAM];
static char text[1 << 20], text_again[1 << 20];

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	abort();
}

static void check_accepted(void)
{
	static const struct codec_password password = { .set = true };
	bool md5 = m.security == WCCP_SECURITY_MD5;
	struct err err = { { 0 } };
	int n, size = codec_print(&m, text, sizeof(text));

	if (size < 0 || (size_t)size >= sizeof(text) || strlen(text) != (size_t)size)
		fail("print", "wrong size");
	n = codec_encode(&m, md5 ? &password : NULL, room, sizeof(room), &err);
	if (n < 0)
		fail("encode", err.text);
	if (datagram_authenticate(room, (size_t)n, md5 ? &password : NULL) != CODEC_OK)
		fail("authenticate", "our own message");
	if (datagram_decode(room, (size_t)n, &again, &err) != CODEC_OK)
		fail("decode", err.text);
	again.security = m.security; /* options unknown to us become none */
	codec_print(&again, text_again, sizeof(text_again));
	if (strcmp(text, text_again) != 0)
		fail("decode", "it reads differently now");
}

int fuzz_codec(const uint8_t *octets, size_t len)
{
	static const struct codec_password password = { .set = true };
	struct codec_datagram d;
	struct err err;

	codec_open(octets, len, &d);
	codec_authenticate(&d, &password);
	if (codec_decode(&d, &m, &err) == CODEC_OK)
		check_accepted();
	return 0;
}
