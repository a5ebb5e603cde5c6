/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * WCCP messages between octets, struct wccp_msg and text.
 *
 * The order for a received datagram is: codec_peek() to learn which service
 * group it claims to be for, codec_authenticate() with that group's password,
 * codec_decode() of what is then believed (2.0 section 4.7: the security
 * component is checked right after the header).
 */
#ifndef WCCPD_CODEC_H
#define WCCPD_CODEC_H

#include "err.h"
#include "wccp.h"

/* Why a message was refused; each is counted on its own. */
enum codec_refusal {
	CODEC_OK = 0,
	CODEC_TRUNCATED,     /* shorter than its header says */
	CODEC_BAD_VERSION,   /* major version is not 2 */
	CODEC_BAD_TYPE,      /* not one of the four messages */
	CODEC_NO_SERVICE,    /* no readable Service Info component */
	CODEC_AUTH_MISSING,  /* password set here, none there */
	CODEC_AUTH_UNEXPECTED, /* none set here, MD5 there */
	CODEC_AUTH_FAILED,   /* digests differ */
	CODEC_MISSING,       /* a component that the message needs is not there */
	CODEC_MALFORMED,     /* a needed component is inconsistent in itself */
	CODEC_TOO_MANY,      /* more items than the capacities of wccp.h */
	CODEC_REFUSALS,
};

/* A short stable name for logs and counters ("auth-failed"). */
const char *codec_refusal_name(enum codec_refusal r);

struct codec_password {
	bool set;
	uint8_t octets[WCCP_PASSWORD_LEN]; /* zero-padded */
};

/* From text of 1 to 8 octets; -1 when it is longer or empty. */
int codec_password(const char *text, struct codec_password *out, struct err *err);

struct codec_peek {
	uint32_t type;        /* enum wccp_type */
	uint8_t service_type; /* WCCP_SERVICE_* */
	uint8_t service_id;
};

/* Header and service of a datagram of `len` octets, without believing more. */
enum codec_refusal codec_peek(const void *octets, size_t len, struct codec_peek *out);

/* Check the Security Info component; octets past the header's length are not
 * part of the message (2.01 section 5.1.1). */
enum codec_refusal codec_authenticate(const void *octets, size_t len,
				      const struct codec_password *password);

/*
 * Decode a datagram of `len` octets into `out` (reused, not cleared).  Unknown
 * components and elements are skipped, a second component of a kind is ignored,
 * one that overruns the message is ignored, and so is an optional one that is
 * inconsistent; the message is refused when what its type needs is absent or
 * inconsistent, or when anything exceeds the capacities.  `err` gets the words
 * for the log.
 */
enum codec_refusal codec_decode(const void *octets, size_t len,
				struct wccp_msg *out, struct err *err);

/*
 * Encode what `present` says, in the order of the drafts.  The Security component
 * is always there, with the digest filled in when `password` is set.  With msg->table_family != 0 the addresses go
 * through an Address Table (2.01 section 4.7.2).  Returns the number of octets,
 * or -1 when it does not fit into `size` or breaks a capacity.
 */
int codec_encode(const struct wccp_msg *msg, const struct codec_password *password,
		 void *octets, size_t size, struct err *err);

/* Make the digest of an encoded message of `len` octets right, after somebody has edited
 * it.  -1 when it has none that could be found, or no password is set. */
int codec_sign(void *octets, size_t len, const struct codec_password *password);

/* Start an empty message: type, minor 0, nothing present, no sets. */
void codec_begin(struct wccp_msg *msg, enum wccp_type type);

/* The whole message as text, many lines, for debugging.  Never overruns;
 * returns what snprintf would. */
int codec_print(const struct wccp_msg *msg, char *text, size_t size);

const char *codec_type_name(uint32_t type); /* "HERE_I_AM" ... */

#endif
