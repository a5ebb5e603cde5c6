/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests that have the octets of a datagram and ask one thing of it.
 */
#ifndef WCCPD_TESTS_DATAGRAM_H
#define WCCPD_TESTS_DATAGRAM_H

#include "codec.h"

static inline enum codec_refusal datagram_decode(const void *octets, size_t len,
						 struct wccp_msg *out, struct err *err)
{
	struct codec_datagram d;

	codec_open(octets, len, &d);
	return codec_decode(&d, out, err);
}

static inline enum codec_refusal
datagram_authenticate(const void *octets, size_t len,
		      const struct codec_password *password)
{
	struct codec_datagram d;

	codec_open(octets, len, &d);
	return codec_authenticate(&d, password);
}

#endif
