/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Injected faults: they change, lose, duplicate or delay the datagrams between the
 * router and web-caches.  Pure: a datagram goes in; the datagram that is really to be
 * sent comes out, with its delays, which faults.h carries out.
 *
 *   fault.c        one fault as text, and back
 *   fault_apply.c  all of them, applied to a datagram
 *   fault_edit.c   contents that are wrong in a signed message
 *   fault_random.c what is left to chance
 *
 * Everything random comes from one seed, so a run can be repeated.
 */
#ifndef WCCPD_WCCPROUTER_FAULT_FAULT_H
#define WCCPD_WCCPROUTER_FAULT_FAULT_H

#include "addr.h"
#include "codec.h"
#include "err.h"

enum {
	FAULTS_MAX = 32,
	FAULT_COPIES_MAX = 4, /* of one datagram, the first included */
	FAULT_DELAY_MAX_MS = 60000,
	FAULT_TEXT_MAX = 160,
};

enum fault_kind {
	/* Of what is sent, and signed like any other message. */
	FAULT_RECEIVE_ID,    /* not the one that will be accepted */
	FAULT_CHANGE_NUMBER, /* of the view: an older one */
	FAULT_COUNT,	     /* a number of items that are not there */
	FAULT_LENGTH,	     /* of a component, or of the message */
	FAULT_COMPONENT,     /* one more, of an unknown type */
	FAULT_ELEMENT,	     /* one more of the capabilities or commands */
	/* What a network, or an attacker on it, does. */
	FAULT_DIGEST, /* of what is sent */
	FAULT_CORRUPT,
	FAULT_TRUNCATE,
	FAULT_LOSS,
	FAULT_DUPLICATE,
	FAULT_DELAY,
	FAULT_REORDER, /* held back for a while that differs each time */
	FAULT_KINDS,
};

enum fault_way { FAULT_IN = 1, FAULT_OUT = 2 }; /* a set of them */

struct fault {
	enum fault_kind kind;
	unsigned percent;	 /* of the datagrams it is meant for */
	unsigned ways;		 /* FAULT_IN | FAULT_OUT */
	uint32_t from_ms, to_ms; /* DELAY, REORDER: at least and at most */
	char service[16];	 /* empty: all of them */
	struct addr peer;	 /* unset: all of them */
	uint64_t hits;		 /* datagrams it was applied to */
};

struct fault_set {
	uint64_t random; /* the seed, and all that follows from it */
	unsigned n;
	struct fault list[FAULTS_MAX];
};

/*
 * From words:
 *
 *	KIND [MS | MS-MS] [PERCENT%] [in | out] [service NAME] [peer ADDRESS]
 *
 * The default is 100 %, and both ways where both make sense.  "silent" is "loss out",
 * "deaf" is "loss in".
 */
int fault_parse(unsigned n, char *const *words, struct fault *out, struct err *err);
/* The same as text; returns `text`. */
const char *fault_print(const struct fault *f, char text[FAULT_TEXT_MAX]);

/* What is known of a datagram before any fault is applied. */
struct fault_about {
	enum fault_way way;
	const char *service; /* NULL: of none that is configured */
	const struct addr *peer;
	const struct codec_password *password; /* of the service; NULL: none */
};

/* What to send: `n` copies of the same octets; 0 if it is lost. */
struct fault_result {
	unsigned n;
	uint32_t delays_ms[FAULT_COPIES_MAX];
	size_t len;
	uint8_t octets[WCCP_MAX_DATAGRAM];
};

/* Apply each fault of the set that is meant for this datagram, by its percentage.  A
 * datagram has up to WCCP_MAX_DATAGRAM octets. */
void fault_apply(struct fault_set *set, const struct fault_about *about,
		 const void *octets, size_t len, struct fault_result *out);

/* A number below `below`, which is not 0. */
uint32_t fault_random(struct fault_set *set, uint32_t below);

/*
 * fault_edit.c: change the message in place.  False if it contains nothing to apply the
 * fault to.  Lengths of the header and of components stay right, except for
 * FAULT_LENGTH; the caller renews the digest.
 */
bool fault_edit(struct fault_set *set, enum fault_kind kind, uint8_t *octets,
		size_t *len, size_t size);

#endif
