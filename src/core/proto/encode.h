/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Internal to the encoder: what its files share.
 *
 * A component function writes one body.  The writer remembers if it ran out of space,
 * which is checked once, at the end.  A message that cannot be expressed gives -1 with
 * the reason in `err`.
 */
#ifndef WCCPD_CORE_PROTO_ENCODE_H
#define WCCPD_CORE_PROTO_ENCODE_H

#include "codec.h"
#include "wire.h"

struct encoder {
	const struct wccp_msg *msg;
	const struct codec_password *password; /* NULL or unset: no digest */
	struct err *err;
	struct wire_writer w;
	size_t digest_at; /* offset of the digest, when there is a password */
	bool bad_addr;	  /* an address did not fit into this message */
	uint32_t n_table;
	struct addr table[WCCP_MAX_ADDRESSES]; /* n_table in use, not cleared */
};

/* -- encode_element.c -- */
/* An address element; in a message with a table, its index there. */
void encode_addr(struct encoder *e, const struct addr *a);
/* n(4) and n addresses. */
int encode_addrs(struct encoder *e, const struct addr *list, uint32_t n, uint32_t max,
		 const char *what);
int encode_count(struct encoder *e, uint32_t n, uint32_t max, const char *what);
void encode_router_id(struct encoder *e, const struct wccp_router_id *id);
void encode_key(struct encoder *e, const struct wccp_key *key);
/* Mask/value sets, plain and alternate. */
int encode_sets(struct encoder *e, const struct wccp_set_list *list, bool alternate);

/* encode_view.c: identities and views */
int encode_router_identity(struct encoder *e);
int encode_router_view(struct encoder *e);
int encode_cache_identity(struct encoder *e);
int encode_cache_view(struct encoder *e);

/* encode_assign.c: assignments */
int encode_assignment(struct encoder *e);
int encode_alt_assignment(struct encoder *e);
int encode_map(struct encoder *e);
int encode_alt_map(struct encoder *e);

/* encode_capabilities.c: capabilities and commands */
int encode_capabilities(struct encoder *e);
int encode_commands(struct encoder *e);

#endif
