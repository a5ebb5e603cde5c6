/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The components of an opened datagram, for the files that read them.
 */
#ifndef WCCPD_CORE_PROTO_COMPONENT_H
#define WCCPD_CORE_PROTO_COMPONENT_H

#include "codec.h"

/* Address family numbers as IANA assigns them, in the Address Table. */
enum { IANA_IPV4 = 1, IANA_IPV6 = 2 };

static inline bool component_has(const struct codec_datagram *d, unsigned component)
{
	return d->found >> component & 1;
}

/* CODEC_OK if the components were located, else why they could not be. */
static inline enum codec_refusal component_refusal(const struct codec_datagram *d)
{
	return d->refusal == CODEC_NO_SERVICE ? CODEC_OK : d->refusal;
}

/* "Security Info" ..., "unknown" */
const char *component_name(unsigned type);

#endif
