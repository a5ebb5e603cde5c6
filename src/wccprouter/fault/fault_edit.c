/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wrong contents for a message of ours.  Another fault may have edited it before, so
 * nothing in it can be trusted.
 */
#include "wccprouter/fault/fault.h"

#include <string.h>

enum {
	HEADER_LENGTH_AT = 6,
	PART_HEADER = 4, /* of a component, and of an element: type and length */
	PARTS_MAX = 32,
	UNKNOWN_LEAST = 0x0100, /* types below may get a meaning */
	UNKNOWN_SPAN = 0x7000,
	UNKNOWN_WORDS_MAX = 8, /* of four octets, in an unknown component */
};

struct message {
	struct fault_set *set;
	uint8_t *octets;
	size_t *len;
	size_t size;
	/* Where the components begin. */
	unsigned n;
	size_t at[PARTS_MAX];
};

static uint16_t fault_edit_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t fault_edit_get32(const uint8_t *p)
{
	return (uint32_t)fault_edit_get16(p) << 16 | fault_edit_get16(p + 2);
}

static void fault_edit_put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void fault_edit_put32(uint8_t *p, uint32_t v)
{
	fault_edit_put16(p, v >> 16);
	fault_edit_put16(p + 2, v & 0xffff);
}

/* -- finding ----------------------------------------------------------------------- */

static size_t fault_edit_body_len(const struct message *m, unsigned part)
{
	return fault_edit_get16(m->octets + m->at[part] + 2);
}

static void fault_edit_find_parts(struct message *m)
{
	size_t at = WCCP_HEADER_LEN;

	m->n = 0;
	while (m->n < PARTS_MAX && at + PART_HEADER <= *m->len &&
	       at + PART_HEADER + fault_edit_get16(m->octets + at + 2) <= *m->len) {
		m->at[m->n++] = at;
		at += PART_HEADER + (size_t)fault_edit_get16(m->octets + at + 2);
	}
}

/* The body of a component, if it is there with at least `least` octets. */
static uint8_t *fault_edit_body(const struct message *m, unsigned type, size_t least)
{
	for (unsigned i = 0; i < m->n; i++)
		if (fault_edit_get16(m->octets + m->at[i]) == type)
			return fault_edit_body_len(m, i) >= least
				       ? m->octets + m->at[i] + PART_HEADER
				       : NULL;
	return NULL;
}

/* -- numbers ----------------------------------------------------------------------- */

static bool fault_edit_wrong_receive_id(struct message *m)
{
	/* Both begin with a router identity element (2.0 section 5.7.1). */
	uint8_t *p = fault_edit_body(m, WCCP_C_ROUTER_ID, 8);

	if (!p)
		p = fault_edit_body(m, WCCP_C_ROUTER_QUERY, 8);
	if (!p)
		return false;
	fault_edit_put32(p + 4, fault_edit_get32(p + 4) + 1000 +
					fault_random(m->set, 1000000));
	return true;
}

static bool fault_edit_stale_change_number(struct message *m)
{
	uint8_t *p = fault_edit_body(m, WCCP_C_ROUTER_VIEW, 4);

	if (p)
		fault_edit_put32(p, fault_edit_get32(p) - 1 - fault_random(m->set, 3));
	return p != NULL;
}

/* Where the counts of an I_SEE_YOU are: received-from of the identity (behind element and
 * sent-to address), routers and web-caches of the view (behind number and key). */
static unsigned fault_edit_find_counts(const struct message *m, uint8_t *counts[3])
{
	uint8_t *identity = fault_edit_body(m, WCCP_C_ROUTER_ID, 16);
	uint8_t *view = fault_edit_body(m, WCCP_C_ROUTER_VIEW, 16);
	unsigned n = 0;
	size_t caches_at;

	if (identity)
		counts[n++] = identity + 12;
	if (!view)
		return n;
	counts[n++] = view + 12;
	caches_at = 16 + 4 * (size_t)fault_edit_get32(view + 12);
	if (fault_edit_body(m, WCCP_C_ROUTER_VIEW, caches_at + 4))
		counts[n++] = view + caches_at;
	return n;
}

static bool fault_edit_bad_count(struct message *m)
{
	uint8_t *counts[3];
	unsigned n = fault_edit_find_counts(m, counts);
	uint8_t *p;

	if (!n)
		return false;
	p = counts[fault_random(m->set, n)];
	switch (fault_random(m->set, 4)) {
	case 0:
		fault_edit_put32(p, fault_edit_get32(p) + 1);
		break;
	case 1:
		fault_edit_put32(p, UINT32_MAX);
		break;
	case 2: /* of four octets each, this is the right length once more */
		fault_edit_put32(p, 0x40000000u + fault_edit_get32(p));
		break;
	case 3:
		fault_edit_put32(p, 33 + fault_random(m->set, 65536));
		break;
	}
	return true;
}

static bool fault_edit_bad_length(struct message *m)
{
	unsigned which = fault_random(m->set, m->n + 1);
	uint8_t *p = m->octets + (which < m->n ? m->at[which] + 2 : HEADER_LENGTH_AT);
	static const int off_by[] = { -8, -4, -1, 1, 4, 8 };

	if (*m->len < WCCP_HEADER_LEN)
		return false;
	if (fault_random(m->set, 4) == 0)
		fault_edit_put16(p, fault_random(m->set, 65536));
	else
		fault_edit_put16(p, (uint32_t)(fault_edit_get16(p) +
					       off_by[fault_random(m->set, 6)]) &
					    0xffff);
	return true;
}

/* -- one more ---------------------------------------------------------------------- */

/* Make room for `n` octets; false when there is none. */
static bool fault_edit_widen(struct message *m, size_t at, size_t n)
{
	if (*m->len + n > m->size || *m->len < WCCP_HEADER_LEN ||
	    *m->len + n - WCCP_HEADER_LEN > UINT16_MAX)
		return false;
	memmove(m->octets + at + n, m->octets + at, *m->len - at);
	*m->len += n;
	fault_edit_put16(m->octets + HEADER_LENGTH_AT,
			 (uint32_t)(*m->len - WCCP_HEADER_LEN));
	return true;
}

static void fault_edit_fill_unknown(struct message *m, size_t at, size_t len)
{
	fault_edit_put16(m->octets + at,
			 UNKNOWN_LEAST + fault_random(m->set, UNKNOWN_SPAN));
	fault_edit_put16(m->octets + at + 2, (uint32_t)len);
	for (size_t i = 0; i < len; i++)
		m->octets[at + PART_HEADER + i] = (uint8_t)fault_random(m->set, 256);
}

/* Anywhere after the Security component, which has to be the first. */
static bool fault_edit_unknown_component(struct message *m)
{
	size_t len = 4 * (size_t)fault_random(m->set, UNKNOWN_WORDS_MAX + 1);
	unsigned before;
	size_t at;

	if (!m->n)
		return false;
	before = 1 + fault_random(m->set, m->n);
	at = before < m->n ? m->at[before] : *m->len;
	if (!fault_edit_widen(m, at, PART_HEADER + len))
		return false;
	fault_edit_fill_unknown(m, at, len);
	return true;
}

/* The start of a random element of a component, or its end. */
static size_t fault_edit_any_element(struct message *m, size_t start, size_t end)
{
	unsigned skip = fault_random(m->set, 8);
	size_t at = start;

	while (skip-- && at + PART_HEADER <= end &&
	       at + PART_HEADER + fault_edit_get16(m->octets + at + 2) <= end)
		at += PART_HEADER + (size_t)fault_edit_get16(m->octets + at + 2);
	return at;
}

static bool fault_edit_unknown_element(struct message *m)
{
	const uint8_t *capabilities = fault_edit_body(m, WCCP_C_CAPABILITIES, 0);
	const uint8_t *commands = fault_edit_body(m, WCCP_C_COMMAND, 0);
	const uint8_t *p = capabilities;
	size_t start, len, at;

	if (!p || (commands && fault_random(m->set, 2)))
		p = commands;
	if (!p)
		return false;
	start = (size_t)(p - m->octets);
	len = fault_edit_get16(p - 2);
	at = fault_edit_any_element(m, start, start + len);
	if (!fault_edit_widen(m, at, PART_HEADER + 4))
		return false;
	fault_edit_fill_unknown(m, at, 4);
	fault_edit_put16(m->octets + start - 2, (uint32_t)(len + PART_HEADER + 4));
	return true;
}

bool fault_edit(struct fault_set *set, enum fault_kind kind, uint8_t *octets,
		size_t *len, size_t size)
{
	struct message m = { .set = set, .octets = octets, .len = len, .size = size };

	fault_edit_find_parts(&m);
	switch (kind) {
	case FAULT_RECEIVE_ID:
		return fault_edit_wrong_receive_id(&m);
	case FAULT_CHANGE_NUMBER:
		return fault_edit_stale_change_number(&m);
	case FAULT_COUNT:
		return fault_edit_bad_count(&m);
	case FAULT_LENGTH:
		return fault_edit_bad_length(&m);
	case FAULT_COMPONENT:
		return fault_edit_unknown_component(&m);
	case FAULT_ELEMENT:
		return fault_edit_unknown_element(&m);
	default:
		return false;
	}
}
