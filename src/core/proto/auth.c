/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does the sender of a datagram know the password?  Nothing in a datagram is believed
 * before that is checked.
 */
#include "core/proto/auth.h"

#include "core/proto/component.h"
#include "wire.h"

#include <md5.h>
#include <string.h>
#include <sys/types.h>

int codec_password(const char *text, struct codec_password *out, struct err *err)
{
	size_t len = strlen(text);

	if (!len)
		return err_set(err, "the password is empty");
	if (len > WCCP_PASSWORD_LEN)
		return err_set(err, "the password is longer than %d octets",
			       WCCP_PASSWORD_LEN);
	*out = (struct codec_password){ .set = true };
	memcpy(out->octets, text, len);
	return 0;
}

void auth_digest(const struct codec_password *password, const uint8_t *message,
		 size_t len, size_t digest_at, uint8_t out[WCCP_DIGEST_LEN])
{
	static const uint8_t zeros[WCCP_DIGEST_LEN];
	size_t rest = digest_at + WCCP_DIGEST_LEN;
	MD5_CTX md5;

	MD5Init(&md5);
	MD5Update(&md5, password->octets, WCCP_PASSWORD_LEN);
	MD5Update(&md5, message, digest_at);
	MD5Update(&md5, zeros, sizeof(zeros));
	MD5Update(&md5, message + rest, len - rest);
	MD5Final(out, &md5);
}

/* Constant time: an early exit would tell how much of the digest was right. */
static bool auth_digests_equal(const uint8_t *a, const uint8_t *b)
{
	unsigned difference = 0;

	for (size_t i = 0; i < WCCP_DIGEST_LEN; i++)
		difference |= a[i] ^ b[i];
	return difference == 0;
}

/* `body` is the rest of the Security Info component and begins at the digest. */
static enum codec_refusal auth_check_digest(const struct codec_datagram *d,
					    struct wire_reader *body,
					    const struct codec_password *password)
{
	size_t digest_at = (size_t)(body->at - d->octets);
	uint8_t theirs[WCCP_DIGEST_LEN], ours[WCCP_DIGEST_LEN];

	wire_get_octets(body, theirs, sizeof(theirs));
	if (wire_failed(body))
		return CODEC_MALFORMED;
	auth_digest(password, d->octets, d->message_len, digest_at, ours);
	return auth_digests_equal(theirs, ours) ? CODEC_OK : CODEC_AUTH_FAILED;
}

enum codec_refusal codec_authenticate(const struct codec_datagram *d,
				      const struct codec_password *password)
{
	bool wanted = password && password->set;
	enum codec_refusal r = component_refusal(d);
	struct wire_reader body;
	uint32_t option;

	if (r != CODEC_OK)
		return r;
	if (!component_has(d, WCCP_C_SECURITY))
		return wanted ? CODEC_AUTH_MISSING : CODEC_MISSING;
	body = d->body[WCCP_C_SECURITY];
	option = wire_get_u32(&body);
	if (wire_failed(&body))
		return CODEC_MALFORMED;
	if (option == WCCP_SECURITY_NONE)
		return wanted ? CODEC_AUTH_MISSING : CODEC_OK;
	if (!wanted)
		return CODEC_AUTH_UNEXPECTED;
	if (option != WCCP_SECURITY_MD5)
		return CODEC_AUTH_FAILED;
	return auth_check_digest(d, &body, password);
}

int codec_sign(void *octets, size_t len, const struct codec_password *password)
{
	uint8_t digest[WCCP_DIGEST_LEN];
	struct codec_datagram d;
	struct wire_reader body;
	size_t digest_at;

	codec_open(octets, len, &d);
	if (!password->set || component_refusal(&d) != CODEC_OK ||
	    !component_has(&d, WCCP_C_SECURITY))
		return -1;
	body = d.body[WCCP_C_SECURITY];
	if (wire_get_u32(&body) != WCCP_SECURITY_MD5 ||
	    wire_left(&body) < sizeof(digest))
		return -1;
	digest_at = (size_t)(body.at - d.octets);
	auth_digest(password, d.octets, d.message_len, digest_at, digest);
	memcpy((uint8_t *)octets + digest_at, digest, sizeof(digest));
	return 0;
}
