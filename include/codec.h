/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * WCCP messages between octets, struct wccp_msg and text.
 *
 * codec_open() is the only function that searches a received datagram: it finds the
 * components and says which service group the datagram claims to be for.
 * codec_authenticate() then checks it against that group's password, and codec_decode()
 * comes last (2.0 section 4.7: the security component is checked right after the
 * header).
 */
#ifndef WCCPD_CODEC_H
#define WCCPD_CODEC_H

#include "err.h"
#include "wccp.h"
#include "wire.h"

/* Why a message was refused; each is counted on its own. */
enum codec_refusal {
	CODEC_OK = 0,
	CODEC_TRUNCATED,     /* shorter than its header says */
	CODEC_BAD_VERSION,   /* major version is not 2 */
	CODEC_BAD_TYPE,      /* not one of the four messages */
	CODEC_NO_SERVICE,    /* no readable Service Info component */
	CODEC_AUTH_MISSING,  /* we have a password, the message no digest */
	CODEC_AUTH_UNEXPECTED, /* we have no password, the message a digest */
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

enum { CODEC_COMPONENTS = WCCP_C_ADDRESS_TABLE + 1 };

/* A datagram whose header has been read and whose components have been found, but whose
 * contents have not been looked at.  Does not own the octets, which must outlive it. */
struct codec_datagram {
	const uint8_t *octets;
	size_t len;		    /* of the whole datagram */
	enum codec_refusal refusal; /* as codec_open() returned it */
	/* After CODEC_OK and CODEC_NO_SERVICE: */
	uint32_t type; /* enum wccp_type */
	uint8_t minor;
	uint8_t service_type, service_id; /* WCCP_SERVICE_*; 0 without a service */
	size_t message_len;		  /* its header included, at most `len` */
	uint32_t found;			  /* bit 1 << component: it is in `body` */
	uint32_t odd;			  /* of these, those of an impossible length */
	uint32_t cut; /* the component that overruns the message, as a bit */
	struct wire_reader body[CODEC_COMPONENTS]; /* not cleared, see `found` */
};

/*
 * Read the header of a datagram of `len` octets, find its components and its service.
 * The first component of each kind counts; repeated and unknown ones are skipped, and
 * one that overruns the message is ignored (2.01).  Octets past the length in the
 * header are not part of the message (2.01 section 5.1.1).
 *
 * In 2.01 a length that is not a multiple of four is malformed; 2.0 pads components to
 * four octets without saying whether the length includes the padding.  The only reading
 * that fits both is that it does not, so the search continues after the padding.  But
 * no component known here can have such a length, so it is marked odd and not decoded.
 *
 * CODEC_OK, CODEC_TRUNCATED, CODEC_BAD_TYPE, CODEC_BAD_VERSION or CODEC_NO_SERVICE.
 */
enum codec_refusal codec_open(const void *octets, size_t len,
			      struct codec_datagram *out);

/* Check the Security Info component of an opened datagram; without `password` (NULL or
 * not set) there must be no digest.  Returns the refusal of codec_open() again, except
 * for CODEC_NO_SERVICE, which does not matter here. */
enum codec_refusal codec_authenticate(const struct codec_datagram *d,
				      const struct codec_password *password);

/*
 * Decode an opened datagram into `out` (reused, not cleared).  Skips unknown components
 * and elements.  Ignores a second component of the same kind, one that overruns the
 * message, and an optional one that is inconsistent.  Refuses the message if a
 * component that its type needs is absent or inconsistent, or if anything exceeds the
 * capacities; `err` then has the reason for the log.  Returns the refusal of
 * codec_open() again.
 */
enum codec_refusal codec_decode(const struct codec_datagram *datagram,
				struct wccp_msg *out, struct err *err);

/*
 * Encode what `present` says, in the order of the drafts.  The Security component
 * is always there, with the digest filled in when `password` is set (NULL: without).
 * With msg->table_family != 0 the addresses go through an Address Table (2.01 section
 * 4.7.2).  Returns the number of octets, or -1 with `err` when it does not fit into
 * `size` or breaks a capacity.
 */
int codec_encode(const struct wccp_msg *msg, const struct codec_password *password,
		 void *octets, size_t size, struct err *err);

/* Recompute the digest of an encoded message of `len` octets that has been edited.  -1
 * if the message has no digest or no password is set. */
int codec_sign(void *octets, size_t len, const struct codec_password *password);

/* Start an empty message: type, minor 0, nothing present, no sets. */
void codec_begin(struct wccp_msg *msg, enum wccp_type type);

/* The whole message as text, many lines, for debugging.  Never overruns;
 * returns what snprintf would. */
int codec_print(const struct wccp_msg *msg, char *text, size_t size);

const char *codec_type_name(uint32_t type); /* "HERE_I_AM" ... */

#endif
