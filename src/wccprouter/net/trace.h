/* SPDX-License-Identifier: GPL-2.0-or-later */
/* WCCP messages on their way in and out, as text for people. */
#ifndef WCCPD_WCCPROUTER_NET_TRACE_H
#define WCCPD_WCCPROUTER_NET_TRACE_H

#include "addr.h"
#include "codec.h"
#include "err.h"

#include <stdbool.h>
#include <stddef.h>

/* Octets of the text of one message, its NUL included. */
enum { TRACE_MAX = 8192 };

enum trace_way { TRACE_RECEIVED, TRACE_SENT };

struct trace_message {
	enum trace_way way;
	const char *service; /* NULL: of none that is configured */
	const struct addr *peer;
	const struct codec_datagram *datagram; /* opened, refused or not */
	/* To check what was received; NULL: it is not checked. */
	const struct codec_password *password;
};

/* Which messages to show; all members unset: all of them. */
struct trace_filter {
	char service[16];
	struct addr peer;
};

/* From [SERVICE] [PEER], in either order: an address is the peer. */
int trace_parse(unsigned n, char *const *words, struct trace_filter *out,
		struct err *err);
bool trace_wants(const struct trace_filter *f, const struct trace_message *m);

/*
 * Lines of text: the peers, the type, and every component; for a message that cannot be
 * decoded, the reason and its first octets.  Text that is too long ends in "...".
 * Decodes into `scratch`.  Returns the length.
 */
size_t trace_print(const struct trace_message *m, struct wccp_msg *scratch,
		   char text[TRACE_MAX]);

#endif
