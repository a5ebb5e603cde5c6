/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The digest of a message, shared by checking and encoding.
 */
#ifndef WCCPD_CORE_PROTO_AUTH_H
#define WCCPD_CORE_PROTO_AUTH_H

#include "codec.h"

/*
 * MD5 of the padded password and the message of `len` octets, computed as if
 * the 16 octets at offset `digest_at` were zero (2.0 section 5.6.1).  They must
 * lie within the message; it is not changed.
 */
void auth_digest(const struct codec_password *password, const uint8_t *message,
		 size_t len, size_t digest_at, uint8_t out[WCCP_DIGEST_LEN]);

#endif
