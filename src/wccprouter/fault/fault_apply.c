/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All faults, applied to a datagram. */
#include "wccprouter/fault/fault.h"

#include <string.h>

/* -- which ------------------------------------------------------------------------- */

static bool fault_apply_is_meant(const struct fault *f, const struct fault_about *about)
{
	return f->ways & about->way &&
	       (!f->service[0] ||
		(about->service && strcmp(f->service, about->service) == 0)) &&
	       (!addr_is_set(&f->peer) || addr_equal(&f->peer, about->peer));
}

static bool fault_apply_is_content(enum fault_kind kind)
{
	return kind < FAULT_DIGEST;
}

/* -- octets ------------------------------------------------------------------------ */

/* Not only in the digest: then every message would be refused for the same reason. */
static bool fault_apply_corrupt(struct fault_set *set, struct fault_result *x)
{
	for (unsigned bits = 1 + fault_random(set, 8); x->len && bits; bits--)
		x->octets[fault_random(set, (uint32_t)x->len)] ^=
			(uint8_t)(1u << fault_random(set, 8));
	return x->len > 0;
}

static bool fault_apply_truncate(struct fault_set *set, struct fault_result *x)
{
	if (x->len)
		x->len = fault_random(set, (uint32_t)x->len);
	return true;
}

/* The Security component is the first of all that we send: its option, and with MD5 the
 * digest behind it. */
static bool fault_apply_spoil_digest(struct fault_set *set, struct fault_result *x)
{
	const size_t at = WCCP_HEADER_LEN + 8;

	if (x->len < at + WCCP_DIGEST_LEN || x->octets[at - 1] != WCCP_SECURITY_MD5)
		return false;
	x->octets[at + fault_random(set, WCCP_DIGEST_LEN)] ^= 0x10;
	return true;
}

/* -- travel ------------------------------------------------------------------------ */

static bool fault_apply_duplicate(struct fault_result *x)
{
	if (x->n == 0 || x->n == FAULT_COPIES_MAX)
		return false;
	x->delays_ms[x->n++] = 0;
	return true;
}

static bool fault_apply_delay(struct fault_set *set, const struct fault *f,
			      struct fault_result *x)
{
	for (unsigned i = 0; i < x->n; i++)
		x->delays_ms[i] +=
			f->from_ms + fault_random(set, f->to_ms - f->from_ms + 1);
	return x->n > 0;
}

/* -- all --------------------------------------------------------------------------- */

static bool fault_apply_one(struct fault_set *set, const struct fault *f,
			    struct fault_result *x)
{
	switch (f->kind) {
	case FAULT_DIGEST:
		return fault_apply_spoil_digest(set, x);
	case FAULT_CORRUPT:
		return fault_apply_corrupt(set, x);
	case FAULT_TRUNCATE:
		return fault_apply_truncate(set, x);
	case FAULT_LOSS:
		x->n = 0;
		return true;
	case FAULT_DUPLICATE:
		return fault_apply_duplicate(x);
	case FAULT_DELAY:
	case FAULT_REORDER:
		return fault_apply_delay(set, f, x);
	default:
		return fault_edit(set, f->kind, x->octets, &x->len, sizeof(x->octets));
	}
}

/* Draw a random number for each fault that is meant, even if it cannot do anything
 * here, so that the same seed gives the same run. */
static bool fault_apply_run(struct fault_set *set, const struct fault_about *about,
			    bool contents, struct fault_result *out)
{
	bool any = false;

	for (unsigned i = 0; i < set->n; i++) {
		struct fault *f = &set->list[i];

		if (fault_apply_is_content(f->kind) != contents ||
		    !fault_apply_is_meant(f, about) ||
		    fault_random(set, 100) >= f->percent ||
		    !fault_apply_one(set, f, out))
			continue;
		f->hits++;
		any = true;
	}
	return any;
}

void fault_apply(struct fault_set *set, const struct fault_about *about,
		 const void *octets, size_t len, struct fault_result *out)
{
	out->n = 1;
	out->delays_ms[0] = 0;
	out->len = len < sizeof(out->octets) ? len : sizeof(out->octets);
	memcpy(out->octets, octets, out->len);
	/* Wrong contents come from the router, which signs them; the network changes
	 * messages after that. */
	if (fault_apply_run(set, about, true, out) && about->password)
		codec_sign(out->octets, out->len, about->password);
	fault_apply_run(set, about, false, out);
}
