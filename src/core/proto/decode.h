/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Internal to the decoder: what its files share.
 *
 * A component function reads one body and returns CODEC_OK, CODEC_MALFORMED or
 * CODEC_TOO_MANY.  It need not check whether its cursor failed or an address index was
 * wrong: the caller does so once.
 */
#ifndef WCCPD_CORE_PROTO_DECODE_H
#define WCCPD_CORE_PROTO_DECODE_H

#include "codec.h"
#include "wire.h"

/* Sizes of elements on the wire, in octets. */
enum {
	ADDRESS_LEN = 4,
	ROUTER_ID_LEN = 8,
	ROUTER_ASSIGNMENT_LEN = 12,
	IDENTITY_MIN_LEN = 8, /* without data (2.01) */
	VALUE_LEN = 16,
	SET_MIN_LEN = 16,	  /* mask and count, no values */
	CACHE_VALUES_MIN_LEN = 8, /* address and count, no numbers */
	VSN_LEN = 4,
	TLV_HEADER_LEN = 4,
};

struct decoder {
	const struct codec_datagram *datagram;
	struct wccp_msg *msg;
	struct err *err;
	bool bad_index; /* an address index was outside of the table */
	bool has_table;
	uint32_t n_table;
	struct addr table[WCCP_MAX_ADDRESSES]; /* n_table in use, not cleared */
};

/* -- decode_element.c -- */
/* Set the reason; returns `r`. */
enum codec_refusal decode_refuse(struct decoder *d, enum codec_refusal r,
				 const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* An address element.  0.0.0.0, and an all-zero table entry, are ADDR_NONE. */
struct addr decode_addr(struct decoder *d, struct wire_reader *r);
/* The same without a copy, for long lists of addresses. */
void decode_addr_to(struct decoder *d, struct wire_reader *r, struct addr *out);

/* A count of items of at least `each` octets that must follow, at most `max`. */
enum codec_refusal decode_count(struct decoder *d, struct wire_reader *r, size_t each,
				uint32_t max, const char *what, uint32_t *out);

struct wccp_router_id decode_router_id(struct decoder *d, struct wire_reader *r);
struct wccp_key decode_key(struct decoder *d, struct wire_reader *r);
/* Mask/value sets, plain and alternate. */
enum codec_refusal decode_sets(struct decoder *d, struct wire_reader *r, bool alternate,
			       struct wccp_set_list *out);

/* decode_view.c: identities and views */
enum codec_refusal decode_router_identity(struct decoder *d, struct wire_reader *r);
enum codec_refusal decode_router_view(struct decoder *d, struct wire_reader *r);
enum codec_refusal decode_cache_identity(struct decoder *d, struct wire_reader *r);
enum codec_refusal decode_cache_view(struct decoder *d, struct wire_reader *r);

/* decode_assign.c: assignments */
enum codec_refusal decode_assignment(struct decoder *d, struct wire_reader *r);
enum codec_refusal decode_alt_assignment(struct decoder *d, struct wire_reader *r);
enum codec_refusal decode_map(struct decoder *d, struct wire_reader *r);
enum codec_refusal decode_alt_map(struct decoder *d, struct wire_reader *r);

/* decode_capabilities.c: capabilities and commands */
enum codec_refusal decode_capabilities(struct decoder *d, struct wire_reader *r);
enum codec_refusal decode_commands(struct decoder *d, struct wire_reader *r);

#endif
